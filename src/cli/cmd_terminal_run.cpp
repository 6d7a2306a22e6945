// onshi terminal run | status | deferred
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/list_writer.h"
#include "cli/signals.h"
#include "cli/terminal_profile.h"
#include "cli/terminal_status.h"
#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/deferred.h"
#include "terminal/terminal.h"

namespace onshi::cli {

namespace {

Result<oqs::Profile> exchange_profile(const settings::ResolvedSettings& settings) {
    oqs::Profile profile;
    profile.order =
        settings.text("oqs_order") == "hash_map" ? oqs::ElementOrder::hash_map : oqs::ElementOrder::documented;
    profile.kana = settings.text("oqs_kana") == "large" ? KanaSize::large : KanaSize::as_written;
    for (const auto& assignment : settings.texts("oqs_encodings")) {
        auto set = profile.set_encoding(assignment);
        if (!set) return fail(std::move(set));
    }
    for (const auto& assignment : settings.texts("oqs_result_codes")) {
        auto set = profile.set_result_code(assignment);
        if (!set) return fail(std::move(set));
    }
    return profile;
}

std::filesystem::path store_folder(const settings::ResolvedSettings& settings, const TerminalProfile& profile) {
    const std::string own = settings.text("terminal_store_folder");
    return own.empty() ? profile.folder / "store" : std::filesystem::path(own);
}

class TerminalRun final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "run", "Serve a facility's desk: the folder shared with its billing system, until told to stop.",
        "  onshi terminal run --terminal ./desk --exchange-folder /srv/oqs\n"
        "  onshi terminal run --terminal ./desk --exchange-folder /srv/oqs --oqs-encodings OQSmuquc02=cp932"};
    void declare(Options& options) override {
        options.text(ready_file_, "--ready-file", "FILE", "written when the terminal serves: as JSON");
        options.settings({"exchange_folder", "exchange_poll_ms", "oqs_encodings", "oqs_order", "oqs_kana",
                          "oqs_result_codes", "terminal_store_folder", "kiosk_port", "log_level"});
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto wanted = settings(session);
        if (!wanted) return fail(std::move(wanted));
        const std::string folder = wanted->exchange_folder.string();
        const std::string name = wanted->terminal;
        terminal::Terminal* running = nullptr;
        Console& console = session.console();
        // Before the terminal's threads, which inherit the blocked signals.
        SignalWatch signals(
            {[&running] { running->stop(); }, [&console] { console.note_label("label.stopping"); }, Hangup::ignored});
        std::error_code ignored;
        if (!ready_file_.empty()) std::filesystem::remove(ready_file_, ignored);
        auto opened = terminal::Terminal::open(std::move(*wanted));
        if (!opened) return fail(std::move(opened));
        running = opened->get();
        auto told = tell_ready(console, name, folder, running->kiosk_port());
        if (!told) return fail(std::move(told));
        signals.start();
        auto served = (*opened)->run();
        signals.finish();
        if (!served) return fail(std::move(served));
        return Exit::done;
    }

