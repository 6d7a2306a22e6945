#include "exchange/ordinances/ordinance_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace onshi::ordinances {

namespace {

using payments::LocalOrdinance;
using payments::Municipality;
using payments::MunicipalTable;
using payments::Ordinance;
using payments::Yen;

constexpr std::array<std::string_view, 5> municipality_keys{"code", "name", "connected_from", "connected_to",
                                                            "ordinances"};
constexpr std::array<std::string_view, 14> ordinance_keys{
    "law_code",     "name",       "first",         "last",        "age_from",
    "age_to",       "settings",   "fee_per_visit", "monthly_cap", "payments_per_month",
    "income_below", "prefecture", "payment",       "age_to_march"};

// Reads the fields of one table and keeps the first that is wrong. Refers to the table. One thread.
class Fields {
  public:
    Fields(const toml::table& table, std::string place, ErrorCode code)
        : table_(table), place_(std::move(place)), code_(code) {}

    void refuse(std::string_view field) {
        if (!error_) error_ = Error{code_, fmt::format("{}: {}", place_, field)};
    }
    [[nodiscard]] bool failed() const { return error_.has_value(); }
    [[nodiscard]] const Error& error() const { return *error_; }

    void only(std::span<const std::string_view> known) {
        for (const auto& [key, value] : table_) {
            if (std::ranges::find(known, std::string_view(key.str())) == known.end()) refuse(key.str());
        }
    }
    [[nodiscard]] bool has(std::string_view name) const { return table_.contains(name); }
    [[nodiscard]] std::string text(std::string_view name, std::size_t bytes_max) {
        const auto value = table_[name].value_exact<std::string>();
        const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
        const bool wrong =
            !value || value->empty() || value->size() > bytes_max || std::ranges::any_of(*value, is_control);
        if (wrong) refuse(name);
        return value.value_or(std::string());
    }
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max) {
        const auto value = table_[name].value_exact<std::int64_t>();
        if (!value || *value < min || *value > max) refuse(name);
        return value.value_or(min);
    }
    [[nodiscard]] std::optional<Yen> optional_yen(std::string_view name) {
        if (!has(name)) return std::nullopt;
        return Yen(integer(name, 0, payments::cost_yen_max));
    }
    [[nodiscard]] Date date(std::string_view name) {
        const auto value = table_[name].value_exact<toml::date>();
        const auto day = value ? Date::from_ymd(value->year, value->month, value->day) : std::nullopt;
        if (!day) refuse(name);
        return day.value_or(Date::first_day);
    }
    [[nodiscard]] Date date_or(std::string_view name, Date otherwise) { return has(name) ? date(name) : otherwise; }
    [[nodiscard]] const toml::array* array(std::string_view name) {
        const auto* list = table_[name].as_array();
        if (list == nullptr) refuse(name);
        return list;
    }

  private:
    const toml::table& table_;
    std::string place_;
    ErrorCode code_;
    std::optional<Error> error_;
};

void read_settings(Fields& fields, Ordinance& terms) {
    if (!fields.has("settings")) return;
    const auto* list = fields.array("settings");
    if (list == nullptr) return;
    terms.inpatient = terms.outpatient = false;
    for (const auto& entry : *list) {
        const auto word = entry.value_exact<std::string>();
        if (word == "inpatient" && !terms.inpatient) {
            terms.inpatient = true;
        } else if (word == "outpatient" && !terms.outpatient) {
            terms.outpatient = true;
        } else {
            fields.refuse("settings");
        }
    }
}

Result<LocalOrdinance> read_ordinance(const toml::table& table, const std::string& place) {
    Fields fields(table, place, ErrorCode::payments_ordinance);
    fields.only(ordinance_keys);
    LocalOrdinance made;
    made.law_code = static_cast<int>(fields.integer("law_code", 1, 99));
    made.name = fields.text("name", payments::subsidy_name_bytes_max);
    Ordinance& terms = made.terms;
    terms.days = {fields.date("first"), fields.date_or("last", Date::open_end)};
    if (fields.has("age_from")) terms.age_from = static_cast<int>(fields.integer("age_from", 0, 200));
    if (fields.has("age_to")) terms.age_to = static_cast<int>(fields.integer("age_to", 0, 200));
    if (fields.has("age_to_march")) {
        if (fields.has("age_to")) fields.refuse("age_to_march");
        terms.age_to_march = static_cast<int>(
            fields.integer("age_to_march", payments::ordinance_march_age_min, payments::ordinance_age_max));
    }
    read_settings(fields, terms);
    terms.fee_per_visit = fields.optional_yen("fee_per_visit");
    terms.monthly_cap = fields.optional_yen("monthly_cap");
    terms.income_below = fields.optional_yen("income_below");
    if (fields.has("payments_per_month")) {
        terms.payments_per_month = static_cast<int>(fields.integer("payments_per_month", 0, 1000));
    }
    if (fields.has("prefecture")) terms.prefecture = static_cast<int>(fields.integer("prefecture", 1, 47));
    if (fields.has("payment")) {
        const std::string word = fields.text("payment", 16);
        if (word != "in_kind" && word != "refund") fields.refuse("payment");
        terms.payment = word == "refund" ? payments::SubsidyPayment::refund : payments::SubsidyPayment::in_kind;
    }
    if (fields.failed()) return tl::unexpected(fields.error());
    return made;
}

