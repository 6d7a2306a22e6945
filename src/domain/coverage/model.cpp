#include "domain/coverage/model.h"

#include "base/bytes.h"
#include "base/ensure.h"

namespace onshi::coverage {

namespace {

constexpr std::uint8_t layout = 1;
constexpr std::uint8_t no_branch = 255;
constexpr std::uint8_t no_ratio = 255;
constexpr std::uint8_t health_held_bit = 0x80;  // beside the state

void write(ByteWriter& writer, const Coverage& c) {
    writer.i64(c.key.value());
    writer.i64(c.insurer.to_key());
    writer.text(c.symbol);
    writer.text(c.number);
    writer.u8(c.branch ? static_cast<std::uint8_t>(c.branch->value()) : no_branch);
    writer.u8(static_cast<std::uint8_t>(c.relation));
    writer.u32(static_cast<std::uint32_t>(c.acquired_on.days()));
    writer.u32(static_cast<std::uint32_t>(c.valid_to.days()));
    writer.u8(static_cast<std::uint8_t>(c.loss_reason));
    const unsigned held = c.health_data_held ? health_held_bit : 0U;
    writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(c.state) | held));
    writer.u8(c.copay_percent ? static_cast<std::uint8_t>(*c.copay_percent) : no_ratio);
    writer.text(c.limit_category);
    writer.u8(static_cast<std::uint8_t>(c.kind));
    writer.u32(static_cast<std::uint32_t>(c.file_day.days()));
    writer.varint(static_cast<std::uint64_t>(c.known_from));
}

std::optional<Date> read_date(ByteReader& reader) {
    return Date::from_days(static_cast<std::int32_t>(reader.u32()));
}

std::optional<Coverage> read(ByteReader& reader) {
    const CoverageKey key(reader.i64());
    const auto insurer = InsurerNumber::from_key(reader.i64());
    if (!insurer) return std::nullopt;
    Coverage c{.key = key,
               .insurer = *insurer,
               .symbol = {},
               .number = {},
               .branch = {},
               .acquired_on = {},
               .copay_percent = {},
               .limit_category = {},
               .file_day = {}};
    c.symbol = reader.text();
    c.number = reader.text();
    const std::uint8_t branch = reader.u8();
    if (branch != no_branch) c.branch = BranchNumber::from_value(branch);
    c.relation = static_cast<Relation>(reader.u8());
    const auto acquired_on = read_date(reader);
    const auto valid_to = read_date(reader);
    c.loss_reason = static_cast<LossReason>(reader.u8());
    const std::uint8_t state = reader.u8();
    c.health_data_held = (state & health_held_bit) != 0;
    c.state = static_cast<State>(state & ~unsigned{health_held_bit});
    const std::uint8_t ratio = reader.u8();
    if (ratio != no_ratio) c.copay_percent = ratio;
    c.limit_category = reader.text();
    c.kind = static_cast<CertificateKind>(reader.u8());
    const auto file_day = read_date(reader);
    c.known_from = static_cast<std::int64_t>(reader.varint());
    if (!reader.ok() || !acquired_on || !valid_to || !file_day) return std::nullopt;
    if (c.state < State::active || c.state > State::void_) return std::nullopt;
    c.acquired_on = *acquired_on;
    c.valid_to = *valid_to;
    c.file_day = *file_day;
    return c;
}

}  // namespace

std::string pack(const Coverage& coverage) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    write(writer, coverage);
    return bytes;
}

std::optional<Coverage> unpack(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    if (reader.u8() != layout) return std::nullopt;
    auto coverage = read(reader);
    if (!reader.at_end()) return std::nullopt;
    return coverage;
}

std::string pack_all(const std::vector<Coverage>& coverages) {
    ENSURE(coverages.size() <= coverages_per_person_max);
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    writer.varint(coverages.size());
    for (const auto& coverage : coverages) write(writer, coverage);
    return bytes;
}

std::optional<std::vector<Coverage>> unpack_all(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    if (reader.u8() != layout) return std::nullopt;
    const std::uint64_t count = reader.varint();
    if (!reader.ok() || count > coverages_per_person_max) return std::nullopt;
    std::vector<Coverage> coverages;
    coverages.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        auto coverage = read(reader);
        if (!coverage) return std::nullopt;
        coverages.push_back(std::move(*coverage));
    }
    if (!reader.at_end()) return std::nullopt;
    return coverages;
}

}  // namespace onshi::coverage
