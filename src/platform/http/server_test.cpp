// Requests and answers, handlers, listeners. Time, load and TLS have files of their own beside this one.
#include "platform/http/server.h"

#include <arpa/inet.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "platform/http/health.h"
#include "platform/http/test_support.h"
#include "platform/telemetry/log.h"

namespace onshi::http::server_test {

using namespace std::chrono_literals;
using namespace onshi::http::test;

TEST(server, answers_over_mutual_tls_with_the_fields_of_every_answer) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send(request_text("POST", "/v1/echo", "{\"a\":1}")));
    const std::string answer = client.read_answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\ndate: ")) << answer;
    for (const char* field : {"content-length: 7\r\n", "content-type: application/json\r\n",
                              "cache-control: no-store\r\n", "trace-id: ", "x-content-type-options: nosniff\r\n"}) {
        EXPECT_TRUE(contains(answer, field)) << field;
    }
    EXPECT_FALSE(contains(answer, "connection:"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST(server, keeps_a_connection_for_many_requests) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(client.send(request_text("POST", "/v1/echo", std::to_string(i))));
        EXPECT_TRUE(client.read_answer().ends_with("\r\n\r\n" + std::to_string(i)));
    }
    EXPECT_EQ(test.server->counts().connections_open, 1U);
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().requests == 50; }));
}

TEST(server, answers_pipelined_requests_in_their_order) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    std::string all;
    for (int i = 0; i < 20; ++i)
        all += request_text("POST", "/v1/echo", "body " + std::to_string(i)) + request_text("GET", "/v1/one");
    ASSERT_TRUE(client.send(all));
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(client.read_answer().ends_with("body " + std::to_string(i)));
        EXPECT_TRUE(client.read_answer().ends_with("one"));
    }
}

TEST(server, takes_a_request_in_single_bytes) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    for (const char c : request_text("POST", "/v1/echo", "slowly")) ASSERT_TRUE(client.send(std::string_view(&c, 1)));
    EXPECT_TRUE(client.read_answer().ends_with("slowly"));
}

TEST(server, says_closing_when_the_client_wants_it_and_closes) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("GET /v1/one HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    const auto all = client.read_to_end();
    ASSERT_TRUE(all.has_value());
    EXPECT_TRUE(contains(*all, "connection: close\r\n"));
    EXPECT_TRUE(all->ends_with("one"));
}

