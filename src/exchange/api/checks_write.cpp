// Answers of a check.
#include "domain/audit/rules.h"
#include "domain/payments/rules_certificates.h"
#include "exchange/api/certificates.h"
#include "exchange/api/checks.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

using coverage::Coverage;
using eligibility::Answer;
using eligibility::Entitlements;
using eligibility::LimitShown;
using eligibility::Source;

std::string_view audience_name(Audience audience) {
    switch (audience) {
        case Audience::patient: return "patient";
        case Audience::clerk: return "clerk";
        case Audience::insurer: return "insurer";
        case Audience::vendor: return "vendor";
        case Audience::label: return "label";
        case Audience::operator_: return "operator";
    }
    return "clerk";
}

// The one parameter that a note has, by the name its sentence uses.
std::string_view parameter_name(OutcomeCode code) {
    switch (code) {
        case OutcomeCode::note_certificate_grace: return "usable_until";
        case OutcomeCode::note_certificate_expires_soon: return "expires_on";
        case OutcomeCode::note_card_status_old: return "status_day";
        default: return "day";
    }
}

// `entitlements`: of the coverage that counts; nullptr for the others, which carry no certificate.
void write_limit(JsonWriter& writer, const Coverage& c, LimitShown shown, const Entitlements* entitlements) {
    payments::LimitFacts facts{.category = c.limit_category, .scheme = c.insurer.scheme()};
    facts.shown = shown == LimitShown::shown;
    if (entitlements != nullptr && entitlements->limit) facts.certificate = &*entitlements->limit;
    const auto told = payments::disclose_limit(facts);
    if (told.block) writer.member("limit_category", told.block->category);
    writer.member("limit_category_state", to_string(told.presence));
    if (told.block && entitlements != nullptr) write_limit_certificate(writer, *told.block);
}

void write_coverage_fields(JsonWriter& writer, const Coverage& c, const organisations::InsurerTable& insurers,
                           LimitShown shown, const Entitlements* entitlements) {
    writer.begin_object("insurer");
    writer.member("number", c.insurer.issued());
    if (const auto* insurer = insurers.find(c.insurer)) {
        writer.member("name", insurer->name);
        writer.member("phone", insurer->phone);
    }
    writer.end_object();
    // A withheld record shows whom to ask and nothing else.
    if (c.state == coverage::State::withheld) return;
    if (!c.symbol.empty()) writer.member("symbol", c.symbol);
    writer.member("number", c.number);
    if (c.branch) writer.member("branch", c.branch->text());
    writer.member("relation", c.relation == coverage::Relation::insured ? "insured" : "dependant");
    writer.member("acquired_on", to_iso(c.acquired_on));
    if (c.valid_to != Date::open_end) {
        writer.member("valid_to", to_iso(c.valid_to));
        writer.member("lost_on", to_iso(*c.lost_on()));
        writer.member("loss_reason", static_cast<int>(c.loss_reason));
    }
    writer.member("certificate_kind", static_cast<int>(c.kind));
    if (c.copay_percent) writer.member("copay_percent", *c.copay_percent);
    writer.member("copay_state", to_string(payments::copay_ratio_presence(c.copay_percent)));
    write_limit(writer, c, shown, entitlements);
    writer.member("insurer_file_of", to_iso(c.file_day));
}

// What a counter collects while the insurer's ratio is blank.
void write_plain_ratio(JsonWriter& writer, const Answer& answer) {
    const Coverage& coverage = *answer.verdict.coverage;
    const bool needed = answer.verdict.result == eligibility::ResultCode::valid && !coverage.copay_percent;
    if (!needed || !answer.person) return;
    const auto group = payments::age_group_on(answer.person->birth, answer.care_day, coverage.insurer.scheme());
    writer.member("plain_percent", payments::plain_ratio(payments::builtin_tables(), group, answer.care_day).value());
}

// In the month of the 75th birthday, with the old insurer and with the new one (§3.7). Who was late-elderly before,
// with a certified disability, changes no insurer and has whole limits.
void write_half_limit(JsonWriter& writer, const Answer& answer) {
    if (answer.verdict.result != eligibility::ResultCode::valid || !answer.person) return;
    const Date birth = answer.person->birth;
    const Coverage& coverage = *answer.verdict.coverage;
    const bool stays =
        coverage.insurer.scheme() == InsurerScheme::late_elderly && coverage.acquired_on < late_elderly_start(birth);
    if (!stays && half_limit_month(birth) == answer.care_day.first_of_month()) writer.member("half_limit", true);
}

