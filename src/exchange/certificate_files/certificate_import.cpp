#include "exchange/certificate_files/certificate_import.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "base/cp932.h"
#include "base/utf8.h"
#include "domain/payments/rules.h"
#include "exchange/insurer_files/line_reader.h"
#include "exchange/payment_cases/cases.h"

namespace onshi::certificate_files {

namespace {

using payments::CertificateOperation;
using payments::CertificateRow;
using payments::Yen;

constexpr std::chrono::milliseconds step_deadline{60'000};
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view masked_number = "************";
constexpr std::size_t recipient_digits = 7;
constexpr std::size_t required_columns = 4;  // of every row: the first of `columns`

std::size_t place_of(std::string_view column) {
    return static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin());
}

// Reads one cell after the other; the first that is wrong is what the row is refused for.
class CellReader {
  public:
    CellReader(const std::vector<std::string>& cells,
               const std::array<std::optional<std::size_t>, columns.size()>& places)
        : cells_(cells), places_(places) {}

    [[nodiscard]] const std::optional<RowRefusal>& refusal() const { return refusal_; }
    void refuse(std::string_view column, ErrorCode code = ErrorCode::certificates_row) {
        if (!refusal_) refusal_ = RowRefusal{code, columns[place_of(column)]};
    }
    [[nodiscard]] std::string_view get(std::string_view column) const {
        const auto place = places_[place_of(column)];
        return place ? std::string_view(cells_[*place]) : std::string_view();
    }
    [[nodiscard]] Date day(std::string_view column) {
        const auto parsed = parse_iso_date(get(column));
        if (!parsed) refuse(column);
        return parsed.value_or(Date::first_day);
    }
    [[nodiscard]] std::optional<Date> optional_day(std::string_view column) {
        return get(column).empty() ? std::nullopt : std::optional(day(column));
    }
    [[nodiscard]] std::int64_t integer(std::string_view column, std::int64_t min, std::int64_t max) {
        const std::string_view text = get(column);
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        if (!whole || value < min || value > max) refuse(column);
        return std::clamp(value, min, max);
    }
    [[nodiscard]] DateRange valid() {
        const Date first = day("valid_from");
        const DateRange range{first, optional_day("valid_to").value_or(Date::open_end)};
        if (range.is_empty()) refuse("valid_to");
        return range;
    }

