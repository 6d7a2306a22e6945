#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "bench/latency_histogram.h"
#include "bench/load_generator.h"

namespace onshi::bench {

// What it took until every terminal was served.
struct StormReport {
    std::uint64_t terminals = 0;
    std::uint64_t answered = 0;
    std::uint64_t resumed = 0;              // of these, without a full handshake
    std::uint64_t refused = 0;              // answers that told to come back, followed
    std::uint64_t connections_refused = 0;  // reset or closed before an answer; tried again
    LatencyHistogram latency;               // from the common start to each terminal's answer
    std::chrono::nanoseconds elapsed{0};    // until the last answer
};

// Terminals that all connect at one moment, as after an outage: TCP, mutual TLS 1.3, one request for a challenge, and
// the connection is kept. Each remembers its session ticket for the next time. Owns sessions and connections; one
// thread; not thread-safe.
class TerminalCrowd {
  public:
    // Terminal i has identity `i modulo identities` of the target, and comes from its source address.
    // `config.certificate`.
    [[nodiscard]] static Result<TerminalCrowd> make(const LoadTarget& target, std::size_t terminals);
    TerminalCrowd(TerminalCrowd&&) noexcept;
    TerminalCrowd& operator=(TerminalCrowd&&) noexcept;
    ~TerminalCrowd();

    // Closes what is open and connects all at once to that port. Ends when every terminal was answered, or after
    // `bound`; who had none by then is not counted as answered.
    [[nodiscard]] Result<StormReport> storm(std::uint16_t port, std::chrono::nanoseconds bound);
    void disconnect();

    struct Impl;

  private:
    explicit TerminalCrowd(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::bench
