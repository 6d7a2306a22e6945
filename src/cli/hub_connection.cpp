#include "cli/hub_connection.h"

#include "platform/http/retry.h"

namespace onshi::cli {

Result<HubConnection> HubConnection::open(const HubAddress& address, http::ClientTls tls, Language language,
                                          Random& random) {
    http::ClientOptions options;
    options.host = address.host;
    options.port = address.port;
    options.tls = std::move(tls);
    auto client = http::Client::make(std::move(options));
    if (!client) return fail(std::move(client));
    return HubConnection(std::move(*client), language, random);
}

Task<Result<std::string>> HubConnection::post(std::string target, std::string body, http::Replay replay) {
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = std::move(target);
    request.body = std::move(body);
    request.language = language_;
    request.replay = replay;
    const http::RetryOptions retries;
    auto response =
        co_await http::send_with_retries(client_, request, retries, *random_, Deadline::in(request_deadline));
    if (!response) co_return fail(std::move(response));
    co_return std::move(response->body);
}

Result<HubConnection> connect_as(const TerminalProfile& profile, Language language, Random& random) {
    auto tls = load_terminal_tls(profile);
    if (!tls) return fail(std::move(tls));
    return HubConnection::open(profile.hub, std::move(*tls), language, random);
}

}  // namespace onshi::cli
