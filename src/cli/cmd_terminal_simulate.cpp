// onshi terminal simulate
#include <fstream>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/kiosk_json.h"

namespace onshi::cli {

namespace {

namespace kiosk = terminal::kiosk;

class TerminalSimulate final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "simulate", "Drive the kiosk's screens from a script, without page, card or hub; a line per event.",
        "  printf '%s\\n' '{\"event\":\"ready\"}' '{\"event\":\"card.in\"}' '{\"after_ms\":11000,\"event\":\"tick\"}' "
        "> script\n"
        "  onshi terminal simulate --script script"};
    void declare(Options& options) override {
        options.text(script_, "--script", "FILE", "events as JSON, one per line; after_ms lets time pass before one")
            .required();
        options.flag(phones_, "--phone-reader", "the kiosk has a reader for phones");
        options.flag(face_, "--face", "the kiosk has a camera and an engine that compares faces");
        options.flag(pharmacy_, "--pharmacy", "ask which prescriptions to fill");
    }
    Result<Exit> run(Session& session) override {
        auto lines = read_text_file(script_);
        if (!lines) return fail(std::move(lines));
        kiosk::Settings settings;
        settings.phone_reader = phones_;
        settings.face = face_;
        settings.prescription_pick = pharmacy_;
        kiosk::Machine machine(settings);
        kiosk::Moment now{0};
        std::size_t number = 0;
        std::string_view rest = *lines;
        while (!rest.empty()) {
            const auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            ++number;
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            auto step = kiosk::parse_script_line(line);
            if (!step) {
                step.error().detail = fmt::format("{}:{} {}", script_, number, step.error().detail);
                return fail(std::move(step));
            }
            now += step->after;
            const auto actions = machine.apply(step->input, now);
            show(session.console(), machine, now, actions);
        }
        return Exit::done;
    }

  private:
    static void show(Console& console, const kiosk::Machine& machine, kiosk::Moment now,
                     const std::vector<kiosk::Action>& actions) {
        if (console.json()) return console.line(kiosk::state_message(machine, now));
        std::string done;
        for (const auto action : actions) done.append(" ").append(to_string(action));
        std::string overlay;
        if (machine.overlay() != kiosk::Overlay::none) overlay = fmt::format(" ({})", to_string(machine.overlay()));
        console.line(fmt::format("{:>9.3f} s  {}  {}{}{}", static_cast<double>(now.count()) / 1000,
                                 screen_of(machine.state()), to_string(machine.state()), overlay,
                                 done.empty() ? "" : "  →" + done));
    }
    std::string script_;
    bool phones_ = false;
    bool face_ = false;
    bool pharmacy_ = false;
};

}  // namespace

void add_terminal_simulate_command(CommandTree& tree) {
    tree.add<TerminalSimulate>();
}

}  // namespace onshi::cli
