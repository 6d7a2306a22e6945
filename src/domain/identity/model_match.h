#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::identity {

// The five data of a person as an insurer sent them (domain-rules §2.5). Holds personal data: never log it.
struct SentIdentity {
    std::string name;
    std::string kana;     // empty: not sent
    std::string address;  // empty: not sent
    Date birth;
    Sex sex = Sex::unset;
    bool operator==(const SentIdentity&) const = default;
};

// The same data as the resident register holds them.
struct Resident {
    std::string name;
    std::string kana;  // empty: none is registered
    std::string address;
    Date birth;
    Sex sex = Sex::unset;
    Date deceased_on = Date::open_end;
    bool operator==(const Resident&) const = default;
};

[[nodiscard]] std::string pack(const Resident& resident);
[[nodiscard]] std::optional<Resident> unpack_resident(std::string_view bytes);
[[nodiscard]] std::string pack(const SentIdentity& sent);
[[nodiscard]] std::optional<SentIdentity> unpack_sent(std::string_view bytes);

}  // namespace onshi::identity
