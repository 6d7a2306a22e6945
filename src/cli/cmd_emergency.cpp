// onshi outage declare | lift | list; onshi disaster declare | confirm | end | list
#include <string>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/instants.h"
#include "cli/list_writer.h"
#include "cli/stores.h"
#include "domain/organisations/emergencies.h"
#include "exchange/api/emergencies.h"
#include "exchange/api/values.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using organisations::Disaster;
using organisations::Emergencies;

constexpr std::chrono::milliseconds store_time{30'000};

Deadline soon() {
    return Deadline::in(store_time);
}

// Works on the ledger itself, so that it can be said while no hub runs; hubs see it within seconds.
class EmergencyCommand : public Command {
  public:
    void declare(Options& options) override {
        declare_more(options);
        options.settings({"store", "secrets_folder"});
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        Emergencies emergencies((*stores)->database(), session.clock(), session.random());
        return carry_out(emergencies, session);
    }

  protected:
    virtual void declare_more(Options& options) = 0;
    [[nodiscard]] virtual Result<Exit> carry_out(Emergencies& emergencies, Session& session) = 0;
};

// One who decides something.
class Decision : public EmergencyCommand {
  protected:
    void declare_more(Options& options) override {
        declare_what(options);
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
    }
    virtual void declare_what(Options& options) = 0;
    [[nodiscard]] audit::Actor actor() const { return {OrganisationKey(0), TerminalKey(0), operator_}; }

  private:
    std::string operator_;
};

// ---- Outages --------------------------------------------------------------------------------------------------------

Result<Exit> show_outages(Emergencies& emergencies, Session& session) {
    auto outages = run_to_end(emergencies.outages(soon()));
    if (!outages) return fail(std::move(outages));
    ListWriter list(session.console(), {"dependency", "since", "mode", "declared_by"});
    for (const auto& outage : *outages) {
        const auto mode = to_string(mode_under(outage.dependency));
        const std::string name(to_string(outage.dependency));
        if (list.wants_cells()) {
            list.cells({name, api::to_rfc3339(outage.since), std::string(mode), outage.declared_by});
            continue;
        }
        if (!list.wants_json()) {
            list.line(fmt::format("{}  {}  {}  {}", name, japan_date_time(outage.since), mode, outage.declared_by));
            continue;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.outage/1");
        writer.member("dependency", name);
        writer.member("since", api::to_rfc3339(outage.since));
        writer.member("mode", mode);
        writer.member("declared_by", outage.declared_by);
        writer.end_object();
        list.object(json);
    }
    list.finish();
    return Exit::done;
}

class OutageDecision : public Decision {
  public:
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }

  protected:
    void declare_what(Options& options) override {
        options.text(dependency_, "dependency", "NAME", "the part of the hub that it is about")
            .required()
            .one_of({"card_status", "resident_register", "insurer_files", "registry", "ledger"});
    }
    Result<Exit> carry_out(Emergencies& emergencies, Session& session) override {
        const auto dependency = organisations::parse_dependency(dependency_);
        if (!dependency) return fail(ErrorCode::command_usage, "dependency");
        auto changed = run_to_end(change(emergencies, *dependency));
        if (!changed) return fail(std::move(changed));
        return show_outages(emergencies, session);
    }
    [[nodiscard]] virtual Task<Result<bool>> change(Emergencies& emergencies, organisations::Dependency dependency) = 0;

  private:
    std::string dependency_;
};

class OutageDeclare final : public OutageDecision {
  public:
    static constexpr CommandText text{
        "outage", "declare", "Say that a part of the hub is away; terminals serve by the lawful row within seconds.",
        "  onshi outage declare ledger --operator sato --config hub.toml\n"
        "  onshi outage declare card_status --operator sato --config hub.toml"};

  private:
    Task<Result<bool>> change(Emergencies& emergencies, organisations::Dependency dependency) override {
        return emergencies.declare_outage(dependency, actor(), soon());
    }
};

class OutageLift final : public OutageDecision {
  public:
    static constexpr CommandText text{"outage", "lift",
                                      "Say that a part of the hub is back; terminals leave the mode by themselves.",
                                      "  onshi outage lift ledger --operator sato --config hub.toml"};

  private:
    Task<Result<bool>> change(Emergencies& emergencies, organisations::Dependency dependency) override {
        return emergencies.lift_outage(dependency, actor(), soon());
    }
};

class OutageList final : public EmergencyCommand {
  public:
    static constexpr CommandText text{"outage", "list",
                                      "Which parts of the hub are declared away, since when, and how desks serve.",
                                      "  onshi outage list --config hub.toml"};
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }

  private:
    void declare_more(Options&) override {}
    Result<Exit> carry_out(Emergencies& emergencies, Session& session) override {
        return show_outages(emergencies, session);
    }
};

// ---- Disasters ------------------------------------------------------------------------------------------------------

void show_line(Console& console, const Disaster& disaster, Instant now) {
    console.line(fmt::format("{}  {}  {} – {}  {}  {}{}", disaster.id, disaster.municipality.text(),
                             to_iso(disaster.days.first), to_iso(disaster.days.last),
                             to_string(state_at(disaster, now)), disaster.declared_by,
                             disaster.confirmed_by.empty() ? "" : " + " + disaster.confirmed_by));
}

