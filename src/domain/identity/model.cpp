#include "domain/identity/model.h"

#include "base/bytes.h"

namespace onshi::identity {

namespace {

constexpr std::uint8_t layout = 1;
constexpr std::uint8_t history_hidden_bit = 1;
constexpr std::uint8_t blocked_bit = 2;

}  // namespace

std::string pack(const Person& person) {
    std::string bytes;
    bytes.reserve(person.name.size() + person.kana.size() + person.address.size() + 16);
    ByteWriter writer(bytes);
    writer.u8(layout);
    const unsigned flags = (person.protection.exchange_history_hidden ? history_hidden_bit : 0U) |
                           (person.protection.self_information_blocked ? blocked_bit : 0U);
    writer.u8(static_cast<std::uint8_t>(flags));
    writer.u32(static_cast<std::uint32_t>(person.birth.days()));
    writer.u8(static_cast<std::uint8_t>(person.sex));
    writer.text(person.name);
    writer.text(person.kana);
    writer.text(person.address);
    return bytes;
}

std::optional<Person> unpack(PersonKey key, std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    if (reader.u8() != layout) return std::nullopt;
    const std::uint8_t flags = reader.u8();
    const auto birth = Date::from_days(static_cast<std::int32_t>(reader.u32()));
    const std::uint8_t sex = reader.u8();
    Person person;
    person.key = key;
    person.protection = {(flags & history_hidden_bit) != 0, (flags & blocked_bit) != 0};
    person.name = reader.text();
    person.kana = reader.text();
    person.address = reader.text();
    if (!reader.ok() || !reader.at_end() || !birth || sex < 1 || sex > 3) return std::nullopt;
    person.birth = *birth;
    person.sex = static_cast<Sex>(sex);
    return person;
}

}  // namespace onshi::identity
