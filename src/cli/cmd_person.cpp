// onshi person protect, onshi person merge, onshi account put
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/stores.h"
#include "domain/coverage/service_protection.h"
#include "domain/eligibility/merges.h"
#include "domain/organisations/accounts.h"
#include "hub/secrets.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds change_time{30'000};

// A member as the options of a command name it.
struct MemberOptions {
    std::string insurer;
    std::string symbol;
    std::string number;
    std::string branch;
    std::string birth;

    [[nodiscard]] Result<coverage::MemberName> parse() const {
        auto by = InsurerNumber::parse(insurer);
        if (!by) return fail(std::move(by));
        auto insured = InsuredSymbolNumber::parse(symbol, number);
        if (!insured) return fail(std::move(insured));
        auto born = parse_iso_date(birth);
        if (!born) return fail(std::move(born));
        coverage::MemberName member{*by, std::move(*insured), std::nullopt, *born};
        if (branch.empty()) return member;
        auto told = BranchNumber::parse(branch);
        if (!told) return fail(std::move(told));
        member.branch = *told;
        return member;
    }
};

class PersonProtect final : public Command {
  public:
    static constexpr CommandText text{
        "person", "protect", "Set or clear a protection flag of somebody in danger, named by their insured number.",
        "  onshi person protect --insurer 01139997 --symbol 14 --number 3456 --birth-date 1985-04-12 \\\n"
        "      --flag block_self_information --operator sato --config hub.toml"};
    void declare(Options& options) override {
        options.text(member_.insurer, "--insurer", "NUMBER", "whose member").required();
        options.text(member_.symbol, "--symbol", "TEXT", "the member's symbol, where there is one");
        options.text(member_.number, "--number", "TEXT", "the member's number").required();
        options.text(member_.branch, "--branch", "DIGITS", "the member's branch, where there is one");
        options.text(member_.birth, "--birth-date", "DATE", "the member's birth date").required();
        options.text(flag_, "--flag", "WORD", "which flag")
            .required()
            .one_of({"hide_history", "block_self_information"});
        options.flag(clear_, "--clear", "take the flag back; counts when a second person says so too");
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
    }
    Result<Exit> run(Session& session) override {
        auto member = member_.parse();
        if (!member) return fail(std::move(member));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        coverage::ProtectionService service((*stores)->database(), session.clock(), session.random());
        const auto flag = flag_ == "hide_history" ? coverage::ProtectionFlag::hide_history
                                                  : coverage::ProtectionFlag::block_self_information;
        const auto wish = clear_ ? coverage::ProtectionWish::clear : coverage::ProtectionWish::set;
        const audit::Actor actor{.reference = operator_};
        auto after = run_to_end(service.apply(*member, flag, wish, actor, Deadline::in(change_time)));
        if (!after) return fail(std::move(after));
        show(session.console(), *after);
        return Exit::done;
    }

  private:
    static void show(Console& console, const coverage::ProtectionStanding& after) {
        const auto word = [](bool flag, bool waits) {
            if (!flag) return "off";
            return waits ? "on until a second person clears it too" : "on";
        };
        if (!console.json()) {
            return console.line(
                fmt::format("✔ hide_history {}, block_self_information {}",
                            word(after.flags.exchange_history_hidden, after.waiting.exchange_history_hidden),
                            word(after.flags.self_information_blocked, after.waiting.self_information_blocked)));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.protection/1");
        writer.member("hide_history", after.flags.exchange_history_hidden);
        writer.member("block_self_information", after.flags.self_information_blocked);
        writer.begin_array("waiting_for_second_person");
        if (after.waiting.exchange_history_hidden) writer.text("hide_history");
        if (after.waiting.self_information_blocked) writer.text("block_self_information");
        writer.end_array();
        writer.end_object();
        console.line(json);
    }
    MemberOptions member_;
    std::string flag_;
    bool clear_ = false;
    std::string operator_;
};

class PersonMerge final : public Command {
  public:
    static constexpr CommandText text{
        "person", "merge", "Make two persons one who were registered twice, each named by their insured number.",
        "  onshi person merge --insurer 01139997 --symbol 14 --number 3456 --birth-date 1985-04-12 \\\n"
        "      --other-insurer 39131156 --other-number 77001234 --other-birth-date 1985-04-12 \\\n"
        "      --evidence D-118 --operator sato --config hub.toml"};
    void declare(Options& options) override {
        options.text(one_.insurer, "--insurer", "NUMBER", "whose member").required();
        options.text(one_.symbol, "--symbol", "TEXT", "the member's symbol, where there is one");
        options.text(one_.number, "--number", "TEXT", "the member's number").required();
        options.text(one_.branch, "--branch", "DIGITS", "the member's branch, where there is one");
        options.text(one_.birth, "--birth-date", "DATE", "the member's birth date").required();
        options.text(other_.insurer, "--other-insurer", "NUMBER", "whose member the other one is").required();
        options.text(other_.symbol, "--other-symbol", "TEXT", "the other's symbol, where there is one");
        options.text(other_.number, "--other-number", "TEXT", "the other's number").required();
        options.text(other_.branch, "--other-branch", "DIGITS", "the other's branch, where there is one");
        options.text(other_.birth, "--other-birth-date", "DATE", "the other's birth date").required();
        options
            .text(evidence_, "--evidence", "TEXT",
                  "what shows that both are one: a document's number, no personal data")
            .required();
        options.text(approved_by_, "--approved-by", "NAME",
                     "a second person who says so too; needed when the two differ much");
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
        options.settings({"store", "secrets_folder", "key_device"});
    }
    Result<Exit> run(Session& session) override {
        auto one = one_.parse();
        if (!one) return fail(std::move(one));
        auto other = other_.parse();
        if (!other) return fail(std::move(other));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const std::string& secrets = settings->text("secrets_folder");
        if (secrets.empty()) return fail(ErrorCode::config_missing, "secrets_folder");
        // To find by its number again who is called otherwise now.
        auto vault = hub::load_number_vault(secrets, settings->text("key_device"));
        if (!vault) return fail(std::move(vault));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        eligibility::Merges merges((*stores)->database(), session.clock(), session.random(), *vault);
        const eligibility::MergeOrder order{std::move(*one), std::move(*other), {evidence_, approved_by_}};
        const audit::Actor actor{.reference = operator_};
        auto outcome = run_to_end(merges.merge(order, actor, Deadline::in(change_time)));
        if (!outcome) return fail(std::move(outcome));
        show(session.console(), *outcome);
        return Exit::done;
    }

