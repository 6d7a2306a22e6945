// onshi member withheld | confirm | approve
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/instants.h"
#include "cli/list_writer.h"
#include "cli/member_parts.h"
#include "domain/coverage/delays.h"
#include "domain/coverage/service_withheld.h"
#include "domain/eligibility/corrections.h"
#include "exchange/api/values.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using coverage::WithheldCase;
using coverage::WithheldState;

constexpr std::chrono::milliseconds decide_time{30'000};
constexpr std::chrono::milliseconds corrections_time{3'600'000};

std::string_view state_word(WithheldState state) {
    switch (state) {
        case WithheldState::open: return "open";
        case WithheldState::waiting: return "waiting";
        case WithheldState::confirmed: return "confirmed";
        case WithheldState::corrected: return "corrected";
    }
    return "unknown";
}

void write_case(JsonWriter& writer, const WithheldCase& withheld) {
    writer.member("schema", "onshi.withheld_record/1");
    writer.member("record", fmt::format("{}", withheld.coverage.value()));
    writer.member("insurer", withheld.insurer.issued());
    writer.member("state", state_word(withheld.state));
    writer.member("severity", static_cast<int>(withheld.severity));
    writer.member("cause", withheld.cause);
    writer.member("since", api::to_rfc3339(withheld.opened_at));
}

// Both decisions name an insurer and one of its records.
class Decision : public Command {
  public:
    void declare(Options& options) override {
        options.integer(record_, "record", "ID", "the record's number, as member withheld told it").required();
        options.text(insurer_, "--insurer", "NUMBER", "whose record it is").required();
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
        declare_more(options);
        options.settings({"store", "secrets_folder"});
    }
    Result<Exit> run(Session& session) override {
        auto insurer = InsurerNumber::parse(insurer_);
        if (!insurer) return fail(std::move(insurer));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto parts = MemberParts::open(*settings, session.clock(), session.random());
        if (!parts) return fail(std::move(parts));
        const auto& intake = (*parts)->intake();
        coverage::WithheldRecords records(intake.database, intake.clock, intake.random, intake.vault);
        auto decided = decide(records, *insurer);
        if (!decided) return fail(std::move(decided));
        if (!session.console().json()) {
            session.console().line(fmt::format("✔ {} {}", decided->coverage.value(), state_word(decided->state)));
            return Exit::done;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        write_case(writer, *decided);
        writer.end_object();
        session.console().line(json);
        return Exit::done;
    }

  protected:
    virtual void declare_more(Options&) {}
    [[nodiscard]] virtual Result<WithheldCase> decide(coverage::WithheldRecords& records, InsurerNumber insurer) = 0;
    [[nodiscard]] CoverageKey record() const { return CoverageKey(record_); }
    [[nodiscard]] const std::string& person() const { return operator_; }

  private:
    std::int64_t record_ = 0;
    std::string insurer_;
    std::string operator_;
};

class MemberConfirm final : public Decision {
  public:
    static constexpr CommandText text{
        "member", "confirm",
        "Say with a reason that a withheld record is the right person's in spite of the difference.",
        "  onshi member confirm 1000000000123 --insurer 06139463 --reason alias --evidence D-2026-118 --operator sato"};

  private:
    void declare_more(Options& options) override {
        options.text(reason_, "--reason", "REASON", "why the data differ")
            .required()
            .one_of({"alias", "variant_character", "recent_move", "typing_of_register", "other"});
        options.text(evidence_, "--evidence", "REFERENCE", "the number of the document that shows it").required();
    }
    Result<WithheldCase> decide(coverage::WithheldRecords& records, InsurerNumber insurer) override {
        const auto reason = identity::parse_confirm_reason(reason_);
        if (!reason) return fail(ErrorCode::command_usage, "--reason");
        coverage::Confirmation confirmation{insurer, record(), *reason, evidence_, person(), {}};
        return run_to_end(records.confirm(std::move(confirmation), Deadline::in(decide_time)));
    }
    std::string reason_;
    std::string evidence_;
};

class MemberApprove final : public Decision {
  public:
    static constexpr CommandText text{"member", "approve",
                                      "Approve what another person confirmed about a withheld record of severity 1.",
                                      "  onshi member approve 1000000000123 --insurer 06139463 --operator suzuki"};

  private:
    Result<WithheldCase> decide(coverage::WithheldRecords& records, InsurerNumber insurer) override {
        return run_to_end(records.approve(insurer, record(), {.reference = person()}, Deadline::in(decide_time)));
    }
};

class MemberWithheld final : public Command {
  public:
    static constexpr CommandText text{
        "member", "withheld", "List an insurer's records that are withheld until it has confirmed or corrected them.",
        "  onshi member withheld --insurer 06139463 --config hub.toml"};
    void declare(Options& options) override {
        options.text(insurer_, "--insurer", "NUMBER", "whose records").required();
        options.settings({"store", "secrets_folder"});
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto insurer = InsurerNumber::parse(insurer_);
        if (!insurer) return fail(std::move(insurer));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto parts = MemberParts::open(*settings, session.clock(), session.random());
        if (!parts) return fail(std::move(parts));
        const auto& intake = (*parts)->intake();
        coverage::WithheldRecords records(intake.database, intake.clock, intake.random, intake.vault);
        auto cases = run_to_end(records.list(*insurer, Deadline::in(decide_time)));
        if (!cases) return fail(std::move(cases));
        ListWriter list(session.console(), {"record", "insurer", "state", "severity", "cause", "since"});
        for (const WithheldCase& withheld : *cases) show(list, session.console(), withheld);
        list.finish();
        return Exit::done;
    }

  private:
    static void show(ListWriter& list, const Console& console, const WithheldCase& withheld) {
        if (list.wants_cells()) {
            return list.cells({std::to_string(withheld.coverage.value()), withheld.insurer.issued(),
                               std::string(state_word(withheld.state)),
                               std::to_string(static_cast<int>(withheld.severity)), withheld.cause,
                               api::to_rfc3339(withheld.opened_at)});
        }
        if (list.wants_json()) {
            std::string json;
            JsonWriter writer(json);
            writer.begin_object();
            write_case(writer, withheld);
            writer.end_object();
            return list.object(json);
        }
        list.line(fmt::format("{}  {:8} severity {}  {}  {}", withheld.coverage.value(), state_word(withheld.state),
                              static_cast<int>(withheld.severity), japan_date_time(withheld.opened_at),
                              console.sentence(withheld.cause, Audience::insurer)));
    }
    std::string insurer_;
};

class MemberCorrections final : public Command {
  public:
    static constexpr CommandText text{
        "member", "corrections", "Compare what facilities were told with what is known now, and lay out what differs.",
        "  onshi member corrections --config hub.toml"};
    void declare(Options& options) override {
        options.integer(settle_, "--settle-seconds", "N", "leave younger changes for the next run").range(0, 3600);
        options.setting("store", "--store");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        eligibility::Corrections corrections((*stores)->database(), session.clock());
        auto done = run_to_end(corrections.run(std::chrono::seconds(settle_), Deadline::in(corrections_time)));
        if (!done) return fail(std::move(done));
        if (!session.console().json()) {
            session.console().line(fmt::format("✔ {} answers indexed, {} changed persons, {} corrections",
                                               done->answers, done->changes, done->corrections));
            return Exit::done;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.corrections_run/1");
        writer.member("answers", done->answers);
        writer.member("changes", done->changes);
        writer.member("corrections", done->corrections);
        writer.end_object();
        session.console().line(json);
        return Exit::done;
    }

  private:
    std::int64_t settle_ = eligibility::correction_settle.count();
};

class MemberDelays final : public Command {
  public:
    static constexpr CommandText text{"member", "delays",
                                      "How many days insurers took from an acquisition until the record could be seen.",
                                      "  onshi member delays --since 2026-04-01 --config hub.toml --format csv"};
    void declare(Options& options) override {
        options.text(since_, "--since", "DATE", "from the month of this day on; else this month");
        options.setting("store", "--store");
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        const Date today = japan_day(session.clock().now());
        Date since = today;
        if (since_) {
            auto day = parse_iso_date(*since_);
            if (!day) return fail(std::move(day));
            since = *day;
        }
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        sql::ReadBatch batch;
        const auto delays = coverage::load_delays(batch, since, today);
        auto read = run_to_end((*stores)->database().read(batch, Deadline::in(decide_time)));
        if (!read) return fail(std::move(read));
        ListWriter list(session.console(), {"insurer", "records", "p50", "p90", "max", "alerts", "breaches"});
        for (const auto& summary : coverage::summarise(delays.get())) show(list, summary);
        list.finish();
        return Exit::done;
    }

  private:
    static void show(ListWriter& list, const coverage::DelaySummary& summary) {
        if (list.wants_cells()) {
            return list.cells({summary.insurer.issued(), std::to_string(summary.records), std::to_string(summary.p50),
                               std::to_string(summary.p90), std::to_string(summary.max), std::to_string(summary.alerts),
                               std::to_string(summary.breaches)});
        }
        if (!list.wants_json()) {
            return list.line(fmt::format("{:>8}  {:>9} records  p50 {:>3}  p90 {:>3}  max {:>3} days  {} late",
                                         summary.insurer.issued(), summary.records, summary.p50, summary.p90,
                                         summary.max, summary.breaches));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.insurer_delay/1");
        writer.member("insurer", summary.insurer.issued());
        writer.member("records", summary.records);
        writer.member("p50_days", summary.p50);
        writer.member("p90_days", summary.p90);
        writer.member("max_days", summary.max);
        writer.member("alerts", summary.alerts);
        writer.member("breaches", summary.breaches);
        writer.end_object();
        list.object(json);
    }
    std::optional<std::string> since_;
};

}  // namespace

void add_withheld_commands(CommandTree& tree) {
    tree.add<MemberDelays>();
    tree.add<MemberCorrections>();
    tree.add<MemberWithheld>();
    tree.add<MemberConfirm>();
    tree.add<MemberApprove>();
}

}  // namespace onshi::cli
