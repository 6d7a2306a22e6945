#include "domain/payments/model_certificates.h"

#include "base/bytes.h"
#include "base/ensure.h"

namespace onshi::payments {

namespace {

constexpr std::uint8_t layout = 1;
enum class Kind : std::uint8_t { limit = 1, disease = 2, subsidy = 3 };

constexpr std::uint8_t has_cap_bit = 1;
constexpr std::uint8_t has_income_bit = 2;
constexpr std::uint8_t refund_only_bit = 4;

void write_day(ByteWriter& writer, Date day) {
    writer.u32(static_cast<std::uint32_t>(day.days()));
}

std::optional<Date> read_day(ByteReader& reader) {
    return Date::from_days(static_cast<std::int32_t>(reader.u32()));
}

std::optional<DateRange> read_range(ByteReader& reader) {
    const auto first = read_day(reader);
    const auto last = read_day(reader);
    if (!first || !last) return std::nullopt;
    return DateRange{*first, *last};
}

void write_range(ByteWriter& writer, const DateRange& range) {
    write_day(writer, range.first);
    write_day(writer, range.last);
}

void write_head(ByteWriter& writer, Kind kind, CertificateKey key, CertificateState state) {
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.i64(key.value());
    writer.u8(static_cast<std::uint8_t>(state));
}

void write(ByteWriter& writer, const LimitCertificate& c) {
    write_head(writer, Kind::limit, c.key, c.state);
    writer.i64(c.insurer.to_key());
    writer.u8(static_cast<std::uint8_t>(c.kind));
    write_day(writer, c.issued_on);
    write_range(writer, c.valid);
    writer.u8(c.long_term_on ? 1 : 0);
    if (c.long_term_on) write_day(writer, *c.long_term_on);
}

void write(ByteWriter& writer, const SpecificDiseaseCertificate& c) {
    write_head(writer, Kind::disease, c.key, c.state);
    writer.i64(c.insurer.to_key());
    writer.u8(static_cast<std::uint8_t>(c.disease));
    write_day(writer, c.issued_on);
    write_range(writer, c.valid);
    writer.varint(static_cast<std::uint64_t>(c.monthly_cap.value()));
}

void write(ByteWriter& writer, const SubsidyCertificate& c) {
    write_head(writer, Kind::subsidy, c.key, c.state);
    writer.i64(c.payer.to_key());
    writer.text(c.recipient);
    writer.text(c.name);
    writer.i64(c.municipality.to_key());
    write_range(writer, c.valid);
    const unsigned flags =
        (c.monthly_cap ? has_cap_bit : 0U) | (c.income ? has_income_bit : 0U) | (c.refund_only ? refund_only_bit : 0U);
    writer.u8(static_cast<std::uint8_t>(flags));
    if (c.monthly_cap) writer.varint(static_cast<std::uint64_t>(c.monthly_cap->value()));
    if (c.income) writer.u8(static_cast<std::uint8_t>(*c.income));
}

bool is_state(std::uint8_t state) {
    return state == static_cast<std::uint8_t>(CertificateState::active) ||
           state == static_cast<std::uint8_t>(CertificateState::cancelled);
}

bool read_limit(ByteReader& reader, CertificateKey key, CertificateState state, Holdings& into) {
    const auto insurer = InsurerNumber::from_key(reader.i64());
    const std::uint8_t kind = reader.u8();
    const auto issued_on = read_day(reader);
    const auto valid = read_range(reader);
    std::optional<Date> long_term_on;
    if (reader.u8() == 1) {
        long_term_on = read_day(reader);
        if (!long_term_on) return false;
    }
    if (!reader.ok() || !insurer || !issued_on || !valid || kind < 1 || kind > 3) return false;
    into.limits.push_back(
        {key, state, *insurer, static_cast<LimitCertificateKind>(kind), *issued_on, *valid, long_term_on});
    return true;
}

bool read_disease(ByteReader& reader, CertificateKey key, CertificateState state, Holdings& into) {
    const auto insurer = InsurerNumber::from_key(reader.i64());
    const std::uint8_t disease = reader.u8();
    const auto issued_on = read_day(reader);
    const auto valid = read_range(reader);
    const Yen cap(static_cast<std::int64_t>(reader.varint()));
    if (!reader.ok() || !insurer || !issued_on || !valid || disease < 1 || disease > 3) return false;
    if (cap < Yen(0) || cap > Yen(cost_yen_max)) return false;
    into.diseases.push_back({key, state, *insurer, static_cast<SpecificDisease>(disease), *issued_on, *valid, cap});
    return true;
}

bool read_subsidy(ByteReader& reader, CertificateKey key, CertificateState state, Holdings& into) {
    const auto payer = PublicPayerNumber::from_key(reader.i64());
    const std::string_view recipient = reader.text();
    const std::string_view name = reader.text();
    const auto municipality = MunicipalityCode::from_key(reader.i64());
    const auto valid = read_range(reader);
    const std::uint8_t flags = reader.u8();
    std::optional<Yen> cap;
    std::optional<IncomeClass> income;
    if ((flags & has_cap_bit) != 0) cap = Yen(static_cast<std::int64_t>(reader.varint()));
    if ((flags & has_income_bit) != 0) {
        const std::uint8_t value = reader.u8();
        if (value > static_cast<std::uint8_t>(IncomeClass::upper)) return false;
        income = static_cast<IncomeClass>(value);
    }
    if (!reader.ok() || !payer || !municipality || !valid) return false;
    if (cap && (*cap < Yen(0) || *cap > Yen(cost_yen_max))) return false;
    into.subsidies.push_back({key, state, *payer, std::string(recipient), std::string(name), *municipality, *valid, cap,
                              income, (flags & refund_only_bit) != 0});
    return true;
}

bool read_one(ByteReader& reader, Holdings& into) {
    if (into.size() == certificates_per_person_max) return false;
    const std::uint8_t kind = reader.u8();
    const CertificateKey key(reader.i64());
    const std::uint8_t state = reader.u8();
    if (!reader.ok() || !is_state(state)) return false;
    const auto known = static_cast<CertificateState>(state);
    switch (static_cast<Kind>(kind)) {
        case Kind::limit: return read_limit(reader, key, known, into);
        case Kind::disease: return read_disease(reader, key, known, into);
        case Kind::subsidy: return read_subsidy(reader, key, known, into);
    }
    return false;
}

template <class Certificate>
std::string pack_one(const Certificate& certificate) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    write(writer, certificate);
    return bytes;
}

// Of the five digits before it: weights 6 5 4 3 2, modulus 11, the last digit of 11 minus the remainder.
}  // namespace

