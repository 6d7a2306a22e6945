#include "platform/pdf/document.h"

#include <algorithm>
#include <cairo-pdf.h>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <pango/pangocairo.h>
#include <qpdf/qpdf-c.h>
#include <qrencode.h>
#include <unistd.h>

#include "base/ensure.h"

namespace onshi::pdf {

namespace {

namespace fs = std::filesystem;

constexpr double points_per_mm = 72.0 / 25.4;
constexpr const char* family = "Noto Sans CJK JP";
constexpr double smallest_share = 0.5;
constexpr double shrink_step = 0.95;

struct FreeLayout {
    void operator()(PangoLayout* layout) const { g_object_unref(layout); }
};
struct FreeContext {
    void operator()(cairo_t* context) const { cairo_destroy(context); }
};
struct FreeSurface {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct FreeDescription {
    void operator()(PangoFontDescription* description) const { pango_font_description_free(description); }
};

struct FreeCode {
    void operator()(QRcode* code) const { QRcode_free(code); }
};
// Around a code, in its own modules (ISO 18004).
constexpr int quiet_modules = 4;

bool has_family() {
    PangoFontFamily** families = nullptr;
    int count = 0;
    pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
    bool found = false;
    for (int i = 0; i < count; ++i) {
        found = found || std::strcmp(pango_font_family_get_name(families[i]), family) == 0;
    }
    g_free(families);
    return found;
}

const char* tag_of(Part part) {
    switch (part) {
        case Part::paragraph: return "P";
        case Part::heading: return "H1";
        case Part::label: return "Span";
    }
    return "P";
}

// Bytes go to a descriptor that was opened 0600; a full disk shows in the surface's status.
cairo_status_t write_bytes(void* closure, const unsigned char* data, unsigned int length) {
    const int descriptor = *static_cast<int*>(closure);
    while (length > 0) {
        const ::ssize_t written = ::write(descriptor, data, length);
        if (written < 0) return CAIRO_STATUS_WRITE_ERROR;
        data += written;
        length -= static_cast<unsigned int>(written);
    }
    return CAIRO_STATUS_SUCCESS;
}

}  // namespace

struct Document::Impl {
    std::string path;
    std::string drawn;  // what cairo writes
    std::string whole;  // with its language
    DocumentInfo info;
    int descriptor = -1;
    std::unique_ptr<cairo_surface_t, FreeSurface> surface;
    std::unique_ptr<cairo_t, FreeContext> context;
    std::unique_ptr<PangoLayout, FreeLayout> layout;
    std::unique_ptr<PangoFontDescription, FreeDescription> font;
    std::size_t pages = 0;

