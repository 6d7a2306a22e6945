#pragma once

#include <chrono>
#include <cstddef>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/http/client.h"

namespace onshi::http {

struct RetryOptions {
    std::size_t attempts_max = 4;  // 1 … attempts_limit
    std::chrono::milliseconds first_wait{200};
    std::chrono::milliseconds wait_max{10'000};
};

// How long to wait before attempt number `failed_attempts + 1`: the error's own advice or the doubled first wait,
// whichever is longer, never above `wait_max`, times a random factor of 0.5 … 1.5 so that many clients do not come back
// together.
[[nodiscard]] std::chrono::milliseconds retry_wait(const Error& error, std::size_t failed_attempts,
                                                   const RetryOptions& options, Random& random);

// Whether another attempt can help and is allowed: catalogue advice `now` or `after_backoff`; an unknown outcome only
// with Replay::allowed.
[[nodiscard]] bool worth_retrying(const Error& error, Replay replay);

// Sends until it succeeds, trying again does not help, the attempts are used up, or the next wait would pass the
// deadline; then the last error. Works on the client's loop.
[[nodiscard]] Task<Result<ClientResponse>> send_with_retries(Client& client, const ClientRequest& request,
                                                             const RetryOptions& options, Random& random,
                                                             Deadline deadline);

}  // namespace onshi::http