std::string pack(const LimitCertificate& certificate) {
    return pack_one(certificate);
}
std::string pack(const SpecificDiseaseCertificate& certificate) {
    return pack_one(certificate);
}
std::string pack(const SubsidyCertificate& certificate) {
    return pack_one(certificate);
}

std::string pack_all(const Holdings& holdings) {
    ENSURE(holdings.size() <= certificates_per_person_max);
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    writer.varint(holdings.size());
    for (const auto& each : holdings.limits) write(writer, each);
    for (const auto& each : holdings.diseases) write(writer, each);
    for (const auto& each : holdings.subsidies) write(writer, each);
    return bytes;
}

std::optional<Holdings> unpack_holdings(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    Holdings holdings;
    if (reader.u8() != layout) return std::nullopt;
    const std::uint64_t count = reader.varint();
    if (!reader.ok() || count > certificates_per_person_max) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!read_one(reader, holdings)) return std::nullopt;
    }
    return reader.ok() && reader.at_end() ? std::optional(std::move(holdings)) : std::nullopt;
}

bool unpack_into(std::string_view bytes, Holdings& holdings) {
    ByteReader reader(as_bytes(bytes));
    return reader.u8() == layout && read_one(reader, holdings) && reader.ok() && reader.at_end();
}

}  // namespace onshi::payments
