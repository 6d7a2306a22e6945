#include "platform/http/request_parser.h"

#include <array>
#include <new>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "platform/http/limits.h"

namespace onshi::http {

namespace beast = boost::beast;
using beast::error_code;

namespace {

// Line breaks before a request that are read past.
constexpr std::size_t skipped_bytes_max = 8;

constexpr std::array<std::string_view, 8> method_names{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", ""};

std::string_view to_std(beast::string_view text) {
    return {text.data(), text.size()};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return beast::iequals(a, b);
}

// Where a piece of text lies in the arena; views are made when the arena does not grow any more.
struct Slice {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
};

}  // namespace

std::string_view to_string(Method method) noexcept {
    return method_names[static_cast<std::size_t>(method)];
}

Method find_method(std::string_view name) noexcept {
    for (std::size_t i = 0; i + 1 < method_names.size(); ++i) {
        if (method_names[i] == name) return static_cast<Method>(i);
    }
    return Method::other;
}

// Takes Beast's events of one message into memory that is kept from message to message.
class RequestParser::Sink {
  public:
    // Beast's parser cannot be used twice, so each message gets a new one in the same place.
    class Message final : public beast::http::basic_parser<true> {
      public:
        explicit Message(Sink& sink) : sink_(sink) {
            header_limit(header_bytes_max);
            body_limit(boost::none);
        }

      private:
        void on_request_impl(beast::http::verb, beast::string_view name, beast::string_view target, int version,
                             error_code& error) override {
            sink_.on_start(to_std(name), to_std(target), version, error);
        }
        void on_response_impl(int, beast::string_view, int, error_code&) override {}
        void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                           error_code& error) override {
            sink_.on_field(field, to_std(name), to_std(value), error);
        }
        void on_header_impl(error_code& error) override { sink_.on_head(error); }
        void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
        std::size_t on_body_impl(beast::string_view, error_code& error) override {
            // The server takes a body of known length by itself, without this parser.
            error = beast::http::error::unexpected_body;
            return 0;
        }
        void on_chunk_header_impl(std::uint64_t, beast::string_view extension, error_code& error) override {
            if (extension.size() > chunk_extension_bytes_max) error = beast::http::error::bad_chunk_extension;
        }
        std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code& error) override {
            return sink_.on_chunk(to_std(bytes), error);
        }
        void on_finish_impl(error_code&) override {}

        Sink& sink_;
    };

    void start() {
        message_.emplace(*this);
        arena_.clear();
        slices_.clear();
        headers_.clear();
        known_ = {};
        known_at_ = {};
        head_bytes_ = skipped_bytes_ = 0;
        head_done_ = too_many_ = http10_ = false;
    }

    void on_start(std::string_view name, std::string_view target, int version, error_code& error) {
        if (target.size() > target_bytes_max) {
            too_many_ = true;
            error = beast::http::error::header_limit;
            return;
        }
        method_ = find_method(name);
        http10_ = version < 11;
        target_ = keep(target);
    }

    void on_field(beast::http::field field, std::string_view name, std::string_view value, error_code& error) {
        // Trailers of a chunked body are read past: nothing here uses them, and they must not change what was decided.
        if (head_done_) return;
        if (slices_.size() == 2 * header_fields_max) {
            too_many_ = true;
            error = beast::http::error::header_limit;
            return;
        }
        const std::size_t index = slices_.size() / 2;
        slices_.push_back(keep(name));
        slices_.push_back(keep(value));
        note(field, name, value, index, error);
    }

    void on_head(error_code& error) {
        head_done_ = true;
        for (std::size_t i = 0; i < slices_.size(); i += 2)
            headers_.push_back({view(slices_[i]), view(slices_[i + 1])});
        resolve_known();
        if (!split_target()) error = beast::http::error::bad_target;
        if (known_at_.host == 0 && !http10_) error = beast::http::error::bad_field;
    }

    std::size_t on_chunk(std::string_view bytes, error_code& error) {
        if (bytes.size() > body_bytes_max_ - body_->size()) {
            error = beast::http::error::body_limit;
            return 0;
        }
        body_->append(bytes);
        return bytes.size();
    }

    Parsed put(std::string_view bytes, std::size_t& used) {
        error_code error;
        used = message_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
        if (!error || error == beast::http::error::need_more) return Parsed::need_more;
        if (too_many_ || error == beast::http::error::header_limit) return Parsed::header_too_large;
        if (error == beast::http::error::body_limit) return Parsed::body_too_large;
        return Parsed::malformed;
    }

    std::optional<Message> message_;
    std::string arena_;
    std::vector<Slice> slices_;  // name, value, name, value …
    std::vector<HeaderView> headers_;
    KnownFields known_;
    // Position + 1 of the fields among `slices_` pairs; 0: absent.
    struct {
        std::size_t host = 0, origin = 0, accept_language = 0, traceparent = 0, deadline_ms = 0;
    } known_at_;
    Slice target_;
    std::string_view path_;
    std::string_view query_;
    std::size_t head_bytes_ = 0;
    std::size_t skipped_bytes_ = 0;
    std::string* body_ = nullptr;
    std::size_t body_bytes_max_ = 0;
    Method method_ = Method::other;
    bool http10_ = false;
    bool head_done_ = false;
    bool too_many_ = false;