TEST(server, speaks_http_1_0_with_and_without_keeping) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("GET /v1/one HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    EXPECT_TRUE(contains(client.read_answer(), "connection: keep-alive\r\n"));
    ASSERT_TRUE(client.send("GET /v1/one HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(client.read_to_end()->starts_with("HTTP/1.0 200 OK"));
}

struct RoutingCase {
    const char* method;
    const char* target;
    int status;
    const char* part;
};

TEST(server, tells_unknown_paths_from_wrong_methods) {
    TestServer test;
    test.server->route(Method::get, "/v1/checks/{receipt}", {},
                       [](Request& request, Deadline) -> Task<Result<Response>> {
                           co_return json_response(std::string(request.parameters[0]));
                       });
    test.server->route(Method::post, "/v1/checks/{receipt}", {}, answer_with("posted"));
    test.server->route(Method::get, "/assets/{path*}", {}, [](Request& request, Deadline) -> Task<Result<Response>> {
        co_return json_response(std::string(request.parameters[0]) + "?" + std::string(request.query));
    });
    test.start();
    const RoutingCase cases[] = {
        {"GET", "/v1/checks/7Q4M", 200, "\r\n\r\n7Q4M"},
        {"GET", "/v1/checks/7Q%2F4M", 200, "\r\n\r\n7Q/4M"},
        {"GET", "/v1/checks/7Q%004M", 400, "request.malformed"},
        {"GET", "/v1/checks/", 404, "request.not_found"},
        {"GET", "/v1/checks/7Q4M/", 404, "request.not_found"},
        {"GET", "/v1", 404, "request.not_found"},
        {"GET", "/assets/css/a.css?v=1", 200, "\r\n\r\ncss/a.css?v=1"},
        {"DELETE", "/v1/checks/7Q4M", 405, "allow: GET, HEAD, POST\r\n"},
        {"BREW", "/v1/checks/7Q4M", 405, "request.method"},
        {"GET", "http://localhost/v1/checks/abc", 200, "\r\n\r\nabc"},
        {"OPTIONS", "*", 404, "request.not_found"},
    };
    RawClient client(test.port, with_certificate());
    for (const auto& c : cases) {
        ASSERT_TRUE(client.send(request_text(c.method, c.target)));
        const std::string answer = client.read_answer();
        EXPECT_EQ(status_of(answer), c.status) << c.target;
        EXPECT_TRUE(contains(answer, c.part)) << c.target << "\n" << answer;
    }
}

TEST(server, answers_head_from_get_without_the_body) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("HEAD /v1/one HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    const auto all = client.read_to_end();
    EXPECT_TRUE(contains(*all, "content-length: 3\r\n"));
    EXPECT_TRUE(all->ends_with("\r\n\r\n"));
}

TEST(server, answers_malformed_requests_by_400_and_closes) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    const std::string_view cases[] = {
        "GARBAGE\r\n\r\n",
        "GET /v1/echo HTTP/2.0\r\nhost: a\r\n\r\n",
        "GET /v1/echo HTTP/1.1\r\n\r\n",
        "GET /v1/echo HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET v1/echo HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /v1/echo#part HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /v1/echo HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
        "GET /v1/echo HTTP/1.1\r\nhost: a\r\nna me: x\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\nx",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\nx",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\nonshi-deadline-ms: soon\r\nconnection: close\r\n\r\n",
    };
    for (const std::string_view text : cases) {
        RawClient client(test.port, with_certificate());
        ASSERT_TRUE(client.send(text));
        const auto all = client.read_to_end();
        ASSERT_TRUE(all.has_value()) << text;
        EXPECT_EQ(status_of(*all), 400) << text << "\n" << *all;
        EXPECT_TRUE(contains(*all, "\"code\":\"request.malformed\"")) << text;
        EXPECT_TRUE(contains(*all, "connection: close\r\n")) << text;
    }
}

std::string with_header_of(std::size_t total) {
    std::string text = "GET /v1/one HTTP/1.1\r\nhost: a\r\nx-fill: ";
    text.append(total - text.size() - 4, 'x');
    return text + "\r\n\r\n";
}

TEST(server, limits_the_header_in_bytes_and_fields) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    const auto status = [&test](const std::string& text) {
        RawClient client(test.port, with_certificate());
        EXPECT_TRUE(client.send(text));
        return status_of(client.read_answer());
    };
    EXPECT_EQ(status(with_header_of(header_bytes_max - 1)), 200);
    EXPECT_EQ(status(with_header_of(header_bytes_max)), 200);
    EXPECT_EQ(status(with_header_of(header_bytes_max + 1)), 431);
    std::string fields = "GET /v1/one HTTP/1.1\r\nhost: a\r\n";
    for (std::size_t i = 2; i <= header_fields_max; ++i) fields += "x: y\r\n";
    EXPECT_EQ(status(fields + "\r\n"), 200);
    EXPECT_EQ(status(fields + "x: y\r\n\r\n"), 431);
    EXPECT_EQ(status("GET /" + std::string(target_bytes_max, 'a') + " HTTP/1.1\r\nhost: a\r\n\r\n"), 431);
    EXPECT_EQ(status("GET /" + std::string(target_bytes_max - 1, 'a') + " HTTP/1.1\r\nhost: a\r\n\r\n"), 404);
}

TEST(server, refuses_a_header_that_grows_without_end_in_small_pieces) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("GET /v1/one HTTP/1.1\r\nhost: a\r\n"));
    for (int i = 0; i < 40; ++i) {
        if (!client.send("x: " + std::string(1000, 'y') + "\r\n")) break;
    }
    EXPECT_EQ(status_of(client.read_answer()), 431);
}

std::string chunked(std::size_t size, std::size_t piece) {
    std::string text = "POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    while (size > 0) {
        const std::size_t now = std::min(piece, size);
        std::array<char, 16> hex;
        text.append(hex.data(), static_cast<std::size_t>(std::snprintf(hex.data(), hex.size(), "%zx\r\n", now)));
        text.append(now, 'b').append("\r\n");
        size -= now;
    }
    return text + "0\r\n\r\n";
}

