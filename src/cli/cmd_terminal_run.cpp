// onshi terminal run | status
#include <filesystem>
#include <unistd.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/face_settings.h"
#include "cli/files.h"
#include "cli/signals.h"
#include "cli/terminal_profile.h"
#include "cli/terminal_status.h"
#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/terminal.h"

namespace onshi::cli {

namespace {

Result<oqs::Profile> exchange_profile(const settings::ResolvedSettings& settings) {
    oqs::Profile profile;
    profile.order =
        settings.text("oqs_order") == "hash_map" ? oqs::ElementOrder::hash_map : oqs::ElementOrder::documented;
    profile.kana = settings.text("oqs_kana") == "large" ? KanaSize::large : KanaSize::as_written;
    profile.subsidy_files = settings.text("oqs_subsidies") == "json";
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

class TerminalRun final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "run", "Serve a facility's desk: the folder shared with its billing system, until told to stop.",
        "  onshi terminal run --terminal ./desk --exchange-folder /srv/oqs\n"
        "  onshi terminal run --terminal ./desk --exchange-folder /srv/oqs --oqs-encodings OQSmuquc02=cp932"};
    void declare(Options& options) override {
        options.text(ready_file_, "--ready-file", "FILE", "written when the terminal serves: as JSON");
        options.settings({"exchange_folder", "exchange_poll_ms", "oqs_encodings", "oqs_order", "oqs_kana",
                          "oqs_subsidies", "oqs_result_codes", "oqs_last_visit", "oqs_lists", "terminal_store_folder",
                          "kiosk_port", "kiosk_reader", "reader", "last_visit_days", "modes_seconds", "log_level"});
        declare_face_settings(options);
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
        settings.store_folder = terminal_store_folder(*resolved, *profile);
        settings.store_key = profile->folder / "store.key";
        settings.profile = std::move(*files);
        const auto port = resolved->integer("kiosk_port");
        if (port >= 0) {
            settings.kiosk =
                terminal::KioskSettings{static_cast<std::uint16_t>(port), profile->folder / "kiosk.token", {}};
        }
        if (resolved->text("kiosk_reader") == "pcsc") settings.reader = resolved->text("reader");
        settings.visual_accounts = profile->folder / visual_accounts_file;
        settings.last_visit_days = static_cast<int>(resolved->integer("last_visit_days"));
        settings.last_visit_use =
            terminal::parse_last_visit_use(resolved->text("oqs_last_visit")).value_or(terminal::LastVisitUse::none);
        settings.empty_lists = resolved->text("oqs_lists") == "empty";
        settings.modes_every = std::chrono::seconds(resolved->integer("modes_seconds"));
        if (!profile->card_certificate.empty() && !profile->card_key.empty()) {
            auto pinless = load_pinless_use(*profile);
            if (!pinless) return fail(std::move(pinless));
            settings.pinless = std::move(*pinless);
        }
        auto face = load_face_settings(*resolved, *profile);
        if (!face) return fail(std::move(face));
        settings.face = std::move(*face);
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

class TerminalStatus final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "status", "Look at every hop from the shared folder to the hub's stores; names the broken one.",
        "  onshi terminal status --terminal ./desk --exchange-folder /srv/oqs\n"
        "  onshi terminal status --terminal ./desk --json"};
    void declare(Options& options) override {
        options.settings({"exchange_folder", "terminal_store_folder"});
        declare_face_settings(options);
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto face = load_face_settings(*resolved, *profile);
        if (!face) return fail(std::move(face));
        const TerminalPlaces places{resolved->text("exchange_folder"), terminal_store_folder(*resolved, *profile)};
        return show_findings(session.console(), check_terminal(*profile, places, *face, session));
    }

  private:
    TerminalChoice terminal_;
};

}  // namespace

void add_terminal_run_commands(CommandTree& tree) {
    tree.add<TerminalRun>();
    tree.add<TerminalStatus>();
}

}  // namespace onshi::cli
