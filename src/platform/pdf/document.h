#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace onshi::pdf {

// Pages of one document; a batch of papers is one document.
inline constexpr std::size_t pages_max = 20'000;
inline constexpr std::size_t text_bytes_max = 16 * 1024;  // of one box

struct DocumentInfo {
    std::string title;
    std::string language = "ja-JP";  // RFC 5646
};

// Millimetres from the upper left corner of the page.
struct Box {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
};

enum class Weight : std::uint8_t { regular, bold };
enum class Align : std::uint8_t { left, centre, right };
// What the text is to somebody who hears it.
enum class Part : std::uint8_t { paragraph, heading, label };

struct TextStyle {
    double points = 10;
    Weight weight = Weight::regular;
    Align align = Align::left;
    Part part = Part::paragraph;
};

// A PDF file of many pages; each holds about 0.1 MB of memory until finish(), for its tags and its language. Tagged,
// searchable (what is copied out of it is what was given, variation selectors too), with title and language. Appears
// under its name when finish() has succeeded, 0600, for papers hold personal data; never half. Owns the file; not
// thread-safe.
class Document {
  public:
    // paper.no_font: no Noto CJK is installed; file.unwritable.
    [[nodiscard]] static Result<Document> create(std::string path, DocumentInfo info);
    Document(Document&&) noexcept;
    Document& operator=(Document&&) noexcept;
    ~Document();

    // Millimetres. Ends the page before it.
    void begin_page(double width, double height);
    // Wraps at the box's width and becomes smaller, down to half its size, until it fits the height. Gives the points
    // it was drawn in. UTF-8 of at most text_bytes_max; what is longer is our own fault.
    double text(const Box& box, std::string_view text, const TextStyle& style);
    void line(double x1, double y1, double x2, double y2, double points = 0.5);
    void frame(const Box& box, double points = 0.5);
    // A QR code of medium error correction with its quiet zone, as large as the box's smaller side; tagged as a figure,
    // so a caption says what it is. paper.not_drawn: more text than a code holds.
    [[nodiscard]] Result<void> qr_code(const Box& box, const std::string& text);
    [[nodiscard]] std::size_t pages() const;
    // paper.not_drawn, file.unwritable.
    [[nodiscard]] Result<void> finish();

  private:
    struct Impl;
    explicit Document(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::pdf
