#include "platform/telemetry/metrics.h"

#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/ensure.h"
#include "platform/telemetry/limits.h"

namespace onshi {

void Counter::add(double amount) const {
    if (counter_ != nullptr) counter_->Increment(amount);
}

void Gauge::set(double value) const {
    if (gauge_ != nullptr) gauge_->Set(value);
}

void Gauge::add(double amount) const {
    if (gauge_ != nullptr) gauge_->Increment(amount);
}

void Histogram::observe(double value) const {
    if (histogram_ != nullptr) histogram_->Observe(value);
}

struct Metrics::Impl {
    using Labels = std::map<std::string, std::string>;

    template <class T>
    struct Named {
        prometheus::Family<T>* family = nullptr;
        std::set<Labels> series;
    };

    // The labels to use: those asked for, or `other` in each when the metric already has its most series.
    template <class T>
    static Labels admit(Named<T>& named, MetricLabels given) {
        Labels labels;
        for (const auto& [label, value] : given) {
            labels.emplace(label.name(), value.substr(0, metric_label_bytes_max));
        }
        if (named.series.contains(labels)) return labels;
        if (named.series.size() >= metric_series_max) {
            for (auto& [label, value] : labels) value = "other";
        }
        named.series.insert(labels);
        return labels;
    }

    mutable std::mutex mutex;
    prometheus::Registry registry;
    std::map<std::string, Named<prometheus::Counter>, std::less<>> counters;
    std::map<std::string, Named<prometheus::Gauge>, std::less<>> gauges;
    std::map<std::string, Named<prometheus::Histogram>, std::less<>> histograms;
    std::map<std::string, std::vector<double>, std::less<>> bounds;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(MetricName name, std::string_view help, MetricLabels labels) {
    const std::scoped_lock lock(impl_->mutex);
    auto& named = impl_->counters[std::string(name.name())];
    if (named.family == nullptr) {
        named.family = &prometheus::BuildCounter()
                            .Name(std::string(name.name()))
                            .Help(std::string(help))
                            .Register(impl_->registry);
    }
    return Counter(named.family->Add(Impl::admit(named, labels)));
}

Gauge Metrics::gauge(MetricName name, std::string_view help, MetricLabels labels) {
    const std::scoped_lock lock(impl_->mutex);
    auto& named = impl_->gauges[std::string(name.name())];
    if (named.family == nullptr) {
        named.family =
            &prometheus::BuildGauge().Name(std::string(name.name())).Help(std::string(help)).Register(impl_->registry);
    }
    return Gauge(named.family->Add(Impl::admit(named, labels)));
}

Histogram Metrics::histogram(MetricName name, std::string_view help, MetricLabels labels,
                             std::span<const double> bounds) {
    ENSURE(std::ranges::is_sorted(bounds));
    const std::scoped_lock lock(impl_->mutex);
    auto& named = impl_->histograms[std::string(name.name())];
    auto& kept = impl_->bounds[std::string(name.name())];
    if (named.family == nullptr) {
        kept.assign(bounds.begin(), bounds.end());
        named.family = &prometheus::BuildHistogram()
                            .Name(std::string(name.name()))
                            .Help(std::string(help))
                            .Register(impl_->registry);
    }
    return Histogram(named.family->Add(Impl::admit(named, labels), kept));
}

std::string Metrics::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
    return std::move(out).str();
}

}  // namespace onshi