  private:
    Slice keep(std::string_view text) {
        const auto begin = static_cast<std::uint32_t>(arena_.size());
        arena_.append(text);
        return {begin, static_cast<std::uint32_t>(text.size())};
    }
    [[nodiscard]] std::string_view view(Slice slice) const {
        return std::string_view(arena_).substr(slice.begin, slice.size);
    }

    void note(beast::http::field field, std::string_view name, std::string_view value, std::size_t index,
              error_code& error) {
        using beast::http::field;
        switch (field) {
            case field::host:
                // Two different readers of two Host fields see two different sites.
                if (known_at_.host != 0) error = beast::http::error::bad_field;
                known_at_.host = index + 1;
                return;
            case field::origin: known_at_.origin = index + 1; return;
            case field::accept_language: known_at_.accept_language = index + 1; return;
            case field::expect: known_.expects_continue = equal_ignoring_case(value, "100-continue"); return;
            case field::transfer_encoding:
                // Beast would take an unknown coding for "no body", and the body for the next request.
                if (http10_ || !equal_ignoring_case(value, "chunked"))
                    error = beast::http::error::bad_transfer_encoding;
                return;
            case field::unknown: break;
            default: return;
        }
        if (equal_ignoring_case(name, "traceparent")) known_at_.traceparent = index + 1;
        if (equal_ignoring_case(name, "onshi-deadline-ms")) known_at_.deadline_ms = index + 1;
    }

    void resolve_known() {
        const auto value_at = [this](std::size_t at) { return at == 0 ? std::string_view() : headers_[at - 1].value; };
        known_.host = value_at(known_at_.host);
        known_.origin = value_at(known_at_.origin);
        known_.accept_language = value_at(known_at_.accept_language);
        known_.traceparent = value_at(known_at_.traceparent);
        known_.deadline_ms = value_at(known_at_.deadline_ms);
    }

    bool split_target() {
        std::string_view target = view(target_);
        for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")}) {
            if (!target.starts_with(scheme)) continue;
            target.remove_prefix(scheme.size());
            const std::size_t slash = std::min(target.find('/'), target.size());
            known_.authority = target.substr(0, slash);
            target.remove_prefix(slash);
            if (known_.authority.empty()) return false;
            if (target.empty()) target = "/";
            break;
        }
        if ((!target.starts_with('/') && target != "*") || target.find('#') != std::string_view::npos) return false;
        const std::size_t mark = std::min(target.find('?'), target.size());
        path_ = target.substr(0, mark);
        query_ = target.substr(std::min(mark + 1, target.size()));
        return true;
    }
};

RequestParser::RequestParser() : sink_(std::make_unique<Sink>()) {
    start();
}
RequestParser::~RequestParser() = default;

void RequestParser::start() {
    sink_->start();
}

Parsed RequestParser::put_head(std::string_view bytes, std::size_t& used) {
    // Some clients end a body with a line break that is not counted (RFC 9112 §2.2).
    used = 0;
    while (!began() && sink_->skipped_bytes_ < skipped_bytes_max && bytes.substr(used).starts_with("\r\n")) {
        used += 2;
        sink_->skipped_bytes_ += 2;
    }
    // Its second half is still under way.
    if (!began() && sink_->skipped_bytes_ < skipped_bytes_max && bytes.substr(used) == "\r") return Parsed::need_more;
    // A chunked body must not be parsed along with the head, before anybody has decided to take it.
    sink_->message_->eager(false);
    while (!sink_->head_done_) {
        std::size_t step = 0;
        const Parsed parsed = sink_->put(bytes.substr(used), step);
        used += step;
        sink_->head_bytes_ += step;
        if (parsed != Parsed::need_more) return parsed;
        // Beast's own limit counts only what lies in the buffer at one moment.
        if (sink_->head_bytes_ + (sink_->head_done_ ? 0 : bytes.size() - used) > header_bytes_max)
            return Parsed::header_too_large;
        if (step == 0) return Parsed::need_more;
    }
    return Parsed::head;
}

Parsed RequestParser::put_chunks(std::string_view bytes, std::size_t& used, std::string& body,
                                 std::size_t body_bytes_max) {
    used = 0;
    if (bytes.size() < chunked_end_bytes) return Parsed::need_more;
    sink_->body_ = &body;
    sink_->body_bytes_max_ = body_bytes_max;
    sink_->message_->eager(true);
    const Parsed parsed = sink_->put(bytes, used);
    return parsed == Parsed::need_more && sink_->message_->is_done() ? Parsed::complete : parsed;
}

bool RequestParser::began() const {
    return sink_->message_->got_some();
}
Method RequestParser::method() const {
    return sink_->method_;
}
std::string_view RequestParser::path() const {
    return sink_->path_;
}
std::string_view RequestParser::query() const {
    return sink_->query_;
}
std::span<const HeaderView> RequestParser::headers() const {
    return sink_->headers_;
}
const KnownFields& RequestParser::known() const {
    return sink_->known_;
}
bool RequestParser::chunked() const {
    return sink_->message_->chunked();
}
bool RequestParser::keep_alive() const {
    return sink_->message_->keep_alive();
}
bool RequestParser::http10() const {
    return sink_->http10_;
}

std::size_t RequestParser::content_length() const {
    return static_cast<std::size_t>(sink_->message_->content_length().value_or(0));
}

}  // namespace onshi::http
