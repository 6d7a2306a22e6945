#include "platform/smartcard/image_json.h"

#include <algorithm>

#include "platform/smartcard/crypto.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace json = boost::json;

const json::value* JsonReader::find(std::string_view member) {
    const json::value* found = object_ == nullptr ? nullptr : object_->if_contains(member);
    if (found == nullptr) reject(member);
    return found;
}

void JsonReader::reject(std::string_view member) {
    if (ok()) error_ = what_ + (member.empty() ? " is missing or no object" : "." + std::string(member));
}

std::string JsonReader::text(std::string_view member) {
    const json::value* found = find(member);
    const json::string* value = found == nullptr ? nullptr : found->if_string();
    if (value == nullptr) {
        reject(member);
        return {};
    }
    return std::string(std::string_view(*value));
}

std::string JsonReader::digits(std::string_view member, std::size_t count) {
    auto value = text(member);
    if (value.size() != count || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; }))
        reject(member);
    return value;
}

SecretBytes JsonReader::secret(std::string_view member) {
    auto value = text(member);
    return SecretBytes::take(value);
}

ByteVector JsonReader::base64(std::string_view member) {
    auto bytes = from_base64(text(member));
    if (!bytes) {
        reject(member);
        return {};
    }
    return std::move(*bytes);
}

Date JsonReader::date(std::string_view member) {
    const auto day = parse_iso_date(text(member));
    if (!day) {
        reject(member);
        return {};
    }
    return *day;
}

unsigned JsonReader::number(std::string_view member, unsigned min, unsigned max) {
    const json::value* found = find(member);
    const std::int64_t* value = found == nullptr ? nullptr : found->if_int64();
    if (value == nullptr || *value < static_cast<std::int64_t>(min) || *value > static_cast<std::int64_t>(max)) {
        reject(member);
        return min;
    }
    return static_cast<unsigned>(*value);
}

JsonReader JsonReader::object(std::string_view member) {
    const json::value* found = find(member);
    return {found == nullptr ? nullptr : found->if_object(), what_ + "." + std::string(member)};
}

Result<json::object> parse_json_object(std::string_view text, std::size_t bytes_max) {
    if (text.size() > bytes_max) return fail(ErrorCode::card_image_malformed, "file longer than its limit");
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return fail(ErrorCode::card_image_malformed, "not a JSON object");
    return value.get_object();
}

json::object credential_to_json(const StoredCredential& credential) {
    if (credential.is_blocked()) return {{"blocked", true}};
    if (credential.is_clear()) return {{"clear_for_tests", as_text(credential.value())}};
    return {{"salt", to_base64(credential.salt())},
            {"iterations", credential.iterations()},
            {"hash", to_base64(credential.value())}};
}

StoredCredential credential_from_json(JsonReader& reader) {
    if (reader.has("blocked")) return StoredCredential::blocked();
    if (reader.has("clear_for_tests")) {
        const auto value = reader.secret("clear_for_tests");
        if (value.empty() || value.size() > pin_bytes_max) reader.reject("clear_for_tests");
        return StoredCredential::clear_for_tests(value.bytes());
    }
    const auto salt = reader.base64("salt");
    const auto hash = reader.base64("hash");
    auto credential = StoredCredential::from_hash(salt, reader.number("iterations", 1, pin_hash_iterations_max), hash);
    if (!credential) {
        reader.reject("hash");
        return StoredCredential::blocked();
    }
    return std::move(*credential);
}

}  // namespace onshi::smartcard
