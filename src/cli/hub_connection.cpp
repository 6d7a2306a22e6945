#include "cli/hub_connection.h"

#include <array>

#include <fmt/format.h>

#include "platform/http/retry.h"

namespace onshi::cli {

Result<HubConnection> HubConnection::open(const HubAddress& address, http::ClientTls tls, Session& session) {
    http::ClientOptions options;
    options.host = address.host;
    options.port = address.port;
    options.tls = std::move(tls);
    auto client = http::Client::make(std::move(options));
    if (!client) return fail(std::move(client));
    std::array<std::uint8_t, 16> bytes;
    session.random().fill(bytes);
    const TraceId trace(bytes);
    session.console().trace(trace);
    return HubConnection(std::move(*client), address.url(), session, trace);
}

Task<Result<std::string>> HubConnection::post(std::string target, std::string body, http::Replay replay) {
    console_->detail(fmt::format("POST {}{}, {} bytes", address_, target, body.size()));
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = std::move(target);
    request.body = std::move(body);
    request.language = language_;
    request.trace_id = trace_;
    request.replay = replay;
    const http::RetryOptions retries;
    auto response =
        co_await http::send_with_retries(client_, request, retries, *random_, Deadline::in(request_deadline));
    if (!response) co_return fail(std::move(response));
    co_return std::move(response->body);
}

Result<HubConnection> connect_as(const TerminalProfile& profile, Session& session) {
    auto tls = load_terminal_tls(profile);
    if (!tls) return fail(std::move(tls));
    return HubConnection::open(profile.hub, std::move(*tls), session);
}

}  // namespace onshi::cli