TEST(server, limits_the_body_of_known_and_of_chunked_length) {
    TestServer test;
    RouteOptions options;
    options.body_bytes_max = 100'000;
    test.server->route(Method::post, "/v1/echo", options, echo());
    test.start();
    for (const std::size_t size : {0UL, 1UL, 99'999UL, 100'000UL, 100'001UL}) {
        const int expected = size <= 100'000 ? 200 : 413;
        RawClient known(test.port, with_certificate());
        static_cast<void>(known.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(size) +
                                     "\r\n\r\n" + std::string(size, 'b')));
        const std::string answer = known.read_answer();
        EXPECT_EQ(status_of(answer), expected) << size;
        if (expected == 200) EXPECT_TRUE(answer.ends_with("\r\n\r\n" + std::string(size, 'b')));
        for (const std::size_t piece : {7UL, 5'000UL, 200'000UL}) {
            RawClient pieces(test.port, with_certificate());
            static_cast<void>(pieces.send(chunked(size, piece)));
            EXPECT_EQ(status_of(pieces.read_answer()), expected) << size << " in " << piece;
        }
    }
}

TEST(server, lets_a_client_see_413_while_it_still_sends) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n\r\n"));
    static_cast<void>(client.send(std::string(400'000, 'x')));
    const auto all = client.read_to_end();
    ASSERT_TRUE(all.has_value());
    EXPECT_EQ(status_of(*all), 413);
    EXPECT_TRUE(contains(*all, "request.too_large"));
}

TEST(server, keeps_the_connection_after_refusing_a_request_with_a_small_body) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send(request_text("POST", "/v1/nowhere", std::string(3000, 'x')) +
                            request_text("POST", "/v1/echo", "next")));
    EXPECT_EQ(status_of(client.read_answer()), 404);
    EXPECT_TRUE(client.read_answer().ends_with("next"));
}

TEST(server, asks_for_the_body_when_the_client_waits_for_it) {
    TestServer test;
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"));
    EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(client.send("body"));
    EXPECT_TRUE(client.read_answer().ends_with("body"));
    ASSERT_TRUE(client.send("POST /v1/no HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"));
    EXPECT_EQ(status_of(client.read_answer()), 404);
}

TEST(server, moves_large_bodies_both_ways) {
    TestServer test;
    RouteOptions options;
    options.body_bytes_max = 8UL << 20U;
    test.server->route(Method::post, "/v1/echo", options, echo());
    test.start();
    std::string body(5'000'000, 'x');
    for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i % 26);
    ClientOptions client = client_options(test.port, &terminal());
    client.response_bytes_max = 8UL << 20U;
    const auto answer = send_once(client, post("/v1/echo", body));
    ASSERT_TRUE(answer.has_value()) << answer.error().detail;
    EXPECT_TRUE(answer->body == body);
}

TEST(server, shares_a_body_among_answers) {
    TestServer test;
    const auto page = std::make_shared<const std::string>(100'000, 'p');
    test.server->route(Method::get, "/page", {}, [page](Request&, Deadline) -> Task<Result<Response>> {
        Response response;
        response.content_type = "text/html";
        response.shared_body = page;
        response.headers.push_back({"cache-control", "max-age=60"});
        co_return response;
    });
    test.start();
    const auto answer = send_once(client_options(test.port, &terminal()), get("/page"));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->body, *page);
    EXPECT_EQ(answer->header("cache-control"), "max-age=60");
}

TEST(server, turns_a_throwing_handler_into_500_and_one_log_line_without_its_text) {
    std::vector<std::string> lines;
    std::mutex mutex;
    LogOptions log;
    log.target = LogToFunction{[&](std::string_view line) {
        const std::scoped_lock lock(mutex);
        lines.emplace_back(line);
    }};
    ASSERT_TRUE(configure_log(log).has_value());
    {
        TestServer test;
        test.server->route(Method::get, "/v1/throw/{what}", {},
                           [](Request& request, Deadline) -> Task<Result<Response>> {
                               if (request.parameters[0] == "early") throw std::runtime_error("name of a person");
                               co_await sleep_for(1ms);
                               throw 42;
                           });
        test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
        test.start();
        RawClient client(test.port, with_certificate());
        for (const char* target : {"/v1/throw/early", "/v1/throw/late"}) {
            ASSERT_TRUE(client.send(request_text("GET", target)));
            const std::string answer = client.read_answer();
            EXPECT_EQ(status_of(answer), 500);
            EXPECT_TRUE(contains(answer, "\"code\":\"internal.unexpected\""));
            EXPECT_FALSE(contains(answer, "person"));
        }
        ASSERT_TRUE(client.send(request_text("GET", "/v1/one")));
        EXPECT_EQ(status_of(client.read_answer()), 200);
    }
    log.level = Level::warn;
    log.target = LogToStderr{};
    ASSERT_TRUE(configure_log(log).has_value());
    const auto count = [&lines](std::string_view part) {
        return std::ranges::count_if(lines, [part](const std::string& line) { return contains(line, part); });
    };
    EXPECT_EQ(count("\"http.handler_threw\""), 2);
    EXPECT_EQ(count("std::runtime_error"), 1);
    EXPECT_EQ(count("person"), 0);
    EXPECT_EQ(count("early"), 0);
    EXPECT_EQ(count("\"route\":\"/v1/throw/{what}\",\"status\":500"), 2);
}

