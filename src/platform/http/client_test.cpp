// What a caller is told when the other side fails in ways that our own server never does.
#include "platform/http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"
#include "platform/http/problem.h"

namespace onshi::http {
namespace {

// Takes one connection, reads a little, answers with the given bytes and closes. Owns socket and thread.
class ShortServer {
  public:
    explicit ShortServer(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 1), 0);
        EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, text = std::move(answer)] { serve(text); });
    }
    ~ShortServer() {
        thread_.join();
        ::close(listener_);
    }
    ShortServer(const ShortServer&) = delete;
    ShortServer& operator=(const ShortServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    void serve(const std::string& answer) const {
        const int peer = ::accept(listener_, nullptr, nullptr);
        char request[4096];
        EXPECT_GT(::recv(peer, request, sizeof request, 0), 0);
        if (!answer.empty()) EXPECT_GT(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL), 0);
        ::close(peer);
    }
    int listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

Task<Result<ClientResponse>> ask(Client& client) {
    ClientRequest request;
    request.method = Method::post;
    request.target = "/v1/checks";
    request.body = "{}";
    request.replay = Replay::forbidden;
    auto response = co_await client.send(request, Deadline::in(std::chrono::seconds(10)));
    client.close_idle();
    co_return response;
}

ErrorCode failure_of(const std::string& answer) {
    const ShortServer server(answer);
    ClientOptions options;
    options.host = "127.0.0.1";
    options.port = server.port();
    auto client = Client::make(std::move(options));
    EXPECT_TRUE(client);
    const auto response = run_to_end(ask(*client));
    return response ? ErrorCode::internal_unexpected : response.error().code;
}

TEST(client, does_not_know_what_became_of_a_request_whose_answer_broke_off) {
    EXPECT_EQ(failure_of(""), ErrorCode::peer_outcome_unknown);
    EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), ErrorCode::peer_outcome_unknown);
    EXPECT_EQ(failure_of("HTTP/1.1 200 O"), ErrorCode::peer_outcome_unknown);
}

TEST(client, tells_an_answer_that_is_no_http) {
    EXPECT_EQ(failure_of("220 mail.example ESMTP\r\n"), ErrorCode::peer_protocol);
}

TEST(client, is_refused_by_a_code_that_it_does_not_know) {
    const std::string body = R"({"code":"future.reason","status":422})";
    const std::string head =
        "HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/problem+json\r\nContent-Length: ";
    EXPECT_EQ(failure_of(head + std::to_string(body.size()) + "\r\n\r\n" + body), ErrorCode::peer_refused);
}

TEST(problem, of_another_program_becomes_what_its_status_means) {
    const auto parsed = [](std::uint16_t status, const char* type, const char* body) {
        return parse_problem(status, type, body);
    };
    EXPECT_EQ(parsed(404, "text/html", "<h1>nothing</h1>").code, ErrorCode::peer_refused);
    EXPECT_EQ(parsed(502, "text/html", "<h1>proxy</h1>").code, ErrorCode::peer_unavailable);
    const Error unknown = parsed(409, "application/problem+json", R"({"code":"future.reason"})");
    EXPECT_EQ(unknown.code, ErrorCode::peer_refused);
    EXPECT_EQ(unknown.detail, "status 409, code future.reason");
    EXPECT_EQ(parsed(409, "application/problem+json", R"({"code":"store.conflict"})").code, ErrorCode::store_conflict);
}

}  // namespace
}  // namespace onshi::http
