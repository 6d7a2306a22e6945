#include "hub/ocsp_transport.h"

#include <charconv>

#include "platform/http/client.h"
#include "platform/pki/limits.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

Task<Result<std::string>> post(std::string url, std::string request_der, Deadline deadline) {
    const auto address = parse_responder_url(url);
    if (!address) co_return fail(ErrorCode::config_value, "ocsp_responder");
    http::ClientOptions options;
    options.host = address->host;
    options.port = address->port;
    options.plain = http::PlainText::anywhere;
    options.response_bytes_max = pki::ocsp_response_bytes_max;
    auto client = http::Client::make(std::move(options));
    if (!client) co_return fail(std::move(client));
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = address->target;
    request.body = std::move(request_der);
    request.content_type = "application/ocsp-request";
    auto response = co_await client->send(request, deadline);
    if (!response) co_return fail(std::move(response));
    if (response->status != 200) co_return fail(ErrorCode::peer_protocol, "not a 200 answer");
    co_return std::move(response->body);
}

Task<Result<std::string>> post_and_tell(std::string url, std::string request_der, Deadline deadline) {
    auto answer = co_await post(std::move(url), std::move(request_der), deadline);
    // The check goes on without it, so the operator hears of it here.
    if (!answer) log_failure(Level::warn, "cards.responder_failed", answer.error());
    co_return answer;
}

}  // namespace

std::optional<ResponderAddress> parse_responder_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return std::nullopt;
    url.remove_prefix(scheme.size());
    const std::string_view authority = url.substr(0, url.find('/'));
    ResponderAddress address;
    address.target = url.substr(authority.size());
    if (address.target.empty()) address.target = "/";
    const auto colon = authority.rfind(':');
    address.host = authority.substr(0, colon);
    if (address.host.empty() || address.host.find_first_of("@[] ") != std::string::npos) return std::nullopt;
    if (colon == std::string_view::npos) return address;
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    const bool whole = error == std::errc() && end == digits.data() + digits.size() && address.port != 0;
    return whole ? std::optional(address) : std::nullopt;
}

pki::OcspTransport ocsp_transport() {
    return &post_and_tell;
}

}  // namespace onshi::hub
