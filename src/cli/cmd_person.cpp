// onshi person protect, onshi account put
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/stores.h"
#include "domain/coverage/service_protection.h"
#include "domain/organisations/accounts.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds change_time{30'000};

class PersonProtect final : public Command {
  public:
    static constexpr CommandText text{
        "person", "protect", "Set or clear a protection flag of somebody in danger, named by their insured number.",
        "  onshi person protect --insurer 01139997 --symbol 14 --number 3456 --birth-date 1985-04-12 \\\n"
        "      --flag block_self_information --operator sato --config hub.toml"};
    void declare(Options& options) override {
        options.text(insurer_, "--insurer", "NUMBER", "whose member").required();
        options.text(symbol_, "--symbol", "TEXT", "the member's symbol, where there is one");
        options.text(number_, "--number", "TEXT", "the member's number").required();
        options.text(branch_, "--branch", "DIGITS", "the member's branch, where there is one");
        options.text(birth_, "--birth-date", "DATE", "the member's birth date").required();
        options.text(flag_, "--flag", "WORD", "which flag")
            .required()
            .one_of({"hide_history", "block_self_information"});
        options.flag(clear_, "--clear", "take the flag back");
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
        options.setting("store", "--store");
    }
    Result<Exit> run(Session& session) override {
        auto insurer = InsurerNumber::parse(insurer_);
        if (!insurer) return fail(std::move(insurer));
        auto insured = InsuredSymbolNumber::parse(symbol_, number_);
        if (!insured) return fail(std::move(insured));
        auto birth = parse_iso_date(birth_);
        if (!birth) return fail(std::move(birth));
        coverage::MemberName member{*insurer, std::move(*insured), std::nullopt, *birth};
        if (!branch_.empty()) {
            auto branch = BranchNumber::parse(branch_);
            if (!branch) return fail(std::move(branch));
            member.branch = *branch;
        }
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        coverage::ProtectionService service((*stores)->database(), session.clock(), session.random());
        const auto flag = flag_ == "hide_history" ? coverage::ProtectionFlag::hide_history
                                                  : coverage::ProtectionFlag::block_self_information;
        const auto wish = clear_ ? coverage::ProtectionWish::clear : coverage::ProtectionWish::set;
        const audit::Actor actor{.reference = operator_};
        auto after = run_to_end(service.apply(member, flag, wish, actor, Deadline::in(change_time)));
        if (!after) return fail(std::move(after));
        show(session.console(), *after);
        return Exit::done;
    }

  private:
    static void show(Console& console, const identity::Protection& after) {
        if (!console.json()) {
            return console.line(fmt::format("✔ hide_history {}, block_self_information {}",
                                            after.exchange_history_hidden ? "on" : "off",
                                            after.self_information_blocked ? "on" : "off"));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.protection/1");
        writer.member("hide_history", after.exchange_history_hidden);
        writer.member("block_self_information", after.self_information_blocked);
        writer.end_object();
        console.line(json);
    }
    std::string insurer_;
    std::string symbol_;
    std::string number_;
    std::string branch_;
    std::string birth_;
    std::string flag_;
    bool clear_ = false;
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
        auto stores = Stores::open(settings->text("store"));
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
    tree.noun("account", "who may act for an organisation");
    tree.add<AccountPut>();
}

}  // namespace onshi::cli
