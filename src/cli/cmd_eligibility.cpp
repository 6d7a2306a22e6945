// onshi eligibility get
#include <memory>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/app.h"
#include "cli/card_check.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/hub_connection.h"
#include "cli/render_answer.h"
#include "platform/smartcard/pinless_use.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/face_file.h"
#include "terminal/folder.h"

namespace onshi::cli {

namespace {

using eligibility::Registration;
using smartcard::LastTry;
using smartcard::PinState;

// A look-up by what is printed on a document, as it was typed.
struct NumberTerms {
    std::string insurer;
    std::string symbol;
    std::string number;
    std::string branch;
    std::string birth;
    std::string care_day;

    [[nodiscard]] bool given() const { return !insurer.empty() || !number.empty(); }
};

Result<Date> parse_day(const std::string& text, const char* option) {
    auto day = parse_iso_date(text);
    if (!day) return fail(ErrorCode::command_usage, std::string(option) + " is to be a day such as 2026-11-23");
    return day;
}

// Dates are checked here because they have one form; numbers by the hub, which says what is wrong with each.
Result<std::string> number_body(const NumberTerms& terms, Date today, Random& random) {
    auto birth = parse_day(terms.birth, "--birth");
    if (!birth) return fail(std::move(birth));
    auto care_day = terms.care_day.empty() ? Result<Date>(today) : parse_day(terms.care_day, "--care-day");
    if (!care_day) return fail(std::move(care_day));
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("check_id", CheckId::make(random).text());
    writer.member("care_day", to_iso(*care_day));
    writer.member("insurer_number", terms.insurer);
    if (!terms.symbol.empty()) writer.member("symbol", terms.symbol);
    writer.member("number", terms.number);
    if (!terms.branch.empty()) writer.member("branch", terms.branch);
    writer.member("birth_date", to_iso(*birth));
    writer.end_object();
    return body;
}

Result<Exit> show_answer(Console& console, const std::string& body) {
    auto exit = exit_of_answer(body);
    if (!exit) return exit;
    if (console.json()) {
        console.line(body);
        return exit;
    }
    auto lines = render_answer(console, body);
    if (!lines) return fail(std::move(lines));
    for (const auto& line : *lines) console.line(line);
    return exit;
}

// What a billing system finds in `face` after a check by card.
Result<void> publish_face_file(Session& session, const std::string& folder, const std::string& body) {
    auto view = JsonView::parse(body);
    if (!view) return fail(std::move(view));
    const oqs::Profile profile;
    const terminal::FindReference none = [](const oqs::PersonRecord&) { return std::string(); };
    const Instant now = session.clock().now();
    const terminal::AnswerStyle style{profile, none, terminal::local_digits(now)};
    auto file = terminal::make_face_file(view->root(), {}, now, style, session.random());
    if (!file) return fail(std::move(file));
    const terminal::ExchangeFolder exchange(folder);
    auto prepared = exchange.prepare();
    if (!prepared) return prepared;
    return exchange.publish(terminal::Outbound::face, file->name, file->bytes);
}

class EligibilityGet final : public Command {
  public:
    static constexpr CommandText text{
        "eligibility", "get", "Ask the hub who is insured, by card or by number.",
        "  onshi eligibility get --card --terminal ./desk\n"
        "  onshi eligibility get --card-image cards/0001.json --pin-file pin --terminal ./desk --json\n"
        "  onshi eligibility get --card --method visual --operator staff-1 --reason 'PIN forgotten' --terminal ./desk\n"
        "  onshi eligibility get --insurer 06139463 --symbol 12 --number 3456 --birth 1985-04-12"};

    void declare(Options& options) override {
        card_.declare_source(options);
        card_.declare_pin(options);
        options.flag(spend_last_try_, "--spend-last-try", "verify the PIN even when a mistake would lock it");
        options
            .text(method_, "--method", "WORD", "how the person is confirmed: by the card's PIN, or by eye without it")
            .one_of({"pin", "visual"});
        options.text(operator_, "--operator", "ACCOUNT", "who looked; for --method visual");
        options.text(reason_, "--reason", "TEXT", "why not by PIN; for --method visual");
        options.text(register_, "--register", "WORD", "the patient's wish when the card is not registered yet")
            .one_of({"agreed", "declined"});
        options.text(exchange_folder_, "--face-file", "DIR",
                     "put the answer into the folder face of this exchange folder too, by card only");
        options.text(number_.insurer, "--insurer", "NUMBER", "insurer number");
        options.text(number_.symbol, "--symbol", "TEXT", "symbol, where the scheme has one");
        options.text(number_.number, "--number", "TEXT", "number of the insured");
        options.text(number_.branch, "--branch", "NN", "branch number");
        options.text(number_.birth, "--birth", "DAY", "birth date");
        options.text(number_.care_day, "--care-day", "DAY", "day of care; by number only, else today");
        terminal_.declare(options);
    }

