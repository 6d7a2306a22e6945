#include "exchange/payment_cases/parse.h"

#include <array>
#include <cctype>
#include <charconv>

#include "domain/payments/rules.h"
#include "domain/payments/rules_book.h"

namespace onshi::payment_cases {

using payments::Band;
using payments::Claim;
using payments::ClaimPart;
using payments::Household;
using payments::HouseholdItem;
using payments::LimitTable;
using payments::Percent;
using payments::Setting;
using payments::Tables;
using payments::Yen;

namespace {

constexpr std::string_view many_column = "many";
constexpr std::string_view blank_category = "blank";
constexpr std::size_t benefit_months_max = 24;

// Takes what stands before the separator off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto taken = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return taken;
}

// `2026-11` or a day of the month.
std::optional<Date> parse_month(std::string_view text) {
    std::string day(text);
    if (day.size() == 7) day += "-01";
    const auto parsed = parse_iso_date(day);
    return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_whole(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stopped != end) return std::nullopt;
    return value;
}

void CellReader::reject(std::string_view column, ErrorCode code) {
    if (error_) return;
    error_.emplace(code, std::string(column));
    error_->fields.push_back({std::string(column), code});
}

std::string_view CellReader::required(std::string_view column) {
    const auto text = cells_.get(column);
    if (text.empty()) reject(column, ErrorCode::field_missing);
    return text;
}

std::int64_t CellReader::whole(std::string_view column, std::string_view text, std::int64_t max) {
    const auto value = parse_whole(text);
    if (!value) {
        reject(column, ErrorCode::field_value);
    } else if (*value < 0 || *value > max) {
        reject(column, ErrorCode::payments_amount);
    } else {
        return *value;
    }
    return 0;
}

bool CellReader::flag(std::string_view column) {
    const auto text = cells_.get(column);
    if (text.empty() || text == "0") return false;
    if (text != "1") reject(column, ErrorCode::field_value);
    return true;
}

bool CellReader::many(Date care_month) {
    auto text = cells_.get(many_column);
    if (text.size() < 2) return flag(many_column);
    // Which months count depends on the very month of care, not on its table.
    if (cells_.get("care_month").empty()) reject("care_month", ErrorCode::field_missing);
    std::vector<Date> months;
    while (!text.empty()) {
        const auto month = parse_month(take(text, ' '));
        if (!month || months.size() == benefit_months_max) {
            reject(many_column, ErrorCode::field_value);
            return false;
        }
        months.push_back(*month);
    }
    return payments::is_many(care_month, months);
}

Band CellReader::band(std::string_view column, std::string_view text) {
    if (text == "o70" || text == "o") return Band::over70;
    if (text != "u70" && text != "u") reject(column, ErrorCode::field_value);
    return Band::under70;
}

Setting CellReader::setting(std::string_view column, std::string_view text) {
    if (text == "in") return Setting::inpatient;
    if (text != "out") reject(column, ErrorCode::field_value);
    return Setting::outpatient;
}

Percent CellReader::tenths(std::string_view column, std::string_view text) {
    const auto value = parse_whole(text);
    const auto percent = value && *value <= 10 ? Percent::from(*value * 10) : std::nullopt;
    if (!percent) reject(column, ErrorCode::field_value);
    return percent.value_or(Percent());
}

Date CellReader::care_month(const Tables& tables, std::string_view table_without) {
    auto name = cells_.get("table");
    if (const auto text = cells_.get("care_month"); !text.empty()) {
        const auto month = parse_month(text);
        if (!month) reject("care_month", ErrorCode::field_value);
        const auto* of_month = payments::find_limit_table(tables, month.value_or(Date::first_day));
        if (!name.empty() && of_month != payments::find_limit_table(tables, name)) {
            reject("table", ErrorCode::field_value);
        }
        return month.value_or(Date::first_day);
    }
    if (name.empty()) name = table_without;
    if (name.empty()) {
        reject("care_month", ErrorCode::field_missing);
        return Date::first_day;
    }
    const auto* table = payments::find_limit_table(tables, name);
    if (table == nullptr) {
        reject("table", ErrorCode::payments_care_month);
        return Date::first_day;
    }
    // A case with the relief lies in a month that knew it; any month of the table does for the others.
    const Date relief = tables.relief.days.first;
    const bool in_table = table->first <= relief && relief <= table->last;
    return cells_.get("hairyo") == "1" && in_table ? relief : table->first;
}

const LimitTable* CellReader::table_of(const Tables& tables, Date month) {
    const auto* table = payments::find_limit_table(tables, month);
    if (table == nullptr) reject("care_month", ErrorCode::payments_care_month);
    return table;
}

namespace {

constexpr std::string_view claims_table = "T2018";  // of claims that name none: the published examples
constexpr std::string_view parts_column = "parts";
constexpr std::string_view items_column = "items";
constexpr std::string_view half_month_mark = "h";  // the person's month of the 75th birthday
constexpr std::size_t recipients_max = 8;          // of one programme in one household
constexpr std::int64_t points_max = payments::cost_yen_max / 10;

// `10000`, or the recipient's income class and severity where it is not the ordinary one: `middle_1`, `middle_1:long`.
std::optional<Yen> parse_own_cap(CellReader& reader, const Tables& tables, int code, std::string_view text) {
    if (text.empty() || !std::islower(static_cast<unsigned char>(text.front()))) {
        return Yen(reader.whole(parts_column, text, payments::cost_yen_max));
    }
    const auto income = payments::parse_income_class(take(text, ':'));
    const auto severity = payments::parse_severity(text.empty() ? "normal" : text);
    if (!income || !severity) {
        reader.reject(parts_column, ErrorCode::field_value);
        return std::nullopt;
    }
    const auto cap = payments::programme_cap(tables, code, *income, *severity);
    if (!cap) reader.reject(parts_column, cap.error());
    return cap.value_or(std::nullopt);
}

// A cap, and behind `&` those of other recipients in the household: `10000&10000`.
std::optional<Yen> parse_cap(CellReader& reader, const Tables& tables, int code, std::string_view text) {
    const auto own = parse_own_cap(reader, tables, code, take(text, '&'));
    std::vector<Yen> others;
    while (!text.empty() && !reader.failed()) {
        if (others.size() == recipients_max) reader.reject(parts_column, ErrorCode::payments_household);
        const auto other = parse_own_cap(reader, tables, code, take(text, '&'));
        if (other) others.push_back(*other);
    }
    if (!own || reader.failed()) return own;
    const auto shared = payments::cap_in_household(*own, others, tables.household_cap_rounding_unit);
    if (!shared) reader.reject(parts_column, shared.error());
    return shared.value_or(*own);
}

// `points` or `points@payer/cap+payer/cap`.
ClaimPart parse_part(CellReader& reader, const Tables& tables, std::string_view text) {
    ClaimPart part;
    const bool has_payers = text.find('@') != std::string_view::npos;
    part.cost = Yen(reader.whole(parts_column, take(text, '@'), points_max) * 10);
    if (has_payers && text.empty()) reader.reject(parts_column, ErrorCode::field_value);
    while (!text.empty()) {
        auto payer = take(text, '+');
        const bool has_cap = payer.find('/') != std::string_view::npos;
        if (part.payer_count == payments::payers_per_part_max) {
            reader.reject(parts_column, ErrorCode::payments_parts);
            return part;
        }
        auto& use = part.payers[part.payer_count++];
        const auto code = parse_whole(take(payer, '/'));
        if (!code || *code < 1 || *code > 99) {
            reader.reject(parts_column, ErrorCode::payments_payer);
            return part;
        }
        use.code = static_cast<std::uint8_t>(*code);
        if (has_cap) use.cap = parse_cap(reader, tables, use.code, payer);
    }
    return part;
}

void parse_parts(CellReader& reader, const Tables& tables, Claim& claim) {
    auto rest = reader.required(parts_column);
    while (!rest.empty() && !reader.failed()) {
        if (claim.part_count == payments::claim_parts_max)
            return reader.reject(parts_column, ErrorCode::payments_parts);
        claim.parts[claim.part_count++] = parse_part(reader, tables, take(rest, ';'));
    }
}

void parse_items(CellReader& reader, Household& household) {
    auto rest = reader.required(items_column);
    std::vector<std::string_view> persons;
    while (!rest.empty() && !reader.failed()) {
        auto text = take(rest, ' ');
        if (text.empty()) continue;
        if (household.item_count == payments::household_items_max) {
            return reader.reject(items_column, ErrorCode::payments_household);
        }
        HouseholdItem& item = household.items[household.item_count++];
        const auto person = take(text, ':');
        std::size_t number = 0;
        while (number < persons.size() && persons[number] != person) ++number;
        if (number == persons.size()) persons.push_back(person);
        item.person = static_cast<std::uint8_t>(number);
        item.band = reader.band(items_column, take(text, ':'));
        item.setting = reader.setting(items_column, take(text, ':'));
        item.cost = Yen(reader.whole(items_column, take(text, ':'), payments::cost_yen_max));
        const auto percent = Percent::from(parse_whole(take(text, ':')).value_or(-1));
        item.half_month = text == half_month_mark;
        if (!text.empty() && !item.half_month) reader.reject(items_column, ErrorCode::field_value);
        if (!percent) reader.reject(items_column, ErrorCode::field_value);
        item.ratio = percent.value_or(Percent());
    }
}

}  // namespace

Result<Claim> parse_claim(const Cells& cells, const Tables& tables) {
    CellReader reader(cells);
    Claim claim;
    claim.care_month = reader.care_month(tables, claims_table);
    const auto* table = reader.table_of(tables, claim.care_month);
    const Band band = reader.band("band", reader.required("band"));
    if (table != nullptr && !reader.failed()) {
        const auto category = reader.required("category");
        claim.blank_category = category == blank_category;
        if (claim.blank_category) {
            claim.limit_class.category =
                band == Band::under70 ? payments::Category::u70_e : payments::Category::general;
        } else {
            const auto named = payments::parse_limit_class(tables, *table, band, category);
            if (!named) reader.reject("category", named.error());
            claim.limit_class = named.value_or(payments::LimitClass());
        }
    }
    claim.ratio = reader.tenths("rate", reader.required("rate"));
    claim.setting = reader.setting("setting", reader.required("setting"));
    claim.many = reader.many(claim.care_month);
    claim.half_month = reader.flag("m75");
    claim.relief = reader.flag("hairyo");
    if (const auto cap = cells.get("marucho"); !cap.empty() && cap != "0") {
        claim.special_disease = Yen(reader.whole("marucho", cap, payments::cost_yen_max));
    }
    parse_parts(reader, tables, claim);
    if (reader.failed()) return tl::unexpected(reader.error());
    return claim;
}

Result<Household> parse_household(const Cells& cells, const Tables& tables) {
    CellReader reader(cells);
    Household household;
    household.care_month = reader.care_month(tables, {});
    const auto* table = reader.table_of(tables, household.care_month);
    auto category = reader.required("household_category");
    // オ1 is 低所得Ⅰ: the household's own row is オ, its persons of 70 and over have the lower one.
    for (const std::string_view name : {"オ1", "オ2"}) {
        if (category != name) continue;
        household.low_income_1 = name.back() == '1';
        category = "オ";
    }
    if (table != nullptr && !reader.failed()) {
        const auto named = payments::parse_limit_class(tables, *table, Band::under70, category);
        if (!named) reader.reject("household_category", named.error());
        household.limit_class = named.value_or(payments::LimitClass());
    }
    household.many = reader.many(household.care_month);
    parse_items(reader, household);
    if (reader.failed()) return tl::unexpected(reader.error());
    return household;
}

}  // namespace onshi::payment_cases
