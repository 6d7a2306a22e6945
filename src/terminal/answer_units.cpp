#include "terminal/answer_units.h"

#include <fmt/format.h>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/japanese_text.h"
#include "base/outcome_codes.gen.h"
#include "base/texts.h"

namespace onshi::terminal {

namespace {

using oqs::PersonRecord;
using oqs::Unit;

constexpr std::string_view done = "1";
constexpr std::string_view failed = "2";
constexpr std::string_view agreed = "1";  // OQSCD001
// 資格有効性: whom F7 of domain-rules §6.2 is for.
constexpr std::int64_t lapsed = 2;
constexpr std::int64_t nobody = 4;
// Of limit_category_state in the hub's answers.
constexpr std::string_view not_shown = "not_shown";
constexpr std::string_view not_applicable = "not_applicable";

// 姓　名: parts of a name stand apart by one full-width space (oqs §1.4).
std::string full_width_spaces(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (c == ' ') {
            text.append("　");
        } else {
            text.push_back(c);
        }
    }
    return text;
}

std::string half_width(std::string_view kana, KanaSize size) {
    if (kana.empty()) return {};
    auto text = to_half_width_katakana(kana, size);
    return text ? *text : std::string();
}

// The sentence for the clerk, as much of it as a client's column holds.
std::string sentence(std::string_view name) {
    const auto text = find_text(Language::ja, name, Audience::clerk);
    return text ? oqs::fit_message(*text) : std::string();
}

// Why it is so, or else what is worth knowing besides.
void explain(oqs::Outcome& outcome, JsonItem answer, const AnswerStyle& style) {
    const auto& profile = style.profile;
    std::string name(answer.object("result").text("cause"));
    const auto code = answer.object("result").integer("code");
    const bool unknown = code == lapsed || code == nobody;
    if (unknown && style.answers_late) name = to_string(OutcomeCode::note_answers_late);
    if (name.empty()) {
        const auto notes = answer.objects("notes");
        if (!notes.empty()) name = notes.front().text("code");
    }
    if (name.empty()) return;
    std::string text = sentence(name);
    // A sentence that wants a parameter is no sentence without it.
    if (text.empty() || text.find('{') != std::string::npos) return;
    outcome.code = profile.result_code(name);
    outcome.message = std::move(text);
}

void take_person(PersonRecord& record, JsonItem person, KanaSize kana) {
    record.name = full_width_spaces(person.text("name"));
    record.kana = half_width(person.text("kana"), kana);
    record.birth_date = compact_day(person.text("birth_date"));
    const auto sex = person.integer("sex");
    if (sex) record.sex_1 = fmt::format("{}", *sex);
    record.address = person.text("address");
}

void take_term(PersonRecord& record, JsonItem coverage) {
    record.acquired_on = compact_day(coverage.text("acquired_on"));
    record.valid_from = record.acquired_on;
    record.valid_to = compact_day(coverage.text("valid_to"));
    record.lost_on = compact_day(coverage.text("lost_on"));
    const auto reason = coverage.integer("loss_reason");
    if (reason && *reason > 0) record.loss_reason = fmt::format("{:02}", *reason);
}

void take_insurer(PersonRecord& record, JsonItem coverage, bool& late_elderly) {
    const auto insurer = coverage.object("insurer");
    const auto number = InsurerNumber::parse(insurer.text("number"));
    if (number) record.insurer_number = number->space8();
    late_elderly = number && number->scheme() == InsurerScheme::late_elderly;
    // Clients cannot do without a name.
    record.insurer_name = insurer.text("name").empty() ? insurer.text("number") : insurer.text("name");
}

void take_ages(PersonRecord& record, JsonItem answer, bool late_elderly) {
    const auto birth = parse_iso_date(answer.object("person").text("birth_date"));
    const auto day = parse_iso_date(answer.text("care_day"));
    if (!birth || !day) return;
    if (*day <= preschool_end(*birth)) record.preschool = "1";
    const auto percent = answer.object("coverage").integer("copay_percent");
    if (!percent) return;
    const std::string ratio = fmt::format("{:03}", *percent);
    if (late_elderly) {
        record.copay_ratio = ratio;
    } else if (*day >= seventy_start(*birth)) {
        record.elderly.ratio = ratio;
    }
}

// Block B. `facts` has the category and its certificate: a coverage, or what came with the consents.
void take_limit(PersonRecord& record, JsonItem facts, const std::string& given_at) {
    record.limit_consent.flag = "1";
    record.limit_consent.given_at = given_at;
    // Without a category there is no block; whether it is blank or does not exist stands in the outcome's message.
    const auto category = facts.text("limit_category");
    if (category.empty()) return;
    const auto certificate = facts.object("limit_certificate");
    record.limit.kind = fmt::format("{:02}", certificate.integer("kind").value_or(1));
    record.limit.category = category;
    record.limit.issued_on = compact_day(certificate.text("issued_on"));
    record.limit.valid_from = compact_day(certificate.text("valid_from"));
    record.limit.valid_to = compact_day(certificate.text("valid_to"));
    record.limit.long_term_from = compact_day(certificate.text("long_term_on"));
}

Unit answered_unit(JsonItem answer, const AnswerStyle& style) {
    Unit unit;
    unit.outcome.status = done;
    const auto code = answer.object("result").integer("code");
    if (code) unit.outcome.validity = fmt::format("{}", *code);
    explain(unit.outcome, answer, style);
    auto record = record_of(answer, style);
    if (record) unit.records.push_back(std::move(*record));
    return unit;
}

}  // namespace