    Result<Exit> run(Session& session) override {
        const bool by_card = card_.reader_card || !card_.image.empty();
        if (by_card == number_.given()) {
            return fail(ErrorCode::command_usage,
                        "name a card (--card, --card-image FILE) or a number (--insurer, --number, --birth)");
        }
        auto fits = check_options(by_card);
        if (!fits) return fail(std::move(fits));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto hub = connect_as(*profile, session);
        if (!hub) return fail(std::move(hub));
        auto body = by_card ? get_by_card(session, *profile, *hub) : get_by_number(session, *hub);
        if (!body) return fail(std::move(body));
        if (!exchange_folder_.empty()) {
            auto published = publish_face_file(session, exchange_folder_, *body);
            if (!published) return fail(std::move(published));
        }
        return show_answer(session.console(), *body);
    }

  private:
    Result<std::string> get_by_number(Session& session, HubConnection& hub) {
        auto request = number_body(number_, japan_day(session.clock().now()), session.random());
        if (!request) return request;
        // Asking twice discloses nothing new and is recorded twice.
        return run_conversation(hub, hub.post("/v1/checks/by-number", std::move(*request), http::Replay::allowed));
    }

    Result<std::string> get_by_card(Session& session, const TerminalProfile& profile, HubConnection& hub) {
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto known = read_known_card(card);
        if (!known) return fail(std::move(known));
        if (method_ == "visual") {
            auto use = load_pinless_use(profile);
            if (!use) return fail(std::move(use));
            const CardCheckParts parts{hub, profile, card, *known, ByEye{**use, operator_, reason_}, session};
            return run_conversation(hub, converse(session.console(), parts));
        }
        auto last_try = may_use_pin(known->overview, session.console(), spend_last_try_);
        if (!last_try) return fail(std::move(last_try));
        auto pin = read_pin(card_, session.console());
        if (!pin) return fail(std::move(pin));
        const CardCheckParts parts{hub, profile, card, *known, ByPin{*pin, *last_try}, session};
        return run_conversation(hub, converse(session.console(), parts));
    }

    // What the options say together, before anything is read from a card.
    [[nodiscard]] Result<void> check_options(bool by_card) const {
        const bool visual = method_ == "visual";
        if (!by_card && (visual || !operator_.empty() || !reason_.empty())) {
            return fail(ErrorCode::command_usage, "--method, --operator and --reason are for checks by card");
        }
        if (!by_card && !exchange_folder_.empty()) {
            return fail(ErrorCode::command_usage, "--face-file is for checks by card");
        }
        if (by_card && !number_.care_day.empty()) {
            return fail(ErrorCode::command_usage, "--care-day is for look-ups by number");
        }
        if (visual && (operator_.empty() || reason_.empty())) {
            return fail(ErrorCode::command_usage, "--method visual needs --operator ACCOUNT and --reason TEXT");
        }
        if (!visual && (!operator_.empty() || !reason_.empty())) {
            return fail(ErrorCode::command_usage, "--operator and --reason are for --method visual");
        }
        return {};
    }

    // The check, and once more when the card is not registered and the patient wishes it to be.
    Task<Result<std::string>> converse(Console& console, const CardCheckParts& parts) {
        const auto first_wish = register_ == "declined" ? Registration::declined : Registration::not_asked;
        auto answer = co_await check_by_card(parts, std::string(), first_wish);
        if (!answer || first_wish == Registration::declined) co_return answer;
        auto wish = wish_to_register(console, *answer);
        if (!wish) co_return fail(std::move(wish));
        if (!*wish) co_return answer;
        console.note_label("label.repeat_with_registration");
        auto challenge = next_challenge(*answer);
        if (!challenge) co_return challenge;
        auto registered = co_await check_by_card(parts, std::move(*challenge), Registration::agreed);
        co_return registered;
    }

    Result<bool> wish_to_register(Console& console, const std::string& answer) const {
        auto offered = offers_registration(answer);
        if (!offered || !*offered) return offered;
        if (register_ == "agreed") return true;
        if (!console.interactive()) return false;
        return console.ask_yes_or_no(console.label("label.ask_registration"));
    }

    CardChoice card_;
    TerminalChoice terminal_;
    NumberTerms number_;
    std::string method_ = "pin";
    std::string operator_;
    std::string reason_;
    std::string register_;
    std::string exchange_folder_;
    bool spend_last_try_ = false;
};

}  // namespace

void add_eligibility_commands(CommandTree& tree) {
    tree.noun("eligibility", "who is insured, by whom, and what they pay");
    tree.add<EligibilityGet>();
}

}  // namespace onshi::cli
