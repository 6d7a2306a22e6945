// Slow clients, load, drains and streams: what a server takes on and when it lets go.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "platform/http/health.h"
#include "platform/http/server.h"
#include "platform/http/test_support.h"

namespace onshi::http::server_limits_test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using namespace onshi::http::test;

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
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().handshakes_failed == 1; }));
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

// What the connection has to say until its end; empty when it grew too old before its request was taken, as on a busy
// machine.
std::string words_of_an_old_connection(milliseconds age) {
    ServerOptions options = TestServer::quick();
    options.times.connection_age = age;
    TestServer test(options);
    Gate gate;
    test.server->route(Method::get, "/v1/wait", {}, gate.handler());
    test.start();
    RawClient client(test.port, with_certificate());
    static_cast<void>(client.send(request_text("GET", "/v1/wait")));
    std::this_thread::sleep_for(age + 5ms);
    gate.open = true;
    return client.read_to_end().value_or("");
}

TEST(server, ends_a_connection_of_too_great_an_age_at_its_next_answer) {
    std::string words;
    for (milliseconds age{20}; words.empty() && age < 5s; age *= 4) words = words_of_an_old_connection(age);
    EXPECT_TRUE(contains(words, "connection: close\r\n")) << words;
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
    std::atomic<int> handled = 0;  // outlives the server, whose handlers count in it
    TestServer test;
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

TEST(server, serves_many_clients_on_several_loops_at_once) {
    std::atomic<int> handled = 0;
    TestServer test(TestServer::quick(), 3);
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

}  // namespace onshi::http::server_limits_test
