#include "exchange/api/payments.h"

#include <algorithm>
#include <vector>

#include "domain/payments/rules.h"
#include "domain/payments/rules_book.h"
#include "domain/payments/rules_explanation.h"
#include "domain/payments/rules_ratio.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

using payments::Band;
using payments::Claim;
using payments::ClaimPart;
using payments::Yen;

constexpr std::size_t category_bytes_max = 32;
constexpr std::size_t setting_bytes_max = 16;
constexpr std::size_t word_bytes_max = 16;
constexpr std::size_t month_bytes = 7;  // 2026-11
constexpr std::size_t benefit_months_max = 24;
constexpr std::size_t household_recipients_max = 8;
constexpr int law_code_max = 99;
constexpr int local_law_code_min = 80;
constexpr std::int64_t visits_a_month_max = 1000;
constexpr int late_elderly_age_min = 65;
constexpr std::string_view under70_word = "under70";
constexpr std::string_view over70_word = "over70";

// A name tells its band by itself; a standard monthly pay is read for under 70.
payments::Evaluated<payments::LimitClass> find_class(std::string_view text, Date day) {
    const auto& tables = payments::builtin_tables();
    const auto* table = payments::find_limit_table(tables, day);
    if (table == nullptr) return tl::unexpected(ErrorCode::payments_care_month);
    auto found = payments::parse_limit_class(tables, *table, Band::under70, text);
    return found ? found : payments::parse_limit_class(tables, *table, Band::over70, text);
}

Result<Date> parse_month(std::string_view text) {
    if (text.size() != month_bytes) return fail(ErrorCode::date_format, "a month is YYYY-MM");
    return parse_iso_date(std::string(text) + "-01");
}

// A payer's monthly cap: an amount, or that of the recipient's income class, shared with others of the household.
std::optional<Yen> read_cap(JsonObject& payer, int code) {
    const auto amount = payer.optional_integer("cap", 0, payments::cost_yen_max);
    const auto income_word = payer.optional_text("income_class", word_bytes_max);
    const auto severity_word = payer.optional_text("severity", word_bytes_max);
    std::vector<Yen> others;
    payer.optional_objects("others", household_recipients_max, [&others](JsonObject& entry) {
        others.push_back(Yen(entry.integer("cap", 0, payments::cost_yen_max).value_or(0)));
    });
    std::optional<Yen> own;
    if (amount) own = Yen(*amount);
    if (income_word) {
        const auto income = payments::parse_income_class(*income_word);
        const auto severity = payments::parse_severity(severity_word.value_or("normal"));
        if (!income || amount) payer.reject("income_class", ErrorCode::field_value);
        if (!severity) payer.reject("severity", ErrorCode::field_value);
        if (!income || !severity) return own;
        const auto cap = payments::programme_cap(payments::builtin_tables(), code, *income, *severity);
        if (!cap) payer.reject("income_class", cap.error());
        if (cap) own = *cap;
    } else if (severity_word) {
        payer.reject("severity", ErrorCode::field_value);
    }
    if (!own) return own;
    const auto unit = payments::builtin_tables().household_cap_rounding_unit;
    const auto shared = payments::cap_in_household(*own, others, unit);
    if (!shared) payer.reject("others", shared.error());
    return shared ? std::optional(*shared) : own;
}

ClaimPart read_part(JsonObject& object) {
    ClaimPart part;
    part.cost = Yen(object.integer("points", 0, payments::cost_yen_max / 10).value_or(0) * 10);
    object.optional_objects("payers", payments::payers_per_part_max, [&part](JsonObject& payer) {
        if (part.payer_count == payments::payers_per_part_max) return;
        auto& use = part.payers[part.payer_count++];
        use.code = static_cast<std::uint8_t>(payer.integer("law_code", 1, law_code_max).value_or(0));
        use.cap = read_cap(payer, use.code);
    });
    return part;
}

// 多数回該当 as it stands, or from the months of the benefits.
bool read_many(JsonObject& object, const std::optional<Date>& care_day) {
    const auto given = object.optional_boolean("fourth_month");
    std::vector<Date> months;
    object.optional_objects("benefit_months", benefit_months_max, [&months](JsonObject& entry) {
        const auto month = entry.parsed("month", month_bytes, &parse_month);
        if (month) months.push_back(*month);
    });
    if (given && !months.empty()) object.reject("fourth_month", ErrorCode::field_value);
    return given.value_or(care_day && payments::is_many(*care_day, months));
}

// A category and an age that cannot be one person's. From 65 on a certified disability makes late-elderly (§4.1).
bool fits_age(payments::Category category, Date birth, Date day) {
    if (payments::band_of(category) == Band::over70) return day >= birthday(birth, late_elderly_age_min);
    return day < seventy_start(birth);
}

