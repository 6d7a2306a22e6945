#pragma once

// Inside this folder only.

// Internal: what the coroutines of a server share.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/random.h"
#include "base/time.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/admission.h"
#include "platform/http/router.h"
#include "platform/http/server.h"
#include "platform/http/tls_context.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/trace_id.h"

namespace onshi::http {

class Connection;

// One listening address. Its TLS context can be replaced while connections go on with the old one. Thread-safe.
class Listener {
  public:
    Listener(ListenerOptions options, std::shared_ptr<const TlsContext> tls, std::string fixed_headers)
        : options_(std::move(options)), fixed_headers_(std::move(fixed_headers)), tls_(std::move(tls)) {}

    [[nodiscard]] const ListenerOptions& options() const { return options_; }
    [[nodiscard]] const std::string& fixed_headers() const { return fixed_headers_; }
    [[nodiscard]] std::shared_ptr<const TlsContext> tls() const {
        const std::scoped_lock lock(mutex_);
        return tls_;
    }
    void replace_tls(std::shared_ptr<const TlsContext> tls) {
        const std::scoped_lock lock(mutex_);
        tls_ = std::move(tls);
    }

  private:
    ListenerOptions options_;
    std::string fixed_headers_;  // as sent, with their line ends
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsContext> tls_;
};

// A number for counts() and for the metrics at once. Thread-safe.
class Count {
  public:
    explicit Count(Counter counter) : counter_(counter) {}
    void add() {
        number_.fetch_add(1, std::memory_order_relaxed);
        counter_.add();
    }
    [[nodiscard]] std::uint64_t number() const { return number_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> number_ = 0;
    Counter counter_;
};

// State of the whole server. Holds nothing of Asio, so that it may be destroyed on any thread. Thread-safe: constant
// after listen(), atomic, or locked.
struct Shared {
    Shared(ServerOptions given, std::size_t loops, Metrics& given_metrics, const Clock& given_clock);

    const ServerOptions options;
    Metrics& metrics;
    const Clock& clock;
    Router router;
    InFlight in_flight;
    Budget connections;
    Budget streams;
    Budget body_bytes;
    AddressTable addresses;
    RateTable rates;

    Count handshakes_full;
    Count handshakes_resumed;
    Count handshakes_failed;
    Count timeouts;
    std::atomic<std::uint64_t> connections_refused = 0;
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> requests_shed = 0;
    Gauge connections_open;
    std::array<Gauge, admission_classes> class_in_flight;

    // Coroutines that have not ended; wait_stopped() waits for none.
    std::mutex running_mutex;
    std::condition_variable running_changed;
    std::size_t running = 0;
};

// Counts a coroutine of the server while it lives.
class Running {
  public:
    explicit Running(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
        const std::scoped_lock lock(shared_->running_mutex);
        ++shared_->running;
    }
    Running(Running&& other) noexcept = default;
    Running& operator=(Running&&) = delete;
    ~Running() {
        if (!shared_) return;
        const std::scoped_lock lock(shared_->running_mutex);
        --shared_->running;
        shared_->running_changed.notify_all();
    }

  private:
    std::shared_ptr<Shared> shared_;
};

// Series of one route on one loop, looked up once: no lock per request.
class RouteSeries {
  public:
    RouteSeries(Metrics& metrics, std::string pattern);
    void count(std::uint16_t status, double seconds);

  private:
    Metrics& metrics_;
    std::string pattern_;
    Histogram duration_;
    std::vector<std::pair<std::uint16_t, Counter>> by_status_;
};

enum class ShedReason : std::uint8_t { in_flight, queue_delay, rate, body_bytes, streams, connections };
inline constexpr std::size_t shed_reasons = 6;

// State of one loop. Belongs to the loop's thread; shared by its coroutines.
struct LoopState {
    LoopState(std::shared_ptr<Shared> given, LoopExecutor given_executor, std::size_t given_index, Random& random);

    [[nodiscard]] TraceId next_trace_id();
    // `date: …` with its line end, made anew once per second.
    [[nodiscard]] std::string_view date_header();
    [[nodiscard]] RouteSeries& series(const Route* route);
    void count_shed(ShedReason reason);
    // Gauges that would cost too much to keep up with every request.
    void publish();
    // 0 … range - 1; to spread retries, never for secrets.
    [[nodiscard]] std::uint32_t random_below(std::uint32_t range);

    const std::shared_ptr<Shared> shared;
    const LoopExecutor executor;
    const std::size_t index;
    std::list<Connection*> connections;
    std::vector<boost::asio::ip::tcp::acceptor*> acceptors;
    QueueDelayGate queue_delay;
    Pace handshakes;
    ReturnPlan returns;
    Alarm ticker;
    Alarm probe_rest;
    bool draining = false;
    SteadyTime cut_at = SteadyTime::max();

  private:
    std::array<std::uint64_t, 2> trace_seed_{};
    std::uint64_t trace_count_ = 0;
    std::int64_t date_second_ = -1;
    std::string date_;
    std::vector<std::unique_ptr<RouteSeries>> series_;  // by route id; 0: no route
    std::array<Counter, shed_reasons> shed_;
    Gauge lag_;
};

}  // namespace onshi::http
