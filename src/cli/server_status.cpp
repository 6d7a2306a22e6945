#include "cli/server_status.h"

#include <charconv>
#include <map>

#include <fmt/format.h>

#include "cli/display_width.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds status_deadline{5'000};
// The longest name of a check and a space.
constexpr std::size_t check_column = 29;

struct Check {
    std::string name;
    bool good = false;
    std::string code;
};

struct Status {
    bool ready = false;
    std::vector<Check> checks;
    std::map<std::string, double> answers;  // by result
    double checks_total = 0;
    double commits = 0;
    double conflicts = 0;
    double failures = 0;
    double shed = 0;
};

struct Answers {
    Result<http::ClientResponse> readiness;
    Result<http::ClientResponse> metrics;
};

Task<Result<http::ClientResponse>> get(http::Client& client, const char* target) {
    http::ClientRequest request;
    request.method = http::Method::get;
    request.target = target;
    request.replay = http::Replay::allowed;
    auto response = co_await client.send(request, Deadline::in(status_deadline));
    co_return response;
}

Task<Answers> ask(std::uint16_t port) {
    http::ClientOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.response_bytes_max = std::size_t{4} << 20U;
    auto client = http::Client::make(std::move(options));
    if (!client) {
        const Error error = client.error();
        Answers failed{tl::unexpected(error), tl::unexpected(error)};
        co_return failed;
    }
    auto readiness = co_await get(*client, "/readyz");
    auto metrics = co_await get(*client, "/metrics");
    client->close_idle();
    Answers answers{std::move(readiness), std::move(metrics)};
    co_return answers;
}

// `name{labels} value` of the Prometheus text form; nullopt for a comment or anything else.
struct Sample {
    std::string_view name;
    std::string_view labels;
    double value = 0;
};
std::optional<Sample> parse_sample(std::string_view line) {
    if (line.empty() || line.front() == '#') return std::nullopt;
    const auto space = line.rfind(' ');
    if (space == std::string_view::npos) return std::nullopt;
    Sample sample;
    const auto value = line.substr(space + 1);
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), sample.value);
    if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
    const auto brace = line.find('{');
    sample.name = line.substr(0, std::min(brace, space));
    if (brace != std::string_view::npos && brace < space) sample.labels = line.substr(brace, space - brace);
    return sample;
}

std::string label_value(std::string_view labels, std::string_view name) {
    const std::string begin = fmt::format("{}=\"", name);
    const auto at = labels.find(begin);
    if (at == std::string_view::npos) return {};
    const auto rest = labels.substr(at + begin.size());
    return std::string(rest.substr(0, rest.find('"')));
}

void count(Status& status, const Sample& sample) {
    if (sample.name == "onshi_eligibility_requests_total") {
        status.answers[label_value(sample.labels, "result")] += sample.value;
        status.checks_total += sample.value;
    }
    if (sample.name == "onshi_store_commits_total") status.commits += sample.value;
    if (sample.name == "onshi_store_conflicts_total") status.conflicts += sample.value;
    if (sample.name == "onshi_store_failures_total") status.failures += sample.value;
    if (sample.name == "onshi_http_shed_total") status.shed += sample.value;
}

void read_metrics(Status& status, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto sample = parse_sample(text.substr(0, end));
        if (sample) count(status, *sample);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

Result<void> read_readiness(Status& status, std::string_view body) {
    auto document = JsonView::parse(body);
    if (!document) return fail(std::move(document));
    status.ready = document->root().boolean("ready").value_or(false);
    for (const auto& check : document->root().objects("checks")) {
        status.checks.push_back(
            {std::string(check.text("name")), check.boolean("ok").value_or(false), std::string(check.text("code"))});
    }
    return {};
}

std::string to_json(const Status& status) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.server_status/1");
    writer.member("ready", status.ready);
    writer.begin_array("checks");
    for (const auto& check : status.checks) {
        writer.begin_object();
        writer.member("name", check.name);
        writer.member("ok", check.good);
        if (!check.code.empty()) writer.member("code", check.code);
        writer.end_object();
    }
    writer.end_array();
    writer.begin_object("answers");
    for (const auto& [result, value] : status.answers) writer.member(result, static_cast<std::int64_t>(value));
    writer.end_object();
    writer.begin_object("stores");
    writer.member("commits", static_cast<std::int64_t>(status.commits));
    writer.member("conflicts", static_cast<std::int64_t>(status.conflicts));
    writer.member("failures", static_cast<std::int64_t>(status.failures));
    writer.end_object();
    writer.end_object();
    return text;
}

void show(Console& console, const Status& status) {
    if (console.json()) return console.line(to_json(status));
    console.line(status.ready ? console.marked(Mark::good, "✔ ready") : console.marked(Mark::bad, "✘ not ready"));
    for (const auto& check : status.checks) {
        const std::string text = padded(check.name, check_column) + (check.good ? "ok" : check.code);
        console.line((check.good ? "  ✔ " : "  ✘ ") + text);
    }
    console.line(fmt::format("  answers {:.0f}", status.checks_total));
    for (const auto& [result, value] : status.answers) {
        if (value > 0) console.line(fmt::format("    {} {:.0f}", padded(result, 16), value));
    }
    console.line(fmt::format("  stores: {:.0f} commits, {:.0f} conflicts, {:.0f} failures", status.commits,
                             status.conflicts, status.failures));
}

}  // namespace

Result<Exit> show_server_status(Session& session, std::uint16_t metrics_port) {
    auto answers = run_to_end(ask(metrics_port));
    // A hub that is not ready answers 503, and then its metrics still tell what it does.
    if (!answers.metrics && answers.metrics.error().code == ErrorCode::peer_unavailable) {
        return fail(ErrorCode::server_not_running, fmt::format("127.0.0.1:{}", metrics_port));
    }
    if (!answers.metrics) return fail(std::move(answers.metrics));
    Status status;
    read_metrics(status, answers.metrics->body);
    if (answers.readiness) {
        auto read = read_readiness(status, answers.readiness->body);
        if (!read) return fail(std::move(read));
    }
    show(session.console(), status);
    return status.ready ? Exit::done : Exit::failed;
}

}  // namespace onshi::cli