  private:
    const std::vector<std::string>& cells_;
    const std::array<std::optional<std::size_t>, columns.size()>& places_;
    std::optional<RowRefusal> refusal_;
};

// What the calculation of a bill would call impossible is not registered: a national programme without the cap that it
// needs, and a cap above that of the recipient's income class.
void check_cap(CellReader& reader, int law_code, Date day, std::optional<Yen> cap,
               std::optional<payments::IncomeClass> income) {
    const auto& tables = payments::builtin_tables();
    const auto* programme = payments::find_payer(tables, law_code, day);
    const bool needs_cap = programme != nullptr && !programme->local && programme->cap == payments::CapNeed::required;
    if (needs_cap && !cap) reader.refuse("monthly_cap", ErrorCode::payments_cap_missing);
    if (!cap || !income) return;
    const auto highest = payments::programme_cap(tables, law_code, *income, payments::Severity::normal);
    if (highest && *highest && **highest < *cap) reader.refuse("monthly_cap", ErrorCode::payments_income_class);
}

std::optional<payments::SubsidyCertificate> read_subsidy(CellReader& reader, const payments::Issuer& issuer) {
    const auto* municipality = std::get_if<payments::MunicipalityCode>(&issuer);
    if (municipality == nullptr) reader.refuse("kind", ErrorCode::certificates_issuer);
    auto payer = PublicPayerNumber::parse(reader.get("payer_number"));
    if (!payer) reader.refuse("payer_number");
    const std::string_view recipient = reader.get("recipient_number");
    const bool digits = std::ranges::all_of(recipient, [](char c) { return c >= '0' && c <= '9'; });
    if (recipient.size() != recipient_digits || !digits) reader.refuse("recipient_number");
    const std::string_view name = reader.get("name");
    const bool no_name = name.empty() || name.size() > payments::subsidy_name_bytes_max;
    if (no_name || contains_individual_number(name)) reader.refuse("name");
    const DateRange valid = reader.valid();
    std::optional<Yen> cap;
    if (!reader.get("monthly_cap").empty()) cap = Yen(reader.integer("monthly_cap", 0, payments::cost_yen_max));
    std::optional<payments::IncomeClass> income;
    if (const auto word = reader.get("income_class"); !word.empty()) {
        income = payments::parse_income_class(word);
        if (!income) reader.refuse("income_class");
    }
    const bool registers = reader.get("operation") == "put";
    if (payer && registers) check_cap(reader, payer->law_code(), valid.first, cap, income);
    const std::string_view refund = reader.get("refund_only");
    if (!refund.empty() && refund != "0" && refund != "1") reader.refuse("refund_only");
    if (reader.refusal()) return std::nullopt;
    return payments::SubsidyCertificate{.payer = *payer,
                                        .recipient = std::string(recipient),
                                        .name = std::string(name),
                                        .municipality = *municipality,
                                        .valid = valid,
                                        .monthly_cap = cap,
                                        .income = income,
                                        .refund_only = refund == "1"};
}

std::optional<payments::LimitCertificate> read_limit(CellReader& reader, const payments::Issuer& issuer) {
    const auto* insurer = std::get_if<InsurerNumber>(&issuer);
    if (insurer == nullptr) reader.refuse("kind", ErrorCode::certificates_issuer);
    const auto kind = reader.integer("limit_kind", 1, 3);
    const Date issued = reader.day("issued_on");
    const DateRange valid = reader.valid();
    const auto long_term = reader.optional_day("long_term_on");
    if (reader.refusal()) return std::nullopt;
    return payments::LimitCertificate{payments::CertificateKey(0),
                                      payments::CertificateState::active,
                                      *insurer,
                                      static_cast<payments::LimitCertificateKind>(kind),
                                      issued,
                                      valid,
                                      long_term};
}

std::optional<payments::SpecificDiseaseCertificate> read_disease(CellReader& reader, const payments::Issuer& issuer) {
    const auto* insurer = std::get_if<InsurerNumber>(&issuer);
    if (insurer == nullptr) reader.refuse("kind", ErrorCode::certificates_issuer);
    const auto disease = reader.integer("disease", 1, 3);
    const Date issued = reader.day("issued_on");
    const DateRange valid = reader.valid();
    const Yen cap(reader.integer("monthly_cap", 0, payments::cost_yen_max));
    const auto& tables = payments::builtin_tables();
    if (cap != tables.special_disease_cap && cap != tables.special_disease_dialysis_high_cap) {
        reader.refuse("monthly_cap", ErrorCode::payments_special_disease);
    }
    if (reader.refusal()) return std::nullopt;
    return payments::SpecificDiseaseCertificate{payments::CertificateKey(0),
                                                payments::CertificateState::active,
                                                *insurer,
                                                static_cast<payments::SpecificDisease>(disease),
                                                issued,
                                                valid,
                                                cap};
}

// A row that counts and has a code carries a warning.
std::string line_of(std::string_view echo, const payments::CertificateOutcome& outcome, std::string_view column) {
    const bool refused = outcome.result == payments::CertificateResult::refused;
    const bool warned = !refused && !column.empty();
    std::string_view code;
    if (refused) code = error_name(outcome.refusal);
    if (warned) code = error_name(ErrorCode::number_check_digit);
    return fmt::format("{},{},{},{}\n", echo, to_string(outcome.result), code, column);
}

// §1.6: some programmes number their recipients outside the rule, so a wrong check digit only warns.
bool has_odd_recipient(const CertificateRow& row) {
    const auto* subsidy = std::get_if<payments::SubsidyCertificate>(&row.certificate);
    return subsidy != nullptr && !check_digit_a_ok(subsidy->recipient);
}

// Lines of a file in UTF-8: a line that is no UTF-8 is read as CP932, which such a line nearly always is.
std::optional<std::string> in_utf8(std::string_view line) {
    if (is_valid_utf8(line)) return std::string(line);
    auto decoded = decode_cp932(line);
    return decoded ? std::optional(std::move(*decoded)) : std::nullopt;
}

struct PendingRow {
    std::string echo;
    std::optional<std::size_t> row;  // among the typed ones
    payments::CertificateOutcome outcome;
    std::string_view column;
};

class Import {
  public:
    Import(const payments::CertificateParts& parts, const identity::NumberVault& vault, const ImportOptions& options)
        : vault_(vault), options_(options), intake_(parts, options.issuer, options.received_by) {}

    [[nodiscard]] Task<Result<ImportReport>> run() {
        auto lines = insurer_files::LineReader::open(insurer_files::file_source(options_.file));
        if (!lines) co_return fail(std::move(lines));
        std::optional<RowReader> reader;
        for (;;) {
            auto line = lines->next();
            if (!line) co_return fail(std::move(line));
            if (line->kind == insurer_files::LineKind::end) break;
            if (line->kind == insurer_files::LineKind::line && line->text.empty()) continue;
            const auto text = in_utf8(line->text);
            if (!reader) {
                auto made = text ? begin(*text) : Result<RowReader>(fail(ErrorCode::certificates_header, "line 1"));
                if (!made) co_return fail(std::move(made));
                reader = std::move(*made);
                continue;
            }
            add(*reader, text);
            if (pending_.size() < payments::certificate_rows_max) continue;
            auto flushed = co_await flush();
            if (!flushed) co_return fail(std::move(flushed));
        }
        if (!reader) co_return fail(ErrorCode::certificates_header, "the file is empty");
        auto flushed = co_await flush();
        if (!flushed) co_return fail(std::move(flushed));
        co_return report_;
    }

