#include "domain/identity/model_match.h"

#include "base/bytes.h"

namespace onshi::identity {

namespace {

constexpr std::uint8_t layout = 1;

void write(ByteWriter& writer, const std::string& name, const std::string& kana, const std::string& address, Date birth,
           Sex sex) {
    writer.u8(layout);
    writer.text(name);
    writer.text(kana);
    writer.text(address);
    writer.u32(static_cast<std::uint32_t>(birth.days()));
    writer.u8(static_cast<std::uint8_t>(sex));
}

template <class T>
bool read(ByteReader& reader, T& into) {
    if (reader.u8() != layout) return false;
    into.name = reader.text();
    into.kana = reader.text();
    into.address = reader.text();
    const auto birth = Date::from_days(static_cast<std::int32_t>(reader.u32()));
    const std::uint8_t sex = reader.u8();
    if (!reader.ok() || !birth || sex < 1 || sex > 3) return false;
    into.birth = *birth;
    into.sex = static_cast<Sex>(sex);
    return true;
}

}  // namespace

std::string pack(const Resident& resident) {
    std::string bytes;
    bytes.reserve(resident.name.size() + resident.kana.size() + resident.address.size() + 16);
    ByteWriter writer(bytes);
    write(writer, resident.name, resident.kana, resident.address, resident.birth, resident.sex);
    writer.u32(static_cast<std::uint32_t>(resident.deceased_on.days()));
    return bytes;
}

std::optional<Resident> unpack_resident(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    Resident resident;
    if (!read(reader, resident)) return std::nullopt;
    const auto deceased = Date::from_days(static_cast<std::int32_t>(reader.u32()));
    if (!reader.ok() || !reader.at_end() || !deceased) return std::nullopt;
    resident.deceased_on = *deceased;
    return resident;
}

std::string pack(const SentIdentity& sent) {
    std::string bytes;
    bytes.reserve(sent.name.size() + sent.kana.size() + sent.address.size() + 16);
    ByteWriter writer(bytes);
    write(writer, sent.name, sent.kana, sent.address, sent.birth, sent.sex);
    return bytes;
}

std::optional<SentIdentity> unpack_sent(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    SentIdentity sent;
    if (!read(reader, sent) || !reader.at_end()) return std::nullopt;
    return sent;
}

}  // namespace onshi::identity
