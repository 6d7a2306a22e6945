#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/arrival_schedule.h"
#include "bench/latency_histogram.h"
#include "bench/request_bodies.h"
#include "platform/http/tls.h"

namespace onshi::bench {

// What the generator does while no answer is there.
enum class Waiting : std::uint8_t {
    polls,   // it has its core for itself, and waking a sleeper would be the server's work
    sleeps,  // it shares its core with what is measured
};

// Where requests go and as whom. Connection i belongs to lane `i modulo identities`: it has that client certificate and
// takes its bodies from that lane, because a challenge is good for one terminal only.
struct LoadTarget {
    std::string address = "127.0.0.1";  // numeric IPv4
    std::uint16_t port = 0;
    std::string server_name;  // in the server's certificate; empty: the address
    http::TrustAnchors server_anchors;
    std::vector<http::TlsIdentity> identities;  // at least one
    std::string path = "/v1/checks";
    std::size_t connections = 64;  // 1…connections_max
    // Connections come from so many loopback addresses in turn, as if they were of so many sites.
    std::uint32_t source_addresses = 1;
    Waiting waiting = Waiting::polls;
};

// What a client does that is refused and told when to come back.
enum class Advice : std::uint8_t {
    ignored,   // its connection is used for the next request at once
    followed,  // its connection rests until then, and the same body is sent again later
};

// What a good answer looks like: status 200 and, when not empty, `required_text` somewhere in the body. Of every
// `sample_every`-th one `parse_sample` reads the whole body (0: of none).
struct AnswerRules {
    std::string required_text;
    std::uint32_t sample_every = 0;
    std::function<bool(std::string_view body)> parse_sample;
    Advice advice = Advice::ignored;
    // An answer that takes longer than this counts as a disturbance (LoadReport::last_disturbed).
    std::chrono::nanoseconds slow_from = std::chrono::hours(1);
};

// Every connection sends its next request when it has the last answer.
struct ClosedLoop {
    std::chrono::nanoseconds duration{0};
};

struct LoadReport {
    std::uint64_t scheduled = 0;  // open loop: due within the duration; closed loop: the same as sent
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;  // completely received, whatever they said
    std::uint64_t good = 0;
    std::uint64_t refused = 0;     // another status than 200
    std::uint64_t malformed = 0;   // 200, but not what the rules ask for
    std::uint64_t unanswered = 0;  // sent, no answer when the drain ended or the connection was lost
    std::uint64_t connections_lost = 0;
    std::uint64_t sampled = 0;       // good answers that were parsed as a whole
    std::uint64_t good_in_time = 0;  // before the end of the duration: what a rate is made of
    std::uint64_t body_bytes = 0;    // of good answers
    std::map<int, std::uint64_t> statuses;
    // The first byte after `required_text`: with `"result":{"code":` the result's digit.
    std::map<char, std::uint64_t> codes;
    // From the moment of sending (closed loop) or from the moment it was due (open loop) to the last byte of the
    // answer.
    LatencyHistogram latency;
    LatencyHistogram good_latency;
    LatencyHistogram refused_latency;
    std::uint64_t refused_without_advice = 0;  // refused, and no `retry-after` in the header
    // Open loop with Advice::followed: due while every client was busy or rested as it was told to. They are dropped:
    // neither sent nor scheduled.
    std::uint64_t held_back = 0;
    // When the last answer came that was refused or slow, counted from the start; 0: none was.
    std::chrono::nanoseconds last_disturbed{0};
    // Open loop: how late requests were sent, because all connections were busy or the generator was.
    LatencyHistogram lateness;
    std::chrono::nanoseconds elapsed{0};  // from the first request to the end of sending
    std::chrono::nanoseconds cpu{0};      // of the generator's thread
    bool exhausted = false;               // the prepared bodies ran out before the time did

    [[nodiscard]] double good_per_second() const;
    [[nodiscard]] double cpu_us_per_request() const;
    // Everything that was due was sent, answered, and good.
    [[nodiscard]] bool is_clean() const;
};

// Offers HTTP/1.1 over mutual TLS 1.3 to one server: kept-alive connections, one thread, epoll and OpenSSL without
// layers between, so that it costs less per request than any server. An answer's framing is read by Beast. Owns the
// connections; movable; not thread-safe: run() blocks its caller's thread, which the caller pins (cpu_pin.h).
class LoadGenerator {
  public:
    // Opens all connections. `config.certificate`, `config.value`, `peer.unavailable`, `peer.untrusted`.
    [[nodiscard]] static Result<LoadGenerator> connect(const LoadTarget& target, AnswerRules rules);
    LoadGenerator(LoadGenerator&&) noexcept;
    LoadGenerator& operator=(LoadGenerator&&) noexcept;
    ~LoadGenerator();

    // `lanes` has one entry per identity. Ends after the duration (at once when bodies run out or every connection is
    // lost) plus at most drain_time_max. A connection that was lost stays lost and is counted; it is not opened again,
    // so that a failing server is seen and not worn away.
    [[nodiscard]] Result<LoadReport> run(const ClosedLoop& loop, std::span<RequestBodies> lanes);
    // Requests are due by the schedule whatever the server does; one that finds no free connection waits for one and
    // its latency goes on counting (with Advice::followed it is dropped, and latency counts from sending: people wait
    // at a desk that was told to wait, not in the network). Connections that rest when a run ends rest in the next one
    // too.
    [[nodiscard]] Result<LoadReport> run(const ArrivalPlan& plan, std::span<RequestBodies> lanes);

    struct Impl;

  private:
    explicit LoadGenerator(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::bench
