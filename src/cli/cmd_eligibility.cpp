// onshi eligibility get
#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/app.h"
#include "cli/card_check.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/hub_connection.h"
#include "cli/render_answer.h"
#include "domain/payments/rules_explanation.h"
#include "platform/smartcard/pinless_use.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/after_check.h"
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
    bool limit_consent = false;

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
    if (terms.limit_consent) writer.member("limit_consent", true);
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

// What the patient decides behind a check by card.
struct AfterCheck {
    std::vector<consent::ItemChoice> consents;
    std::optional<std::vector<int>> subsidies;  // numbers of the answer's offers; nullopt: nothing is chosen
    bool ask_subsidies = false;                 // one by one, once they are known
};

// As a kiosk asks: about each by its name. nullopt: none is offered.
Result<std::optional<std::vector<int>>> ask_subsidies(Console& console, JsonItem answer) {
    const auto offers = terminal::subsidy_offers(answer);
    if (offers.empty()) return std::optional<std::vector<int>>();
    std::vector<bool> used;
    for (const auto& offer : offers) {
        auto agreed = console.ask_yes_or_no(console.label("label.ask_subsidy", {{"name", offer.name}}));
        if (!agreed) return fail(std::move(agreed));
        used.push_back(*agreed);
    }
    return std::optional(terminal::used_offers(offers, used));
}

// The hub's answers of one check by card; empty where nothing was sent.
struct CardAnswers {
    std::string check;
    std::string consents;
    std::string subsidies;
};

Result<std::vector<consent::ItemChoice>> parse_consents(const std::vector<std::string>& names) {
    std::vector<consent::ItemChoice> choices;
    for (const auto& name : names) {
        const auto item = consent::parse_item(name);
        const bool known = std::ranges::any_of(choices, [&](const auto& choice) { return choice.item == item; });
        if (!item || known) return fail(ErrorCode::command_usage, "--consent " + name);
        choices.push_back({*item, consent::Choice::agreed});
    }
    return choices;
}

// `none`, or the offers' numbers with commas between.
Result<std::vector<int>> parse_offers(std::string_view text) {
    std::vector<int> numbers;
    if (text == "none") return numbers;
    while (!text.empty()) {
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const bool separated = text.empty() || (text.front() == ',' && text.size() > 1);
        if (error != std::errc() || number < 1 || !separated) break;
        numbers.push_back(number);
        if (text.empty()) return numbers;
        text.remove_prefix(1);
    }
    return fail(ErrorCode::command_usage, "--subsidies is to be `none`, `ask` or numbers such as 1,2");
}

// What a billing system finds in `face` after a check by card.
Result<void> publish_face_file(Session& session, const std::string& folder, const CardAnswers& answers,
                               const std::vector<consent::ItemChoice>& choices) {
    auto view = JsonView::parse(answers.check);
    if (!view) return fail(std::move(view));
    auto recorded = JsonView::parse(answers.consents.empty() ? std::string_view("{}") : answers.consents);
    if (!recorded) return fail(std::move(recorded));
    const auto agreed = [&choices](consent::Item item) {
        return std::ranges::find(choices, item, &consent::ItemChoice::item) != choices.end();
    };
    terminal::FaceConsents consents;
    consents.checkups = agreed(consent::Item::checkups);
    consents.medicines = agreed(consent::Item::medicines);
    consents.visits = agreed(consent::Item::visits);
    consents.surgery = agreed(consent::Item::surgery);
    consents.specified_disease = agreed(consent::Item::specific_disease);
    const oqs::Profile profile;
    const terminal::FindReference none = [](const oqs::PersonRecord&) { return std::string(); };
    const Instant now = session.clock().now();
    const terminal::AnswerStyle style{profile, none, terminal::local_digits(now)};
    auto file = terminal::make_face_file(view->root(), consents, recorded->root(), now, style, session.random());
    if (!file) return fail(std::move(file));
    const terminal::ExchangeFolder exchange(folder);
    auto prepared = exchange.prepare();
    if (!prepared) return prepared;
    return exchange.publish(terminal::Outbound::face, file->name, file->bytes);
}

// The hub's words of what was decided, as they are, or what of them a counter needs.
Result<void> show_after(Console& console, const CardAnswers& answers) {
    for (const auto& body : {answers.consents, answers.subsidies}) {
        if (console.json() && !body.empty()) console.line(body);
    }
    if (console.json() || answers.subsidies.empty()) return {};
    auto view = JsonView::parse(answers.subsidies);
    if (!view) return fail(std::move(view));
    for (const auto& chosen : view->root().objects("chosen")) {
        std::string line = fmt::format("  {}: {}  {}  {}", console.label("label.subsidies"), chosen.text("name"),
                                       chosen.text("payer_number"), chosen.text("recipient_number"));
        const auto book = chosen.object("cap_book");
        const auto remaining = book.integer("remaining");
        if (remaining)
            line += "  " + console.label("label.cap_left", {{"amount", payments::grouped(payments::Yen(*remaining))}});
        console.line(line);
    }
    return {};
}

