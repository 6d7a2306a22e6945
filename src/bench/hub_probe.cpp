#include "bench/hub_probe.h"

#include <charconv>
#include <fstream>
#include <string>
#include <thread>

#include <boost/json.hpp>

#include "bench/limits.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"

namespace onshi::bench {

namespace {

constexpr std::chrono::seconds answer_time_max{5};

Task<Result<http::ClientResponse>> get(http::Client& client, std::string target) {
    http::ClientRequest request;
    request.target = std::move(target);
    request.replay = http::Replay::allowed;
    auto response = co_await client.send(request, Deadline::in(answer_time_max));
    co_return response;
}

Result<std::string> fetch(std::uint16_t port, std::string target) {
    http::ClientOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.response_bytes_max = metrics_bytes_max;
    auto client = http::Client::make(std::move(options));
    if (!client) return fail(std::move(client));
    auto response = run_to_end(get(*client, std::move(target)));
    if (!response) return fail(std::move(response));
    return std::move(response->body);
}

std::string_view next_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

}  // namespace

std::optional<double> sum_of_series(std::string_view text, std::string_view name, std::string_view label) {
    std::optional<double> sum;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (!line.starts_with(name)) continue;
        const auto value_at = line.rfind(' ');
        if (value_at == std::string_view::npos || value_at < name.size()) continue;
        const auto labels = line.substr(name.size(), value_at - name.size());
        // Another metric whose name only begins alike.
        if (!labels.empty() && labels.front() != '{') continue;
        if (!label.empty() && labels.find(label) == std::string_view::npos) continue;
        double value = 0;
        const auto digits = line.substr(value_at + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc()) continue;
        sum = sum.value_or(0) + value;
    }
    return sum;
}

HubCounters operator-(const HubCounters& later, const HubCounters& earlier) {
    return {later.ledger_commits - earlier.ledger_commits, later.ledger_sets - earlier.ledger_sets,
            later.read_batches - earlier.read_batches, later.pages_read - earlier.pages_read};
}

Result<HubCounters> read_hub_counters(std::uint16_t metrics_port) {
    auto text = fetch(metrics_port, "/metrics");
    if (!text) return fail(ErrorCode::bench_server, "no metrics: " + text.error().detail);
    HubCounters counters;
    struct Wanted {
        std::string_view name;
        std::string_view label;
        double HubCounters::* field;
    };
    for (const Wanted& wanted :
         {Wanted{"onshi_store_commits_total", R"(store="ledger")", &HubCounters::ledger_commits},
          Wanted{"onshi_store_sets_committed_total", R"(store="ledger")", &HubCounters::ledger_sets},
          Wanted{"onshi_read_batches_total", {}, &HubCounters::read_batches},
          Wanted{"onshi_pages_read_total", {}, &HubCounters::pages_read}}) {
        const auto value = sum_of_series(*text, wanted.name, wanted.label);
        if (!value) return fail(ErrorCode::bench_server, "no metric " + std::string(wanted.name));
        counters.*wanted.field = *value;
    }
    return counters;
}

Result<HubCounters> read_hub_counters_from(std::uint16_t metrics_port, double sets) {
    const auto deadline = Deadline::in(counters_time_max);
    while (true) {
        auto counters = read_hub_counters(metrics_port);
        if (!counters || counters->ledger_sets >= sets || deadline.passed()) return counters;
        std::this_thread::sleep_for(counters_poll_every);
    }
}

std::optional<HubPorts> read_ready_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text(proc_file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    boost::system::error_code error;
    const auto document = boost::json::parse(text, error);
    if (error || !document.is_object()) return std::nullopt;
    const auto port = [&](std::string_view name) -> std::uint16_t {
        const auto* value = document.as_object().if_contains({name.data(), name.size()});
        const auto* number = value == nullptr ? nullptr : value->if_int64();
        return number != nullptr && *number > 0 && *number <= 65'535 ? static_cast<std::uint16_t>(*number) : 0;
    };
    const HubPorts ports{port("port"), port("metrics_port")};
    return ports.main == 0 || ports.metrics == 0 ? std::nullopt : std::optional(ports);
}

bool is_hub_ready(std::uint16_t metrics_port) {
    return fetch(metrics_port, "/readyz").has_value();
}

}  // namespace onshi::bench
