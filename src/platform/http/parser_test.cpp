#include <algorithm>

#include <gtest/gtest.h>

#include "platform/http/request_parser.h"
#include "platform/http/response_parser.h"

namespace onshi::http {

namespace {

// Gives a parser `text` in pieces of `step` bytes, keeping what it does not use; how it ends.
template <class Put>
Parsed put_in_pieces(std::string_view text, std::size_t step, Put put) {
    std::string input;
    for (;;) {
        std::size_t used = 0;
        const Parsed parsed = put(std::string_view(input), used);
        input.erase(0, used);
        if (parsed != Parsed::need_more || text.empty()) return parsed;
        input += text.substr(0, step);
        text.remove_prefix(std::min(step, text.size()));
    }
}

constexpr std::string_view chunked_bodies[] = {
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    "1;x=y\r\na\r\n2\r\nbc\r\n0;z\r\nx: trailer\r\n\r\n",
};

}  // namespace

TEST(request_parser, takes_a_chunked_body_in_pieces_of_any_size) {
    const std::string head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for (const std::string_view chunks : chunked_bodies) {
        for (std::size_t step = 1; step <= chunks.size(); ++step) {
            RequestParser parser;
            std::size_t used = 0;
            ASSERT_EQ(parser.put_head(head, used), Parsed::head);
            std::string body;
            const Parsed ended = put_in_pieces(chunks, step, [&](std::string_view bytes, std::size_t& taken) {
                return parser.put_chunks(bytes, taken, body, 3);
            });
            EXPECT_EQ(ended, Parsed::complete) << chunks << step;
            EXPECT_EQ(body, chunks.size() == 5 ? "" : "abc") << step;
        }
    }
}

TEST(request_parser, reads_past_a_few_line_breaks_before_a_request_however_they_come) {
    const auto read = [](int line_breaks, std::size_t step) {
        std::string text;
        for (int i = 0; i < line_breaks; ++i) text += "\r\n";
        RequestParser parser;
        return put_in_pieces(text + "GET / HTTP/1.1\r\nhost: a\r\n\r\n", step,
                             [&](std::string_view bytes, std::size_t& used) { return parser.put_head(bytes, used); });
    };
    for (const std::size_t step : {1U, 2U, 3U, 5U, 100U}) {
        EXPECT_EQ(read(0, step), Parsed::head) << step;
        EXPECT_EQ(read(4, step), Parsed::head) << step;
        EXPECT_EQ(read(5, step), Parsed::malformed) << step;
    }
}

TEST(response_parser, takes_a_chunked_answer_in_pieces_of_any_size) {
    for (const std::string_view chunks : chunked_bodies) {
        const std::string text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + std::string(chunks);
        for (std::size_t step = 1; step <= text.size(); ++step) {
            ClientResponse response;
            ResponseParser parser(response, ResponseParser::Body::expected, 3);
            const Parsed ended = put_in_pieces(
                text, step, [&](std::string_view bytes, std::size_t& used) { return parser.put(bytes, used); });
            EXPECT_EQ(ended, Parsed::complete) << chunks << step;
            EXPECT_EQ(response.body, chunks.size() == 5 ? "" : "abc") << step;
        }
    }
}

TEST(response_parser, refuses_a_chunk_header_or_trailer_that_does_not_end) {
    for (const std::string beginning : {"1;", "0\r\nx: "}) {
        const auto end_of = [&beginning](std::size_t size) {
            ClientResponse response;
            ResponseParser parser(response, ResponseParser::Body::expected, 100);
            const std::string text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + beginning;
            return put_in_pieces(text + std::string(size - beginning.size(), 'y'), 1000,
                                 [&](std::string_view bytes, std::size_t& used) { return parser.put(bytes, used); });
        };
        EXPECT_EQ(end_of(header_bytes_max - 1), Parsed::need_more);
        EXPECT_EQ(end_of(header_bytes_max), Parsed::malformed);
        EXPECT_EQ(end_of(header_bytes_max + 1), Parsed::malformed);
    }
}

}  // namespace onshi::http
