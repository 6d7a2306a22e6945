#include "terminal/card_messages.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/after_check.h"
#include "terminal/hub_link.h"

namespace onshi::terminal {

namespace {

using kiosk::CheckResult;
using kiosk::Code;

// Health check results are offered from this age on (ux §2.5).
constexpr std::int64_t checkups_from_age = 40;

bool has_code(const std::vector<JsonItem>& items, std::string_view code) {
    return std::ranges::any_of(items, [&](const JsonItem& item) { return item.text("code") == code; });
}

kiosk::Input not_valid(Code code) {
    kiosk::Input input;
    input.event = kiosk::Event::checked;
    input.result = CheckResult::not_valid;
    input.code = code;
    return input;
}

std::vector<consent::Item> items_of(kiosk::Item item) {
    switch (item) {
        case kiosk::Item::surgery: return {consent::Item::surgery};
        case kiosk::Item::care_and_medicine: return {consent::Item::medicines, consent::Item::visits};
        case kiosk::Item::checkups: return {consent::Item::checkups};
        case kiosk::Item::specified_disease: return {consent::Item::specific_disease};
    }
    return {};
}

}  // namespace

std::string check_body(const SignedCheck& check, std::string_view certificate) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("check_id", check.id.text());
    writer.member("challenge", check.challenge);
    writer.member("purpose", eligibility::to_string(check.purpose));
    writer.member("method", organisations::to_string(check.method));
    writer.member("care_day", to_iso(check.care_day));
    if (!check.operator_reference.empty()) writer.member("operator", check.operator_reference);
    if (!check.visual_reason.empty()) writer.member("visual_reason", check.visual_reason);
    if (!check.face_engine.empty()) writer.member("face_engine", check.face_engine);
    if (check.registers) writer.member("registration", "agreed");
    writer.begin_object("card");
    writer.member("authority_key_id", to_base64url(as_bytes(check.authority_key_id)));
    writer.member("serial", check.serial_hex);
    writer.end_object();
    writer.begin_object("signature");
    writer.member("algorithm", pki::to_string(check.algorithm));
    writer.member("value", to_base64url(as_bytes(check.signature)));
    writer.end_object();
    if (!certificate.empty()) writer.member("certificate", to_base64url(as_bytes(certificate)));
    writer.end_object();
    return body;
}

std::string challenge_body(eligibility::Purpose purpose, std::size_t count) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("purpose", eligibility::to_string(purpose));
    writer.member("count", static_cast<std::int64_t>(count));
    writer.end_object();
    return body;
}

Result<std::vector<std::string>> read_challenges(std::string_view answer) {
    auto view = JsonView::parse(answer);
    if (!view) return fail(std::move(view));
    std::vector<std::string> challenges;
    for (const auto& item : view->root().objects("challenges")) {
        if (!item.text("challenge").empty()) challenges.emplace_back(item.text("challenge"));
    }
    if (challenges.empty()) return fail(ErrorCode::peer_protocol, "no challenge came");
    return challenges;
}

std::vector<consent::ItemChoice> choices_of(const kiosk::Session& session) {
    std::vector<kiosk::Item> asked = session.offered;
    if (session.specified) asked.push_back(kiosk::Item::specified_disease);
    std::vector<consent::ItemChoice> choices;
    for (const kiosk::Item question : asked) {
        const bool agreed = session.choices.agreed[static_cast<std::size_t>(question)];
        for (const consent::Item item : items_of(question)) {
            choices.push_back({item, agreed ? consent::Choice::agreed : consent::Choice::refused});
        }
    }
    return choices;
}

kiosk::Input checked_input(JsonItem answer) {
    const JsonItem result = answer.object("result");
    const std::string_view cause = result.text("cause");
    const bool offered = has_code(answer.objects("next"), "next.register_card");
    if (cause == "cause.card_not_registered" && offered) {
        kiosk::Input input;
        input.event = kiosk::Event::checked;
        input.result = CheckResult::not_registered;
        return input;
    }
    if (result.text("name") != "valid") {
        if (cause == "cause.lapsed" || cause == "cause.newer_coverage") return not_valid(Code::lapsed);
        if (cause == "cause.withheld") return not_valid(Code::suspended_record);
        if (cause == "cause.card_not_registered") return not_valid(Code::not_registered);
        return not_valid(Code::nothing_known);
    }
    kiosk::Input input;
    input.event = kiosk::Event::checked;
    const auto notes = answer.objects("notes");
    if (has_code(notes, "note.certificate_grace")) {
        input.result = CheckResult::grace;
    } else if (has_code(notes, "note.certificate_expires_soon")) {
        input.result = CheckResult::expires_soon;
    }
    input.medical_data = answer.object("medical_data").boolean("available").value_or(false);
    input.forty_or_older = answer.object("person").integer("age").value_or(0) >= checkups_from_age;
    input.specified_certificate = answer.boolean("specific_disease_certificate").value_or(false);
    for (auto& offer : subsidy_offers(answer)) input.programmes.push_back(std::move(offer.name));
    return input;
}

std::optional<kiosk::Input> refused_input(ErrorCode code) {
    if (means_away(code)) return std::nullopt;
    switch (code) {
        case ErrorCode::card_suspended:
        case ErrorCode::card_revoked:
        case ErrorCode::card_renewed:
        case ErrorCode::card_expired:
        case ErrorCode::card_not_issued:
        case ErrorCode::card_authority_unknown: {
            kiosk::Input input;
            input.event = kiosk::Event::checked;
            input.result = CheckResult::certificate_dead;
            return input;
        }
        case ErrorCode::account_unknown:
        case ErrorCode::account_visual_budget:
        case ErrorCode::method_not_allowed: return not_valid(Code::visual_refused);
        default: return not_valid(Code::nothing_known);
    }
}

std::vector<std::string> differences(JsonItem told, JsonItem later) {
    std::vector<std::string> found;
    if (later.object("result").text("name") != "valid") return {"result"};
    const JsonItem before = told.object("coverage");
    const JsonItem now = later.object("coverage");
    if (!before.exists()) return found;
    if (before.object("insurer").text("number") != now.object("insurer").text("number")) found.emplace_back("insurer");
    constexpr std::array members{"symbol", "number", "branch", "relation", "valid_to", "limit_category"};
    for (const char* member : members) {
        if (before.text(member) != now.text(member)) found.emplace_back(member);
    }
    if (before.integer("copay_percent") != now.integer("copay_percent")) found.emplace_back("copay_percent");
    return found;
}

}  // namespace onshi::terminal
