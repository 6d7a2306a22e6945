// Who the peer is: certificates, resumed sessions, protocols.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/http/server.h"
#include "platform/http/test_support.h"

namespace onshi::http::server_tls_test {

using namespace std::chrono_literals;
using namespace onshi::http::test;

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
    EXPECT_TRUE(test.eventually([&] { return test.server->counts().handshakes_failed == 3; }));
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

// Ends without the closing alert, as a hub that is killed.
Task<Result<Response>> break_off(Request&, Deadline) {
    Response response;
    response.stream = [](ResponseStream&) -> Task<void> {
        throw std::runtime_error("broken off");
        co_return;
    };
    co_return response;
}

Task<Result<ClientResponse>> ask_around_a_break(Client& client) {
    const Deadline deadline = Deadline::in(5s);
    const ClientRequest good = get("/v1/peer");
    const ClientRequest bad = get("/v1/broken");
    auto first = co_await client.send(good, deadline);
    EXPECT_TRUE(first.has_value());
    auto broken = co_await client.send(bad, deadline);
    EXPECT_FALSE(broken.has_value());
    auto again = co_await client.send(good, deadline);
    client.close_idle();
    co_return again;
}

TEST(client, resumes_its_session_behind_a_server_that_went_away_without_a_word) {
    TestServer test;
    test.server->route(Method::get, "/v1/peer", {}, tell_peer());
    test.server->route(Method::get, "/v1/broken", {}, &break_off);
    test.start();
    Client client = make_client(test.port);
    EXPECT_TRUE(run_to_end(ask_around_a_break(client)).has_value());
    EXPECT_EQ(test.server->counts().sessions_resumed, 1U) << "after an outage everybody comes back at once";
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

}  // namespace onshi::http::server_tls_test
