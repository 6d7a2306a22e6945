#include "platform/http/server.h"

#include <arpa/inet.h>
#include <atomic>
#include <future>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/http/health.h"
#include "platform/http/test_support.h"
#include "platform/telemetry/log.h"

namespace onshi::http::server_test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using namespace onshi::http::test;

const TlsIdentity& terminal() {
    static const TlsIdentity identity = organisation_ca().issue("terminal 1");
    return identity;
}

RawClient::Options with_certificate(const TlsIdentity& identity = terminal()) {
    RawClient::Options options;
    options.identity = &identity;
    return options;
}

RawClient::Options plain() {
    RawClient::Options options;
    options.tls = false;
    return options;
}

// Lets a test decide when its handler goes on.
struct Gate {
    std::atomic<bool> open = false;
    std::atomic<int> waiting = 0;

    Handler handler() {
        return [this](Request&, Deadline) -> Task<Result<Response>> {
            ++waiting;
            while (!open) co_await sleep_for(1ms);
            --waiting;
            co_return json_response("{\"late\":true}");
        };
    }
};

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

ServerOptions with_times(milliseconds handshake, milliseconds header, milliseconds transfer, milliseconds idle) {
    ServerOptions options = TestServer::quick();
    options.times.handshake = handshake;
    options.times.header = header;
    options.times.transfer = transfer;
    options.times.idle = idle;
    return options;
}

TEST(server, ends_a_request_whose_header_does_not_come) {
    TestServer test(with_times(5s, 30ms, 5s, 5s));
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\n"));
    const auto all = client.read_to_end();
    EXPECT_EQ(status_of(*all), 408);
    EXPECT_TRUE(contains(*all, "request.timeout"));
    EXPECT_EQ(test.server->counts().timeouts, 1U);
}

TEST(server, ends_a_request_whose_header_trickles) {
    TestServer test(with_times(5s, 30ms, 5s, 5s));
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient client(test.port, with_certificate());
    for (int i = 0; i < 200 && client.send("x"); ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(status_of(client.read_answer()), 408);
}

TEST(server, ends_a_request_whose_body_does_not_come) {
    ServerOptions options = with_times(5s, 5s, 30ms, 5s);
    options.times.bytes_per_second_min = 1'000'000;
    TestServer test(options);
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient known(test.port, with_certificate());
    ASSERT_TRUE(known.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf"));
    EXPECT_EQ(status_of(known.read_answer()), 408);
    RawClient pieces(test.port, with_certificate());
    ASSERT_TRUE(pieces.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf"));
    EXPECT_EQ(status_of(pieces.read_answer()), 408);
}

TEST(server, closes_an_idle_connection_without_a_word) {
    TestServer test(with_times(5s, 5s, 5s, 30ms));
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(client.read_answer()), 200);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_open == 0; }));
}

TEST(server, closes_a_connection_that_never_finishes_its_handshake) {
    TestServer test(with_times(30ms, 5s, 5s, 5s));
    test.start();
    RawClient client(test.port, plain());
    EXPECT_TRUE(client.read_to_end().has_value());
    EXPECT_EQ(test.server->counts().handshakes_failed, 1U);
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_open == 0; }));
}

TEST(server, resets_a_client_that_does_not_read) {
    ServerOptions options = with_times(5s, 5s, 30ms, 5s);
    options.times.bytes_per_second_min = 1'000'000'000;
    TestServer test(options);
    test.server->route(Method::get, "/v1/much", {}, answer_with(std::string(20'000'000, 'x')));
    test.start();
    RawClient::Options slow = with_certificate();
    slow.receive_buffer = 4096;
    RawClient client(test.port, slow);
    ASSERT_TRUE(client.send(request_text("GET", "/v1/much")));
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_open == 0; }));
    EXPECT_EQ(test.server->counts().timeouts, 1U);
}

TEST(server, ends_a_connection_of_too_great_an_age_at_its_next_answer) {
    ServerOptions options = TestServer::quick();
    options.times.connection_age = 20ms;
    TestServer test(options);
    Gate gate;
    test.server->route(Method::get, "/v1/wait", {}, gate.handler());
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send(request_text("GET", "/v1/wait")));
    std::this_thread::sleep_for(25ms);
    gate.open = true;
    EXPECT_TRUE(contains(*client.read_to_end(), "connection: close\r\n"));
}

