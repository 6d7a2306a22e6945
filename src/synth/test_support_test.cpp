#include "synth/test_support.h"

#include <fmt/format.h>

#include "synth/text.h"

namespace onshi::synth {

namespace {

void put(ByteWriter& out, Date day) {
    out.i64(day.days());
}

void put(ByteWriter& out, const PersonName& name) {
    for (const std::string_view part :
         {name.family, name.given, name.family_plain, name.given_plain, name.family_kana, name.given_kana}) {
        out.text(part);
    }
    out.u8(static_cast<std::uint8_t>(name.script));
    out.u8(static_cast<std::uint8_t>(name.glyphs));
}

void put(ByteWriter& out, const SyntheticAddress& address) {
    for (const std::uint32_t part :
         {std::uint32_t{address.municipality}, std::uint32_t{address.town}, std::uint32_t{address.chome},
          std::uint32_t{address.block}, std::uint32_t{address.house}, std::uint32_t{address.building},
          std::uint32_t{address.room}}) {
        out.varint(part);
    }
}

void put(ByteWriter& out, const SyntheticCoverage& record) {
    out.varint(record.insurer);
    std::string texts;
    append_symbol(record.identity, texts);
    texts += '|';
    append_number(record.identity, texts);
    out.text(texts);
    out.u8(record.identity.branch ? static_cast<std::uint8_t>(record.identity.branch->value()) : 255);
    for (const int code :
         {static_cast<int>(record.relation), static_cast<int>(record.state), static_cast<int>(record.certificate),
          static_cast<int>(record.loss_reason), static_cast<int>(record.copay_percent), static_cast<int>(record.limit),
          static_cast<int>(record.preschool), static_cast<int>(record.sent_name), static_cast<int>(record.sent_kana),
          static_cast<int>(record.sent_address), static_cast<int>(record.sent_sex)}) {
        out.u8(static_cast<std::uint8_t>(code));
    }
    for (const Date day : {record.valid.first, record.valid.last, record.known_on, record.loss_known_on,
                           record.cancelled_on, record.insurer_file_on, record.sent_birth_date}) {
        put(out, day);
    }
    out.u64(record.number_owner);
}

void put(ByteWriter& out, const SyntheticCertificate& certificate) {
    out.u8(certificate.ca_generation);
    out.u32(certificate.serial);
    put(out, certificate.issued_on);
    put(out, certificate.not_after);
}

void put(ByteWriter& out, const SyntheticCard& card) {
    put(out, card.certificate);
    out.u8(card.previous ? 1 : 0);
    if (card.previous) put(out, *card.previous);
    for (const int code : {static_cast<int>(card.status), static_cast<int>(card.revocation), static_cast<int>(card.use),
                           static_cast<int>(card.channel), static_cast<int>(card.key), static_cast<int>(card.pin_less),
                           static_cast<int>(card.pin_locked)}) {
        out.u8(static_cast<std::uint8_t>(code));
    }
    for (const Date day : {card.card_expires_on, card.status_since, card.registered_on, card.cancelled_on})
        put(out, day);
}

void put(ByteWriter& out, const Fault& fault) {
    out.u8(static_cast<std::uint8_t>(fault.kind));
    out.u8(fault.record);
    out.u8(fault.fields);
    out.i64(fault.days);
    put(out, fault.day);
    out.u64(fault.other);
}

bool has_fault(const SyntheticPerson& person, std::size_t record, std::initializer_list<FaultKind> kinds) {
    for (const Fault& fault : person.faults) {
        for (const FaultKind kind : kinds) {
            if (fault.record == record && fault.kind == kind) return true;
        }
    }
    return false;
}

std::string broken_record(const Nation& nation, const SyntheticPerson& person, std::size_t at) {
    const SyntheticCoverage& record = person.coverages[at];
    const SyntheticInsurer& insurer = nation.organisations().insurers()[record.insurer];
    const bool late_elderly = insurer.number.scheme() == InsurerScheme::late_elderly;
    if (record.valid.is_empty()) return "ends before it begins";
    if (record.valid.first < person.birth_date) return "begins before birth";
    if (record.valid.first < insurer.validity.first || insurer.validity.last < record.valid.first)
        return "insurer did not exist";
    if (record.known_on < Date::of(2021, 3, 4)) return "known before the registry existed";
    if (record.loss_known_on < record.known_on) return "loss known before the acquisition";
    if ((record.valid.last == Date::open_end) != (record.loss_known_on == Date::open_end)) return "loss without a day";
    if ((record.valid.last == Date::open_end) != (record.loss_reason == LossReason::none))
        return "loss without a reason";
    if (record.insurer_file_on < record.known_on) return "file before the news";
    if (late_elderly != (record.relation == Relation::none)) return "relation";
    if (late_elderly == record.identity.branch.has_value()) return "branch";
    const Date seventy_fifth = std::max(late_elderly_start(person.birth_date), Date::of(2008, 4, 1));
    if (late_elderly != (record.valid.first >= seventy_fifth)) return "late-elderly begins at 75";
    if (!late_elderly && seventy_fifth <= nation.settings().as_of && record.valid.last >= seventy_fifth)
        return "goes on beyond 75";
    if (person.is_deceased() && record.state != CoverageState::cancelled && record.valid.last > person.deceased_on)
        return "outlives the person";
    if (record.copay_percent != 10 && record.copay_percent != 20 && record.copay_percent != 30) return "copay";
    if (record.preschool && record.copay_percent != 20 && !has_fault(person, at, {FaultKind::ratio_wrong}))
        return "preschool copay";
    if (record.number_owner > person.index) return "number of somebody later";
    std::string symbol;
    std::string number;
    append_symbol(record.identity, symbol);
    append_number(record.identity, number);
    if (!InsuredSymbolNumber::parse(symbol, number)) return "symbol or number";
    if (late_elderly && (!symbol.empty() || number.size() != 8)) return "late-elderly number";
    return {};
}

// Two records may cover the same day only when that was planted.
std::string broken_overlap(const SyntheticPerson& person) {
    for (std::size_t a = 0; a < person.coverages.size(); ++a) {
        for (std::size_t b = a + 1; b < person.coverages.size(); ++b) {
            const SyntheticCoverage& first = person.coverages[a];
            const SyntheticCoverage& second = person.coverages[b];
            if (second.state == CoverageState::cancelled || !first.valid.overlaps(second.valid)) continue;
            if (!has_fault(person, a, {FaultKind::overlap, FaultKind::loss_unreported})) return "overlap";
        }
    }
    return {};
}

std::string broken_card(const Nation& nation, const SyntheticPerson& person) {
    const SyntheticCard& card = *person.card;
    const Date as_of = nation.settings().as_of;
    if (card.certificate.issued_on < person.birth_date || card.certificate.issued_on >= as_of) return "card issue day";
    if (card.certificate.not_after <= card.certificate.issued_on) return "certificate ends before it begins";
    if (card.certificate.not_after >
        birthday(person.birth_date, 5 + *age_on(person.birth_date, card.certificate.issued_on))) {
        return "certificate beyond the fifth birthday";
    }
    if (card.certificate.not_after > card.card_expires_on) return "certificate outlives the card";
    if (card.certificate.ca_generation < 1 || card.certificate.ca_generation > 3) return "generation";
    if (card.certificate.serial == 0 || card.certificate.serial >= 0x8000'0000) return "serial";
    if (card.previous &&
        (card.previous->serial >= card.certificate.serial || card.previous->issued_on >= card.certificate.issued_on ||
         card.previous->not_after < card.certificate.issued_on)) {
        return "renewal";
    }
    if (card.key >= key_pool_size) return "key";
    if (card.use != UseRegistration::none && (card.registered_on > as_of || card.registered_on < person.birth_date))
        return "registration day";
    if ((card.use == UseRegistration::cancelled) != (card.cancelled_on != Date::open_end)) return "cancellation";
    if (card.pin_less && card.pin_locked) return "locked without a PIN";
    if (card.status != CertificateStatus::good && card.status_since < person.birth_date) return "status day";
    return {};
}

}  // namespace

void append_fingerprint(const SyntheticPerson& person, ByteWriter& out) {
    out.u64(person.index);
    out.u64(person.household_head);
    put(out, person.name);
    put(out, person.head_name);
    out.u8(person.alias ? 1 : 0);
    if (person.alias) put(out, *person.alias);
    out.u8(person.nationality ? static_cast<std::uint8_t>(*person.nationality) : 255);
    out.text(person.other_family);
    out.text(person.other_family_kana);
    for (const int code :
         {static_cast<int>(person.role), static_cast<int>(person.sex), static_cast<int>(person.printed_sex),
          static_cast<int>(person.specific_disease), static_cast<int>(person.self_information_blocked),
          static_cast<int>(person.exchange_history_hidden), static_cast<int>(person.protection)}) {
        out.u8(static_cast<std::uint8_t>(code));
    }
    put(out, person.birth_date);
    put(out, person.deceased_on);
    put(out, person.address);
    put(out, person.old_address);
    out.varint(person.coverages.size());
    for (const SyntheticCoverage& record : person.coverages) put(out, record);
    out.u8(person.card ? 1 : 0);
    if (person.card) put(out, *person.card);
    out.u8(person.paper_certificate ? 1 : 0);
    if (person.paper_certificate) {
        put(out, person.paper_certificate->issued_on);
        put(out, person.paper_certificate->valid_to);
    }
    out.varint(person.faults.size());
    for (const Fault& fault : person.faults) put(out, fault);
}

std::string fingerprint(const SyntheticPerson& person) {
    std::string bytes;
    ByteWriter out(bytes);
    append_fingerprint(person, out);
    return bytes;
}

std::string broken_invariant(const Nation& nation, const SyntheticPerson& person) {
    const Date as_of = nation.settings().as_of;
    if (person.birth_date > as_of || person.birth_date < as_of.plus_days(-112 * 366)) return "birth date";
    if (person.is_deceased() && (person.deceased_on <= person.birth_date || person.deceased_on >= as_of))
        return "day of death";
    if (person.index < person.household_head || person.index - person.household_head >= household_size_max)
        return "household";
    if (person.index / block_size != person.household_head / block_size) return "household crosses a block";
    if (person.name.family.empty() || person.name.given.empty()) return "name";
    if (person.other_family == person.name.family) return "other family name";
    if (person.address == person.old_address) return "old address";
    if (!individual_number_check_ok(fmt::format("{:012}", nation.individual_number(person.index))))
        return "individual number";
    for (std::size_t at = 0; at < person.coverages.size(); ++at) {
        const std::string broken = broken_record(nation, person, at);
        if (!broken.empty()) return fmt::format("record {}: {}", at, broken);
    }
    for (const Fault& fault : person.faults) {
        if (fault.record != no_record && fault.record >= person.coverages.size()) return "fault of no record";
    }
    const std::string overlap = broken_overlap(person);
    if (!overlap.empty()) return overlap;
    return person.card ? broken_card(nation, person) : std::string();
}

}  // namespace onshi::synth
