#include "platform/http/server_state.h"

#include <cstring>
#include <ctime>

#include <fmt/format.h>

namespace onshi::http {

namespace {

constexpr std::array<std::string_view, shed_reasons> shed_names{"in_flight",  "queue_delay", "rate",
                                                                "body_bytes", "streams",     "connections"};

constexpr std::array<std::string_view, admission_classes> class_names{"urgent", "normal", "bulk"};

Counter handshakes(Metrics& metrics, std::string_view result) {
    return metrics.counter("onshi_http_handshakes_total", "TLS handshakes.", {{"result", result}});
}

}  // namespace

Shared::Shared(ServerOptions given, std::size_t loops, Metrics& given_metrics, const Clock& given_clock)
    : options(std::move(given)),
      metrics(given_metrics),
      clock(given_clock),
      in_flight(options.admission, loops),
      connections(options.admission.connections_max),
      streams(options.admission.streams_max),
      body_bytes(options.admission.body_bytes_in_flight_max),
      addresses(options.admission.connections_per_address_max),
      handshakes_full(handshakes(metrics, "full")),
      handshakes_resumed(handshakes(metrics, "resumed")),
      handshakes_failed(handshakes(metrics, "failed")),
      timeouts(metrics.counter("onshi_http_timeouts_total", "Connections that were too slow.")),
      connections_open(metrics.gauge("onshi_http_connections", "Open connections.")) {
    for (std::size_t i = 0; i < admission_classes; ++i) {
        class_in_flight[i] =
            metrics.gauge("onshi_http_in_flight", "Requests being handled.", {{"class", class_names[i]}});
    }
}

RouteSeries::RouteSeries(Metrics& metrics, std::string pattern)
    : metrics_(metrics),
      pattern_(std::move(pattern)),
      duration_(metrics.histogram("onshi_http_duration_seconds",
                                  "Time from the first byte of a request to the end of its answer.",
                                  {{"route", pattern_}})) {}

void RouteSeries::count(std::uint16_t status, double seconds) {
    duration_.observe(seconds);
    for (const auto& [known, counter] : by_status_) {
        if (known == status) return counter.add();
    }
    const Counter counter =
        metrics_.counter("onshi_http_requests_total", "Answered requests by route pattern and status.",
                         {{"route", pattern_}, {"status", std::to_string(status)}});
    counter.add();
    by_status_.emplace_back(status, counter);
}

LoopState::LoopState(std::shared_ptr<Shared> given, LoopExecutor given_executor, std::size_t given_index,
                     Random& random)
    : shared(std::move(given)),
      executor(std::move(given_executor)),
      index(given_index),
      queue_delay(shared->options.admission.queue_delay),
      handshakes(shared->options.admission.handshakes_per_second_max),
      returns(shared->options.admission.returns_per_second_max, shared->options.admission.return_wait_max),
      ticker(executor),
      probe_rest(executor) {
    std::array<std::uint8_t, 16> seed{};
    random.fill(seed);
    std::memcpy(trace_seed_.data(), seed.data(), seed.size());
    lag_ = shared->metrics.gauge("onshi_http_loop_wait_seconds",
                                 "How long a new event waited for its turn, last measurement.",
                                 {{"loop", std::to_string(index)}});
    for (std::size_t i = 0; i < shed_reasons; ++i) {
        shed_[i] =
            shared->metrics.counter("onshi_http_shed_total", "Requests and connections refused to protect the service.",
                                    {{"reason", shed_names[i]}});
    }
}

TraceId LoopState::next_trace_id() {
    // Unique and well spread is enough: a trace id opens nothing.
    const std::uint64_t count = ++trace_count_;
    const std::array<std::uint64_t, 2> words{mix64(trace_seed_[0] + count),
                                             mix64(trace_seed_[1] ^ (count * 0x9E3779B97F4A7C15ULL))};
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), words.data(), bytes.size());
    return TraceId(bytes);
}

std::uint32_t LoopState::random_below(std::uint32_t range) {
    return static_cast<std::uint32_t>(mix64(trace_seed_[0] ^ ++trace_count_) % std::max<std::uint32_t>(range, 1));
}

std::string_view LoopState::date_header() {
    const std::int64_t second = shared->clock.now().us / 1'000'000;
    if (second == date_second_) return date_;
    static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t time = second;
    std::tm utc{};
    gmtime_r(&time, &utc);
    date_ = fmt::format(
        "date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n", days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
        months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    date_second_ = second;
    return date_;
}

RouteSeries& LoopState::series(const Route* route) {
    const std::size_t id = route == nullptr ? 0 : route->id;
    if (series_.size() <= id) series_.resize(id + 1);
    if (!series_[id])
        series_[id] = std::make_unique<RouteSeries>(shared->metrics, route == nullptr ? "none" : route->pattern);
    return *series_[id];
}

void LoopState::count_shed(ShedReason reason) {
    shed_[static_cast<std::size_t>(reason)].add();
    shared->requests_shed.fetch_add(1, std::memory_order_relaxed);
}

void LoopState::publish() {
    lag_.set(std::chrono::duration<double>(queue_delay.last()).count());
    if (index != 0) return;
    shared->connections_open.set(static_cast<double>(shared->connections.used()));
    for (std::size_t i = 0; i < admission_classes; ++i) {
        shared->class_in_flight[i].set(static_cast<double>(shared->in_flight.count(static_cast<AdmissionClass>(i))));
    }
}

}  // namespace onshi::http
