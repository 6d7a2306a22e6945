// onshi terminal simulate
#include <fstream>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/face_settings.h"
#include "cli/files.h"
#include "cli/terminal_profile.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/check_in.h"
#include "terminal/folder.h"
#include "terminal/kiosk_json.h"

namespace onshi::cli {

namespace {

namespace kiosk = terminal::kiosk;

class TerminalSimulate final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "simulate",
        "Drive the kiosk's screens from a script, without a page; with a card, a whole check-in. A line per event.",
        "  printf '%s\\n' '{\"event\":\"ready\"}' '{\"event\":\"card.in\"}' '{\"after_ms\":11000,\"event\":\"tick\"}' "
        "> script\n"
        "  onshi terminal simulate --script script\n"
        "  onshi terminal simulate --script script --card --pin-file pin --terminal ./desk --exchange-folder /srv/oqs"};
    void declare(Options& options) override {
        options.text(script_, "--script", "FILE", "events as JSON, one per line; after_ms lets time pass before one")
            .required();
        options.flag(phones_, "--phone-reader", "the kiosk has a reader for phones");
        options.flag(face_, "--face", "the kiosk has a camera and an engine that compares faces");
        options.text(number_b_file_, "--number-b-file", "FILE",
                     "with a card: number B, where the script says that it was typed");
        declare_face_settings(options);
        options.flag(pharmacy_, "--pharmacy", "ask which prescriptions to fill");
        options.text(operator_, "--operator", "ACCOUNT", "with a card: who confirms by eye");
        options.text(reason_, "--reason", "TEXT", "with a card: why by eye");
        card_.declare_source(options);
        card_.declare_pin(options);
        options.settings({"exchange_folder", "terminal_store_folder", "last_visit_days"});
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto lines = read_text_file(script_);
        if (!lines) return fail(std::move(lines));
        kiosk::Settings settings;
        settings.phone_reader = phones_;
        settings.face = face_;
        settings.prescription_pick = pharmacy_;
        std::unique_ptr<Desk> desk;
        if (card_.reader_card || !card_.image.empty()) {
            auto opened = open_desk(session);
            if (!opened) return fail(std::move(opened));
            desk = std::move(*opened);
            settings.face = settings.face || desk->face != nullptr;
            settings.face_demo = desk->face_settings.simulated.has_value();
        }
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
            if (!desk) continue;
            carry_out(session.console(), *desk, machine, now, actions);
        }
        if (desk) desk->check_in->close();
        return Exit::done;
    }

  private:
    // What the kiosk of a running terminal has: card, hub, exchange folder, records of its own.
    struct Desk {
        terminal::HubState hub_state;
        SystemClock clock;
        std::unique_ptr<terminal::HubLink> hub;
        std::unique_ptr<terminal::LocalStore> store;
        std::unique_ptr<terminal::CardSlot> slot;
        std::unique_ptr<smartcard::PinlessUse> pinless;
        terminal::FaceSettings face_settings;
        std::unique_ptr<terminal::FaceEngine> face;
        std::optional<terminal::CheckIn> check_in;
        SecretBytes pin;
        SecretBytes number_b;
    };
    // The card as the script's command names it: each connection to it is a new insertion.
    class ChosenCard final : public terminal::CardSlot {
      public:
        ChosenCard(const CardChoice& choice, Session& session) : choice_(choice), session_(session) {}
        Result<std::unique_ptr<smartcard::CardChannel>> connect() override {
            auto open = OpenCard::open(choice_, session_);
            if (!open) return fail(std::move(open));
            return std::unique_ptr<smartcard::CardChannel>(std::make_unique<Channel>(std::move(*open)));
        }

      private:
        class Channel final : public smartcard::CardChannel {
          public:
            explicit Channel(std::unique_ptr<OpenCard> card) : card_(std::move(card)) {}
            Result<void> begin_transaction() override { return card_->channel().begin_transaction(); }
            void end_transaction() noexcept override { card_->channel().end_transaction(); }
            Result<smartcard::ByteVector> exchange(Bytes command) override {
                return card_->channel().exchange(command);
            }

          private:
            std::unique_ptr<OpenCard> card_;
        };
        const CardChoice& choice_;
        Session& session_;
    };

    Result<std::unique_ptr<Desk>> open_desk(Session& session) {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        const std::string exchange = resolved->text("exchange_folder");
        if (exchange.empty()) return fail(ErrorCode::config_missing, "exchange_folder");
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto tls = load_terminal_tls(*profile);
        if (!tls) return fail(std::move(tls));
        auto desk = std::make_unique<Desk>();
        auto hub = terminal::HubLink::make({profile->hub.host, profile->hub.port, std::move(*tls)}, desk->hub_state,
                                           desk->clock, session.random());
        if (!hub) return fail(std::move(hub));
        desk->hub = std::move(*hub);
        auto store = terminal::LocalStore::open(terminal_store_folder(*resolved, *profile),
                                                profile->folder / "store.key", session.random());
        if (!store) return fail(std::move(store));
        desk->store = std::move(*store);
        desk->slot = std::make_unique<ChosenCard>(card_, session);
        auto face = load_face_settings(*resolved, *profile);
        if (!face) return fail(std::move(face));
        desk->face_settings = std::move(*face);
        desk->face = terminal::make_face_engine(desk->face_settings, session.random());
        if (!operator_.empty() || desk->face) {
            auto pinless = load_pinless_use(*profile);
            if (!pinless) return fail(std::move(pinless));
            desk->pinless = std::move(*pinless);
        }
        if (desk->pinless == nullptr || !card_.pin_file.empty()) {
            auto pin = read_pin(card_, session.console());
            if (!pin) return fail(std::move(pin));
            desk->pin = std::move(*pin);
        }
        if (!number_b_file_.empty()) {
            auto number_b = read_pin_file(number_b_file_);
            if (!number_b) return fail(std::move(number_b));
            desk->number_b = std::move(*number_b);
        }
        const terminal::ExchangeFolder folder(exchange);
        auto prepared = folder.prepare();
        if (!prepared) return fail(std::move(prepared));
        desk->check_in.emplace(
            terminal::CheckInParts{.name = {profile->hub_id, profile->facility, profile->terminal},
                                   .hub = *desk->hub,
                                   .store = *desk->store,
                                   .slot = *desk->slot,
                                   .pinless = desk->pinless.get(),
                                   .face = desk->face.get(),
                                   .photo_roots = desk->face_settings.photo_roots,
                                   .publish =
                                       [folder](const terminal::FaceFile& file) {
                                           return folder.publish(terminal::Outbound::face, file.name, file.bytes);
                                       },
                                   .profile = {},
                                   .last_visit_days = static_cast<int>(resolved->integer("last_visit_days")),
                                   .clock = desk->clock,
                                   .random = session.random()});
        static_cast<void>(desk->check_in->catch_up());
        return desk;
    }

    // Everything that follows from one event, in no time of the script's.
    void carry_out(Console& console, Desk& desk, kiosk::Machine& machine, kiosk::Moment now,
                   std::vector<kiosk::Action> actions) const {
        for (int rounds = 0; !actions.empty() && rounds < rounds_max; ++rounds) {
            std::vector<kiosk::Action> next;
            for (const auto action : actions) {
                terminal::Order order;
                order.action = action;
                order.session = machine.session();
                if (action == kiosk::Action::verify_pin) order.pin = desk.pin.clone();
                if (action == kiosk::Action::aim_face) {
                    order.number_b = desk.number_b.clone();
                    order.aim = desk.check_in->begin_aim();
                }
                order.operator_reference = operator_;
                order.visual_reason = reason_;
                const auto outcome = desk.check_in->carry_out(std::move(order));
                if (!outcome) continue;
                auto more = machine.apply(*outcome, now);
                show(console, machine, now, more);
                next.insert(next.end(), more.begin(), more.end());
            }
            actions = std::move(next);
        }
    }
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
    // From one event to the end: card, hub and folder a few times each.
    static constexpr int rounds_max = 16;

    CardChoice card_;
    TerminalChoice terminal_;
    std::string operator_;
    std::string reason_;
    std::string script_;
    std::string number_b_file_;
    bool phones_ = false;
    bool face_ = false;
    bool pharmacy_ = false;
};

}  // namespace

void add_terminal_simulate_command(CommandTree& tree) {
    tree.add<TerminalSimulate>();
}

}  // namespace onshi::cli
