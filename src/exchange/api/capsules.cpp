#include "exchange/api/capsules.h"

#include "base/bytes.h"
#include "domain/audit/rules.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

std::string write_capsule(const eligibility::GivenAnswer& given, const std::optional<IssuedCapsule>& capsule,
                          std::uint64_t receipt_key) {
    const auto& verdict = given.answer.verdict;
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.capsule/1");
    writer.member("receipt", audit::to_receipt(given.position.lane, given.position.sequence, receipt_key));
    writer.begin_object("result");
    writer.member("code", static_cast<int>(verdict.result));
    writer.member("name", to_string(verdict.result));
    if (verdict.cause) writer.member("cause", to_string(*verdict.cause));
    writer.end_object();
    if (capsule) {
        writer.begin_object("capsule");
        writer.member("text", capsule->text);
        writer.member("key_id", to_hex(as_bytes(capsule->key_id)));
        writer.member("expires_at", to_rfc3339(capsule->expires_at));
        writer.end_object();
    }
    writer.end_object();
    return body;
}

std::string write_capsule_trust(std::string_view list) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("schema", "onshi.capsule_trust/1");
    writer.member("list", list);
    writer.end_object();
    return body;
}

}  // namespace onshi::api
