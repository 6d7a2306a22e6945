// Bytes of a client into the request parser, the way the server feeds it. Oracles: no crash; what is accepted keeps the
// limits and rules of the parser; the answer does not depend on how the network cut the stream; a request that we wrote
// is read as it was meant, whatever its body, its chunks and the cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/limits.h"
#include "platform/http/problem.h"
#include "platform/http/query.h"
#include "platform/http/request_parser.h"
#include "platform/http/router.h"
#include "platform/telemetry/trace_id.h"

using namespace onshi;
using namespace onshi::http;

namespace {

constexpr std::size_t body_bytes_max = 2'000;
constexpr std::size_t requests_max = 20;

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// What one request said.
struct Read {
    Method method;
    std::string path;
    std::string query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool keep_alive;
    bool operator==(const Read&) const = default;
};

// What a connection made of its stream. A bad beginning may be refused at once or when the rest has come.
struct Outcome {
    std::vector<Read> requests;
    bool refused = false;
};

const Router& router() {
    static const Router& filled = *[] {
        auto* made = new Router();
        const auto never = [](Request&, Deadline) -> Task<Result<Response>> { co_return empty_response(); };
        for (const char* pattern :
             {"/v1/checks", "/v1/a/{one}/b/{two}", "/v1/a/{one}", "/v1/a/fixed/b/{two}/{three}"}) {
            made->add(Method::post, pattern, {}, never);
        }
        made->add(Method::get, "/v1/a/{one}", {}, never);
        made->add(Method::get, "/pages/{path*}", {}, never);
        return made;
    }();
    return filled;
}

void check_route(const RequestParser& parser) {
    RouteMatch match;
    router().match(parser.method(), parser.path(), match);
    if (match.route == nullptr) return;
    require(match.allow.empty());
    require(match.route->method == (parser.method() == Method::head ? Method::get : parser.method()));
    // The pattern with its parameters filled in is the path.
    std::string filled;
    std::string_view pattern = match.route->pattern;
    for (std::size_t i = 0; i < match.parameter_count; ++i) {
        require(!match.parameters[i].empty());
        filled += pattern.substr(0, pattern.find('{'));
        filled += match.parameters[i];
        pattern.remove_prefix(pattern.find('}') + 1);
    }
    require(filled + std::string(pattern) == parser.path());
    for (std::size_t i = 0; i < match.parameter_count; ++i) {
        const auto decoded = percent_decode(match.parameters[i]);
        if (decoded) require(std::ranges::none_of(*decoded, is_control));
    }
}

std::size_t count_fields(const RequestParser& parser, std::string_view name) {
    return static_cast<std::size_t>(std::ranges::count_if(
        parser.headers(), [name](const HeaderView& field) { return equal_ignoring_case(field.name, name); }));
}

void check_head(const RequestParser& parser) {
    require(parser.path() == "*" || parser.path().starts_with('/'));
    require(parser.path().size() + parser.query().size() <= target_bytes_max);
    for (const std::string_view part : {parser.path(), parser.query()}) {
        require(std::ranges::none_of(part, [](char c) { return is_control(c) || c == ' ' || c == '#'; }));
    }
    require(parser.headers().size() <= header_fields_max);
    std::size_t bytes = 0;
    for (const HeaderView& field : parser.headers()) {
        bytes += field.name.size() + field.value.size();
        require(!field.name.empty());
        require(std::ranges::none_of(field.name, [](char c) { return is_control(c) || c == ' ' || c == ':'; }));
        require(std::ranges::none_of(field.value, [](char c) { return is_control(c) && c != '\t'; }));
    }
    require(bytes <= header_bytes_max);
    const std::size_t hosts = count_fields(parser, "host");
    require(hosts == 1 || (hosts == 0 && parser.http10()));
    // Nobody behind or before us may see another end of the body than we do.
    require(parser.chunked() == (count_fields(parser, "transfer-encoding") > 0));
    if (parser.chunked()) require(count_fields(parser, "content-length") == 0 && !parser.http10());
    if (parser.content_length() > 0) require(count_fields(parser, "content-length") > 0);

    check_route(parser);
    if (const auto value = query_value(parser.query(), "a")) require(std::ranges::none_of(*value, is_control));
    static_cast<void>(preferred_language(parser.known().accept_language));
    if (const auto trace = TraceId::from_traceparent(parser.known().traceparent)) require(!trace->none());
}

// A connection whose network delivers `step` bytes at a time, as connection.cpp reads it.
class Stream {
  public:
    Stream(std::string_view bytes, std::size_t step) : left_(bytes), step_(std::max<std::size_t>(step, 1)) {}

    [[nodiscard]] Outcome read() {
        while (outcome_.requests.size() < requests_max) {
            parser_.start();
            if (!read_head() || !read_body()) break;
            if (!outcome_.requests.back().keep_alive) break;
        }
        return std::move(outcome_);
    }