  private:
    Result<terminal::TerminalSettings> settings(Session& session) const {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto tls = load_terminal_tls(*profile);
        if (!tls) return fail(std::move(tls));
        LogOptions log;
        log.level = find_level(resolved->text("log_level")).value_or(Level::info);
        auto logging = configure_log(std::move(log));
        if (!logging) return fail(std::move(logging));
        if (resolved->text("exchange_folder").empty()) return fail(ErrorCode::config_missing, "exchange_folder");
        auto files = exchange_profile(*resolved);
        if (!files) return fail(std::move(files));
        terminal::TerminalSettings settings;
        settings.hub = {profile->hub.host, profile->hub.port, std::move(*tls)};
        settings.hub_id = profile->hub_id;
        settings.facility = profile->facility;
        settings.terminal = profile->terminal;
        settings.exchange_folder = resolved->text("exchange_folder");
        settings.store_folder = store_folder(*resolved, *profile);
        settings.store_key = profile->folder / "store.key";
        settings.profile = std::move(*files);
        const auto port = resolved->integer("kiosk_port");
        if (port >= 0) {
            settings.kiosk =
                terminal::KioskSettings{static_cast<std::uint16_t>(port), profile->folder / "kiosk.token", {}};
        }
        settings.poll = std::chrono::milliseconds(resolved->integer("exchange_poll_ms"));
        return settings;
    }
    Result<void> tell_ready(Console& console, const std::string& name, const std::string& folder,
                            std::optional<std::uint16_t> kiosk_port) const {
        std::string ready;
        JsonWriter writer(ready);
        writer.begin_object();
        writer.member("schema", "onshi.terminal_ready/1");
        writer.member("pid", static_cast<std::int64_t>(::getpid()));
        writer.member("terminal", name);
        writer.member("exchange_folder", folder);
        if (kiosk_port) writer.member("kiosk_port", *kiosk_port);
        writer.end_object();
        if (!ready_file_.empty()) {
            auto written = replace_file(ready_file_, ready + "\n");
            if (!written) return written;
        }
        if (console.json()) console.line(ready);
        if (!console.json()) console.note_label("label.serving_folder", {{"folder", folder}});
        return {};
    }
    TerminalChoice terminal_;
    std::string ready_file_;
};

class TerminalDeferred final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "deferred", "Checks that met no hub and are still open, oldest first, and who has to look at them.",
        "  onshi terminal deferred --terminal ./desk\n"
        "  onshi terminal deferred --terminal ./desk --json"};
    void declare(Options& options) override {
        options.settings({"terminal_store_folder"});
        terminal_.declare(options);
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto store = terminal::LocalStore::open(store_folder(*resolved, *profile), profile->folder / "store.key",
                                                session.random());
        if (!store) return fail(std::move(store));
        auto open = run_to_end(terminal::open_deferred(**store));
        if (!open) return fail(std::move(open));
        ListWriter list(session.console(), {"request", "asked_at", "days", "for"});
        for (const auto& check : *open) show(list, check, session.clock().now());
        list.finish();
        return Exit::done;
    }

  private:
    // The request's name is the client's own; nothing in it is about a person.
    static void show(ListWriter& list, const terminal::DeferredCheck& check, Instant now) {
        const auto days = (now - check.asked_at).count() / (std::int64_t{24} * 3600 * 1'000'000);
        const auto name = oqs::request_name({oqs::Message::eligibility, check.suffix});
        const auto asked_at = terminal::local_digits(check.asked_at);
        const auto whom = to_string(terminal::escalation_of(check.asked_at, now));
        if (list.wants_cells()) return list.cells({name, asked_at, fmt::format("{}", days), std::string(whom)});
        if (!list.wants_json()) return list.line(fmt::format("{}  {}  {} d  {}", name, asked_at, days, whom));
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.deferred_check/1");
        writer.member("request", name);
        writer.member("asked_at", asked_at);
        writer.member("days", days);
        writer.member("for", whom);
        writer.end_object();
        list.object(json);
    }
    TerminalChoice terminal_;
};

class TerminalStatus final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "status", "Look at every hop from the shared folder to the hub's stores; names the broken one.",
        "  onshi terminal status --terminal ./desk --exchange-folder /srv/oqs\n"
        "  onshi terminal status --terminal ./desk --json"};
    void declare(Options& options) override {
        options.settings({"exchange_folder"});
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        return show_findings(session.console(), check_terminal(*profile, resolved->text("exchange_folder"), session));
    }

  private:
    TerminalChoice terminal_;
};

}  // namespace

void add_terminal_run_commands(CommandTree& tree) {
    tree.add<TerminalRun>();
    tree.add<TerminalStatus>();
    tree.add<TerminalDeferred>();
}

}  // namespace onshi::cli
