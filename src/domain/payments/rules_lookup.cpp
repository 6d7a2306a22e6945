#include <algorithm>
#include <array>
#include <charconv>

#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

constexpr char last_step_digit = '9';

// In the order of their types.
constexpr std::array<std::string_view, 6> income_words{"welfare", "low_1", "low_2", "middle_1", "middle_2", "upper"};
constexpr std::array<std::string_view, 3> severity_words{"normal", "long", "ventilator"};

std::optional<std::int64_t> parse_pay(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end || value < 0) return std::nullopt;
    return value;
}

}  // namespace

const LimitTable* find_limit_table(const Tables& tables, Date day) {
    for (const auto& table : tables.limits) {
        if (table.first <= day && day <= table.last) return &table;
    }
    return nullptr;
}

const LimitTable* find_limit_table(const Tables& tables, std::string_view name) {
    const auto found = std::ranges::find(tables.limits, name, &LimitTable::name);
    return found == tables.limits.end() ? nullptr : &*found;
}

const LimitRow* find_row(const LimitTable& table, LimitClass limit_class) {
    for (const auto& row : table.rows) {
        if (row.limit_class == limit_class) return &row;
    }
    return nullptr;
}

const LimitRow* find_row_by_pay(const LimitTable& table, Band band, Yen pay) {
    for (const auto& row : table.rows) {
        if (band_of(row.limit_class.category) != band || row.pay_from == Yen(0)) continue;
        if (row.pay_from <= larger(pay, Yen(1))) return &row;
    }
    return nullptr;
}

std::optional<Category> parse_category(const Tables& tables, std::string_view text) {
    for (const auto& list : {tables.category_names, tables.category_codes}) {
        const auto found = std::ranges::find(list, text, &CategoryName::text);
        if (found != list.end()) return found->category;
    }
    return std::nullopt;
}

Evaluated<LimitClass> parse_limit_class(const Tables& tables, const LimitTable& table, Band band,
                                        std::string_view text) {
    LimitClass named;
    if (const auto pay = parse_pay(text)) {
        // Nobody's pay is nothing: an empty field that became a zero must not be the lowest class.
        if (*pay == 0) return tl::unexpected(ErrorCode::payments_category);
        const auto* row = find_row_by_pay(table, band, Yen(*pay));
        if (row == nullptr) return tl::unexpected(ErrorCode::payments_category);
        return row->limit_class;
    }
    auto category = parse_category(tables, text);
    if (!category && text.size() > 1 && text.back() >= '1' && text.back() <= last_step_digit) {
        named.step = static_cast<std::uint8_t>(text.back() - '0');
        category = parse_category(tables, text.substr(0, text.size() - 1));
    }
    if (!category || band_of(*category) != band) return tl::unexpected(ErrorCode::payments_category);
    named.category = *category;
    if (find_row(table, named) == nullptr) return tl::unexpected(ErrorCode::payments_category);
    return named;
}

std::string_view category_name(const Tables& tables, Category category) {
    const auto found = std::ranges::find(tables.category_names, category, &CategoryName::category);
    return found == tables.category_names.end() ? std::string_view() : found->text;
}

const Payer* find_payer(const Tables& tables, int code, Date day) {
    for (const auto& payer : tables.payers) {
        if (payer.code == code && payer.first <= day && day <= payer.last) return &payer;
    }
    return nullptr;
}

Evaluated<std::optional<Yen>> programme_cap(const Tables& tables, int code, IncomeClass income, Severity severity) {
    for (const auto& cap : tables.programme_caps) {
        if (cap.code != code || cap.income != income || cap.severity != severity) continue;
        switch (cap.kind) {
            case CapKind::amount: return std::optional(cap.amount);
            case CapKind::insurance_limit: return std::optional<Yen>();
            case CapKind::not_covered: break;
        }
        break;
    }
    return tl::unexpected(ErrorCode::payments_income_class);
}

std::string_view to_string(IncomeClass income) {
    return income_words[static_cast<std::size_t>(income)];
}

std::optional<IncomeClass> parse_income_class(std::string_view text) {
    const auto found = std::ranges::find(income_words, text);
    if (found == income_words.end()) return std::nullopt;
    return static_cast<IncomeClass>(found - income_words.begin());
}

std::optional<Severity> parse_severity(std::string_view text) {
    const auto found = std::ranges::find(severity_words, text);
    if (found == severity_words.end()) return std::nullopt;
    return static_cast<Severity>(found - severity_words.begin());
}

}  // namespace onshi::payments
