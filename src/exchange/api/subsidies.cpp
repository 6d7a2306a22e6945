#include "exchange/api/subsidies.h"

#include <array>

#include "domain/audit/rules.h"
#include "domain/payments/rules_explanation.h"
#include "exchange/api/certificates.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

using eligibility::CapState;
using eligibility::ChosenSubsidy;
using eligibility::PaymentPosted;
using payments::Yen;

constexpr std::size_t setting_bytes_max = 16;
constexpr auto offer_max = static_cast<std::int64_t>(payments::certificates_per_person_max);

void write_cap(JsonWriter& writer, const CapState& state) {
    writer.begin_object("cap_book");
    writer.member("month", to_iso(state.month).substr(0, 7));
    writer.member("cap", state.cap.value());
    writer.member("paid", state.paid.value());
    writer.member("remaining", state.remaining.value());
    writer.end_object();
}

void write_optional(JsonWriter& writer, std::string_view name, const std::optional<Yen>& amount) {
    if (amount) writer.member(name, amount->value());
}

void write_ordinance(JsonWriter& writer, const ChosenSubsidy& subsidy) {
    if (subsidy.ordinance == nullptr) return;
    const auto& terms = subsidy.ordinance->terms;
    writer.begin_object("ordinance");
    writer.member("name", subsidy.ordinance->name);
    writer.member("answer", to_string(subsidy.answer));
    writer.member("payment", terms.payment == payments::SubsidyPayment::in_kind ? "in_kind" : "refund");
    write_optional(writer, "fee_per_visit", terms.fee_per_visit);
    write_optional(writer, "monthly_cap", terms.monthly_cap);
    if (terms.payments_per_month) writer.member("payments_per_month", *terms.payments_per_month);
    writer.end_object();
}

void write_chosen(JsonWriter& writer, const ChosenSubsidy& subsidy) {
    const auto& certificate = subsidy.certificate;
    writer.begin_object();
    writer.member("offer", subsidy.offer);
    writer.member("name", certificate.name);
    writer.member("payer_number", certificate.payer.text());
    writer.member("recipient_number", certificate.recipient);
    writer.member("municipality", certificate.municipality.text());
    writer.member("valid_from", to_iso(certificate.valid.first));
    if (!certificate.valid.is_open_ended()) writer.member("valid_to", to_iso(certificate.valid.last));
    write_optional(writer, "monthly_cap", certificate.monthly_cap);
    if (certificate.income) writer.member("income_class", to_string(*certificate.income));
    writer.member("refund_only", certificate.refund_only);
    write_ordinance(writer, subsidy);
    if (subsidy.book) write_cap(writer, *subsidy.book);
    writer.end_object();
}

void write_sentences(JsonWriter& writer, const payments::Step& step) {
    writer.begin_object("sentences");
    writer.member("ja", payments::sentence(step, Language::ja, payments::Wording::ordinary));
    writer.member("ja_easy", payments::sentence(step, Language::ja, payments::Wording::easy));
    writer.member("en", payments::sentence(step, Language::en, payments::Wording::ordinary));
    writer.end_object();
}

// The patient is told when the ceiling is passed, or may be: nothing comes back without applying for it (§3.10).
void write_year(JsonWriter& writer, std::string_view name, Date from, const payments::YearBalance& year) {
    writer.begin_object(name);
    writer.member("from", to_iso(from));
    writer.member("paid", year.paid.value());
    write_optional(writer, "ceiling", year.ceiling);
    write_optional(writer, "lowest_ceiling", year.lowest_ceiling);
    writer.member("refund", year.refund.value());
    writer.member("refund_at_most", year.refund_at_most.value());
    if (year.passed()) {
        write_sentences(writer, {.rule = payments::Rule::annual_ceiling, .of = year.paid, .amount = *year.ceiling});
    } else if (year.perhaps_passed()) {
        write_sentences(
            writer, {.rule = payments::Rule::annual_ceiling_perhaps, .of = year.paid, .amount = *year.lowest_ceiling});
    }
    writer.end_object();
}

}  // namespace

Result<std::vector<int>> parse_subsidy_choice(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::vector<int> offers;
    auto read = document->read([&](JsonObject& object) {
        const bool none = object.optional_boolean("none").value_or(false);
        object.optional_objects("chosen", payments::certificates_per_person_max, [&](JsonObject& entry) {
            const auto offer = entry.integer("offer", 1, offer_max);
            if (!offer) return;
            for (const int known : offers) {
                if (known == *offer) entry.reject("offer", ErrorCode::field_value);
            }
            offers.push_back(static_cast<int>(*offer));
        });
        // That nothing is used is said, not left out by mistake.
        if (none == !offers.empty()) object.reject("none", ErrorCode::field_value);
    });
    if (!read) return fail(std::move(read));
    return offers;
}

std::string write_subsidies_chosen(const eligibility::SubsidiesChosen& told, std::uint64_t receipt_key) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.subsidies/1");
    writer.member("receipt", audit::to_receipt(told.position.lane, told.position.sequence, receipt_key));
    writer.begin_array("chosen");
    for (const auto& subsidy : told.chosen) write_chosen(writer, subsidy);
    writer.end_array();
    write_place(writer, told.position);
    writer.end_object();
    return body;
}

Result<eligibility::PaymentToPost> parse_payment(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<CheckId> id;
    std::optional<int> offer;
    auto setting = payments::Setting::outpatient;
    Yen share;
    auto read = document->read([&](JsonObject& object) {
        id = object.parsed("posting_id", 36, &CheckId::parse);
        const auto number = object.optional_integer("offer", 1, offer_max);
        if (number) offer = static_cast<int>(*number);
        const auto word = object.text("setting", setting_bytes_max);
        if (word == to_string(payments::Setting::inpatient)) {
            setting = payments::Setting::inpatient;
        } else if (word != to_string(payments::Setting::outpatient)) {
            object.reject("setting", ErrorCode::field_value);
        }
        share = Yen(object.integer("share", 0, payments::cost_yen_max).value_or(0));
    });
    if (!read) return fail(std::move(read));
    return eligibility::PaymentToPost{*id, offer, setting, share};
}

Result<CheckId> parse_payment_reversal(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<CheckId> id;
    auto read = document->read([&](JsonObject& object) { id = object.parsed("posting_id", 36, &CheckId::parse); });
    if (!read) return fail(std::move(read));
    return *id;
}

std::string write_payment(const CheckId& id, const PaymentPosted& told, std::uint64_t receipt_key) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.payment/1");
    writer.member("receipt", audit::to_receipt(told.position.lane, told.position.sequence, receipt_key));
    writer.member("posting_id", id.text());
    writer.member("collect", told.collect.value());
    writer.member("reversed", told.reversed);
    if (told.book) {
        write_cap(writer, *told.book);
        // What the book left before this payment.
        const Yen before = told.book->remaining + (told.reversed ? Yen(0) : told.collect);
        write_sentences(writer, {.rule = payments::Rule::cap_book, .of = before, .amount = told.collect});
    }
    const auto& year = told.year;
    write_year(writer, "year", year.from, year.all);
    if (year.outpatient.lowest_ceiling) write_year(writer, "outpatient_year", year.from, year.outpatient);
    write_place(writer, told.position);
    writer.end_object();
    return body;
}

}  // namespace onshi::api
