// onshi payments evaluate | explain | ordinances
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/list_writer.h"
#include "domain/payments/rules.h"
#include "domain/payments/rules_explanation.h"
#include "exchange/ordinances/ordinance_file.h"
#include "exchange/payment_cases/cases.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using payments::Steps;
using payments::Tables;
using payments::Wording;
using payments::Yen;

Result<std::string> read_cases(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text;
    std::array<char, 64 * 1024> piece{};
    while (in && text.size() <= payment_cases::file_bytes_max) {
        in.read(piece.data(), piece.size());
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (!in.eof() && text.size() <= payment_cases::file_bytes_max) return fail(ErrorCode::file_unreadable, path);
    return text;
}

// The column that was refused, where one is named: `category`.
std::string refusal(const Console& console, const Error& error) {
    std::string sentence = console.sentence(error_name(error.code), Audience::vendor);
    if (!error.fields.empty()) sentence = error.fields.front().pointer + ": " + sentence;
    return sentence;
}

class PaymentsEvaluate final : public Command {
  public:
    static constexpr CommandText text{
        "payments", "evaluate", "Calculate every case of a CSV file and compare with the results that stand in it.",
        "  onshi payments evaluate claims.csv\n"
        "  onshi payments evaluate households.csv > calculated.csv || echo 'some results disagree'"};

    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "cases of claims, limits, households or counter payments, by their header")
            .required();
    }

    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        auto cases = read_cases(file_);
        if (!cases) return fail(std::move(cases));
        auto counts = payment_cases::evaluate_cases(
            *cases, payments::builtin_tables(), [&](std::string_view header) { show_header(console, header); },
            [&](const payment_cases::Case& each) { show(console, each); });
        if (!counts) return fail(std::move(counts));
        for (const auto& column : counts->unknown_columns) {
            console.note_label("label.pay_unknown_column", {{"column", column}});
        }
        console.note_label("label.pay_counts", {{"cases", fmt::format("{}", counts->cases)},
                                                {"disagreeing", fmt::format("{}", counts->disagreeing)},
                                                {"refused", fmt::format("{}", counts->refused)}});
        return counts->disagreeing + counts->refused == 0 ? Exit::done : Exit::some_failed;
    }

  private:
    static void show_header(Console& console, std::string_view header) {
        if (!console.json()) console.line(header);
    }

    static void show(Console& console, const payment_cases::Case& each) {
        console.line(console.json() ? to_json(each) : each.csv);
        const std::string line = fmt::format("{}", each.line);
        if (each.refused) {
            console.note_label("label.pay_refused", {{"line", line},
                                                     {"id", each.id},
                                                     {"code", error_name(each.refused->code)},
                                                     {"sentence", refusal(console, *each.refused)}});
            return;
        }
        for (const auto& outcome : each.outcomes) {
            if (!outcome.disagrees()) continue;
            const std::string computed = outcome.computed ? fmt::format("{}", *outcome.computed) : "-";
            console.note_label("label.pay_disagrees", {{"line", line},
                                                       {"id", each.id},
                                                       {"column", outcome.column},
                                                       {"given", fmt::format("{}", *outcome.given)},
                                                       {"computed", computed}});
        }
        if (each.many_ignored) console.note_label("label.pay_no_reduced", {{"line", line}, {"id", each.id}});
        if (each.ratio_suspect) console.note_label("label.pay_suspect", {{"line", line}, {"id", each.id}});
    }

    static std::string to_json(const payment_cases::Case& each) {
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("line", each.line);
        if (!each.id.empty()) writer.member("id", each.id);
        writer.member("agrees", each.good());
        if (each.refused) writer.member("code", error_name(each.refused->code));
        writer.begin_object("results");
        for (const auto& outcome : each.outcomes) {
            if (outcome.computed) writer.member(outcome.column, *outcome.computed);
        }
        writer.end_object();
        writer.member("reduced_limit_missing", each.many_ignored);
        writer.member("ratio_suspect", each.ratio_suspect);
        writer.end_object();
        return json;
    }

    std::string file_;
};