void write_person(JsonWriter& writer, const Answer& answer, const std::string& person_ref) {
    const auto& person = *answer.person;
    writer.begin_object("person");
    writer.member("person_ref", person_ref);
    writer.member("name", person.name);
    if (!person.kana.empty()) writer.member("kana", person.kana);
    writer.member("birth_date", to_iso(person.birth));
    const auto age = age_on(person.birth, answer.care_day);
    if (age) writer.member("age", *age);
    writer.member("sex", static_cast<int>(person.sex));
    // By-number answers carry an address for nobody, so that a missing one says nothing (design §9.10).
    if (answer.source == Source::card && !person.address.empty()) writer.member("address", person.address);
    writer.end_object();
}

void write_outcome(JsonWriter& writer, const Answer& answer) {
    const auto& verdict = answer.verdict;
    writer.begin_object("result");
    writer.member("code", static_cast<int>(verdict.result));
    writer.member("name", to_string(verdict.result));
    if (verdict.cause) writer.member("cause", to_string(*verdict.cause));
    writer.end_object();
    writer.begin_array("notes");
    for (const auto& note : verdict.notes) {
        writer.begin_object();
        writer.member("code", to_string(note.code));
        if (note.day) {
            writer.begin_object("parameters");
            writer.member(parameter_name(note.code), to_iso(*note.day));
            writer.end_object();
        }
        writer.end_object();
    }
    writer.end_array();
    writer.begin_array("next");
    for (const auto& step : verdict.next) {
        writer.begin_object();
        writer.member("audience", audience_name(step.audience));
        writer.member("code", to_string(step.code));
        writer.end_object();
    }
    writer.end_array();
    writer.begin_object("medical_data");
    writer.member("available", verdict.medical == eligibility::MedicalData::available);
    if (verdict.medical != eligibility::MedicalData::available) writer.member("reason", to_string(verdict.medical));
    writer.end_object();
}

// For the kiosk: what may be asked about, by name. Numbers and caps come with the choice.
void write_subsidies(JsonWriter& writer, const Answer& answer) {
    const Entitlements& entitlements = answer.entitlements;
    if (entitlements.knowledge == payments::SubsidyKnowledge::not_asked) return;
    // That there is one, so that only those are asked who have one (ux K-15); which disease is told with the consent.
    if (!entitlements.diseases.empty()) writer.member("specific_disease_certificate", true);
    writer.begin_object("subsidies");
    writer.member("state", to_string(entitlements.knowledge));
    writer.begin_array("offered");
    int offer = 0;
    for (const auto& subsidy : entitlements.subsidies) {
        writer.begin_object();
        writer.member("offer", ++offer);
        writer.member("name", subsidy.name);
        writer.member("municipality", subsidy.municipality.text());
        writer.member("connection", "connected");
        writer.member("valid_from", to_iso(subsidy.valid.first));
        if (!subsidy.valid.is_open_ended()) writer.member("valid_to", to_iso(subsidy.valid.last));
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
}

void write_freshness(JsonWriter& writer, const Answer& answer) {
    writer.begin_object("freshness");
    writer.member("as_of", to_rfc3339(answer.answered_at));
    writer.member("known_seq", answer.known_seq);
    writer.member("source", answer.verdict.coverage ? "insurer_file" : "registry");
    if (answer.verdict.coverage) writer.member("insurer_file_of", to_iso(answer.verdict.coverage->file_day));
    if (answer.card_status_as_of) writer.member("card_status_as_of", to_rfc3339(*answer.card_status_as_of));
    writer.end_object();
}

}  // namespace

std::string write_challenges(const std::vector<eligibility::IssuedChallenge>& challenges) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.begin_array("challenges");
    for (const auto& challenge : challenges) {
        writer.begin_object();
        writer.member("challenge", challenge.text);
        writer.member("expires_at", to_rfc3339(challenge.expires_at));
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return body;
}

