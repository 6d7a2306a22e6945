// Bytes of a server into the client's response parser. Oracles: no crash; the limits hold; the answer does not depend
// on how the network cut the stream; a chunked answer that we wrote is read as it was meant.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "platform/http/limits.h"
#include "platform/http/problem.h"
#include "platform/http/response_parser.h"

using namespace onshi;
using namespace onshi::http;

namespace {

constexpr std::size_t body_bytes_max = 2'000;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    ClientResponse response;
    bool complete = false;
};

// A connection whose network delivers `step` bytes at a time and then ends, as client.cpp reads it.
Outcome read(std::string_view stream, std::size_t step, ResponseParser::Body body) {
    Outcome outcome;
    ResponseParser parser(outcome.response, body, body_bytes_max);
    std::string input;
    Parsed parsed = Parsed::need_more;
    while (parsed == Parsed::need_more && !stream.empty()) {
        const std::size_t arrived = std::clamp<std::size_t>(step, 1, stream.size());
        input += stream.substr(0, arrived);
        stream.remove_prefix(arrived);
        std::size_t used = 0;
        parsed = parser.put(input, used);
        require(used <= input.size());
        input.erase(0, used);
        require(input.size() <= header_bytes_max || parsed != Parsed::need_more);
    }
    if (parsed == Parsed::need_more) parsed = parser.end();
    outcome.complete = parsed == Parsed::complete;
    require(outcome.response.body.size() <= body_bytes_max);
    require(outcome.response.headers.size() <= header_fields_max);
    return outcome;
}

void check_same(const Outcome& a, const Outcome& b) {
    require(a.complete == b.complete);
    if (!a.complete) return;
    require(a.response.status == b.response.status && a.response.body == b.response.body);
    require(std::ranges::equal(a.response.headers, b.response.headers, [](const auto& one, const auto& other) {
        return one.name == other.name && one.value == other.value;
    }));
}

std::string with_beginning(std::uint8_t choice, std::string_view bytes) {
    std::string text;
    switch (choice % 6) {
        case 0: break;
        case 1: text = "HTTP/1.1 200 OK\r\n"; break;
        case 2: text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"; break;
        case 3: text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\n"; break;
        case 4: text = "HTTP/1.1 200 OK\r\n\r\n"; break;
        default: text = "HTTP/1.1 "; break;
    }
    return text.append(bytes);
}

void check_written(std::string_view bytes, std::size_t chunk, std::size_t step) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string body(bytes.substr(0, body_bytes_max));
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t size = std::min(std::clamp<std::size_t>(chunk, 1, 255), body.size() - at);
        text += {digits[size / 16], digits[size % 16], '\r', '\n'};
        text.append(body, at, size);
        text += "\r\n";
        at += size;
    }
    const Outcome outcome = read(text + "0\r\n\r\n", step, ResponseParser::Body::expected);
    require(outcome.complete && outcome.response.status == 200 && outcome.response.body == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 3), size - 3);
    if (data[0] % 8 == 7) {
        check_written(bytes, data[2], data[1]);
        return 0;
    }
    const auto body = data[2] % 4 == 0 ? ResponseParser::Body::head_only : ResponseParser::Body::expected;
    const std::string stream = with_beginning(data[0], bytes);
    const Outcome whole = read(stream, stream.size(), body);
    check_same(whole, read(stream, data[1], body));
    if (whole.complete) {
        static_cast<void>(parse_problem(whole.response.status, problem_content_type, whole.response.body));
    }
    return 0;
}