Result<Municipality> read_municipality(const toml::table& table, const std::string& place) {
    Fields fields(table, place, ErrorCode::payments_municipality);
    fields.only(municipality_keys);
    const auto code = payments::MunicipalityCode::parse(fields.text("code", 6));
    if (!code) fields.refuse("code");
    std::string name = fields.text("name", payments::municipality_name_bytes_max);
    std::optional<DateRange> connected;
    if (fields.has("connected_from")) {
        connected = {fields.date("connected_from"), fields.date_or("connected_to", Date::open_end)};
        if (connected->is_empty()) fields.refuse("connected_to");
    } else if (fields.has("connected_to")) {
        fields.refuse("connected_to");
    }
    const toml::array* list = fields.has("ordinances") ? fields.array("ordinances") : nullptr;
    if (fields.failed()) return tl::unexpected(fields.error());
    Municipality made{*code, std::move(name)};
    if (connected) made.connected = *connected;
    if (list == nullptr) return made;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string inner = fmt::format("{}, ordinance {}", code->text(), i + 1);
        const auto* entry = (*list)[i].as_table();
        if (entry == nullptr) return fail(ErrorCode::payments_ordinance, inner + ": no table");
        auto ordinance = read_ordinance(*entry, inner);
        if (!ordinance) return tl::unexpected(std::move(ordinance.error()));
        made.ordinances.push_back(std::move(*ordinance));
    }
    return made;
}

void append_yen(std::string& out, std::string_view name, const std::optional<Yen>& amount) {
    if (amount) out += fmt::format("{} = {}\n", name, amount->value());
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

void append(std::string& out, const LocalOrdinance& ordinance) {
    const Ordinance& terms = ordinance.terms;
    out += "[[municipalities.ordinances]]\n";
    out += fmt::format("law_code = {}\nname = {}\n", ordinance.law_code, quoted(ordinance.name));
    out += fmt::format("first = {}\n", to_iso(terms.days.first));
    if (!terms.days.is_open_ended()) out += fmt::format("last = {}\n", to_iso(terms.days.last));
    out += fmt::format("age_from = {}\n", terms.age_from);
    out += terms.age_to_march ? fmt::format("age_to_march = {}\n", *terms.age_to_march)
                              : fmt::format("age_to = {}\n", terms.age_to);
    out += fmt::format("settings = [{}{}{}]\n", terms.inpatient ? "\"inpatient\"" : "",
                       terms.inpatient && terms.outpatient ? ", " : "", terms.outpatient ? "\"outpatient\"" : "");
    append_yen(out, "fee_per_visit", terms.fee_per_visit);
    append_yen(out, "monthly_cap", terms.monthly_cap);
    append_yen(out, "income_below", terms.income_below);
    if (terms.payments_per_month) out += fmt::format("payments_per_month = {}\n", *terms.payments_per_month);
    if (terms.prefecture) out += fmt::format("prefecture = {}\n", *terms.prefecture);
    out += fmt::format("payment = \"{}\"\n", terms.payment == payments::SubsidyPayment::in_kind ? "in_kind" : "refund");
}

}  // namespace

Result<MunicipalTable> parse(std::string_view text) {
    if (text.size() > file_bytes_max) return fail(ErrorCode::file_malformed, "too large");
    toml::table root;
    try {
        root = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::file_malformed,
                    fmt::format("line {}: {}", error.source().begin.line, std::string(error.description())));
    }
    std::vector<Municipality> municipalities;
    for (const auto& [key, value] : root) {
        const auto* list = value.as_array();
        if (std::string_view(key.str()) != "municipalities" || list == nullptr) {
            return fail(ErrorCode::payments_municipality, "at the top there are only [[municipalities]]");
        }
        if (list->size() > payments::municipalities_max) return fail(ErrorCode::payments_municipality, "too many");
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string place = fmt::format("municipality {}", i + 1);
            const auto* entry = (*list)[i].as_table();
            if (entry == nullptr) return fail(ErrorCode::payments_municipality, place + ": no table");
            auto made = read_municipality(*entry, place);
            if (!made) return tl::unexpected(std::move(made.error()));
            municipalities.push_back(std::move(*made));
        }
    }
    return MunicipalTable::make(std::move(municipalities));
}

Result<MunicipalTable> load(const std::string& path) {
    if (path.empty()) return MunicipalTable();
    std::ifstream file(path, std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad()) return fail(ErrorCode::file_unreadable, path);
    text.resize(static_cast<std::size_t>(file.gcount()));
    auto table = parse(text);
    if (!table) table.error().detail = path + ": " + table.error().detail;
    return table;
}

std::string write(const MunicipalTable& table) {
    std::string out;
    for (const auto& each : table.list()) {
        out += fmt::format("[[municipalities]]\ncode = \"{}\"\nname = {}\n", each.code.text(), quoted(each.name));
        if (!each.connected.is_empty()) out += fmt::format("connected_from = {}\n", to_iso(each.connected.first));
        if (!each.connected.is_empty() && !each.connected.is_open_ended()) {
            out += fmt::format("connected_to = {}\n", to_iso(each.connected.last));
        }
        for (const auto& ordinance : each.ordinances) append(out, ordinance);
        out += '\n';
    }
    return out;
}

}  // namespace onshi::ordinances
