#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "base/cp932.h"
#include "base/utf8.h"
#include "domain/payments/rules.h"
#include "exchange/payment_cases/parse.h"

namespace onshi::payment_cases {

namespace {

using payments::Tables;
using payments::Yen;

constexpr std::array<std::string_view, 3> claim_results{"patient_total", "share_before_first_public",
                                                        "insurer_uncovered"};
constexpr std::array<std::string_view, 1> limit_results{"limit"};
constexpr std::array<std::string_view, 6> household_results{"paid",     "refund_A",     "refund_B",
                                                            "refund_C", "refund_total", "net_burden"};
constexpr std::array<std::string_view, 2> counter_results{"raw_yen", "counter_yen"};

struct Computed {
    std::vector<std::optional<std::int64_t>> values;
    bool many_ignored = false;
    bool ratio_suspect = false;
};

Result<Computed> compute_claim(const Cells& cells, const Tables& tables) {
    const auto claim = parse_claim(cells, tables);
    if (!claim) return tl::unexpected(claim.error());
    const auto result = payments::evaluate_claim(*claim, tables);
    if (!result) return fail(result.error());
    const auto& share = result->share_before_first_public;
    return Computed{{result->patient_total.value(), share ? std::optional(share->value()) : std::nullopt,
                     result->insurer_uncovered.value()},
                    result->many_ignored,
                    result->ratio_suspect};
}

Result<Computed> compute_limit(const Cells& cells, const Tables& tables) {
    CellReader reader(cells);
    const Date month = reader.care_month(tables, {});
    const auto* table = reader.table_of(tables, month);
    const auto band = reader.band("band", reader.required("band"));
    payments::LimitTerms terms;
    terms.cost = Yen(reader.whole("medical_cost", reader.required("medical_cost"), payments::cost_yen_max));
    terms.setting = reader.setting("setting", reader.required("setting"));
    terms.many = reader.many(month);
    terms.half_month = reader.flag("m75");
    const auto category = reader.required("category");
    if (reader.failed()) return tl::unexpected(reader.error());
    const auto named = payments::parse_limit_class(tables, *table, band, category);
    if (!named) {
        reader.reject("category", named.error());
        return tl::unexpected(reader.error());
    }
    const auto limit = payments::monthly_limit(*payments::find_row(*table, *named), terms);
    return Computed{{limit.amount.value()}, limit.many_ignored, false};
}

Result<Computed> compute_household(const Cells& cells, const Tables& tables) {
    const auto household = parse_household(cells, tables);
    if (!household) return tl::unexpected(household.error());
    const auto result = payments::evaluate_household(*household, tables);
    if (!result) return fail(result.error());
    return Computed{{result->paid.value(), result->refund_a.value(), result->refund_b.value(), result->refund_c.value(),
                     result->refund_total.value(), result->net_burden.value()},
                    result->many_ignored,
                    result->ratio_suspect};
}

Result<Computed> compute_counter(const Cells& cells, const Tables&) {
    CellReader reader(cells);
    const Yen cost(reader.whole("points", reader.required("points"), payments::cost_yen_max / 10) * 10);
    const auto ratio = reader.tenths("rate_tenths", reader.required("rate_tenths"));
    const bool lawful =
        ratio == payments::Percent::of(10) || ratio == payments::Percent::of(20) || ratio == payments::Percent::of(30);
    if (!lawful) reader.reject("rate_tenths", ErrorCode::payments_ratio);
    if (reader.failed()) return tl::unexpected(reader.error());
    const Yen raw = ratio.share_of(cost);
    return Computed{{raw.value(), payments::counter_amount(raw, payments::Rounding::to_ten_yen).value()}, false, false};
}

constexpr std::array<std::string_view, 12> claim_inputs{
    "id", "care_month", "table", "band", "category", "rate", "setting", "many", "m75", "marucho", "hairyo", "parts"};
constexpr std::array<std::string_view, 9> limit_inputs{"id",           "care_month", "table", "band", "category",
                                                       "medical_cost", "setting",    "many",  "m75"};
constexpr std::array<std::string_view, 6> household_inputs{"id",   "care_month", "table", "household_category",
                                                           "many", "items"};
constexpr std::array<std::string_view, 3> counter_inputs{"id", "points", "rate_tenths"};

// A shape is known by the column that only it has.
struct ShapeEntry {
    Shape shape;
    std::string_view name;
    std::string_view mark;
    std::span<const std::string_view> inputs;
    std::span<const std::string_view> results;
    Result<Computed> (*compute)(const Cells&, const Tables&);
};
constexpr std::array<ShapeEntry, 4> shapes{{
    {Shape::claims, "claims", "parts", claim_inputs, claim_results, compute_claim},
    {Shape::limits, "limits", "medical_cost", limit_inputs, limit_results, compute_limit},
    {Shape::households, "households", "items", household_inputs, household_results, compute_household},
    {Shape::counter, "counter", "rate_tenths", counter_inputs, counter_results, compute_counter},
}};

// Cells as people type them: what stands around a value is not part of it.
std::string_view without_blanks(std::string_view cell) {
    const auto first = cell.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return cell.substr(first, cell.find_last_not_of(' ') - first + 1);
}

Error malformed(std::size_t line, std::string_view why) {
    return {ErrorCode::file_malformed, fmt::format("line {}: {}", line, why)};
}

// One file being calculated. Refers to its caller's parts. One thread.
class Run {
  public:
    Run(const Tables& tables, const std::function<void(const Case&)>& each) : tables_(tables), each_(each) {}