TEST(server, limits_connections_in_all_and_per_address) {
    for (const bool per_address : {false, true}) {
        ServerOptions options = TestServer::quick();
        (per_address ? options.admission.connections_per_address_max : options.admission.connections_max) = 3;
        TestServer test(options);
        test.server->route(Method::get, "/v1/one", open_route(), answer_with("one"));
        test.start(TestServer::plain_listener());
        std::vector<std::unique_ptr<RawClient>> clients;
        for (int i = 0; i < 3; ++i) {
            clients.push_back(std::make_unique<RawClient>(test.port, plain()));
            ASSERT_TRUE(clients.back()->send(request_text("GET", "/v1/one")));
            EXPECT_EQ(status_of(clients.back()->read_answer()), 200);
        }
        RawClient fourth(test.port, plain());
        EXPECT_TRUE(fourth.read_to_end().has_value());
        EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_refused == 1; }));
        clients.pop_back();
        EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_open == 2; }));
        RawClient again(test.port, plain());
        ASSERT_TRUE(again.send(request_text("GET", "/v1/one")));
        EXPECT_EQ(status_of(again.read_answer()), 200);
    }
}

TEST(server, refuses_wrong_and_missing_certificates_by_a_tls_alert) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    const TlsIdentity stranger = strange_ca().issue("terminal 1");
    const TlsIdentity expired = organisation_ca().issue("terminal 2", -60s);
    for (const TlsIdentity* identity : {static_cast<const TlsIdentity*>(nullptr), &stranger, &expired}) {
        const auto answer = send_once(client_options(test.port, identity), get("/v1/one"));
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().code, ErrorCode::peer_untrusted) << answer.error().detail;
    }
    EXPECT_EQ(test.server->counts().handshakes_failed, 3U);
    EXPECT_EQ(test.server->counts().requests, 0U);
    EXPECT_TRUE(send_once(client_options(test.port, &terminal()), get("/v1/one")).has_value());
}

Handler tell_peer() {
    return [](Request& request, Deadline) -> Task<Result<Response>> {
        std::string text = request.peer->address + " ";
        if (request.peer->certificate) text += to_hex(*request.peer->certificate);
        co_return json_response(text);
    };
}

TEST(server, lets_routes_insist_on_a_certificate_where_it_is_optional) {
    TestServer test;
    test.server->route(Method::get, "/v1/enrol", open_route(), tell_peer());
    test.server->route(Method::get, "/v1/check", {}, tell_peer());
    test.start(TestServer::tls_listener(ClientCertificate::optional));
    const auto open = send_once(client_options(test.port, nullptr), get("/v1/enrol"));
    ASSERT_TRUE(open.has_value());
    EXPECT_EQ(open->body, "127.0.0.1 ");
    const auto refused = send_once(client_options(test.port, nullptr), get("/v1/check"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::request_certificate_required);
    const auto known = send_once(client_options(test.port, &terminal()), get("/v1/check"));
    ASSERT_TRUE(known.has_value());
    EXPECT_EQ(known->body, "127.0.0.1 " + to_hex(fingerprint_of(terminal())));
}

// One request on a new connection; returns the answer's body and keeps the new ticket.
struct Visit {
    std::string body;
    bool resumed = false;
    SSL_SESSION* ticket = nullptr;
};

Visit visit(std::uint16_t port, SSL_SESSION* session) {
    RawClient::Options options = with_certificate();
    options.session = session;
    RawClient client(port, options);
    EXPECT_TRUE(client.send(request_text("GET", "/v1/peer")));
    const std::string answer = client.read_answer();
    Visit visit;
    visit.body = answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
    visit.resumed = client.resumed();
    visit.ticket = client.ticket();
    return visit;
}

TEST(server, knows_the_peer_of_a_resumed_session_too) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    test.start();
    const Visit first = visit(test.port, nullptr);
    ASSERT_NE(first.ticket, nullptr);
    const Visit second = visit(test.port, first.ticket);
    EXPECT_FALSE(first.resumed);
    EXPECT_TRUE(second.resumed);
    EXPECT_EQ(second.body, "127.0.0.1 " + to_hex(fingerprint_of(terminal())));
    EXPECT_EQ(test.server->counts().sessions_resumed, 1U);
    SSL_SESSION_free(first.ticket);
    SSL_SESSION_free(second.ticket);
}