TEST(server, turns_an_error_into_a_problem_in_the_language_of_the_client) {
    TestServer test;
    test.server->route(Method::get, "/v1/fail", {}, [](Request&, Deadline) -> Task<Result<Response>> {
        co_return fail(ErrorCode::store_unavailable, "no connection within 200 ms");
    });
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(
        client.send("GET /v1/fail HTTP/1.1\r\nhost: a\r\naccept-language: en\r\n"
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"));
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_of(answer), 503);
    for (const char* part :
         {"content-type: application/problem+json\r\n", "retry-after: 1\r\n", "content-language: en\r\n",
          "trace-id: 0af7651916cd43dd8448eb211c80319c\r\n", "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"",
          "\"code\":\"store.unavailable\"", "\"detail\":\"no connection within 200 ms\"",
          "\"retry\":{\"advice\":\"after_backoff\",\"after_ms\":1000}", "\"clerk\":\"The database"}) {
        EXPECT_TRUE(contains(answer, part)) << part << "\n" << answer;
    }
    ASSERT_TRUE(client.send(request_text("GET", "/v1/fail")));
    EXPECT_TRUE(contains(client.read_answer(), "データベース"));
}

TEST(server, never_sends_what_would_break_the_answer) {
    TestServer test;
    test.server->route(Method::get, "/v1/split", {}, [](Request&, Deadline) -> Task<Result<Response>> {
        Response response = json_response("x");
        response.headers.push_back({"location", "a\r\nset-cookie: b"});
        co_return response;
    });
    test.server->route(Method::get, "/v1/status", {},
                       [](Request&, Deadline) -> Task<Result<Response>> { co_return empty_response(99); });
    test.server->route(Method::get, "/v1/none", {},
                       [](Request&, Deadline) -> Task<Result<Response>> { co_return empty_response(); });
    test.start();
    RawClient client(test.port, with_certificate());
    for (const char* target : {"/v1/split", "/v1/status"}) {
        ASSERT_TRUE(client.send(request_text("GET", target)));
        const std::string answer = client.read_answer();
        EXPECT_EQ(status_of(answer), 500);
        EXPECT_FALSE(contains(answer, "set-cookie"));
    }
    ASSERT_TRUE(client.send(request_text("GET", "/v1/none")));
    const std::string none = client.read_answer();
    EXPECT_TRUE(none.starts_with("HTTP/1.1 204 No Content\r\n"));
    EXPECT_FALSE(contains(none, "content-length"));
}

TEST(server, serves_health_and_metrics_on_a_plain_loopback_port) {
    TestServer test;
    test.server->route(Method::get, "/v1/checks/{receipt}", {}, answer_with("one"));
    add_health_routes(*test.server, test.metrics);
    test.start();
    const std::uint16_t tls_port = test.port;
    test.start(TestServer::plain_listener());
    EXPECT_TRUE(send_once(client_options(tls_port, &terminal()), get("/v1/checks/7Q4M-2XKD-9")).has_value());
    ClientOptions options;
    options.host = "127.0.0.1";
    options.port = test.port;
    const auto health = send_once(options, get("/healthz"));
    ASSERT_TRUE(health.has_value()) << health.error().detail;
    EXPECT_EQ(health->body, "{\"status\":\"ok\"}");
    const auto metrics = send_once(options, get("/metrics"));
    ASSERT_TRUE(metrics.has_value());
    EXPECT_EQ(metrics->header("content-type"), metrics_content_type);
    EXPECT_TRUE(contains(metrics->body, "onshi_http_requests_total{route=\"/v1/checks/{receipt}\",status=\"200\"} 1"))
        << metrics->body;
    EXPECT_TRUE(contains(metrics->body, "onshi_http_duration_seconds_count{route=\"/v1/checks/{receipt}\"} 1"));
    EXPECT_FALSE(contains(metrics->body, "7Q4M"));
    const auto refused = send_once(options, get("/v1/checks/x"));
    EXPECT_EQ(refused.error().code, ErrorCode::request_certificate_required);
}

TEST(server, checks_host_and_origin_where_hosts_are_named) {
    TestServer test;
    test.server->route(Method::get, "/page", open_route(), answer_with("page"));
    ListenerOptions listener = TestServer::plain_listener();
    listener.hosts = {"127.0.0.1", "localhost", "[::1]"};
    listener.response_headers.push_back({"content-security-policy", "default-src 'self'"});
    test.start(std::move(listener));
    const std::string port = std::to_string(test.port);
    const std::pair<std::string, int> cases[] = {
        {"host: localhost:" + port, 200},
        {"host: LOCALHOST", 200},
        {"host: [::1]:" + port, 200},
        {"host: evil.example:" + port, 421},
        {"host: localhost.evil.example", 421},
        {"host: localhost:" + port + "\r\norigin: http://localhost:" + port, 200},
        {"host: localhost:" + port + "\r\norigin: http://localhost:1", 403},
        {"host: localhost:" + port + "\r\norigin: https://localhost:" + port, 403},
        {"host: localhost:" + port + "\r\norigin: null", 403},
    };
    for (const auto& [fields, status] : cases) {
        RawClient client(test.port, plain());
        ASSERT_TRUE(client.send("GET /page HTTP/1.1\r\n" + fields + "\r\n\r\n"));
        const std::string answer = client.read_answer();
        EXPECT_EQ(status_of(answer), status) << fields;
        EXPECT_EQ(contains(answer, "\"code\":\"request.host\""), status == 421) << fields;
        EXPECT_EQ(contains(answer, "\"code\":\"request.origin\""), status == 403) << fields;
        EXPECT_TRUE(contains(answer, "content-security-policy: default-src 'self'\r\n"));
    }
}

TEST(server, refuses_listeners_that_cannot_be) {
    TestServer test;
    test.start();
    const auto code = [&test](ListenerOptions options) {
        const auto refused = test.server->listen(std::move(options));
        return refused ? ErrorCode::internal_unexpected : refused.error().code;
    };
    ListenerOptions open_plain = TestServer::plain_listener();
    open_plain.address = "0.0.0.0";
    EXPECT_EQ(code(std::move(open_plain)), ErrorCode::config_listen);
    ListenerOptions name = TestServer::plain_listener();
    name.address = "localhost";
    EXPECT_EQ(code(std::move(name)), ErrorCode::config_listen);
    ListenerOptions foreign = TestServer::plain_listener();
    foreign.inherited_socket = 1'000'000;
    EXPECT_EQ(code(std::move(foreign)), ErrorCode::config_listen);

    const auto with = [&code](auto change) {
        ListenerOptions options = TestServer::tls_listener();
        change(*options.tls);
        return code(std::move(options));
    };
    EXPECT_EQ(with([](ServerTls& tls) { tls.identity.certificate_pem = "nonsense"; }), ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.identity.certificate_pem.resize(400); }), ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.identity.key_pem = SecretBytes(); }), ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.identity.key_pem = server_ca().issue_server().key_pem.clone(); }),
              ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) {
                  std::string rsa = rsa_identity_key_pem();
                  tls.identity.key_pem = SecretBytes::take(rsa);
              }),
              ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.client_anchors.pem.clear(); }), ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.client_anchors.pem = tls.identity.certificate_pem; }),
              ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) {
                  tls.client_anchors.pem.append("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
              }),
              ErrorCode::config_certificate);
    EXPECT_EQ(with([](ServerTls& tls) { tls.tickets = SecretBytes(std::vector<std::uint8_t>(31, 1)); }),
              ErrorCode::config_certificate);
    ServerTls unknown = std::move(*TestServer::tls_listener().tls);
    EXPECT_EQ(test.server->replace_tls("other", std::move(unknown)).error().code, ErrorCode::config_listen);
}

TEST(server, listens_on_a_socket_that_it_was_given) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(socket, 16), 0);
    {
        TestServer test(TestServer::quick(), 2);
        test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
        ListenerOptions listener = TestServer::tls_listener();
        listener.inherited_socket = socket;
        test.start(std::move(listener));
        for (int i = 0; i < 8; ++i)
            EXPECT_TRUE(send_once(client_options(test.port, &terminal()), get("/v1/one")).has_value());
    }
    ::close(socket);
}

}  // namespace onshi::http::server_test
