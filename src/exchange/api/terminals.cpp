#include "exchange/api/terminals.h"

#include "domain/audit/rules.h"
#include "exchange/api/values.h"
#include "platform/pki/certificate.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

constexpr std::size_t terminal_name_max = 64;
constexpr std::size_t request_der_max = 4096;
constexpr std::size_t terminal_id_max = 20;

template <class T>
std::uint32_t named_bits(JsonObject& object, std::string_view list, std::string_view field, std::size_t count_max,
                         std::optional<T> (*parse)(std::string_view)) {
    std::uint32_t bits = 0;
    object.objects(list, count_max, [&](JsonObject& entry) {
        const auto value = parse(entry.text(field, 32));
        if (!value) return entry.reject(field, ErrorCode::field_value);
        bits |= organisations::bit(*value);
    });
    return bits;
}

}  // namespace

Result<organisations::TerminalOrder> parse_terminal_order(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<FacilityCode> facility;
    std::optional<InsurerNumber> insurer;
    std::string name;
    std::uint32_t roles = 0;
    std::uint32_t methods = 0;
    auto read = document->read([&](JsonObject& object) {
        // Exactly one of the two; without either the facility is what is missing.
        insurer = object.optional_parsed("insurer", 8, &InsurerNumber::parse);
        facility = insurer ? object.optional_parsed("facility", 10, &FacilityCode::parse)
                           : object.parsed("facility", 10, &FacilityCode::parse);
        if (insurer && facility) object.reject("insurer", ErrorCode::field_unknown);
        name = object.text("name", terminal_name_max);
        if (contains_individual_number(name)) object.reject("name", ErrorCode::request_my_number);
        roles = named_bits(object, "roles", "role", 8, &organisations::parse_role);
        // An insurer's terminal checks nobody.
        if (!insurer) methods = named_bits(object, "methods", "method", 8, &organisations::parse_method);
    });
    if (!read) return fail(std::move(read));
    const auto kind = insurer ? organisations::Kind::insurer : organisations::Kind::facility;
    return organisations::TerminalOrder{kind, insurer ? insurer->to_key() : facility->to_key(), std::move(name), roles,
                                        methods};
}

std::string write_terminal_added(const organisations::TerminalAdded& added) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("terminal", added.terminal_id);
    writer.member("enrolment_code", added.code);
    writer.member("code_until", to_rfc3339(added.code_until));
    writer.end_object();
    return body;
}

Result<TerminalKey> parse_terminal_name(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<TerminalKey> key;
    auto read = document->read([&](JsonObject& object) {
        key = object.parsed("terminal", terminal_id_max, &organisations::parse_terminal_id);
    });
    if (!read) return fail(std::move(read));
    return *key;
}

std::string write_terminal_disabled(const organisations::TerminalDisabled& disabled) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("terminal", disabled.terminal_id);
    writer.member("state", "disabled");
    writer.member("changed", disabled.changed);
    writer.end_object();
    return body;
}

Result<EnrolRequest> parse_enrol_request(std::string_view body, EnrolKind kind) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    EnrolRequest request;
    auto read = document->read([&](JsonObject& object) {
        if (kind == EnrolKind::enrol) request.code = object.text("enrolment_code", 64);
        request.request_der = object.base64url("certificate_request", request_der_max);
    });
    if (!read) return fail(std::move(read));
    return request;
}

std::string write_terminal_enrolled(const organisations::TerminalEnrolled& enrolled, std::string_view hub_id) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("hub_id", hub_id);
    writer.member("facility", enrolled.terminal.organisation.code_text());
    writer.member("terminal", enrolled.terminal.id());
    writer.member("certificate", pki::to_pem(as_bytes(enrolled.certificate_der)));
    writer.member("certificate_until", to_rfc3339(enrolled.certificate_until));
    writer.end_object();
    return body;
}

Result<CardName> parse_card_name(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::string authority_key_id;
    std::optional<CertificateSerial> serial;
    auto read = document->read([&](JsonObject& object) {
        authority_key_id = object.base64url("authority_key_id", 64);
        serial = object.parsed("serial", 40, &CertificateSerial::parse_hex);
    });
    if (!read) return fail(std::move(read));
    return CardName{std::move(authority_key_id), *serial};
}

std::string write_suspension(const cards::SuspensionResult& result, std::uint64_t receipt_key) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("suspended", result.suspension.suspended);
    writer.member("since", to_rfc3339(result.suspension.since));
    writer.member("changed", result.position.sequence > 0);
    if (result.position.sequence > 0) {
        writer.member("receipt", audit::to_receipt(result.position.lane, result.position.sequence, receipt_key));
    }
    writer.end_object();
    return body;
}

}  // namespace onshi::api
