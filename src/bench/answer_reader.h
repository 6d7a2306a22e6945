#pragma once

// Inside this folder only.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "bench/limits.h"

namespace onshi::bench {

// Status and body of one answer; every other field is read past. No allocation once the body's string has grown.
class AnswerReader final : public boost::beast::http::basic_parser<false> {
  public:
    explicit AnswerReader(std::string& body) : body_(body) {
        body_.clear();
        body_limit(answer_bytes_max);
        eager(true);
    }
    int status = 0;
    bool has_advice = false;

  private:
    void on_request_impl(boost::beast::http::verb, boost::beast::string_view, boost::beast::string_view, int,
                         boost::beast::error_code&) override {}
    void on_response_impl(int code, boost::beast::string_view, int, boost::beast::error_code&) override {
        status = code;
    }
    void on_field_impl(boost::beast::http::field name, boost::beast::string_view, boost::beast::string_view,
                       boost::beast::error_code&) override {
        if (name == boost::beast::http::field::retry_after) has_advice = true;
    }
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, boost::beast::error_code&) override {}
    std::size_t on_body_impl(boost::beast::string_view bytes, boost::beast::error_code&) override {
        body_.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes,
                                   boost::beast::error_code& error) override {
        return on_body_impl(bytes, error);
    }
    void on_finish_impl(boost::beast::error_code&) override {}

    std::string& body_;
};

// `"after_ms":N` of a problem; 0 without one.
inline std::chrono::nanoseconds advised_wait(std::string_view problem) {
    constexpr std::string_view name = R"("after_ms":)";
    const auto at = problem.find(name);
    if (at == std::string_view::npos) return std::chrono::nanoseconds(0);
    std::uint32_t ms = 0;
    std::from_chars(problem.data() + at + name.size(), problem.data() + problem.size(), ms);
    return std::min<std::chrono::nanoseconds>(std::chrono::milliseconds(ms), advice_max);
}

}  // namespace onshi::bench