namespace {

std::string_view kind_of(Source source) {
    switch (source) {
        case Source::card: return "card";
        case Source::number: return "number";
        case Source::disaster: return "disaster";
    }
    return "number";
}

void write_answer_members(JsonWriter& writer, const eligibility::GivenAnswer& given, const AnswerContext& context) {
    const Answer& answer = given.answer;
    writer.member("schema", "onshi.eligibility/1");
    writer.member("receipt", audit::to_receipt(given.position.lane, given.position.sequence, context.receipt_key));
    if (answer.check_id) writer.member("check_id", answer.check_id->text());
    writer.member("reference_kind", kind_of(answer.source));
    if (answer.source == Source::disaster) {
        writer.begin_object("disaster");
        writer.member("ground", answer.circumstance);
        writer.end_object();
    }
    if (answer.source == Source::card) writer.member("method", to_string(answer.method));
    writer.member("care_day", to_iso(answer.care_day));
    writer.member("answered_at", to_rfc3339(answer.answered_at));
    writer.begin_object("facility");
    writer.member("code", context.terminal.organisation.code_text());
    writer.member("name", context.terminal.organisation.name);
    writer.member("terminal", context.terminal.id());
    writer.end_object();
    write_outcome(writer, answer);
    if (answer.person) write_person(writer, answer, context.person_ref);
    const LimitShown shown = answer.entitlements.limit_shown;
    if (answer.verdict.coverage) {
        writer.begin_object("coverage");
        write_coverage_fields(writer, *answer.verdict.coverage, context.insurers, shown, &answer.entitlements);
        write_plain_ratio(writer, answer);
        write_half_limit(writer, answer);
        writer.end_object();
    }
    if (!answer.verdict.overlaps.empty()) {
        writer.begin_array("overlaps");
        for (const auto& overlap : answer.verdict.overlaps) {
            writer.begin_object();
            write_coverage_fields(writer, overlap, context.insurers, shown, nullptr);
            writer.end_object();
        }
        writer.end_array();
    }
    write_subsidies(writer, answer);
    write_freshness(writer, answer);
    write_place(writer, given.position);
    if (context.next_challenge != nullptr) {
        writer.begin_object("next_challenge");
        writer.member("challenge", context.next_challenge->text);
        writer.member("expires_at", to_rfc3339(context.next_challenge->expires_at));
        writer.end_object();
    }
}

constexpr std::size_t answer_bytes = 3072;

void write_failure(JsonWriter& writer, const Error& error) {
    const ErrorEntry& entry = catalogue_entry(error.code);
    writer.begin_object("problem");
    writer.member("code", entry.name);
    writer.begin_object("retry");
    writer.member("advice", to_string(entry.retry));
    if (error.retry_after_ms > 0) writer.member("after_ms", error.retry_after_ms);
    writer.end_object();
    writer.end_object();
}

}  // namespace

std::string write_answer(const eligibility::GivenAnswer& given, const AnswerContext& context) {
    std::string body;
    body.reserve(answer_bytes);
    JsonWriter writer(body);
    writer.begin_object();
    write_answer_members(writer, given, context);
    writer.end_object();
    return body;
}

std::string write_bulk_answers(const std::vector<BulkAnswer>& answers, const organisations::Terminal& terminal,
                               const organisations::InsurerTable& insurers, std::uint64_t receipt_key) {
    std::string body;
    body.reserve(answers.size() * answer_bytes);
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.bulk_checks/1");
    writer.begin_array("answers");
    for (const auto& one : answers) {
        writer.begin_object();
        writer.member("check_id", one.id.text());
        if (one.given) {
            writer.begin_object("answer");
            write_answer_members(writer, *one.given, {terminal, insurers, receipt_key, one.person_ref});
            writer.end_object();
        } else {
            write_failure(writer, one.given.error());
        }
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return body;
}

std::string write_consents(const eligibility::ConsentsRecorded& recorded, std::uint64_t receipt_key) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.consents/1");
    writer.member("receipt", audit::to_receipt(recorded.position.lane, recorded.position.sequence, receipt_key));
    writer.begin_array("consents");
    for (const auto& consent : recorded.consents) {
        writer.begin_object();
        writer.member("item", to_string(consent.item));
        writer.member("choice", consent.choice == consent::Choice::agreed ? "agreed" : "refused");
        writer.member("given_at", to_rfc3339(consent.given_at));
        writer.member("expires_at", to_rfc3339(consent.expires_at));
        writer.end_object();
    }
    writer.end_array();
    if (recorded.limit_of) {
        payments::LimitFacts facts{.category = recorded.limit_of->limit_category,
                                   .scheme = recorded.limit_of->insurer.scheme()};
        if (recorded.limit) facts.certificate = &*recorded.limit;
        const auto told = payments::disclose_limit(facts);
        if (told.block) writer.member("limit_category", told.block->category);
        writer.member("limit_category_state", to_string(told.presence));
        if (told.block) write_limit_certificate(writer, *told.block);
    }
    if (!recorded.diseases.empty()) write_diseases(writer, payments::disease_blocks(recorded.diseases));
    write_place(writer, recorded.position);
    writer.end_object();
    return body;
}

}  // namespace onshi::api