class PaymentsExplain final : public Command {
  public:
    static constexpr CommandText text{
        "payments", "explain", "Explain what one claim or household costs, step by step with the law behind it.",
        "  onshi payments explain --category ウ --rate 3 --setting in --parts 100000\n"
        "  onshi payments explain --band o70 --category 一般 --rate 2 --parts '9500@54/5000;1200' --month 2026-11\n"
        "  onshi payments explain --household エ --items 'a:o:in:350000:20 b:u:in:100000:30'"};

    void declare(Options& options) override {
        options.text(
            parts_, "--parts", "PARTS",
            "points, then @payer/cap+payer/cap, a cap in yen or by income class; `;` between parts of the claim");
        options.text(band_, "--band", "WORD", "age band; else that of the category").one_of({"u70", "o70"});
        options.text(category_, "--category", "TEXT",
                     "limit category, its code, or the standard monthly pay; blank: not known");
        options.text(rate_, "--rate", "N", "copay ratio in tenths").one_of({"1", "2", "3"});
        options.text(setting_, "--setting", "WORD", "inpatient or outpatient; else out").one_of({"in", "out"});
        options.text(special_disease_, "--special-disease", "YEN", "monthly cap of a special disease");
        options.text(household_, "--household", "TEXT", "the household's limit category; オ1 for the lower of オ");
        options.text(
            items_, "--items", "ITEMS",
            "person:u|o:in|out:cost:percent of each provider, spaces between; :h behind it in the month of the "
            "person's 75th birthday");
        options.text(month_, "--month", "YYYY-MM", "month of care; else this month");
        auto many = options.flag(many_, "--many", "the fourth month or later with a high-cost benefit");
        options.text(benefit_months_, "--benefit-months", "MONTHS", "months with a high-cost benefit, spaces between")
            .excludes(many);
        options.flag(half_month_, "--half-month", "the month of the 75th birthday");
        options.flag(relief_, "--relief", "75 and over at 20 %, outpatient, until 2025-09");
        options.flag(easy_, "--easy", "in easy Japanese");
    }

    Result<Exit> run(Session& session) override {
        if (parts_.empty() == items_.empty()) {
            return fail(ErrorCode::command_usage, "give --parts of a claim or --items of a household");
        }
        if (!parts_.empty() && !household_.empty()) {
            return fail(ErrorCode::command_usage, "--household goes with --items");
        }
        const bool of_claim = !band_.empty() || !category_.empty() || !rate_.empty() || !setting_.empty() ||
                              !special_disease_.empty() || half_month_ || relief_;
        if (parts_.empty() && of_claim) {
            return fail(ErrorCode::command_usage,
                        "--band, --category, --rate, --setting, --special-disease, --half-month and --relief go with "
                        "--parts; a household has --household and says the rest in --items");
        }
        Console& console = session.console();
        const Tables& tables = payments::builtin_tables();
        const auto cells = make_cells(to_iso(japan_day(session.clock().now())).substr(0, 7));
        return parts_.empty() ? explain_household(console, cells, tables) : explain_claim(console, cells, tables);
    }

  private:
    // Empty where a pay or a step does not tell.
    [[nodiscard]] std::string_view band_of_category() const {
        const auto category = payments::parse_category(payments::builtin_tables(), category_);
        if (!category) return {};
        return payments::band_of(*category) == payments::Band::under70 ? "u70" : "o70";
    }

