#include "domain/identity/number_vault.h"

#include <algorithm>

#include <fmt/format.h>

namespace onshi::identity {

namespace {

std::string associated(PersonKey person, std::int64_t key_id) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.text("individual_number");
    writer.i64(person.value());
    writer.i64(key_id);
    return bytes;
}

}  // namespace

NumberTag NumberVault::tag(IndividualNumber number) const {
    const auto bytes = number.bytes();
    const Sha256 mac = tag_key_.mac(Bytes(bytes));
    NumberTag tag{};
    std::copy_n(mac.begin(), tag.size(), tag.begin());
    return tag;
}

Result<std::string> NumberVault::seal(PersonKey person, IndividualNumber number, Random& random) const {
    const auto bytes = number.bytes();
    return seal_key_.seal(Bytes(bytes), as_bytes(associated(person, seal_key_id_)), random);
}

Result<IndividualNumber> NumberVault::open(PersonKey person, std::string_view sealed) const {
    auto opened = seal_key_.open(as_bytes(sealed), as_bytes(associated(person, seal_key_id_)));
    if (!opened) return fail(std::move(opened));
    std::uint64_t value = 0;
    for (const std::uint8_t b : opened->bytes()) value = value << 8U | b;
    return IndividualNumber::parse(fmt::format("{:012}", value));
}

}  // namespace onshi::identity