class EligibilityGet final : public Command {
  public:
    static constexpr CommandText text{
        "eligibility", "get", "Ask the hub who is insured, by card or by number.",
        "  onshi eligibility get --card --terminal ./desk\n"
        "  onshi eligibility get --card-image cards/0001.json --pin-file pin --terminal ./desk --json\n"
        "  onshi eligibility get --card --method visual --operator staff-1 --reason 'PIN forgotten' --terminal ./desk\n"
        "  onshi eligibility get --card --consent specific_disease --subsidies 1 --terminal ./desk\n"
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
        options.texts(consents_, "--consent", "ITEM", "what the patient agrees to behind the answer; by card only");
        options.text(subsidies_, "--subsidies", "LIST",
                     "which of the offered subsidies the patient uses: 1,2, none or ask; by card only");
        options.text(exchange_folder_, "--face-file", "DIR",
                     "put the answer into the folder face of this exchange folder too, by card only");
        options.text(number_.insurer, "--insurer", "NUMBER", "insurer number");
        options.text(number_.symbol, "--symbol", "TEXT", "symbol, where the scheme has one");
        options.text(number_.number, "--number", "TEXT", "number of the insured");
        options.text(number_.branch, "--branch", "NN", "branch number");
        options.text(number_.birth, "--birth", "DAY", "birth date");
        options.text(number_.care_day, "--care-day", "DAY", "day of care; by number only, else today");
        options.flag(number_.limit_consent, "--limit-consent",
                     "the patient said that the limit category may be told; by number only, and recorded");
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
        auto answers = by_card ? get_by_card(session, *profile, *hub) : get_by_number(session, *hub);
        if (!answers) return fail(std::move(answers));
        if (!exchange_folder_.empty()) {
            auto published = publish_face_file(session, exchange_folder_, *answers, after_.consents);
            if (!published) return fail(std::move(published));
        }
        auto exit = show_answer(session.console(), answers->check);
        if (!exit) return exit;
        auto shown = show_after(session.console(), *answers);
        if (!shown) return fail(std::move(shown));
        return exit;
    }

  private:
    Result<CardAnswers> get_by_number(Session& session, HubConnection& hub) {
        auto request = number_body(number_, japan_day(session.clock().now()), session.random());
        if (!request) return fail(std::move(request));
        // Asking twice discloses nothing new and is recorded twice.
        auto body = run_conversation(hub, hub.post("/v1/checks/by-number", std::move(*request), http::Replay::allowed));
        if (!body) return fail(std::move(body));
        return CardAnswers{std::move(*body), {}, {}};
    }

    Result<CardAnswers> get_by_card(Session& session, const TerminalProfile& profile, HubConnection& hub) {
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto known = read_known_card(card);
        if (!known) return fail(std::move(known));
        if (method_ == "visual") {
            auto use = load_pinless_use(profile);
            if (!use) return fail(std::move(use));
            const CardCheckParts parts{hub, profile, card, *known, ByEye{**use, operator_, reason_}, session};
            return run_conversation(hub, visit(session.console(), parts));
        }
        auto last_try = may_use_pin(known->overview, session.console(), spend_last_try_);
        if (!last_try) return fail(std::move(last_try));
        auto pin = read_pin(card_, session.console());
        if (!pin) return fail(std::move(pin));
        const CardCheckParts parts{hub, profile, card, *known, ByPin{*pin, *last_try}, session};
        return run_conversation(hub, visit(session.console(), parts));
    }

    // The check, then what the patient decides behind it.
    Task<Result<CardAnswers>> visit(Console& console, const CardCheckParts& parts) {
        CardAnswers answers;
        auto checked = co_await converse(console, parts);
        if (!checked) co_return fail(std::move(checked));
        answers.check = std::move(*checked);
        auto view = JsonView::parse(answers.check);
        if (!view) co_return fail(std::move(view));
        const std::string receipt(view->root().text("receipt"));
        HubConnection& hub = parts.hub;
        const terminal::PostToHub post = [&hub](std::string target, std::string body) {
            return hub.post(std::move(target), std::move(body), http::Replay::allowed);
        };
        if (!after_.consents.empty()) {
            auto recorded = co_await terminal::send_consents(post, receipt, after_.consents);
            if (!recorded) co_return fail(std::move(recorded));
            answers.consents = std::move(*recorded);
        }
        std::optional<std::vector<int>> numbers = after_.subsidies;
        if (after_.ask_subsidies) {
            auto asked = ask_subsidies(console, view->root());
            if (!asked) co_return fail(std::move(asked));
            numbers = std::move(*asked);
        }
        if (numbers) {
            auto chosen = co_await terminal::send_subsidy_choice(post, receipt, std::move(*numbers));
            if (!chosen) co_return fail(std::move(chosen));
            answers.subsidies = std::move(*chosen);
        }
        co_return answers;
    }

    // What the options say together, before anything is read from a card.
    [[nodiscard]] Result<void> check_options(bool by_card) {
        const bool visual = method_ == "visual";
        if (!by_card && (visual || !operator_.empty() || !reason_.empty())) {
            return fail(ErrorCode::command_usage, "--method, --operator and --reason are for checks by card");
        }
        if (!by_card && !exchange_folder_.empty()) {
            return fail(ErrorCode::command_usage, "--face-file is for checks by card");
        }
        if (!by_card && (!consents_.empty() || subsidies_)) {
            return fail(ErrorCode::command_usage, "--consent and --subsidies are for checks by card");
        }
        auto consents = parse_consents(consents_);
        if (!consents) return fail(std::move(consents));
        after_.consents = std::move(*consents);
        after_.ask_subsidies = subsidies_ == "ask";
        if (subsidies_ && !after_.ask_subsidies) {
            auto numbers = parse_offers(*subsidies_);
            if (!numbers) return fail(std::move(numbers));
            after_.subsidies = std::move(*numbers);
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
    std::vector<std::string> consents_;
    std::optional<std::string> subsidies_;
    AfterCheck after_;
    bool spend_last_try_ = false;
};

}  // namespace

void add_eligibility_commands(CommandTree& tree) {
    tree.noun("eligibility", "who is insured, by whom, and what they pay");
    tree.add<EligibilityGet>();
}

}  // namespace onshi::cli