// What the intake's guard would say of such a record (§4.1). `code`: of §1.5, where the category is named by one.
bool is_suspect(const Claim& claim, Date birth, std::string_view code) {
    const bool elderly = payments::band_of(claim.limit_class.category) == Band::over70;
    const bool by_disability = elderly && claim.care_month < seventy_start(birth);
    const payments::RatioRecord record{
        .birth = birth,
        .day = claim.care_month,
        .scheme = by_disability ? InsurerScheme::late_elderly : InsurerScheme::national_health,
        .copay_percent = claim.ratio.value(),
        .limit_category = code};
    return payments::is_ratio_suspect(payments::ratio_plausibility(record, payments::builtin_tables()));
}

// The category as it was given where it is a code or a name, not a pay or a step.
std::string_view category_code(JsonObject& object) {
    const auto text = object.optional_text("limit_category", category_bytes_max).value_or(std::string_view());
    return payments::parse_category(payments::builtin_tables(), text) ? text : std::string_view();
}

// Without a category the caller or the age tells the band, and no limit of one's own counts.
void read_blank_category(JsonObject& object, const std::optional<Date>& birth, Date day, Claim& claim) {
    claim.blank_category = true;
    const auto word = object.optional_text("age_band", word_bytes_max);
    if (!word && !birth) return object.reject("limit_category", ErrorCode::field_missing);
    if (word && *word != under70_word && *word != over70_word) return object.reject("age_band", ErrorCode::field_value);
    const bool young = word ? *word == under70_word : day < seventy_start(*birth);
    claim.limit_class = {young ? payments::Category::u70_e : payments::Category::general, 0};
    if (birth && !fits_age(claim.limit_class.category, *birth, day)) object.reject("age_band", ErrorCode::field_value);
}

void read_category(JsonObject& object, const std::optional<Date>& birth, Date day, Claim& claim) {
    const auto category = object.optional_text("limit_category", category_bytes_max);
    if (category && object.optional_text("age_band", word_bytes_max)) object.reject("age_band", ErrorCode::field_value);
    if (!category) return read_blank_category(object, birth, day, claim);
    const auto found = find_class(*category, day);
    if (!found) {
        const bool no_table = found.error() == ErrorCode::payments_care_month;
        return object.reject(no_table ? "care_day" : "limit_category", found.error());
    }
    claim.limit_class = *found;
    if (birth && !fits_age(found->category, *birth, day)) {
        object.reject("limit_category", ErrorCode::payments_category);
    }
}

void read_claim(JsonObject& object, const std::optional<Date>& day, const std::optional<Date>& birth, Claim& claim) {
    if (day) {
        claim.care_month = *day;
        read_category(object, birth, *day, claim);
    } else {  // known fields all the same
        static_cast<void>(object.optional_text("limit_category", category_bytes_max));
        static_cast<void>(object.optional_text("age_band", word_bytes_max));
    }
    const auto percent = object.integer("copay_percent", 10, 30);
    if (percent) claim.ratio = payments::Percent::from(*percent).value_or(payments::Percent());
    const auto setting = object.text("setting", setting_bytes_max);
    if (setting == to_string(payments::Setting::inpatient)) {
        claim.setting = payments::Setting::inpatient;
    } else if (setting != to_string(payments::Setting::outpatient)) {
        object.reject("setting", ErrorCode::field_value);
    }
    claim.many = read_many(object, day);
    const bool turns_75 = day && birth && half_limit_month(*birth) == day->first_of_month();
    claim.half_month = object.optional_boolean("half_month").value_or(turns_75);
    if (birth && claim.half_month && !turns_75) object.reject("half_month", ErrorCode::field_value);
    claim.relief = object.optional_boolean("relief").value_or(false);
    const auto cap = object.optional_integer("special_disease_cap", 0, payments::cost_yen_max);
    if (cap) claim.special_disease = Yen(*cap);
    object.objects("parts", payments::claim_parts_max, [&claim](JsonObject& part) {
        if (claim.part_count < payments::claim_parts_max) claim.parts[claim.part_count++] = read_part(part);
    });
}

// A day that is not behind the day of care, where that can be read.
std::optional<Date> read_birth(JsonObject& object, const std::optional<Date>& day) {
    const auto birth = object.optional_parsed("birth_date", 10, &parse_iso_date);
    if (birth && day && *birth > *day) {
        object.reject("birth_date", ErrorCode::field_value);
        return std::nullopt;
    }
    return birth;
}