Result<Exit> show_disaster(Console& console, const Result<Disaster>& disaster, Instant now) {
    if (!disaster) return tl::unexpected(disaster.error());
    if (console.json()) {
        console.line(api::write_disaster(*disaster, now));
    } else {
        show_line(console, *disaster, now);
    }
    return Exit::done;
}

class DisasterDeclare final : public Decision {
  public:
    static constexpr CommandText text{
        "disaster", "declare",
        "Declare a disaster of a municipality for a period; opens nothing until a second person confirms it.",
        "  onshi disaster declare --municipality 131016 --from 2026-11-23 --to 2026-11-30 --operator sato "
        "--config hub.toml"};

  private:
    void declare_what(Options& options) override {
        options.text(municipality_, "--municipality", "CODE", "six digits (全国地方公共団体コード)").required();
        options.text(first_, "--from", "DAY", "first day, from midnight in Japan").required();
        options.text(last_, "--to", "DAY", "last day, to its end; at most 92 days in all").required();
    }
    Result<Exit> carry_out(Emergencies& emergencies, Session& session) override {
        auto municipality = MunicipalityCode::parse(municipality_);
        if (!municipality) return fail(std::move(municipality));
        auto first = parse_iso_date(first_);
        if (!first) return fail(std::move(first));
        auto last = parse_iso_date(last_);
        if (!last) return fail(std::move(last));
        auto disaster = run_to_end(emergencies.declare({*municipality, {*first, *last}}, actor(), soon()));
        return show_disaster(session.console(), disaster, session.clock().now());
    }
    std::string municipality_;
    std::string first_;
    std::string last_;
};

// About one that was declared.
class DisasterDecision : public Decision {
  protected:
    void declare_what(Options& options) override {
        options.text(id_, "disaster", "ID", "its number, as disaster list tells it").required();
    }
    Result<Exit> carry_out(Emergencies& emergencies, Session& session) override {
        auto id = api::parse_disaster_id(id_);
        if (!id) return fail(std::move(id));
        auto disaster = run_to_end(decide(emergencies, *id));
        return show_disaster(session.console(), disaster, session.clock().now());
    }
    [[nodiscard]] virtual Task<Result<Disaster>> decide(Emergencies& emergencies, std::int64_t id) = 0;

  private:
    std::string id_;
};

class DisasterConfirm final : public DisasterDecision {
  public:
    static constexpr CommandText text{
        "disaster", "confirm", "Confirm as a second person what another one declared.",
        "  onshi disaster confirm 4611686018427387904 --operator suzuki --config hub.toml"};

  private:
    Task<Result<Disaster>> decide(Emergencies& emergencies, std::int64_t id) override {
        return emergencies.confirm(id, actor(), soon());
    }
};

class DisasterEnd final : public DisasterDecision {
  public:
    static constexpr CommandText text{"disaster", "end", "End a disaster before its time; counts for the next look-up.",
                                      "  onshi disaster end 4611686018427387904 --operator sato --config hub.toml"};

  private:
    Task<Result<Disaster>> decide(Emergencies& emergencies, std::int64_t id) override {
        return emergencies.end(id, actor(), soon());
    }
};

class DisasterList final : public EmergencyCommand {
  public:
    static constexpr CommandText text{"disaster", "list", "Declared disasters, the newest first, and how each stands.",
                                      "  onshi disaster list --config hub.toml"};
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }

  private:
    void declare_more(Options&) override {}
    Result<Exit> carry_out(Emergencies& emergencies, Session& session) override {
        auto disasters = run_to_end(emergencies.list(soon()));
        if (!disasters) return fail(std::move(disasters));
        const Instant now = session.clock().now();
        ListWriter list(session.console(), {"disaster", "municipality", "first_day", "last_day", "state", "declared_by",
                                            "confirmed_by", "ended_by"});
        for (const Disaster& disaster : *disasters) {
            if (list.wants_cells()) {
                list.cells({fmt::format("{}", disaster.id), disaster.municipality.text(), to_iso(disaster.days.first),
                            to_iso(disaster.days.last), std::string(to_string(state_at(disaster, now))),
                            disaster.declared_by, disaster.confirmed_by, disaster.ended_by});
            } else if (list.wants_json()) {
                list.object(api::write_disaster(disaster, now));
            } else {
                show_line(session.console(), disaster, now);
            }
        }
        list.finish();
        return Exit::done;
    }
};

}  // namespace

void add_emergency_commands(CommandTree& tree) {
    tree.noun("outage", "what the hub rests on and is away, and how desks serve meanwhile");
    tree.add<OutageDeclare>();
    tree.add<OutageLift>();
    tree.add<OutageList>();
    tree.noun("disaster", "look-ups without the card where a disaster was declared, for a time");
    tree.add<DisasterDeclare>();
    tree.add<DisasterConfirm>();
    tree.add<DisasterEnd>();
    tree.add<DisasterList>();
}

}  // namespace onshi::cli
