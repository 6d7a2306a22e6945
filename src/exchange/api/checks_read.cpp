// Requests of a check. Every field is read; what is wrong is reported together.
#include "exchange/api/checks.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

using eligibility::Purpose;
using eligibility::Registration;

template <class T>
T named(JsonObject& object, std::string_view name, std::optional<T> (*find)(std::string_view), T fallback) {
    const auto text = object.optional_text(name, 32);
    if (!text) return fallback;
    const auto value = find(*text);
    if (!value) object.reject(name, ErrorCode::field_value);
    return value.value_or(fallback);
}

std::optional<Registration> parse_registration(std::string_view name) {
    if (name == "agreed") return Registration::agreed;
    if (name == "declined") return Registration::declined;
    return std::nullopt;
}

// MN-2: free text and number fields; never the opaque echoes (challenge, check id, signature).
std::string guarded_text(JsonObject& object, std::string_view name, std::size_t bytes_max) {
    const auto text = object.optional_text(name, bytes_max);
    if (!text) return {};
    if (contains_individual_number(*text)) object.reject(name, ErrorCode::request_my_number);
    return std::string(*text);
}

CertificateSerial placeholder_serial() {
    return *CertificateSerial::parse_hex("01");
}
CheckId placeholder_id() {
    return *CheckId::parse("00000000-0000-4000-8000-000000000001");
}

void read_card(JsonObject& object, CardCheckMessage& message) {
    object.object("card", [&](JsonObject& card) {
        message.authority_key_id = card.base64url("authority_key_id", 64);
        const auto serial = card.parsed("serial", 40, &CertificateSerial::parse_hex);
        if (serial) message.check.serial = *serial;
    });
    object.object("signature", [&](JsonObject& signature) {
        message.check.algorithm =
            named(signature, "algorithm", &pki::parse_signature_algorithm, pki::SignatureAlgorithm::rsa_pkcs1_sha256);
        message.signature = signature.base64url("value", signature_bytes_max);
    });
    message.certificate = object.optional_base64url("certificate", certificate_bytes_max).value_or("");
}

}  // namespace

Result<std::unique_ptr<const CardCheckMessage>> parse_card_check(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    auto message = std::unique_ptr<CardCheckMessage>(new CardCheckMessage{.challenge = {},
                                                                          .operator_reference = {},
                                                                          .visual_reason = {},
                                                                          .face_engine = {},
                                                                          .authority_key_id = {},
                                                                          .signature = {},
                                                                          .certificate = {},
                                                                          .check = {.id = placeholder_id(),
                                                                                    .challenge = {},
                                                                                    .care_day = {},
                                                                                    .operator_reference = {},
                                                                                    .visual_reason = {},
                                                                                    .face_engine = {},
                                                                                    .authority_key_id = {},
                                                                                    .serial = placeholder_serial(),
                                                                                    .signature = {},
                                                                                    .certificate = {}}});
    auto& check = message->check;
    auto read = document->read([&](JsonObject& object) {
        const auto id = object.parsed("check_id", 36, &CheckId::parse);
        if (id) check.id = *id;
        message->challenge = object.text("challenge", 128);
        check.purpose = named(object, "purpose", &eligibility::parse_purpose, Purpose::check);
        check.method = named(object, "method", &organisations::parse_method, organisations::Method::pin);
        const auto care_day = object.parsed("care_day", 10, &parse_iso_date);
        if (care_day) check.care_day = *care_day;
        message->operator_reference = guarded_text(object, "operator", organisations::account_reference_max);
        message->visual_reason = guarded_text(object, "visual_reason", 200);
        message->face_engine = guarded_text(object, "face_engine", eligibility::face_engine_max);
        const bool by_eye = check.method == organisations::Method::visual;
        if (by_eye && message->operator_reference.empty()) object.reject("operator", ErrorCode::field_missing);
        if (by_eye && message->visual_reason.empty()) object.reject("visual_reason", ErrorCode::field_missing);
        const bool by_face = check.method == organisations::Method::face;
        if (by_face && message->face_engine.empty()) object.reject("face_engine", ErrorCode::field_missing);
        check.registration = named(object, "registration", &parse_registration, Registration::not_asked);
        read_card(object, *message);
    });
    if (!read) return fail(std::move(read));
    check.challenge = message->challenge;
    check.operator_reference = message->operator_reference;
    check.visual_reason = message->visual_reason;
    check.face_engine = message->face_engine;
    check.authority_key_id = message->authority_key_id;
    check.signature = message->signature;
    check.certificate = message->certificate;
    return std::unique_ptr<const CardCheckMessage>(std::move(message));
}

