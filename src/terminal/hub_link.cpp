#include "terminal/hub_link.h"

#include "platform/http/retry.h"
#include "terminal/limits.h"

namespace onshi::terminal {

bool means_away(ErrorCode code) {
    switch (code) {
        case ErrorCode::peer_unavailable:
        case ErrorCode::peer_outcome_unknown:
        case ErrorCode::peer_untrusted:
        case ErrorCode::deadline_passed:
        case ErrorCode::store_unavailable:
        case ErrorCode::store_fenced:
        case ErrorCode::overload_busy:
        case ErrorCode::outage_declared: return true;
        default: return false;
    }
}

HubAccess HubAccess::clone() const {
    http::ClientTls copy;
    copy.server_anchors = tls.server_anchors;
    if (tls.identity) copy.identity = tls.identity->clone();
    copy.server_name = tls.server_name;
    return {host, port, std::move(copy)};
}

std::optional<Instant> HubState::away_since() const {
    if (!away()) return std::nullopt;
    return Instant{since_us_.load(std::memory_order_relaxed)};
}

void HubState::missed(Instant now) {
    if (away()) return;
    since_us_.store(now.us, std::memory_order_relaxed);
    away_.store(true, std::memory_order_relaxed);
}

Result<std::unique_ptr<HubLink>> HubLink::make(HubAccess access, HubState& state, const Clock& clock, Random& random) {
    http::ClientOptions options;
    options.host = std::move(access.host);
    options.port = access.port;
    options.tls = std::move(access.tls);
    options.response_bytes_max = hub_answer_bytes_max;
    options.connect_time_max = single_deadline;
    auto client = http::Client::make(std::move(options));
    if (!client) return fail(std::move(client));
    return std::unique_ptr<HubLink>(new HubLink(std::move(*client), state, clock, random));
}

Task<Result<std::string>> HubLink::post(std::string target, std::string body, Deadline deadline) {
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = std::move(target);
    request.body = std::move(body);
    auto answer = co_await send(std::move(request), deadline);
    co_return answer;
}

Task<Result<std::string>> HubLink::get(std::string target, Deadline deadline) {
    http::ClientRequest request;
    request.method = http::Method::get;
    request.target = std::move(target);
    auto answer = co_await send(std::move(request), deadline);
    co_return answer;
}

Task<Result<std::string>> HubLink::send(http::ClientRequest request, Deadline deadline) {
    request.replay = http::Replay::allowed;
    std::array<std::uint8_t, 16> trace{};
    random_.fill(trace);
    request.trace_id = TraceId(trace);
    const http::RetryOptions retries;
    auto response = co_await http::send_with_retries(client_, request, retries, random_, deadline);
    if (!response) {
        if (means_away(response.error().code)) state_.missed(clock_.now());
        co_return fail(std::move(response));
    }
    state_.answered();
    co_return std::move(response->body);
}

}  // namespace onshi::terminal