std::string compact_day(std::string_view iso_date) {
    std::string digits;
    for (const char c : iso_date) {
        if (c != '-') digits.push_back(c);
    }
    return digits;
}

std::string local_digits(Instant at) {
    const Date day = japan_day(at);
    const auto seconds = (at.us - start_of_japan_day(day).us) / 1'000'000;
    return fmt::format("{}{:02}{:02}{:02}", to_compact(day), seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::optional<PersonRecord> record_of(JsonItem answer, const AnswerStyle& style) {
    const auto coverage = answer.object("coverage");
    const auto person = answer.object("person");
    // A withheld record shows its insurer only: nothing that a client could store as a patient's insurance.
    if (!person.exists() || coverage.text("number").empty()) return std::nullopt;
    PersonRecord record;
    bool late_elderly = false;
    take_insurer(record, coverage, late_elderly);
    const auto kind = coverage.integer("certificate_kind");
    record.card_classification = fmt::format("{:02}", kind.value_or(1));
    record.symbol = coverage.text("symbol");
    record.number = coverage.text("number");
    record.branch = coverage.text("branch");
    take_person(record, person, style.profile.kana);
    const bool insured = coverage.text("relation") == "insured";
    if (!late_elderly) record.relation = insured ? "1" : "2";
    if (insured) record.insured_name = record.name;
    take_term(record, coverage);
    take_ages(record, answer, late_elderly);
    record.reference_number = style.reference(record);
    return record;
}

Unit unit_of_answer(JsonItem answer, std::string_view limit_consent, const AnswerStyle& style) {
    Unit unit = answered_unit(answer, style);
    if (unit.records.empty()) return unit;
    PersonRecord& record = unit.records.front();
    const auto coverage = answer.object("coverage");
    record.limit_consent.flag = "0";
    // Both: what is agreed to in the request, and told by the hub.
    const bool told = coverage.text("limit_category_state") != not_shown;
    if (limit_consent == agreed && told) take_limit(record, coverage, style.now);
    return unit;
}

void take_consented(PersonRecord& record, JsonItem recorded, const std::string& given_at) {
    const bool limit_told = !recorded.text("limit_category_state").empty();
    if (limit_told) take_limit(record, recorded, given_at);
    for (const auto& disease : recorded.objects("specific_diseases")) {
        oqs::DiseaseCertificate block;
        const auto category = disease.integer("disease");
        const auto self_pay = disease.integer("self_pay");
        if (category) block.category = fmt::format("{}", *category);
        block.issued_on = compact_day(disease.text("issued_on"));
        block.valid_from = compact_day(disease.text("valid_from"));
        block.valid_to = compact_day(disease.text("valid_to"));
        if (self_pay) block.self_pay = fmt::format("{}", *self_pay);
        record.diseases.push_back(std::move(block));
    }
}

Unit bulk_unit_of_answer(JsonItem answer, const AnswerStyle& style) {
    Unit unit = answered_unit(answer, style);
    if (unit.records.empty()) return unit;
    PersonRecord& record = unit.records.front();
    // 1: changed, or not to be told: nobody keeps what a clinic was told last time, and a list carries no consents.
    if (answer.object("coverage").text("limit_category_state") != not_applicable) record.limit_changed = "1";
    unit.reference_number = std::move(record.reference_number);
    record.reference_number.clear();
    return unit;
}

Unit unit_of_failure(std::string_view catalogue_name, const oqs::Profile& profile) {
    Unit unit;
    unit.outcome.status = failed;
    unit.outcome.code = profile.result_code(catalogue_name);
    unit.outcome.message = sentence(catalogue_name);
    return unit;
}

Unit unit_of_failure(ErrorCode code, const oqs::Profile& profile) {
    return unit_of_failure(error_name(code), profile);
}

}  // namespace onshi::terminal