TEST(server, takes_tickets_of_this_and_the_last_period_only) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    ListenerOptions listener = TestServer::tls_listener();
    listener.tls->ticket_period = 1000s;
    test.clock.set(Instant{(test.clock.now().us / 1'000'000'000) * 1'000'000'000});
    test.start(std::move(listener));
    const Visit first = visit(test.port, nullptr);
    ASSERT_NE(first.ticket, nullptr);
    test.clock.advance(1000s);
    const Visit next = visit(test.port, first.ticket);
    EXPECT_TRUE(next.resumed);
    test.clock.advance(1000s);
    const Visit late = visit(test.port, first.ticket);
    EXPECT_FALSE(late.resumed);
    EXPECT_EQ(late.body, first.body);
    for (SSL_SESSION* session : {first.ticket, next.ticket, late.ticket}) SSL_SESSION_free(session);
}

TEST(server, does_not_resume_under_other_keys_or_other_cas) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    test.start();
    const Visit first = visit(test.port, nullptr);
    ASSERT_NE(first.ticket, nullptr);
    ServerTls other = std::move(*TestServer::tls_listener().tls);
    other.client_anchors.pem += strange_ca().anchors().pem;
    ASSERT_TRUE(test.server->replace_tls("main", std::move(other)).has_value());
    const Visit other_cas = visit(test.port, first.ticket);
    EXPECT_FALSE(other_cas.resumed);
    EXPECT_EQ(other_cas.body, first.body);
    ServerTls keys = std::move(*TestServer::tls_listener().tls);
    keys.tickets = ticket_secret(2);
    ASSERT_TRUE(test.server->replace_tls("main", std::move(keys)).has_value());
    const Visit other_keys = visit(test.port, first.ticket);
    EXPECT_FALSE(other_keys.resumed);
    EXPECT_EQ(other_keys.body, first.body);
    for (SSL_SESSION* session : {first.ticket, other_cas.ticket, other_keys.ticket}) SSL_SESSION_free(session);
}

TEST(server, ends_resumed_sessions_and_kept_connections_with_the_certificate) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    ListenerOptions listener = TestServer::tls_listener();
    listener.tls->ticket_period = 100'000s;
    test.start(std::move(listener));
    const Visit first = visit(test.port, nullptr);
    ASSERT_NE(first.ticket, nullptr);
    test.clock.advance(2h);
    RawClient::Options options = with_certificate();
    options.session = first.ticket;
    RawClient client(test.port, options);
    static_cast<void>(client.send(request_text("GET", "/v1/peer")));
    EXPECT_EQ(client.read_answer(), "");
    EXPECT_EQ(test.server->counts().requests, 1U);
    SSL_SESSION_free(first.ticket);
}

TEST(server, gives_no_tickets_without_a_secret) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    ListenerOptions listener = TestServer::tls_listener();
    listener.tls->tickets = SecretBytes();
    test.start(std::move(listener));
    EXPECT_EQ(visit(test.port, nullptr).ticket, nullptr);
}

TEST(server, speaks_tls_1_3_and_http_1_1_only) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    test.start();
    RawClient::Options options = with_certificate();
    options.tls_version_max = TLS1_2_VERSION;
    EXPECT_FALSE(RawClient(test.port, options).connected());
    options.tls_version_max = TLS1_3_VERSION;
    options.alpn = "\x02h2";
    EXPECT_FALSE(RawClient(test.port, options).connected());
    options.alpn = "\x02h2\x08http/1.1";
    RawClient client(test.port, options);
    EXPECT_TRUE(client.connected());
    EXPECT_EQ(client.alpn(), "http/1.1");
}

