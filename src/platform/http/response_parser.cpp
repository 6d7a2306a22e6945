#include "platform/http/response_parser.h"

#include <algorithm>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "platform/http/limits.h"

namespace onshi::http {

namespace beast = boost::beast;
using beast::error_code;

namespace {

constexpr std::size_t interim_answers_max = 8;

std::string_view to_std(beast::string_view text) {
    return {text.data(), text.size()};
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

}  // namespace

class ResponseParser::Sink final : public beast::http::basic_parser<false> {
  public:
    Sink(ClientResponse& response, std::size_t bytes_max) : response_(response), bytes_max_(bytes_max) {
        header_limit(header_bytes_max);
        body_limit(boost::none);
        eager(true);
    }

    std::size_t head_bytes = 0;
    bool too_large = false;

  private:
    void on_request_impl(beast::http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
    void on_response_impl(int status, beast::string_view, int, error_code&) override {
        response_.status = static_cast<std::uint16_t>(status);
    }
    void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                       error_code& error) override {
        if (head_done_) return;
        if (response_.headers.size() == header_fields_max) return refuse(error);
        // Another coding than chunked would be taken for a body up to the end of the stream.
        if (field == beast::http::field::transfer_encoding && !beast::iequals(value, "chunked")) {
            error = beast::http::error::bad_transfer_encoding;
            return;
        }
        response_.headers.push_back({lower_case(to_std(name)), std::string(to_std(value))});
    }
    void on_header_impl(error_code&) override { head_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
        if (!length) return;
        if (*length > bytes_max_) return refuse(error);
        response_.body.reserve(static_cast<std::size_t>(*length));
    }
    std::size_t on_body_impl(beast::string_view bytes, error_code& error) override { return append(bytes, error); }
    void on_chunk_header_impl(std::uint64_t, beast::string_view extension, error_code& error) override {
        if (extension.size() > chunk_extension_bytes_max) error = beast::http::error::bad_chunk_extension;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code& error) override {
        return append(bytes, error);
    }
    void on_finish_impl(error_code&) override {}

    std::size_t append(beast::string_view bytes, error_code& error) {
        if (bytes.size() > bytes_max_ - response_.body.size()) {
            refuse(error);
            return 0;
        }
        response_.body.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    void refuse(error_code& error) {
        too_large = true;
        error = beast::http::error::body_limit;
    }

    ClientResponse& response_;
    std::size_t bytes_max_;
    bool head_done_ = false;
};

ResponseParser::ResponseParser(ClientResponse& response, Body body, std::size_t bytes_max)
    : response_(response), body_(body), bytes_max_(bytes_max) {
    start();
}

ResponseParser::~ResponseParser() = default;

void ResponseParser::start() {
    response_ = {};
    sink_ = std::make_unique<Sink>(response_, bytes_max_);
    if (body_ == Body::head_only) sink_->skip(true);
}

Parsed ResponseParser::put(std::string_view bytes, std::size_t& used) {
    used = 0;
    while (used < bytes.size()) {
        error_code error;
        const bool in_head = !sink_->is_header_done();
        if (!in_head && sink_->chunked() && bytes.size() - used < chunked_end_bytes) break;
        const std::size_t step = sink_->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
        used += step;
        if (in_head) sink_->head_bytes += step;
        if (error == beast::http::error::need_more) error = {};
        if (sink_->too_large || error == beast::http::error::header_limit) return Parsed::body_too_large;
        if (error) return Parsed::malformed;
        if (!sink_->is_header_done() && sink_->head_bytes + (bytes.size() - used) > header_bytes_max)
            return Parsed::body_too_large;
        if (sink_->is_done()) {
            if (response_.status >= 200) return Parsed::complete;
            if (++interim_ > interim_answers_max) return Parsed::malformed;
            start();
            continue;
        }
        if (step > 0) continue;
        // A chunk header or trailer may be as large as a header, not larger.
        if (bytes.size() - used >= header_bytes_max) return Parsed::malformed;
        break;
    }
    return Parsed::need_more;
}

Parsed ResponseParser::end() {
    error_code error;
    if (!sink_->is_header_done()) return Parsed::malformed;
    if (!sink_->is_done()) sink_->put_eof(error);
    return error || response_.status < 200 ? Parsed::malformed : Parsed::complete;
}

bool ResponseParser::keep_alive() const {
    return sink_->keep_alive();
}

}  // namespace onshi::http