  private:
    Result<RowReader> begin(std::string_view header) {
        if (header.starts_with(byte_order_mark)) header.remove_prefix(byte_order_mark.size());
        auto reader = RowReader::create(header);
        if (!reader) return reader;
        out_.open(options_.result_file, std::ios::binary | std::ios::trunc);
        out_ << header << ",result,code,column\n";
        if (!out_) return fail(ErrorCode::file_unwritable, options_.result_file);
        return reader;
    }

    void add(const RowReader& reader, const std::optional<std::string>& text) {
        PendingRow row;
        row.outcome.refusal = ErrorCode::certificates_row;
        const auto cells = text ? reader.split(*text) : std::nullopt;
        if (cells) {
            row.echo = reader.echo(*cells);
            auto parsed = reader.parse(*cells, options_.issuer, vault_);
            if (const auto* refusal = std::get_if<RowRefusal>(&parsed)) {
                row.outcome.refusal = refusal->code;
                row.column = refusal->column;
            } else {
                row.row = typed_.size();
                typed_.push_back(std::get<CertificateRow>(std::move(parsed)));
                if (has_odd_recipient(typed_.back())) row.column = "recipient_number";
            }
        }
        pending_.push_back(std::move(row));
    }

    Task<Result<void>> flush() {
        auto outcomes = co_await intake_.take(typed_, Deadline::in(step_deadline));
        if (!outcomes) co_return fail(std::move(outcomes));
        for (auto& row : pending_) {
            if (row.row) row.outcome = (*outcomes)[*row.row];
            ++report_.rows;
            ++report_.results[static_cast<std::size_t>(row.outcome.result)];
            out_ << line_of(row.echo, row.outcome, row.column);
        }
        pending_.clear();
        typed_.clear();
        out_.flush();
        if (!out_) co_return fail(ErrorCode::file_unwritable, options_.result_file);
        co_return Result<void>();
    }

    const identity::NumberVault& vault_;
    const ImportOptions& options_;
    payments::CertificateIntake intake_;
    std::ofstream out_;
    std::vector<PendingRow> pending_;
    std::vector<CertificateRow> typed_;
    ImportReport report_;
};

}  // namespace

Result<RowReader> RowReader::create(std::string_view header) {
    const auto cells = payment_cases::split_csv_line(header);
    if (!cells) return fail(ErrorCode::certificates_header, "no CSV line");
    RowReader reader;
    reader.count_ = cells->size();
    for (std::size_t i = 0; i < cells->size(); ++i) {
        const std::size_t place = place_of((*cells)[i]);
        if (place == columns.size() || reader.places_[place]) {
            return fail(ErrorCode::certificates_header, fmt::format("column {}", i + 1));
        }
        reader.places_[place] = i;
    }
    for (std::size_t i = 0; i < required_columns; ++i) {
        if (!reader.places_[i]) return fail(ErrorCode::certificates_header, std::string(columns[i]));
    }
    return reader;
}

std::optional<std::vector<std::string>> RowReader::split(std::string_view line) const {
    auto cells = payment_cases::split_csv_line(line);
    if (!cells || cells->size() != count_) return std::nullopt;
    return cells;
}

std::string RowReader::echo(std::vector<std::string> cells) const {
    std::string& number = cells[*places_[place_of("individual_number")]];
    if (!number.empty()) number = masked_number;
    for (auto& cell : cells) {
        if (&cell != &number) cell = mask_individual_numbers(cell);
    }
    return payment_cases::join_csv_line(cells);
}

std::variant<CertificateRow, RowRefusal> RowReader::parse(const std::vector<std::string>& cells,
                                                          const payments::Issuer& issuer,
                                                          const identity::NumberVault& vault) const {
    CellReader reader(cells, places_);
    const std::string_view operation = reader.get("operation");
    if (operation != "put" && operation != "cancel") reader.refuse("operation");
    const auto number = identity::IndividualNumber::parse(reader.get("individual_number"));
    if (!number) reader.refuse("individual_number");
    const std::string_view kind = reader.get("kind");
    std::optional<decltype(CertificateRow::certificate)> certificate;
    const auto keep = [&](auto read) {
        if (read) certificate = std::move(*read);
    };
    if (kind == "subsidy") {
        keep(read_subsidy(reader, issuer));
    } else if (kind == "limit") {
        keep(read_limit(reader, issuer));
    } else if (kind == "specific_disease") {
        keep(read_disease(reader, issuer));
    } else {
        reader.refuse("kind");
    }
    if (reader.refusal()) return *reader.refusal();
    const auto kept = operation == "cancel" ? CertificateOperation::cancel : CertificateOperation::put;
    return CertificateRow{kept, vault.tag(*number), std::move(*certificate)};
}

Task<Result<ImportReport>> import_certificates(const payments::CertificateParts& parts,
                                               const identity::NumberVault& vault, const ImportOptions& options) {
    Import import(parts, vault, options);
    co_return co_await import.run();
}

}  // namespace onshi::certificate_files