TEST(server, survives_plain_http_and_noise_on_its_tls_port) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    test.start();
    for (const std::string_view noise :
         {std::string_view("GET / HTTP/1.1\r\nhost: a\r\n\r\n"), std::string_view("\x16\x03\x01\x00\x05hello", 10)}) {
        RawClient client(test.port, plain());
        ASSERT_TRUE(client.send(noise));
        client.end_sending();
        EXPECT_TRUE(client.read_to_end().has_value());
    }
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().handshakes_failed == 2; }));
    EXPECT_TRUE(send_once(client_options(test.port, &terminal()), get("/v1/peer")).has_value());
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

TEST(server, sheds_requests_beyond_those_in_flight_but_not_health) {
    ServerOptions options = TestServer::quick();
    options.admission.requests_in_flight_max = 3;
    options.admission.class_in_flight_max = {3, 2, 1};
    TestServer test(options);
    Gate gate;
    RouteOptions urgent;
    urgent.admission = AdmissionClass::urgent;
    RouteOptions bulk;
    bulk.admission = AdmissionClass::bulk;
    test.server->route(Method::get, "/v1/urgent", urgent, gate.handler());
    test.server->route(Method::get, "/v1/normal", {}, gate.handler());
    test.server->route(Method::get, "/v1/bulk", bulk, gate.handler());
    add_health_routes(*test.server, test.metrics);
    test.start();
    std::vector<std::unique_ptr<RawClient>> clients;
    const auto ask = [&](const char* target) {
        clients.push_back(std::make_unique<RawClient>(test.port, with_certificate()));
        EXPECT_TRUE(clients.back()->send(request_text("GET", target)));
    };
    ask("/v1/bulk");
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 1; }));
    RawClient second_bulk(test.port, with_certificate());
    ASSERT_TRUE(second_bulk.send(request_text("GET", "/v1/bulk")));
    const std::string refused = second_bulk.read_answer();
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_TRUE(contains(refused, "\"code\":\"overload.busy\""));
    EXPECT_TRUE(contains(refused, "retry-after: 1\r\n"));
    ask("/v1/normal");
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 2; }));
    ask("/v1/urgent");
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 3; }));
    RawClient fourth(test.port, with_certificate());
    ASSERT_TRUE(fourth.send(request_text("GET", "/v1/urgent")));
    EXPECT_EQ(status_of(fourth.read_answer()), 503);
    RawClient health(test.port, with_certificate());
    ASSERT_TRUE(health.send(request_text("GET", "/healthz")));
    EXPECT_EQ(status_of(health.read_answer()), 200);
    gate.open = true;
    for (const auto& client : clients) EXPECT_EQ(status_of(client->read_answer()), 200);
    EXPECT_EQ(test.server->counts().requests_shed, 2U);
    RawClient after(test.port, with_certificate());
    ASSERT_TRUE(after.send(request_text("GET", "/v1/bulk")));
    EXPECT_EQ(status_of(after.read_answer()), 200);
}