  private:
    static void show(Console& console, const eligibility::MergeOutcome& outcome) {
        if (!console.json()) {
            return console.line(fmt::format("✔ {}: {} records moved, {} of them told twice",
                                            outcome.merged ? "merged" : "an earlier merge is ended",
                                            outcome.registry.records_moved, outcome.registry.records_void));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.person_merge/1");
        writer.member("merged", outcome.merged);
        writer.member("severity", static_cast<std::int64_t>(outcome.registry.severity));
        writer.member("records_moved", outcome.registry.records_moved);
        writer.member("records_void", outcome.registry.records_void);
        writer.member("settled", outcome.settled);
        writer.end_object();
        console.line(json);
    }
    MemberOptions one_;
    MemberOptions other_;
    std::string evidence_;
    std::string approved_by_;
    std::string operator_;
};

class AccountPut final : public Command {
  public:
    static constexpr CommandText text{
        "account", "put", "Let a person of an insurer or a facility act in its name, or end that.",
        "  onshi account put --insurer 01139997 --reference tanaka --config hub.toml\n"
        "  onshi account put --insurer 01139997 --reference tanaka --end --config hub.toml"};
    void declare(Options& options) override {
        auto insurer = options.text(insurer_, "--insurer", "NUMBER", "of which insurer");
        options.text(facility_, "--facility", "CODE", "of which facility").excludes(insurer);
        options.text(reference_, "--reference", "NAME", "what the account is called; no personal data").required();
        options.flag(end_, "--end", "the person may act no more");
        options.integer(visual_, "--visual-checks", "N", "checks by eye a day").range(0, 1000);
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
    }
    Result<Exit> run(Session& session) override {
        organisations::AccountOrder order;
        if (insurer_) {
            auto insurer = InsurerNumber::parse(*insurer_);
            if (!insurer) return fail(std::move(insurer));
            order.kind = organisations::Kind::insurer;
            order.code = insurer->to_key();
        } else if (facility_) {
            auto facility = FacilityCode::parse(*facility_);
            if (!facility) return fail(std::move(facility));
            order.code = facility->to_key();
        } else {
            return fail(ErrorCode::command_usage, "--insurer or --facility");
        }
        order.account = {reference_, !end_, visual_};
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        organisations::AccountService service((*stores)->database(), session.clock(), session.random());
        const audit::Actor actor{.reference = operator_};
        auto done = run_to_end(service.put(order, actor, Deadline::in(change_time)));
        if (!done) return fail(std::move(done));
        session.console().line(session.console().json()
                                   ? fmt::format(R"({{"schema":"onshi.account/1","active":{}}})", !end_)
                                   : fmt::format("✔ {} {}", reference_, end_ ? "ended" : "active"));
        return Exit::done;
    }

  private:
    std::optional<std::string> insurer_;
    std::optional<std::string> facility_;
    std::string reference_;
    bool end_ = false;
    std::int64_t visual_ = 0;
    std::string operator_;
};

}  // namespace

void add_person_commands(CommandTree& tree) {
    tree.noun("person", "people as the registry holds them");
    tree.add<PersonProtect>();
    tree.add<PersonMerge>();
    tree.noun("account", "who may act for an organisation");
    tree.add<AccountPut>();
}

}  // namespace onshi::cli