    [[nodiscard]] Result<std::string> read_header(std::string_view line, std::size_t number) {
        auto cells = split_csv_line(line);
        if (!cells) return tl::unexpected(malformed(number, "the header is no CSV line"));
        columns_ = std::move(*cells);
        given_columns_ = columns_.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (std::ranges::count(columns_, columns_[i]) > 1) {
                return tl::unexpected(malformed(number, "a column stands there twice"));
            }
        }
        const auto found = std::ranges::find_if(shapes, [this](const ShapeEntry& entry) {
            return std::ranges::find(columns_, entry.mark) != columns_.end();
        });
        if (found == shapes.end()) {
            return tl::unexpected(
                malformed(number, "the header needs one of the columns parts, medical_cost, items, rate_tenths"));
        }
        shape_ = &*found;
        counts_.shape = found->shape;
        for (const auto& column : columns_) {
            const bool known = std::ranges::find(shape_->inputs, column) != shape_->inputs.end() ||
                               std::ranges::find(shape_->results, column) != shape_->results.end();
            if (!known) counts_.unknown_columns.push_back(column);
        }
        for (const auto column : shape_->results) {
            if (std::ranges::find(columns_, column) == columns_.end()) columns_.emplace_back(column);
        }
        return join_csv_line(columns_);
    }

    [[nodiscard]] bool has_header() const { return shape_ != nullptr; }

    [[nodiscard]] Result<void> read_case(std::string_view line, std::size_t number) {
        auto values = split_csv_line(line);
        if (!values || values->size() != given_columns_) {
            return tl::unexpected(malformed(number, "not as many cells as the header has"));
        }
        values->resize(columns_.size());
        Cells cells;
        for (std::size_t i = 0; i < columns_.size(); ++i) cells.set(columns_[i], without_blanks((*values)[i]));
        Case made;
        made.line = number;
        made.id = cells.get("id");
        calculate(cells, made);
        for (const auto& outcome : made.outcomes) {
            const auto place = std::ranges::find(columns_, outcome.column) - columns_.begin();
            (*values)[static_cast<std::size_t>(place)] =
                outcome.computed ? fmt::format("{}", *outcome.computed) : std::string();
        }
        made.csv = join_csv_line(*values);
        ++counts_.cases;
        counts_.refused += made.refused ? 1 : 0;
        counts_.disagreeing += !made.refused && !made.good() ? 1 : 0;
        each_(made);
        return {};
    }

    [[nodiscard]] const CaseCounts& counts() const { return counts_; }

  private:
    void calculate(const Cells& cells, Case& made) const {
        auto computed = shape_->compute(cells, tables_);
        for (std::size_t i = 0; i < shape_->results.size(); ++i) {
            const auto column = shape_->results[i];
            Outcome outcome{column, std::nullopt, std::nullopt};
            if (const auto text = cells.get(column); !text.empty()) {
                outcome.given = parse_whole(text);
                if (!outcome.given && computed) {
                    Error unreadable(ErrorCode::field_value, std::string(column));
                    unreadable.fields.push_back({std::string(column), ErrorCode::field_value});
                    computed = tl::unexpected(std::move(unreadable));
                }
            }
            made.outcomes.push_back(outcome);
        }
        if (!computed) {
            made.refused = std::move(computed.error());
            return;
        }
        made.many_ignored = computed->many_ignored;
        made.ratio_suspect = computed->ratio_suspect;
        for (std::size_t i = 0; i < made.outcomes.size(); ++i) made.outcomes[i].computed = computed->values[i];
    }

    const Tables& tables_;
    const std::function<void(const Case&)>& each_;
    std::vector<std::string> columns_;
    std::size_t given_columns_ = 0;
    const ShapeEntry* shape_ = nullptr;
    CaseCounts counts_;
};

}  // namespace

std::string_view to_string(Shape shape) {
    return shapes[static_cast<std::size_t>(shape)].name;
}

bool Case::good() const {
    return !refused && std::ranges::none_of(outcomes, &Outcome::disagrees);
}

Result<CaseCounts> evaluate_cases(std::string_view text, const Tables& tables,
                                  const std::function<void(std::string_view)>& header,
                                  const std::function<void(const Case&)>& each) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.size() > file_bytes_max) {
        return fail(ErrorCode::file_malformed, fmt::format("more than {} bytes", file_bytes_max));
    }
    std::string decoded;
    if (!is_valid_utf8(text)) {
        auto from_cp932 = decode_cp932(text);
        if (!from_cp932) return fail(std::move(from_cp932));
        decoded = std::move(*from_cp932);
        text = decoded;
    }
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    Run run(tables, each);
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        if (!run.has_header()) {
            auto columns = run.read_header(line, number);
            if (!columns) return fail(std::move(columns));
            header(*columns);
            continue;
        }
        auto read = run.read_case(line, number);
        if (!read) return fail(std::move(read));
    }
    if (!run.has_header()) return fail(ErrorCode::file_malformed, "no header");
    return run.counts();
}

}  // namespace onshi::payment_cases