std::string write_card_check(const eligibility::CardCheck& check) {
    std::string body;
    body.reserve(1024 + check.certificate.size() * 4 / 3);
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("check_id", check.id.text());
    writer.member("challenge", check.challenge);
    writer.member("purpose", to_string(check.purpose));
    writer.member("method", to_string(check.method));
    writer.member("care_day", to_iso(check.care_day));
    if (!check.operator_reference.empty()) writer.member("operator", check.operator_reference);
    if (!check.visual_reason.empty()) writer.member("visual_reason", check.visual_reason);
    if (!check.face_engine.empty()) writer.member("face_engine", check.face_engine);
    if (check.registration != Registration::not_asked) {
        writer.member("registration", check.registration == Registration::agreed ? "agreed" : "declined");
    }
    writer.begin_object("card");
    writer.member("authority_key_id", to_base64url(as_bytes(check.authority_key_id)));
    writer.member("serial", check.serial.hex());
    writer.end_object();
    writer.begin_object("signature");
    writer.member("algorithm", pki::to_string(check.algorithm));
    writer.member("value", to_base64url(as_bytes(check.signature)));
    writer.end_object();
    if (!check.certificate.empty()) writer.member("certificate", to_base64url(as_bytes(check.certificate)));
    writer.end_object();
    return body;
}

Result<eligibility::NumberCheck> parse_number_check(std::string_view body, Date today) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<CheckId> id;
    std::optional<Date> care_day;
    std::optional<InsurerNumber> insurer;
    std::optional<InsuredSymbolNumber> insured;
    std::optional<BranchNumber> branch;
    std::optional<Date> birth;
    bool limit_consent = false;
    auto read = document->read([&](JsonObject& object) {
        id = object.parsed("check_id", 36, &CheckId::parse);
        care_day = object.parsed("care_day", 10, &parse_iso_date);
        const std::string insurer_text = guarded_text(object, "insurer_number", 16);
        if (insurer_text.empty()) {
            object.reject("insurer_number", ErrorCode::field_missing);
        } else {
            auto parsed = InsurerNumber::parse(insurer_text);
            if (parsed) insurer = *parsed;
            if (!parsed) object.reject("insurer_number", parsed.error().code);
        }
        const std::string symbol = guarded_text(object, "symbol", 80);
        const std::string number = guarded_text(object, "number", 80);
        auto parsed = InsuredSymbolNumber::parse(symbol, number);
        if (parsed) insured = std::move(*parsed);
        if (!parsed) object.reject("number", number.empty() ? ErrorCode::field_missing : parsed.error().code);
        branch = object.optional_parsed("branch", 8, &BranchNumber::parse);
        birth = object.parsed("birth_date", 10, &parse_iso_date);
        if (birth && *birth > today) object.reject("birth_date", ErrorCode::date_out_of_range);
        limit_consent = object.optional_boolean("limit_consent").value_or(false);
    });
    if (!read) return fail(std::move(read));
    return eligibility::NumberCheck{*id, *care_day, *insurer, std::move(*insured), branch, *birth, limit_consent};
}

Result<std::vector<consent::ItemChoice>> parse_consents(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::vector<consent::ItemChoice> choices;
    auto read = document->read([&](JsonObject& object) {
        object.objects("consents", consent::item_names.size(), [&](JsonObject& entry) {
            const auto item = consent::parse_item(entry.text("item", 32));
            if (!item) entry.reject("item", ErrorCode::field_value);
            const std::string_view choice = entry.text("choice", 16);
            if (choice != "agreed" && choice != "refused") entry.reject("choice", ErrorCode::field_value);
            if (!item) return;
            for (const auto& known : choices) {
                if (known.item == *item) entry.reject("item", ErrorCode::field_value);
            }
            choices.push_back({*item, choice == "agreed" ? consent::Choice::agreed : consent::Choice::refused});
        });
    });
    if (!read) return fail(std::move(read));
    return choices;
}

Result<ChallengeRequest> parse_challenge_request(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    ChallengeRequest request;
    auto read = document->read([&](JsonObject& object) {
        request.purpose = named(object, "purpose", &eligibility::parse_purpose, Purpose::check);
        const auto count =
            object.optional_integer("count", 1, static_cast<std::int64_t>(eligibility::challenges_per_request_max));
        if (count) request.count = static_cast<std::size_t>(*count);
    });
    if (!read) return fail(std::move(read));
    return request;
}

}  // namespace onshi::api