    ~Impl() {
        layout.reset();
        context.reset();
        surface.reset();
        if (descriptor >= 0) ::close(descriptor);
        std::error_code ignored;
        if (!drawn.empty()) fs::remove(drawn, ignored);
        if (!whole.empty()) fs::remove(whole, ignored);
    }
    // cairo says neither in which language a document is nor that its title is to be shown. Whether it was written.
    [[nodiscard]] bool add_language() const {
        // Made here, so that it is nobody else's from its first byte.
        const int out = ::open(whole.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (out < 0) return false;
        ::close(out);
        qpdf_data pdf = qpdf_init();
        qpdf_set_suppress_warnings(pdf, QPDF_TRUE);
        bool done = (qpdf_read(pdf, drawn.c_str(), nullptr) & QPDF_ERRORS) == 0;
        if (done) {
            const qpdf_oh root = qpdf_get_root(pdf);
            qpdf_oh_replace_key(pdf, root, "/Lang", qpdf_oh_new_unicode_string(pdf, info.language.c_str()));
            qpdf_oh_replace_key(pdf, root, "/ViewerPreferences", qpdf_oh_parse(pdf, "<< /DisplayDocTitle true >>"));
            if (qpdf_oh_has_key(pdf, root, "/MarkInfo") == QPDF_FALSE) {
                qpdf_oh_replace_key(pdf, root, "/MarkInfo", qpdf_oh_parse(pdf, "<< /Marked true >>"));
            }
            done = (qpdf_init_write(pdf, whole.c_str()) & QPDF_ERRORS) == 0;
        }
        if (done) {
            qpdf_set_object_stream_mode(pdf, qpdf_o_generate);
            done = (qpdf_write(pdf) & QPDF_ERRORS) == 0;
        }
        qpdf_cleanup(&pdf);
        return done;
    }
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Result<Document> Document::create(std::string path, DocumentInfo info) {
    if (!has_family()) return fail(ErrorCode::paper_no_font, family);
    auto impl = std::make_unique<Impl>();
    impl->path = std::move(path);
    impl->drawn = impl->path + ".drawn";
    impl->whole = impl->path + ".part";
    impl->info = std::move(info);
    // What an earlier run left behind.
    std::error_code ignored;
    fs::remove(impl->drawn, ignored);
    fs::remove(impl->whole, ignored);
    impl->descriptor = ::open(impl->drawn.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (impl->descriptor < 0) return fail(ErrorCode::file_unwritable, impl->path);
    impl->surface.reset(cairo_pdf_surface_create_for_stream(write_bytes, &impl->descriptor, 10, 10));
    cairo_pdf_surface_set_metadata(impl->surface.get(), CAIRO_PDF_METADATA_TITLE, impl->info.title.c_str());
    impl->context.reset(cairo_create(impl->surface.get()));
    impl->layout.reset(pango_cairo_create_layout(impl->context.get()));
    pango_layout_set_wrap(impl->layout.get(), PANGO_WRAP_WORD_CHAR);
    impl->font.reset(pango_font_description_new());
    pango_font_description_set_family_static(impl->font.get(), family);
    return Document(std::move(impl));
}

void Document::begin_page(double width, double height) {
    ENSURE(impl_->pages < pages_max);
    if (impl_->pages > 0) cairo_show_page(impl_->context.get());
    cairo_pdf_surface_set_size(impl_->surface.get(), width * points_per_mm, height * points_per_mm);
    ++impl_->pages;
}

double Document::text(const Box& box, std::string_view text, const TextStyle& style) {
    ENSURE(impl_->pages > 0 && text.size() <= text_bytes_max);
    PangoLayout* layout = impl_->layout.get();
    PangoFontDescription* font = impl_->font.get();
    pango_font_description_set_weight(font, style.weight == Weight::bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_width(layout, static_cast<int>(box.width * points_per_mm * PANGO_SCALE));
    pango_layout_set_alignment(layout, style.align == Align::left     ? PANGO_ALIGN_LEFT
                                       : style.align == Align::centre ? PANGO_ALIGN_CENTER
                                                                      : PANGO_ALIGN_RIGHT);
    pango_layout_set_text(layout, text.data(), static_cast<int>(text.size()));
    double points = style.points;
    for (;;) {
        pango_font_description_set_absolute_size(font, points * PANGO_SCALE);
        pango_layout_set_font_description(layout, font);
        int height = 0;
        pango_layout_get_size(layout, nullptr, &height);
        const bool fits = height <= box.height * points_per_mm * PANGO_SCALE;
        const double smaller = points * shrink_step;
        if (fits || smaller < style.points * smallest_share) break;
        points = smaller;
    }
    cairo_t* context = impl_->context.get();
    cairo_tag_begin(context, tag_of(style.part), nullptr);
    cairo_move_to(context, box.x * points_per_mm, box.y * points_per_mm);
    pango_cairo_show_layout(context, layout);
    cairo_tag_end(context, tag_of(style.part));
    return points;
}

void Document::line(double x1, double y1, double x2, double y2, double points) {
    cairo_t* context = impl_->context.get();
    cairo_set_line_width(context, points);
    cairo_move_to(context, x1 * points_per_mm, y1 * points_per_mm);
    cairo_line_to(context, x2 * points_per_mm, y2 * points_per_mm);
    cairo_stroke(context);
}

void Document::frame(const Box& box, double points) {
    cairo_t* context = impl_->context.get();
    cairo_set_line_width(context, points);
    cairo_rectangle(context, box.x * points_per_mm, box.y * points_per_mm, box.width * points_per_mm,
                    box.height * points_per_mm);
    cairo_stroke(context);
}

Result<void> Document::qr_code(const Box& box, const std::string& text) {
    const std::unique_ptr<QRcode, FreeCode> code(QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1));
    if (!code) return fail(ErrorCode::paper_not_drawn, "the text is too long for a QR code");
    const double module = std::min(box.width, box.height) * points_per_mm / (code->width + 2 * quiet_modules);
    cairo_t* context = impl_->context.get();
    cairo_tag_begin(context, "Figure", nullptr);
    for (int y = 0; y < code->width; ++y) {
        for (int x = 0; x < code->width; ++x) {
            if ((code->data[y * code->width + x] & 1U) == 0) continue;
            cairo_rectangle(context, box.x * points_per_mm + (x + quiet_modules) * module,
                            box.y * points_per_mm + (y + quiet_modules) * module, module, module);
        }
    }
    // One area, so that no viewer draws hair lines between the modules.
    cairo_fill(context);
    cairo_tag_end(context, "Figure");
    return {};
}

std::size_t Document::pages() const {
    return impl_->pages;
}

Result<void> Document::finish() {
    Impl& impl = *impl_;
    if (impl.pages > 0) cairo_show_page(impl.context.get());
    cairo_surface_finish(impl.surface.get());
    const cairo_status_t status = cairo_surface_status(impl.surface.get());
    const cairo_status_t drawing = cairo_status(impl.context.get());
    if (status == CAIRO_STATUS_WRITE_ERROR) return fail(ErrorCode::file_unwritable, impl.path);
    if (status != CAIRO_STATUS_SUCCESS) return fail(ErrorCode::paper_not_drawn, cairo_status_to_string(status));
    if (drawing != CAIRO_STATUS_SUCCESS && drawing != CAIRO_STATUS_SURFACE_FINISHED) {
        return fail(ErrorCode::paper_not_drawn, cairo_status_to_string(drawing));
    }
    if (!impl.add_language()) return fail(ErrorCode::file_unwritable, impl.path);
    std::error_code error;
    fs::rename(impl.whole, impl.path, error);
    if (error) return fail(ErrorCode::file_unwritable, impl.path);
    return {};
}

}  // namespace onshi::pdf
