#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace onshi {

// Every label a metric may have. Their values come from short closed sets (enumerations, route patterns, status codes);
// never an identifier of a person, a facility, a terminal, a receipt or anything else that grows with use.
inline constexpr std::array metric_labels = std::to_array<std::string_view>(
    {"answer", "class",  "code",   "item", "kind",  "lane",  "listener", "loop",   "method", "outcome",
     "phase",  "reason", "result", "role", "route", "slice", "state",    "status", "store",  "version"});

// A literal that stands in `metric_labels`; another one does not compile.
class MetricLabel {
  public:
    consteval MetricLabel(const char* name) : name_(name) {
        if (std::ranges::find(metric_labels, name_) == metric_labels.end()) throw "not in metric_labels";
    }
    [[nodiscard]] std::string_view name() const { return name_; }

  private:
    std::string_view name_;
};

// A literal `onshi_…` of lower-case letters, digits and `_`; counters end in `_total`, durations in `_seconds`.
class MetricName {
  public:
    consteval MetricName(const char* name) : name_(name) {
        if (!name_.starts_with("onshi_")) throw "a metric is called onshi_…";
        for (const char c : name_) {
            if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) throw "lower case only";
        }
    }
    [[nodiscard]] std::string_view name() const { return name_; }

  private:
    std::string_view name_;
};

struct MetricTag {
    MetricLabel label;
    std::string_view value;
};

using MetricLabels = std::initializer_list<MetricTag>;

// Handles to one series: cheap to copy, lock-free (a histogram takes a short lock), thread-safe, valid as long as their
// Metrics. A default-made handle swallows everything, so that code need not ask whether metrics are on.
class Counter {
  public:
    Counter() = default;
    explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
    void add(double amount = 1) const;

  private:
    prometheus::Counter* counter_ = nullptr;
};

class Gauge {
  public:
    Gauge() = default;
    explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
    void set(double value) const;
    void add(double amount) const;

  private:
    prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
  public:
    Histogram() = default;
    explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
    void observe(double value) const;

  private:
    prometheus::Histogram* histogram_ = nullptr;
};

// Upper bounds in seconds for answers of a service: 0.5 ms … 10 s.
inline constexpr std::array<double, 13> duration_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                         0.1,    0.25,  0.5,    1,     2.5,  10};

// All series of one program. Owns them; thread-safe; asking twice for one series gives the same handle. Asking takes a
// lock and allocates: ask at start or keep the handle, never per request.
class Metrics {
  public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    [[nodiscard]] Counter counter(MetricName name, std::string_view help, MetricLabels labels = {});
    [[nodiscard]] Gauge gauge(MetricName name, std::string_view help, MetricLabels labels = {});
    // `bounds` ascending; those of the first call count for every series of that name.
    [[nodiscard]] Histogram histogram(MetricName name, std::string_view help, MetricLabels labels = {},
                                      std::span<const double> bounds = duration_buckets);
    // Prometheus text format 0.0.4, for GET /metrics.
    [[nodiscard]] std::string text() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace onshi
