// Fields of a row in strong types.
#include <algorithm>
#include <array>

#include "base/identifiers.h"
#include "base/japanese_text.h"
#include "base/utf8.h"
#include "exchange/insurer_files/row_parser.h"

namespace onshi::insurer_files {

namespace {

using coverage::IntakeRow;
using coverage::RowOutcome;

constexpr std::array<std::string_view, field_count> names{"operation",
                                                          "insurer_number",
                                                          "symbol",
                                                          "number",
                                                          "branch",
                                                          "relation",
                                                          "individual_number",
                                                          "name",
                                                          "kana",
                                                          "birth_date",
                                                          "sex",
                                                          "address",
                                                          "acquired_on",
                                                          "lost_on",
                                                          "loss_reason",
                                                          "copay_percent",
                                                          "limit_category",
                                                          "certificate_kind",
                                                          "notified_on"};

constexpr std::size_t digits_of_a_number = 12;

// A cheap look before the dear one: fewer than twelve digits are no individual number.
bool may_hold_individual_number(std::string_view text) {
    std::size_t digits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool wide = byte >= 0x90 && byte <= 0x99 && i >= 2 && static_cast<unsigned char>(text[i - 1]) == 0xBC &&
                          static_cast<unsigned char>(text[i - 2]) == 0xEF;
        if ((byte >= '0' && byte <= '9') || wide) ++digits;
    }
    return digits >= digits_of_a_number;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<int> small_number(std::string_view text, std::size_t digits_max) {
    if (!all_digits(text) || text.size() > digits_max) return std::nullopt;
    int value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    return value;
}

std::optional<coverage::LossReason> loss_reason_of(std::string_view text) {
    const auto code = small_number(text, 2);
    if (!code || (*code != 99 && (*code < 1 || *code > 3))) return std::nullopt;
    return static_cast<coverage::LossReason>(*code);
}

std::optional<coverage::Relation> relation_of(std::string_view text) {
    if (text == "1" || text == "insured") return coverage::Relation::insured;
    if (text == "2" || text == "dependant") return coverage::Relation::dependant;
    return std::nullopt;
}

// A01 … A06, B01 … B10 (domain-rules §1.5).
bool is_limit_category(std::string_view text) {
    if (text.size() != 3) return false;
    const auto step = small_number(text.substr(1), 2);
    if (!step || *step < 1) return false;
    return (text[0] == 'A' && *step <= 6) || (text[0] == 'B' && *step <= 10);
}

// Reads one field after the other; the first that is wrong is what the row is refused for.
class FieldReader {
  public:
    explicit FieldReader(const RawRow& raw) : raw_(raw) {}
    [[nodiscard]] const std::optional<RowOutcome>& refusal() const { return refusal_; }

    void refuse(ErrorCode code, Field field) {
        if (!refusal_) refusal_ = RowOutcome::refuse(code, field_name(field));
    }
    [[nodiscard]] bool has(Field field) const { return !raw_.at(field).empty(); }

    // A value of a Result parser. Absent: nullopt, and refused when required.
    template <class Parse>
    auto read(Field field, Parse parse) -> std::optional<typename decltype(parse(std::string_view()))::value_type> {
        if (!has(field)) return std::nullopt;
        auto value = parse(raw_.at(field));
        if (value) return std::move(*value);
        refuse(value.error().code, field);
        return std::nullopt;
    }
    template <class Parse>
    auto require(Field field, Parse parse) {
        if (!has(field)) refuse(ErrorCode::intake_required, field);
        return read(field, parse);
    }
    // A value of a table.
    template <class T, class Find>
    void choose(Field field, Find find, T& into) {
        if (!has(field)) return;
        const auto value = find(raw_.at(field));
        if (value) {
            into = *value;
        } else {
            refuse(ErrorCode::intake_value, field);
        }
    }
    std::string text(Field field) {
        if (raw_.at(field).size() > field_bytes_max) refuse(ErrorCode::text_too_long, field);
        return free_text(raw_.at(field));
    }