// `birth`: of the request; the subsidy may name it in its place, and not another one.
void read_subsidy(JsonObject& object, const std::optional<Date>& day, std::optional<Date>& birth,
                  std::optional<EstimateSubsidy>& subsidy) {
    const auto municipality = object.parsed("municipality", 6, &payments::MunicipalityCode::parse);
    const auto law_code = object.integer("law_code", local_law_code_min, law_code_max);
    const auto own_birth = read_birth(object, day);
    const auto before = object.optional_integer("payments_before", 0, visits_a_month_max);
    const auto paid = object.optional_integer("paid_before", 0, payments::cost_yen_max);
    const auto income = object.optional_integer("income", 0, payments::cost_yen_max);
    if (birth && own_birth && *birth != *own_birth) object.reject("birth_date", ErrorCode::field_value);
    if (!birth) birth = own_birth;
    if (!birth) object.reject("birth_date", ErrorCode::field_missing);
    if (!municipality || !law_code || !birth) return;
    EstimateSubsidy asked{*municipality, static_cast<int>(*law_code), {}};
    asked.visit.birth = *birth;
    asked.visit.payments_before = static_cast<int>(before.value_or(0));
    asked.visit.paid_before = Yen(paid.value_or(0));
    if (income) asked.visit.income = Yen(*income);
    subsidy = asked;
}

void write_step(JsonWriter& writer, const payments::Step& step) {
    writer.begin_object();
    writer.member("rule", payments::to_string(step.rule));
    if (step.part != 0) writer.member("part", step.part);
    if (step.payer != 0) writer.member("payer", step.payer);
    if (step.percent > payments::Percent()) writer.member("percent", step.percent.value());
    writer.member("of", step.of.value());
    writer.member("amount", step.amount.value());
    writer.member("basis", payments::legal_basis(payments::builtin_tables(), step));
    writer.begin_object("sentences");
    writer.member("ja", payments::sentence(step, Language::ja, payments::Wording::ordinary));
    writer.member("ja_easy", payments::sentence(step, Language::ja, payments::Wording::easy));
    writer.member("en", payments::sentence(step, Language::en, payments::Wording::ordinary));
    writer.end_object();
    writer.end_object();
}

}  // namespace

Result<EstimateRequest> parse_estimate(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    EstimateRequest request;
    auto read = document->read([&request](JsonObject& object) {
        const auto day = object.parsed("care_day", 10, &parse_iso_date);
        auto birth = read_birth(object, day);
        object.optional_object("subsidy",
                               [&](JsonObject& subsidy) { read_subsidy(subsidy, day, birth, request.subsidy); });
        read_claim(object, day, birth, request.claim);
        if (day && birth) request.ratio_suspect = is_suspect(request.claim, *birth, category_code(object));
    });
    if (!read) return fail(std::move(read));
    if (request.subsidy) {
        for (const auto& part : request.claim.list()) {
            const bool twice = std::ranges::find(part.list(), request.subsidy->law_code, &payments::PayerUse::code) !=
                               part.list().end();
            if (twice) return fail(ErrorCode::payments_parts, "the subsidy is a payer of a part too");
        }
        request.subsidy->visit.day = request.claim.care_month;
        request.subsidy->visit.setting = request.claim.setting;
    }
    return request;
}

std::string write_estimate(const payments::LimitTable& table, const payments::Claim& claim,
                           const payments::ClaimResult& result, const payments::Steps& steps,
                           const std::optional<payments::SubsidyResult>& subsidy) {
    const auto rounding = result.limited ? payments::Rounding::exact : payments::Rounding::to_ten_yen;
    const Yen collected = subsidy ? subsidy->patient : payments::counter_amount(result.patient_total, rounding);
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.payment_estimate/1");
    writer.member("limit_table", table.name);
    if (!claim.blank_category) {
        const auto [category, step] = claim.limit_class;
        std::string name(payments::category_name(payments::builtin_tables(), category));
        if (step != 0) name += std::to_string(step);
        writer.member("limit_category", name);
    }
    writer.member("patient_total", result.patient_total.value());
    writer.member("counter_amount", collected.value());
    writer.member("insurer_total", result.insurer_total.value());
    writer.member("payers_total", result.payers_total.value());
    if (subsidy) {
        writer.begin_object("subsidy");
        writer.member("answer", to_string(subsidy->answer));
        writer.member("patient", subsidy->patient.value());
        writer.member("refund_later", subsidy->refund_later.value());
        writer.member("subsidy", subsidy->subsidy.value());
        writer.end_object();
    }
    writer.begin_array("parts");
    for (std::size_t i = 0; i < result.part_count; ++i) {
        writer.begin_object();
        writer.member("insurer", result.parts[i].insurer.value());
        writer.member("payers", result.parts[i].payers.value());
        writer.member("patient", result.parts[i].patient.value());
        writer.end_object();
    }
    writer.end_array();
    writer.begin_array("steps");
    for (const auto& step : steps.list()) write_step(writer, step);
    writer.end_array();
    if (steps.left_out() > 0) writer.member("steps_left_out", static_cast<std::int64_t>(steps.left_out()));
    writer.end_object();
    return body;
}

}  // namespace onshi::api
