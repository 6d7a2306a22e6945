// Bodies that a handler takes piece by piece.
#include <gtest/gtest.h>

#include "platform/http/test_support.h"

namespace onshi::http::server_pieces_test {

using namespace onshi::http::test;

constexpr std::size_t bytes_max = 8 * 1024 * 1024;

RouteOptions in_pieces() {
    RouteOptions options;
    options.body = BodyDelivery::in_pieces;
    options.body_bytes_max = bytes_max;
    return options;
}

// Answers with the number of bytes, their sum and the largest piece.
Handler count_bytes() {
    return [](Request& request, Deadline) -> Task<Result<Response>> {
        std::size_t bytes = 0;
        std::size_t largest = 0;
        std::uint64_t sum = 0;
        for (;;) {
            auto piece = co_await request.pieces->next_piece();
            if (!piece) co_return fail(std::move(piece));
            if (piece->empty()) break;
            bytes += piece->size();
            largest = std::max(largest, piece->size());
            for (const char c : *piece) sum += static_cast<unsigned char>(c);
        }
        EXPECT_LE(largest, 4 * read_bytes);
        co_return json_response(std::to_string(bytes) + " " + std::to_string(sum));
    };
}

std::string counted(std::string_view body) {
    std::uint64_t sum = 0;
    for (const char c : body) sum += static_cast<unsigned char>(c);
    return "\r\n\r\n" + std::to_string(body.size()) + " " + std::to_string(sum);
}

std::string body_of(std::size_t size) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i % 23);
    return body;
}

std::string chunked(std::string_view body, std::size_t chunk) {
    std::string text = "PUT /v1/files HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < body.size(); at += chunk) {
        const std::string_view part = body.substr(at, chunk);
        char size[24];
        std::snprintf(size, sizeof size, "%zx\r\n", part.size());
        text += size;
        text += part;
        text += "\r\n";
    }
    return text + "0\r\n\r\n";
}

TEST(server_pieces, bodies_of_every_size_arrive_whole_and_the_connection_goes_on) {
    TestServer test;
    test.server->route(Method::put, "/v1/files", in_pieces(), count_bytes());
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, read_bytes - 1, read_bytes,
                                   read_bytes + 1, std::size_t{3'000'000}}) {
        const std::string body = body_of(size);
        ASSERT_TRUE(client.send(request_text("PUT", "/v1/files", body)));
        EXPECT_TRUE(client.read_answer().ends_with(counted(body))) << size;
        ASSERT_TRUE(client.send(chunked(body, 7'001)));
        EXPECT_TRUE(client.read_answer().ends_with(counted(body))) << size << " chunked";
        ASSERT_TRUE(client.send(request_text("POST", "/v1/echo", "next")));
        EXPECT_TRUE(client.read_answer().ends_with("next")) << size;
    }
}

TEST(server_pieces, a_body_above_the_routes_limit_is_refused_known_or_chunked) {
    TestServer test;
    test.server->route(Method::put, "/v1/files", in_pieces(), count_bytes());
    test.start();
    RawClient known(test.port, with_certificate());
    ASSERT_TRUE(known.send("PUT /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 8388609\r\n\r\n"));
    EXPECT_EQ(status_of(known.read_answer()), 413);
    RawClient chunks(test.port, with_certificate());
    static_cast<void>(chunks.send(chunked(body_of(bytes_max + 1), 100'000)));
    EXPECT_EQ(status_of(chunks.read_answer()), 413);
}

TEST(server_pieces, a_handler_that_does_not_want_the_rest_ends_the_connection) {
    TestServer test;
    test.server->route(Method::put, "/v1/files", in_pieces(), answer_with("enough"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("PUT /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc"));
    const auto all = client.read_to_end();
    ASSERT_TRUE(all.has_value());
    EXPECT_TRUE(contains(*all, "connection: close\r\n")) << *all;
    EXPECT_TRUE(all->ends_with("enough"));
}

TEST(server_pieces, a_body_that_ends_early_or_does_not_come_is_an_error) {
    ServerOptions options = TestServer::quick();
    options.times.transfer = std::chrono::milliseconds(30);
    options.times.bytes_per_second_min = 1'000'000;
    TestServer test(options);
    test.server->route(Method::put, "/v1/files", in_pieces(), count_bytes());
    test.start();
    RawClient silent(test.port, with_certificate());
    ASSERT_TRUE(silent.send("PUT /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc"));
    EXPECT_EQ(status_of(silent.read_answer()), 408);
    RawClient malformed(test.port, with_certificate());
    ASSERT_TRUE(
        malformed.send("PUT /v1/files HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabcdefgh\r\n"));
    EXPECT_EQ(status_of(malformed.read_answer()), 400);
}

TEST(server_pieces, a_client_that_waits_is_asked_for_its_body) {
    TestServer test;
    test.server->route(Method::put, "/v1/files", in_pieces(), count_bytes());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("PUT /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n"));
    EXPECT_TRUE(client.read_some().starts_with("HTTP/1.1 100 Continue\r\n"));
    ASSERT_TRUE(client.send("abc"));
    EXPECT_TRUE(client.read_answer().ends_with(counted("abc")));
}

}  // namespace onshi::http::server_pieces_test
