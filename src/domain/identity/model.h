#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::identity {

// Protection of persons in danger (domain-rules §2.8). Neither flag may be seen in an answer, a metric or a log.
struct Protection {
    bool exchange_history_hidden = false;   // 不開示該当フラグ
    bool self_information_blocked = false;  // 自己情報提供不可フラグ
    bool operator==(const Protection&) const = default;
};

// What the system holds of a person. `name` is the registered form with its variation selectors, never damaged.
struct Person {
    PersonKey key{0};
    std::string name;
    std::string kana;  // empty when none is registered
    Date birth;
    Sex sex = Sex::unset;
    std::string address;  // never in a by-number answer
    Protection protection;
    bool operator==(const Person&) const = default;
};

// The compact form stored in `person` and in `person_now`. nullopt for bytes of another form.
[[nodiscard]] std::string pack(const Person& person);
[[nodiscard]] std::optional<Person> unpack(PersonKey key, std::string_view bytes);

}  // namespace onshi::identity