  private:
    bool fill() {
        if (left_.empty()) return false;
        const std::size_t arrived = std::min(step_, left_.size());
        input_.append(left_.substr(0, arrived));
        left_.remove_prefix(arrived);
        return true;
    }

    bool refuse() {
        outcome_.refused = true;
        return false;
    }

    bool read_head() {
        for (;;) {
            std::size_t used = 0;
            const Parsed parsed = parser_.put_head(input_, used);
            require(used <= input_.size());
            input_.erase(0, used);
            if (parsed == Parsed::head) break;
            if (parsed != Parsed::need_more) return refuse();
            require(input_.size() <= header_bytes_max);
            if (!fill()) return false;
        }
        check_head(parser_);
        Read& request = outcome_.requests.emplace_back();
        request.method = parser_.method();
        request.path = parser_.path();
        request.query = parser_.query();
        for (const HeaderView& field : parser_.headers()) request.headers.emplace_back(field.name, field.value);
        request.keep_alive = parser_.keep_alive();
        return true;
    }

    bool read_body() {
        std::string& body = outcome_.requests.back().body;
        if (parser_.chunked()) {
            const bool complete = read_chunks(body);
            if (!complete) body.clear();
            return complete;
        }
        const std::size_t length = parser_.content_length();
        if (length > body_bytes_max) return refuse();
        while (input_.size() < length) {
            if (!fill()) return false;
        }
        body = input_.substr(0, length);
        input_.erase(0, length);
        return true;
    }

    bool read_chunks(std::string& body) {
        for (;;) {
            std::size_t used = 0;
            const Parsed parsed = parser_.put_chunks(input_, used, body, body_bytes_max);
            require(used <= input_.size() && body.size() <= body_bytes_max);
            const bool stuck = used == 0 && input_.size() >= header_bytes_max;
            input_.erase(0, used);
            if (parsed == Parsed::complete) return true;
            if (parsed != Parsed::need_more || stuck) return refuse();
            if (!fill()) return false;
        }
    }

    std::string_view left_;
    std::size_t step_;
    std::string input_;
    RequestParser parser_;
    Outcome outcome_;
};

// What a client has sent before `bytes`, so that every part of the parser is near.
std::string with_beginning(std::uint8_t choice, std::uint8_t padding, std::string_view bytes) {
    constexpr std::string_view head = "POST /v1/checks HTTP/1.1\r\nHost: hub\r\n";
    std::string text;
    switch (choice % 6) {
        case 0: break;
        case 1: text = head; break;
        case 2: text = "GET /v1/a/"; break;
        case 3: text = std::string(head) + "Transfer-Encoding: chunked\r\n\r\n"; break;
        case 4: text = std::string(head) + "Content-Length: 3\r\n\r\nabc"; break;
        default: text = std::string(head) + "x: " + std::string(padding * 68U, 'a'); break;
    }
    return text.append(bytes);
}

std::string write_chunks(std::string_view body, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    while (!body.empty()) {
        const std::string_view chunk = body.substr(0, std::clamp<std::size_t>(size, 1, 255));
        body.remove_prefix(chunk.size());
        text += digits[chunk.size() / 16];
        text += digits[chunk.size() % 16];
        text += size % 2 == 0 ? "\r\n" : ";x=y\r\n";
        text += chunk;
        text += "\r\n";
    }
    return text + (size % 3 == 0 ? "0\r\nx: trailer\r\n\r\n" : "0\r\n\r\n");
}

// Two requests in one stream, the body once with a length and once in chunks.
void check_written(std::string_view body, std::size_t chunk, std::size_t step) {
    body = body.substr(0, body_bytes_max);
    const std::string path = "/v1/a/" + percent_encode(body.substr(0, 200));
    const std::string stream =
        "PUT " + path + "?a=1 HTTP/1.1\r\nhost: hub\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
        std::string(body) + "POST " + path + " HTTP/1.1\r\nhost: hub\r\ntransfer-encoding: chunked\r\n\r\n" +
        write_chunks(body, chunk);
    const Outcome outcome = Stream(stream, step).read();
    require(!outcome.refused && outcome.requests.size() == 2);
    require(outcome.requests[0].method == Method::put && outcome.requests[1].method == Method::post);
    require(outcome.requests[0].query == "a=1");
    for (const Read& request : outcome.requests) require(request.path == path && request.body == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 3), size - 3);
    const std::size_t step = data[1];
    if (data[0] % 8 == 7) {
        check_written(bytes, data[2], step);
        return 0;
    }
    const std::string stream = with_beginning(data[0], data[2], bytes);
    const Outcome whole = Stream(stream, stream.size()).read();
    require(Stream(stream, step).read().requests == whole.requests);
    return 0;
}
