#pragma once

// Inside this folder only: how card image and card state are written in JSON.
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/result.h"
#include "platform/smartcard/card_image.h"

namespace onshi::smartcard {

// Reads members of one object and remembers the first thing that was wrong, so that a reader asks once at the end.
class JsonReader {
  public:
    // `what` names the object in error details. The object outlives the reader.
    JsonReader(const boost::json::object* object, std::string what) : object_(object), what_(std::move(what)) {
        if (object_ == nullptr) reject("");
    }
    [[nodiscard]] bool has(std::string_view member) const { return object_ != nullptr && object_->contains(member); }
    [[nodiscard]] std::string text(std::string_view member);
    [[nodiscard]] std::string digits(std::string_view member, std::size_t count);
    [[nodiscard]] SecretBytes secret(std::string_view member);
    [[nodiscard]] ByteVector base64(std::string_view member);
    [[nodiscard]] Date date(std::string_view member);
    // min…max.
    [[nodiscard]] unsigned number(std::string_view member, unsigned min, unsigned max);
    [[nodiscard]] JsonReader object(std::string_view member);
    void reject(std::string_view member);
    // Takes over the failure of a member's reader.
    void check(const JsonReader& inner) {
        if (ok() && !inner.ok()) error_ = inner.error_;
    }
    [[nodiscard]] bool ok() const { return error_.empty(); }
    [[nodiscard]] tl::unexpected<Error> failure() const { return fail(ErrorCode::card_image_malformed, error_); }

  private:
    [[nodiscard]] const boost::json::value* find(std::string_view member);
    const boost::json::object* object_;
    std::string what_;
    std::string error_;
};

// The object that the text holds. `card.image_malformed`.
[[nodiscard]] Result<boost::json::object> parse_json_object(std::string_view text, std::size_t bytes_max);

[[nodiscard]] boost::json::object credential_to_json(const StoredCredential& credential);
[[nodiscard]] StoredCredential credential_from_json(JsonReader& reader);

}  // namespace onshi::smartcard