TEST(server, limits_the_rate_of_one_peer_and_not_of_another) {
    ServerOptions options = TestServer::quick();
    options.admission.rate = RateLimit{0.001, 3};
    TestServer test(options);
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    // Savings belong to the certificate, not to the connection.
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(send_once(client_options(test.port, &terminal()), get("/v1/one")).has_value());
    const auto fourth = send_once(client_options(test.port, &terminal()), get("/v1/one"));
    ASSERT_FALSE(fourth.has_value());
    EXPECT_EQ(fourth.error().code, ErrorCode::overload_rate);
    EXPECT_GT(fourth.error().retry_after_ms, 100'000U);
    const TlsIdentity other = organisation_ca().issue("terminal 2");
    EXPECT_TRUE(send_once(client_options(test.port, &other), get("/v1/one")).has_value());
}

TEST(server, does_not_read_a_refused_connection_before_the_advised_time) {
    ServerOptions options = TestServer::quick();
    options.admission.rate = RateLimit{20, 1};
    TestServer test(options);
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient client(test.port, with_certificate());
    ASSERT_TRUE(client.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(client.read_answer()), 200);
    ASSERT_TRUE(client.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(client.read_answer()), 429);
    const SteadyTime refused_at = std::chrono::steady_clock::now();
    ASSERT_TRUE(client.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(client.read_answer()), 200);
    EXPECT_GE(std::chrono::steady_clock::now() - refused_at, 40ms);
}

TEST(server, sheds_when_work_waits_too_long_for_its_turn) {
    ServerOptions options = TestServer::quick();
    options.admission.queue_delay = QueueDelay{};
    options.admission.queue_delay.delay_max = 20ms;
    options.admission.queue_delay.probe_every = 1ms;
    TestServer test(options);
    test.server->route(Method::get, "/v1/burn", {}, [](Request&, Deadline) -> Task<Result<Response>> {
        const auto end = std::chrono::steady_clock::now() + 5ms;
        while (std::chrono::steady_clock::now() < end) {
        }
        co_return json_response("done");
    });
    add_health_routes(*test.server, test.metrics);
    test.start();
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 16; ++i) clients.push_back(std::make_unique<RawClient>(test.port, with_certificate()));
    const std::string burn = request_text("GET", "/v1/burn");
    for (const auto& client : clients) ASSERT_TRUE(client->send(burn + burn + burn + burn));
    int shed = 0;
    int done = 0;
    for (const auto& client : clients) {
        for (int i = 0; i < 4; ++i) {
            const int status = status_of(client->read_answer());
            done += status == 200 ? 1 : 0;
            shed += status == 503 ? 1 : 0;
            // A refused connection rests, so its further answers would come late.
            if (status != 200) break;
        }
    }
    EXPECT_GT(done, 0);
    EXPECT_GT(shed, 0);
    RawClient health(test.port, with_certificate());
    ASSERT_TRUE(health.send(request_text("GET", "/metrics")));
    EXPECT_TRUE(
        contains(health.read_answer(), "onshi_http_shed_total{reason=\"queue_delay\"} " + std::to_string(shed)));
}

TEST(server, does_not_let_one_pipelining_client_keep_the_others_waiting) {
    TestServer test;
    std::atomic<int> handled = 0;
    test.server->route(Method::get, "/v1/slow", {}, [&handled](Request&, Deadline) -> Task<Result<Response>> {
        const auto end = std::chrono::steady_clock::now() + 2ms;
        while (std::chrono::steady_clock::now() < end) {
        }
        ++handled;
        co_return json_response("done");
    });
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient other(test.port, with_certificate());
    RawClient greedy(test.port, with_certificate());
    std::string much;
    for (int i = 0; i < 100; ++i) much += request_text("GET", "/v1/slow");
    ASSERT_TRUE(greedy.send(much));
    ASSERT_TRUE(other.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(other.read_answer()), 200);
    EXPECT_LT(handled, 50);
}