    [[nodiscard]] payment_cases::Cells make_cells(const std::string& this_month) const {
        payment_cases::Cells cells;
        cells.set("care_month", month_.empty() ? this_month : month_);
        cells.set("band", band_.empty() ? band_of_category() : std::string_view(band_));
        cells.set("category", category_);
        cells.set("household_category", household_);
        cells.set("rate", rate_);
        cells.set("setting", setting_.empty() ? std::string_view("out") : std::string_view(setting_));
        cells.set("marucho", special_disease_);
        cells.set("parts", parts_);
        cells.set("items", items_);
        cells.set("many", !benefit_months_.empty() ? std::string_view(benefit_months_) : many_ ? "1" : "0");
        cells.set("m75", half_month_ ? "1" : "0");
        cells.set("hairyo", relief_ ? "1" : "0");
        return cells;
    }

    Result<Exit> explain_claim(Console& console, const payment_cases::Cells& cells, const Tables& tables) {
        const auto claim = payment_cases::parse_claim(cells, tables);
        if (!claim) return tl::unexpected(claim.error());
        Steps steps;
        const auto result = payments::evaluate_claim(*claim, tables, &steps);
        if (!result) return fail(result.error());
        const auto rounding = result->limited ? payments::Rounding::exact : payments::Rounding::to_ten_yen;
        const Yen counter = payments::counter_amount(result->patient_total, rounding);
        const std::string total = console.label("label.pay_total", {{"amount", payments::grouped(counter)}});
        show(console, tables, steps, total, [&](JsonWriter& writer) {
            writer.member("patient_total", result->patient_total.value());
            writer.member("counter_amount", counter.value());
            writer.member("insurer_total", result->insurer_total.value());
            writer.member("payers_total", result->payers_total.value());
        });
        return Exit::done;
    }

    Result<Exit> explain_household(Console& console, const payment_cases::Cells& cells, const Tables& tables) {
        const auto household = payment_cases::parse_household(cells, tables);
        if (!household) return tl::unexpected(household.error());
        Steps steps;
        std::vector<Yen> refunds(household->item_count);
        const auto result = payments::evaluate_household(*household, tables, &steps, refunds);
        if (!result) return fail(result.error());
        const std::string total = console.label("label.pay_net", {{"amount", payments::grouped(result->net_burden)},
                                                                  {"refund", payments::grouped(result->refund_total)}});
        show(console, tables, steps, total, [&](JsonWriter& writer) {
            writer.member("paid", result->paid.value());
            writer.member("refund_total", result->refund_total.value());
            writer.member("net_burden", result->net_burden.value());
            writer.begin_array("items");
            for (std::size_t i = 0; i < refunds.size(); ++i) {
                const auto& item = household->items[i];
                writer.begin_object();
                writer.member("paid", item.ratio.share_of(item.cost).value());
                writer.member("refund", refunds[i].value());
                writer.end_object();
            }
            writer.end_array();
        });
        if (!console.json()) show_refunds(console, *household, refunds);
        return Exit::done;
    }

    // What comes back of each item, so that the members of a household know whose money it is.
    void show_refunds(Console& console, const payments::Household& household, const std::vector<Yen>& refunds) const {
        std::istringstream words(items_);
        std::string word;
        for (std::size_t i = 0; i < refunds.size() && words >> word; ++i) {
            const Yen paid = household.items[i].ratio.share_of(household.items[i].cost);
            console.line("  " + console.label("label.pay_item", {{"item", word},
                                                                 {"paid", payments::grouped(paid)},
                                                                 {"refund", payments::grouped(refunds[i])}}));
        }
    }

