// onshi payments ratio
#include <optional>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "domain/payments/rules.h"
#include "domain/payments/rules_ratio.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using payments::Yen;

constexpr int late_elderly_age_min = 65;

class PaymentsRatio final : public Command {
  public:
    static constexpr CommandText text{
        "payments", "ratio",
        "The copay ratio that the law gives a person by age and income; exit 8: the stored one is another.",
        "  onshi payments ratio --birth 1951-11-15 --scheme late-elderly --taxable 280000 --income 2000000\n"
        "  onshi payments ratio --birth 1955-02-01 --scheme employees --pay 280000 --income 4000000 --stored 20"};

    void declare(Options& options) override {
        options.text(birth_, "--birth", "DAY", "birth date").required();
        options.text(day_, "--day", "DAY", "day of care; else today");
        options.text(scheme_, "--scheme", "WORD", "kind of insurance")
            .one_of({"employees", "national", "late-elderly"});
        options.integer(pay_, "--pay", "YEN", "standard monthly pay, of employees").range(0, payments::cost_yen_max);
        options.integer(taxable_, "--taxable", "YEN", "taxable income").range(0, payments::cost_yen_max);
        options.integer(income_, "--income", "YEN", "pension and other income of those of that age together")
            .range(0, payments::cost_yen_max);
        options.flag(several_, "--several", "two or more of the household are of that age");
        options.integer(stored_, "--stored", "PERCENT", "the ratio that the insurer has stored").range(0, 100);
        options.text(category_, "--category", "CODE", "the stored limit category, for judging the stored ratio");
    }

    Result<Exit> run(Session& session) override {
        const auto birth = parse_iso_date(birth_);
        if (!birth) return tl::unexpected(birth.error());
        const auto day = day_.empty() ? Result<Date>(japan_day(session.clock().now())) : parse_iso_date(day_);
        if (!day) return tl::unexpected(day.error());
        if (*birth > *day) return fail(ErrorCode::command_usage, "--birth lies behind --day");
        if (scheme() == InsurerScheme::late_elderly && *day < birthday(*birth, late_elderly_age_min)) {
            return fail(ErrorCode::command_usage, "nobody is late-elderly below 65");
        }
        if (!category_.empty() && !stored_) return fail(ErrorCode::command_usage, "--category goes with --stored");
        payments::IncomeFacts facts;
        if (pay_) facts.standard_monthly_pay = Yen(*pay_);
        if (taxable_) facts.taxable = Yen(*taxable_);
        if (income_) facts.total_income = Yen(*income_);
        facts.several_elderly = several_;
        const auto& tables = payments::builtin_tables();
        const auto group = payments::age_group_on(*birth, *day, scheme());
        const auto lawful = payments::lawful_ratio(tables, group, *day, facts);
        std::string_view finding = "plausible";
        if (stored_) {
            const payments::RatioRecord record{*birth, *day, scheme(), static_cast<int>(*stored_), category_};
            const auto judged = payments::ratio_plausibility(record, tables);
            finding = to_string(judged);
            // Lawful for the age, and not what this income gives.
            if (!payments::is_ratio_suspect(judged) && *stored_ != lawful.percent.value()) {
                finding = lawful.certain || *stored_ > lawful.percent.value() ? "other_income" : "income_needed";
            }
        }
        show(session.console(), group, lawful, finding);
        return finding == "plausible" || finding == "income_needed" ? Exit::done : Exit::some_failed;
    }

  private:
    [[nodiscard]] InsurerScheme scheme() const {
        if (scheme_ == "late-elderly") return InsurerScheme::late_elderly;
        return scheme_ == "employees" ? InsurerScheme::health_society : InsurerScheme::national_health;
    }

    void show(Console& console, payments::AgeGroup group, payments::LawfulRatio lawful,
              std::string_view finding) const {
        if (!console.json()) {
            const std::string age = console.label("label.age_" + std::string(to_string(group)));
            console.line(console.label("label.ratio_lawful",
                                       {{"percent", fmt::format("{}", lawful.percent.value())}, {"age", age}}));
            if (!lawful.certain) console.line("  " + console.label("label.ratio_highest"));
            if (!stored_) return;
            const std::string verdict = console.label("label.ratio_" + std::string(finding));
            console.line(
                console.label("label.ratio_stored", {{"percent", fmt::format("{}", *stored_)}, {"verdict", verdict}}));
            return;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("age_group", to_string(group));
        writer.member("lawful_percent", lawful.percent.value());
        writer.member("certain", lawful.certain);
        if (stored_) writer.member("stored_percent", *stored_);
        if (stored_) writer.member("finding", finding);
        writer.end_object();
        console.line(json);
    }

    std::string birth_;
    std::string day_;
    std::string scheme_ = "national";
    std::optional<std::int64_t> pay_;
    std::optional<std::int64_t> taxable_;
    std::optional<std::int64_t> income_;
    bool several_ = false;
    std::optional<std::int64_t> stored_;
    std::string category_;
};

}  // namespace

void add_payments_ratio_command(CommandTree& tree) {
    tree.add<PaymentsRatio>();
}

}  // namespace onshi::cli
