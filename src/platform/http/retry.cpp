#include "platform/http/retry.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ensure.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::http {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds retry_wait(const Error& error, std::size_t failed_attempts, const RetryOptions& options, Random& random) {
    const std::size_t doublings = std::min<std::size_t>(failed_attempts == 0 ? 0 : failed_attempts - 1, 20);
    const milliseconds own = options.first_wait * (std::int64_t{1} << doublings);
    const milliseconds wanted = std::min(std::max(own, milliseconds(error.retry_after_ms)), options.wait_max);
    std::array<std::uint8_t, 4> bytes;
    random.fill(bytes);
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    return milliseconds(wanted.count() / 2 + wanted.count() * (word % 1001) / 1000);
}

bool worth_retrying(const Error& error, Replay replay) {
    const bool unknown =
        error.code == ErrorCode::peer_outcome_unknown || error.code == ErrorCode::store_outcome_unknown;
    if (unknown) return replay == Replay::allowed;
    const Retry advice = catalogue_entry(error.code).retry;
    return advice == Retry::now || advice == Retry::after_backoff;
}

Task<Result<ClientResponse>> send_with_retries(Client& client, const ClientRequest& request,
                                               const RetryOptions& options, Random& random, Deadline deadline) {
    ENSURE(options.attempts_max >= 1 && options.attempts_max <= attempts_limit);
    for (std::size_t attempt = 1;; ++attempt) {
        auto answer = co_await client.send(request, deadline);
        if (answer || attempt == options.attempts_max || !worth_retrying(answer.error(), request.replay))
            co_return answer;
        const SteadyTime again = steady_clock::now() + retry_wait(answer.error(), attempt, options, random);
        if (again >= deadline.at()) co_return answer;
        co_await sleep_until(again);
    }
}

}  // namespace onshi::http