  private:
    const RawRow& raw_;
    std::optional<RowOutcome> refusal_;
};

void read_terms(FieldReader& reader, const RawRow& raw, IntakeRow& row) {
    row.acquired_on = reader.read(Field::acquired_on, parse_file_date);
    row.lost_on = reader.read(Field::lost_on, parse_file_date);
    row.notified_on = reader.read(Field::notified_on, parse_file_date);
    reader.choose(Field::loss_reason, loss_reason_of, row.loss_reason);
    reader.choose(Field::relation, relation_of, row.relation);
    reader.choose(
        Field::certificate_kind,
        [](std::string_view text) -> std::optional<coverage::CertificateKind> {
            const auto code = small_number(text, 2);
            if (!code || *code < 1 || *code > 7) return std::nullopt;
            return static_cast<coverage::CertificateKind>(*code);
        },
        row.kind);
    if (reader.has(Field::copay_percent)) {
        row.copay_percent = small_number(raw.at(Field::copay_percent), 3);
        if (!row.copay_percent || *row.copay_percent > 100)
            reader.refuse(ErrorCode::intake_value, Field::copay_percent);
    }
    if (!reader.has(Field::limit_category)) return;
    row.limit_category = raw.at(Field::limit_category);
    if (!is_limit_category(row.limit_category)) reader.refuse(ErrorCode::intake_value, Field::limit_category);
}

void read_person(FieldReader& reader, IntakeRow& row) {
    row.number = reader.read(Field::individual_number, identity::IndividualNumber::parse);
    row.person.name = reader.text(Field::name);
    row.person.kana = reader.text(Field::kana);
    row.person.address = reader.text(Field::address);
    if (const auto sex = reader.read(Field::sex, parse_sex)) row.person.sex = *sex;
}

}  // namespace

std::string free_text(std::string_view text) {
    return may_hold_individual_number(text) ? mask_individual_numbers(text) : std::string(text);
}

std::string_view field_name(Field field) {
    return names[static_cast<std::size_t>(field)];
}

std::optional<Field> find_field(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Field>(found - names.begin());
}

std::string full_header() {
    std::string header;
    for (const std::string_view name : names) {
        if (!header.empty()) header.push_back(',');
        header.append(name);
    }
    return header;
}

Result<Date> parse_file_date(std::string_view text) {
    if (text.size() == 10 && text[4] == '-') return parse_iso_date(text);
    if (text.size() == 8 && all_digits(text)) return parse_compact_date(text);
    if (text.size() == 7) return parse_era_compact(text);
    if (text.size() > 7 && static_cast<unsigned char>(text[0]) >= 0x80) return parse_era_text(text);
    return fail(ErrorCode::date_format, "a date of a members' file");
}

ParsedRow parse_fields(const RawRow& raw) {
    FieldReader reader(raw);
    const auto operation = coverage::parse_operation(raw.at(Field::operation));
    if (!operation) reader.refuse(ErrorCode::intake_operation, Field::operation);
    const auto insurer = reader.require(Field::insurer_number, InsurerNumber::parse);
    if (!reader.has(Field::number)) reader.refuse(ErrorCode::intake_required, Field::number);
    auto insured = InsuredSymbolNumber::parse(raw.at(Field::symbol), raw.at(Field::number));
    if (!insured) reader.refuse(insured.error().code, Field::number);
    const auto branch = reader.read(Field::branch, BranchNumber::parse);
    const auto birth = reader.require(Field::birth_date, parse_file_date);
    if (reader.refusal()) return *reader.refusal();
    IntakeRow row{.operation = *operation,
                  .insurer = *insurer,
                  .insured = std::move(*insured),
                  .branch = branch,
                  .number = {},
                  .person = {},
                  .acquired_on = {},
                  .lost_on = {},
                  .copay_percent = {},
                  .limit_category = {}};
    row.person.birth = *birth;
    read_person(reader, row);
    read_terms(reader, raw, row);
    if (reader.refusal()) return *reader.refusal();
    return row;
}

}  // namespace onshi::insurer_files
