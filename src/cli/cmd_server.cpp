// onshi server run | check | status
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/hub_settings.h"
#include "cli/server_check.h"
#include "cli/server_status.h"
#include "cli/signals.h"
#include "hub/hub.h"
#include "platform/telemetry/log.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

void declare_hub_settings(Options& options) {
    for (const auto key : hub_setting_keys()) options.settings({key});
}

std::string ready_text(const hub::Hub& hub, const hub::Settings& settings) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.ready/1");
    writer.member("pid", static_cast<std::int64_t>(::getpid()));
    writer.member("hub_id", settings.hub_id);
    writer.member("address", settings.listen_address);
    writer.member("port", hub.port());
    writer.member("metrics_port", hub.metrics_port());
    writer.end_object();
    return text;
}

class ServerRun final : public Command {
  public:
    static constexpr CommandText text{
        "server", "run", "Run the hub until it is told to stop.",
        "  onshi server run --config hub.toml\n"
        "  onshi server run --config hub.toml --port 0 --ready-file /run/onshi/ready.json"};
    void declare(Options& options) override {
        options.text(ready_file_, "--ready-file", "FILE", "written when the hub listens: its ports as JSON");
        declare_hub_settings(options);
    }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        const auto settings = hub_settings(*resolved);
        hub::Hub* running = nullptr;
        Console& console = session.console();
        // Before the hub's threads, which inherit the blocked signals.
        SignalWatch signals(
            {[&running] { running->stop(); }, [&console] { console.note_label("label.stopping"); }, Hangup::ignored});
        LogOptions log;
        log.level = settings.log_level;
        auto logging = configure_log(std::move(log));
        if (!logging) return fail(std::move(logging));
        // Whoever waits for the file must not find that of an earlier run.
        forget_ready_file();
        auto hub = hub::Hub::open(settings);
        if (!hub) return fail(std::move(hub));
        running = hub->get();
        auto told = tell_ready(console, **hub, settings);
        if (!told) return fail(std::move(told));
        signals.start();
        (*hub)->run();
        signals.finish();
        if ((*hub)->fenced()) return fail(ErrorCode::store_fenced, "another process has claimed this hub's lane");
        return Exit::done;
    }

  private:
    void forget_ready_file() const {
        std::error_code ignored;
        if (!ready_file_.empty()) std::filesystem::remove(ready_file_, ignored);
    }
    Result<void> tell_ready(Console& console, const hub::Hub& hub, const hub::Settings& settings) const {
        const std::string ready = ready_text(hub, settings);
        if (!ready_file_.empty()) {
            auto written = replace_file(ready_file_, ready + "\n");
            if (!written) return written;
        }
        const std::string address = fmt::format("{}:{}", settings.listen_address, hub.port());
        const std::string metrics = fmt::format("127.0.0.1:{}", hub.metrics_port());
        if (console.json()) console.line(ready);
        if (!console.json()) console.note_label("label.listening", {{"address", address}, {"metrics", metrics}});
        return {};
    }
    std::string ready_file_;
};

class ServerCheck final : public Command {
  public:
    static constexpr CommandText text{"server", "check",
                                      "Look whether a hub could start: settings, keys, certificates, stores, ports.",
                                      "  onshi server check --config hub.toml\n"
                                      "  onshi server check --config hub.toml --json"};
    void declare(Options& options) override { declare_hub_settings(options); }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        const auto findings = check_server(hub_settings(*resolved), session.clock().now());
        return show_findings(session.console(), findings);
    }
};

class ServerStatus final : public Command {
  public:
    static constexpr CommandText text{"server", "status", "Ask a running hub how it is, through its loopback port.",
                                      "  onshi server status --config hub.toml\n"
                                      "  onshi server status --metrics-port 9464 --json"};
    void declare(Options& options) override { options.settings({"metrics_port"}); }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        return show_server_status(session, static_cast<std::uint16_t>(resolved->integer("metrics_port")));
    }
};

}  // namespace

void add_server_commands(CommandTree& tree) {
    tree.noun("server", "the hub: run it, check it, ask it");
    tree.add<ServerRun>();
    tree.add<ServerCheck>();
    tree.add<ServerStatus>();
}

}  // namespace onshi::cli