    void show(Console& console, const Tables& tables, const Steps& steps, const std::string& total,
              const std::function<void(JsonWriter&)>& amounts) const {
        const auto wording = easy_ ? Wording::easy : Wording::ordinary;
        const auto language = easy_ ? Language::ja : console.language();
        if (!console.json()) {
            console.line(total);
            for (const auto& step : steps.list()) {
                console.line("  " + payments::sentence(step, language, wording));
                const auto basis = payments::legal_basis(tables, step);
                if (!basis.empty()) console.line(fmt::format("      {}: {}", console.label("label.pay_basis"), basis));
            }
            return;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        amounts(writer);
        writer.begin_array("steps");
        for (const auto& step : steps.list()) {
            writer.begin_object();
            writer.member("rule", payments::to_string(step.rule));
            writer.member("part", step.part);
            if (step.payer != 0) writer.member("payer", step.payer);
            if (step.percent > payments::Percent()) writer.member("percent", step.percent.value());
            writer.member("of", step.of.value());
            writer.member("amount", step.amount.value());
            writer.member("basis", payments::legal_basis(tables, step));
            writer.member("sentence", payments::sentence(step, language, wording));
            writer.end_object();
        }
        writer.end_array();
        writer.end_object();
        console.line(json);
    }

    std::string parts_;
    std::string items_;
    std::string band_;
    std::string category_;
    std::string rate_;
    std::string setting_;
    std::string special_disease_;
    std::string household_;
    std::string month_;
    bool many_ = false;
    std::string benefit_months_;
    bool half_month_ = false;
    bool relief_ = false;
    bool easy_ = false;
};

class PaymentsOrdinances final : public Command {
  public:
    static constexpr CommandText text{"payments", "ordinances",
                                      "Check a file of municipalities and their ordinances, and list what it says.",
                                      "  onshi payments ordinances ordinances.toml\n"
                                      "  onshi payments ordinances --config hub.toml --format csv"};
    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "the file; else that of the settings");
        options.settings({"ordinances_file"});
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }

    Result<Exit> run(Session& session) override {
        auto path = find_path(session);
        if (!path) return fail(std::move(path));
        auto table = ordinances::load(*path);
        if (!table) return fail(std::move(table));
        const Date today = japan_day(session.clock().now());
        ListWriter list(session.console(),
                        {"municipality", "name", "connected", "law_code", "ordinance", "first", "last"});
        for (const auto& each : table->list()) {
            if (each.ordinances.empty()) show(list, each, nullptr, today);
            for (const auto& ordinance : each.ordinances) show(list, each, &ordinance, today);
        }
        list.finish();
        return Exit::done;
    }

  private:
    Result<std::string> find_path(Session& session) const {
        if (file_) return *file_;
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        std::string path = settings->text("ordinances_file");
        if (path.empty()) return fail(ErrorCode::config_missing, "ordinances_file");
        return path;
    }
    static void show(ListWriter& list, const payments::Municipality& municipality,
                     const payments::LocalOrdinance* ordinance, Date today) {
        const std::string connected = municipality.is_connected(today) ? "yes" : "no";
        std::vector<std::string> cells{municipality.code.text(), municipality.name, connected, "", "", "", ""};
        if (ordinance != nullptr) {
            cells[3] = fmt::format("{}", ordinance->law_code);
            cells[4] = ordinance->name;
            cells[5] = to_iso(ordinance->terms.days.first);
            if (!ordinance->terms.days.is_open_ended()) cells[6] = to_iso(ordinance->terms.days.last);
        }
        if (list.wants_cells()) return list.cells(cells);
        if (!list.wants_json()) {
            return list.line(fmt::format("{}  {}  {}", cells[0], cells[1],
                                         ordinance == nullptr
                                             ? connected
                                             : fmt::format("{} {}  {}…{}", cells[3], cells[4], cells[5], cells[6])));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("municipality", cells[0]);
        writer.member("name", cells[1]);
        writer.member("connected", municipality.is_connected(today));
        if (ordinance != nullptr) {
            writer.member("law_code", ordinance->law_code);
            writer.member("ordinance", cells[4]);
            writer.member("first", cells[5]);
            if (!cells[6].empty()) writer.member("last", cells[6]);
        }
        writer.end_object();
        list.object(json);
    }
    std::optional<std::string> file_;
};

}  // namespace

void add_payments_commands(CommandTree& tree) {
    tree.noun("payments", "what the patient pays");
    tree.add<PaymentsEvaluate>();
    tree.add<PaymentsExplain>();
    tree.add<PaymentsOrdinances>();
    add_payments_ratio_command(tree);
}

}  // namespace onshi::cli