TEST(server, bounds_the_bodies_it_receives_at_one_time) {
    ServerOptions options = TestServer::quick();
    options.admission.body_bytes_in_flight_max = 50'000;
    TestServer test(options);
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    RawClient first(test.port, with_certificate());
    ASSERT_TRUE(first.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 40000\r\n\r\nbegin"));
    RawClient::Options other = with_certificate();
    ASSERT_TRUE(test.eventually([&] {
        RawClient second(test.port, other);
        EXPECT_TRUE(second.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\nbegin"));
        second.end_sending();
        return status_of(second.read_answer()) == 503;
    }));
    ASSERT_TRUE(first.send(std::string(40'000 - 5, 'x')));
    EXPECT_EQ(status_of(first.read_answer()), 200);
    RawClient third(test.port, with_certificate());
    ASSERT_TRUE(third.send(request_text("POST", "/v1/echo", std::string(20'000, 'x'))));
    EXPECT_EQ(status_of(third.read_answer()), 200);
}

TEST(server, drains_in_flight_requests_and_closes_idle_connections) {
    TestServer test;
    Gate gate;
    test.server->route(Method::get, "/v1/wait", {}, gate.handler());
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient idle(test.port, with_certificate());
    ASSERT_TRUE(idle.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(idle.read_answer()), 200);
    RawClient busy(test.port, with_certificate());
    ASSERT_TRUE(busy.send(request_text("GET", "/v1/wait")));
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 1; }));
    test.server->stop(5s);
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_FALSE(test.server->wait_stopped(5ms));
    RawClient late(test.port, with_certificate());
    EXPECT_FALSE(late.connected());
    gate.open = true;
    const auto all = busy.read_to_end();
    EXPECT_EQ(status_of(*all), 200);
    EXPECT_TRUE(contains(*all, "connection: close\r\n"));
    EXPECT_TRUE(test.server->wait_stopped(5s));
}

TEST(server, cuts_off_at_the_end_of_the_drain_what_does_not_end) {
    TestServer test;
    Gate gate;
    test.server->route(Method::get, "/v1/wait", {}, gate.handler());
    test.start();
    RawClient busy(test.port, with_certificate());
    ASSERT_TRUE(busy.send(request_text("GET", "/v1/wait")));
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 1; }));
    test.server->stop(20ms);
    EXPECT_EQ(busy.read_to_end(), "");
    gate.open = true;
    EXPECT_TRUE(test.server->wait_stopped(5s));
}

struct DeadlineCase {
    const char* field;
    int status;
    int left_ms_max;
};

TEST(server, gives_the_handler_the_earlier_of_both_deadlines) {
    TestServer test;
    RouteOptions options;
    options.deadline = 500ms;
    test.server->route(Method::get, "/v1/left", options, [](Request&, Deadline deadline) -> Task<Result<Response>> {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline.at() - std::chrono::steady_clock::now());
        co_return json_response(std::to_string(left.count()));
    });
    test.start();
    const DeadlineCase cases[] = {{"", 200, 500},
                                  {"onshi-deadline-ms: 100\r\n", 200, 100},
                                  {"onshi-deadline-ms: 90000\r\n", 200, 500},
                                  {"onshi-deadline-ms: 0\r\n", 503, 0}};
    RawClient client(test.port, with_certificate());
    for (const auto& c : cases) {
        ASSERT_TRUE(client.send(std::string("GET /v1/left HTTP/1.1\r\nhost: a\r\n") + c.field + "\r\n"));
        const std::string answer = client.read_answer();
        EXPECT_EQ(status_of(answer), c.status) << answer;
        if (c.status != 200) {
            EXPECT_TRUE(contains(answer, "deadline.passed"));
            continue;
        }
        const int left = std::atoi(answer.c_str() + answer.find("\r\n\r\n") + 4);
        EXPECT_LE(left, c.left_ms_max);
        EXPECT_GT(left, c.left_ms_max / 2);
    }
}

Handler count_up(std::atomic<int>& open, int end) {
    return [&open, end](Request&, Deadline) -> Task<Result<Response>> {
        Response response;
        response.content_type = "text/event-stream";
        response.stream = [&open, end](ResponseStream& stream) -> Task<void> {
            ++open;
            for (int i = 0; i < end; ++i) {
                const std::string event = "data: " + std::to_string(i) + "\n\n";
                const bool sent = co_await stream.write(event);
                if (!sent) break;
                if (end > 10)
                    static_cast<void>(co_await stream.alarm()->wait_until(std::chrono::steady_clock::now() + 1h));
            }
            --open;
        };
        co_return response;
    };
}

TEST(server, streams_an_answer_in_chunks_and_keeps_the_connection) {
    TestServer test;
    std::atomic<int> open = 0;
    test.server->route(Method::get, "/events", {}, count_up(open, 3));
    test.start();
    RawClient client(test.port, with_certificate());
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(client.send(request_text("GET", "/events")));
        const std::string answer = client.read_answer();
        EXPECT_TRUE(contains(answer, "transfer-encoding: chunked\r\n"));
        EXPECT_TRUE(contains(answer, "content-type: text/event-stream\r\n"));
        EXPECT_TRUE(answer.ends_with("9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"))
            << answer;
    }
    ASSERT_TRUE(client.send("GET /events HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(client.read_to_end()->ends_with("\r\n\r\ndata: 0\n\ndata: 1\n\ndata: 2\n\n"));
}

TEST(server, bounds_streams_does_not_count_them_in_flight_and_ends_them_when_draining) {
    ServerOptions options = TestServer::quick();
    options.admission.streams_max = 2;
    options.admission.requests_in_flight_max = 1;
    TestServer test(options);
    std::atomic<int> open = 0;
    test.server->route(Method::get, "/events", {}, count_up(open, 1000));
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient first(test.port, with_certificate());
    RawClient second(test.port, with_certificate());
    ASSERT_TRUE(first.send(request_text("GET", "/events")));
    ASSERT_TRUE(test.eventually([&] { return open == 1; }));
    ASSERT_TRUE(second.send(request_text("GET", "/events")));
    ASSERT_TRUE(test.eventually([&] { return open == 2; }));
    RawClient third(test.port, with_certificate());
    ASSERT_TRUE(third.send(request_text("GET", "/events")));
    EXPECT_EQ(status_of(third.read_answer()), 503);
    RawClient fourth(test.port, with_certificate());
    ASSERT_TRUE(fourth.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(fourth.read_answer()), 200);
    test.server->stop(5s);
    EXPECT_TRUE(first.read_to_end()->ends_with("0\r\n\r\n"));
    EXPECT_TRUE(test.server->wait_stopped(5s));
    EXPECT_EQ(open, 0);
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

TEST(server, uses_a_renewed_certificate_for_new_connections) {
    TestServer test;
    test.server->route(Method::get, "/v1/one", {}, answer_with("one"));
    test.start();
    RawClient old(test.port, with_certificate());
    ServerTls tls = std::move(*TestServer::tls_listener().tls);
    tls.identity = strange_ca().issue_server();
    ASSERT_TRUE(test.server->replace_tls("main", std::move(tls)).has_value());
    ASSERT_TRUE(old.send(request_text("GET", "/v1/one")));
    EXPECT_EQ(status_of(old.read_answer()), 200);
    EXPECT_EQ(send_once(client_options(test.port, &terminal()), get("/v1/one")).error().code,
              ErrorCode::peer_untrusted);
    ClientOptions renewed = client_options(test.port, &terminal());
    renewed.tls->server_anchors = strange_ca().anchors();
    EXPECT_TRUE(send_once(renewed, get("/v1/one")).has_value());
}

TEST(server, serves_many_clients_on_several_loops_at_once) {
    TestServer test(TestServer::quick(), 3);
    std::atomic<int> handled = 0;
    test.server->route(Method::post, "/v1/echo", {}, [&handled](Request& request, Deadline) -> Task<Result<Response>> {
        std::string body(request.body);
        co_await yield_to_others();
        ++handled;
        co_return json_response(std::move(body));
    });
    test.start();
    std::vector<std::jthread> threads;
    std::atomic<int> good = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int c = 0; c < 4; ++c) {
                RawClient client(test.port, with_certificate());
                for (int i = 0; i < 25; ++i) {
                    const std::string body = std::to_string(t) + "-" + std::to_string(c) + "-" + std::to_string(i);
                    if (!client.send(request_text("POST", "/v1/echo", body))) continue;
                    good += client.read_answer().ends_with("\r\n\r\n" + body) ? 1 : 0;
                }
            }
        });
    }
    threads.clear();
    EXPECT_EQ(good, 400);
    EXPECT_EQ(handled, 400);
}

TEST(server, outlives_clients_that_vanish_at_any_moment) {
    TestServer test;
    Gate gate;
    test.server->route(Method::get, "/v1/wait", {}, gate.handler());
    test.server->route(Method::post, "/v1/echo", {}, echo());
    test.start();
    for (int i = 0; i < 10; ++i) {
        RawClient waiting(test.port, with_certificate());
        ASSERT_TRUE(waiting.send(request_text("GET", "/v1/wait")));
        RawClient half(test.port, with_certificate());
        ASSERT_TRUE(half.send("POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf"));
        RawClient header(test.port, with_certificate());
        ASSERT_TRUE(header.send("POST /v1/ec"));
    }
    ASSERT_TRUE(test.eventually([&] { return gate.waiting == 10; }));
    gate.open = true;
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().connections_open == 0; }));
    EXPECT_TRUE(send_once(client_options(test.port, &terminal()), post("/v1/echo", "x")).has_value());
}

}  // namespace onshi::http::server_test
