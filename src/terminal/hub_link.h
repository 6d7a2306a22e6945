#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/http/client.h"

namespace onshi::terminal {

// Whether the hub answered when it was asked last. Thread-safe.
class HubState {
  public:
    [[nodiscard]] bool away() const { return away_.load(std::memory_order_relaxed); }
    // Since when it has been away; nullopt while it answers.
    [[nodiscard]] std::optional<Instant> away_since() const;
    void answered() { away_.store(false, std::memory_order_relaxed); }
    void missed(Instant now);

  private:
    std::atomic<bool> away_ = false;
    std::atomic<std::int64_t> since_us_ = 0;
};

// Where the hub is and what this terminal shows it.
struct HubAccess {
    std::string host;
    std::uint16_t port = 0;
    http::ClientTls tls;

    // For another loop, which has connections of its own.
    [[nodiscard]] HubAccess clone() const;
};

// The hub as this terminal talks to it from one event loop. Owns its connections; `state` is shared between loops.
class HubLink {
  public:
    // config.certificate.
    [[nodiscard]] static Result<std::unique_ptr<HubLink>> make(HubAccess access, HubState& state, const Clock& clock,
                                                               Random& random);
    // The body of a good answer; tries again as the catalogue advises while the deadline lasts. Requests carry their
    // own identity, so that one may be sent twice. Errors: those of http::Client and of the hub.
    [[nodiscard]] Task<Result<std::string>> post(std::string target, std::string body, Deadline deadline);
    // The same of a GET.
    [[nodiscard]] Task<Result<std::string>> get(std::string target, Deadline deadline);
    void close() { client_.close_idle(); }

  private:
    HubLink(http::Client client, HubState& state, const Clock& clock, Random& random)
        : client_(std::move(client)), state_(state), clock_(clock), random_(random) {}
    [[nodiscard]] Task<Result<std::string>> send(http::ClientRequest request, Deadline deadline);
    http::Client client_;
    HubState& state_;
    const Clock& clock_;
    Random& random_;
};

// Whether the hub could not be asked, in contrast to an answer that says no.
[[nodiscard]] bool means_away(ErrorCode code);

}  // namespace onshi::terminal
