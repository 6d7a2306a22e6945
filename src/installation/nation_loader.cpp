#include "installation/nation_loader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "domain/cards/authorities.h"
#include "domain/cards/store.h"
#include "domain/coverage/rules_intake.h"
#include "domain/coverage/store.h"
#include "domain/coverage/store_intake.h"
#include "domain/identity/store.h"
#include "domain/identity/store_numbers.h"
#include "domain/organisations/emergencies.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "installation/certificates.h"
#include "installation/external_sorter.h"
#include "installation/limits.h"
#include "installation/nation_rows.h"
#include "platform/sql/stores.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

using sql::Blob;
using sql::Statement;
using sql::Store;

// The registry counts as having made one commit a day; its next one must come after them.
const Statement advance_commit_counter("installation.advance_commit_counter", Store::registry, sql::ShardKey::none,
                                       "UPDATE commit_counter SET value = $1 WHERE id = 1 AND value < $1");

// One store while it is filled: commits every so many rows, so that its write-ahead log stays small.
class StoreWriter {
  public:
    [[nodiscard]] static Result<StoreWriter> open(const sql::StoreOptions& options, Store store) {
        auto writer = sql::BulkWriter::open(options, store);
        if (!writer) return fail(std::move(writer));
        return StoreWriter(std::move(*writer));
    }
    template <class... P>
    [[nodiscard]] Result<void> insert(const Statement& statement, const P&... parameters) {
        sql::ParameterBuffer values;
        values.reserve(sizeof...(parameters), parameter_bytes_usual);
        (values.add(parameters), ...);
        auto inserted = writer_->execute(statement, values);
        if (!inserted || ++rows_ % rows_per_commit != 0) return inserted;
        return writer_->commit();
    }
    [[nodiscard]] Result<void> commit() { return writer_->commit(); }

  private:
    static constexpr std::size_t parameter_bytes_usual = 384;
    explicit StoreWriter(std::unique_ptr<sql::BulkWriter> writer) : writer_(std::move(writer)) {}
    std::unique_ptr<sql::BulkWriter> writer_;
    std::uint64_t rows_ = 0;
};

// Everything about one person that lies together in the registry.
struct PersonRows {
    identity::Person person;
    std::int64_t known_from = 1;
    std::vector<CoverageVersion> versions;  // by coverage key, then by knowledge
    std::vector<coverage::WithheldCase> withheld;
    payments::Holdings holdings;
};

// What the card table will say of one certificate.
struct Certificate {
    PersonKey person;
    Instant not_after;
    bool has_key;
    std::uint8_t pool_key;
};

constexpr std::size_t serial_bytes = 4;  // of synthetic certificates
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;

// The serial comes behind the CA with a fixed size, so that entries sort as the table's key does.
void write_card_key(ByteWriter& writer, const CardKey& key) {
    ENSURE(key.serial.bytes().size() == serial_bytes);
    writer.u32(static_cast<std::uint32_t>(key.ca_id));
    writer.raw(key.serial.bytes());
}

std::int32_t read_ca(ByteReader& reader) {
    return static_cast<std::int32_t>(reader.u32());
}
Blob read_serial(ByteReader& reader) {
    return Blob{as_text(reader.raw(serial_bytes))};
}

class NationLoad {
  public:
    NationLoad(const LoadParts& parts, const LoadOptions& options, const Progress& progress, const PersonVisitor& visit)
        : parts_(parts),
          options_(options),
          progress_(progress),
          visit_(visit),
          nation_(parts.cards.nation()),
          as_of_(nation_.settings().as_of),
          numbers_(options.scratch_folder, {number_sorter_bytes_max, sorter_runs_max}),
          cards_(options.scratch_folder, {card_sorter_bytes_max, sorter_runs_max}),
          renewals_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}),
          registrations_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}),
          suspensions_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}),
          listed_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}),
          tags_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}),
          residents_(options.scratch_folder, {card_sorter_bytes_max, sorter_runs_max}),
          readings_(options.scratch_folder, {small_sorter_bytes_max, sorter_runs_max}) {}

    [[nodiscard]] Result<LoadCounts> run();

  private:
    [[nodiscard]] Result<void> fill_registry();
    [[nodiscard]] Result<void> fill_ledger();
    [[nodiscard]] Result<void> add_insurers(StoreWriter& writer);
    [[nodiscard]] Result<void> add_facilities(StoreWriter& writer);
    [[nodiscard]] Result<void> add_persons(StoreWriter& writer);
    [[nodiscard]] Result<void> make_block(synth::PersonMaker& maker, std::uint64_t first, std::span<PersonRows> block);
    [[nodiscard]] Result<void> make_person(const synth::SyntheticPerson& person, std::uint64_t first,
                                           std::span<PersonRows> block);
    [[nodiscard]] Result<void> write_person(StoreWriter& writer, const PersonRows& rows);
    [[nodiscard]] Result<void> write_holdings(StoreWriter& writer, const PersonRows& rows);
    [[nodiscard]] Result<void> write_coverages(StoreWriter& writer, const PersonRows& rows);
    [[nodiscard]] Result<void> note_number(PersonKey person, const coverage::Coverage& record);
    [[nodiscard]] Result<void> note_card(const synth::SyntheticPerson& person);
    [[nodiscard]] Result<void> note_certificate(const CardKey& key, const Certificate& certificate);
    [[nodiscard]] Result<void> note_renewal(const synth::SyntheticCard& card, const CardKey& present,
                                            const CardKey& old);
    [[nodiscard]] Result<void> note_suspension(const CardKey& key, Instant since);
    [[nodiscard]] Result<void> note_listed(const CardKey& key, const cards::ListedStatus& listed);
    [[nodiscard]] Result<void> note_registration(PersonKey person, const synth::SyntheticCard& card);
    [[nodiscard]] Result<void> add_numbers(StoreWriter& writer);
    [[nodiscard]] Result<identity::IndividualNumber> number_of(std::uint64_t index) const;
    [[nodiscard]] Result<void> note_resident(const synth::SyntheticPerson& person);
    [[nodiscard]] Result<void> note_further_residents();
    [[nodiscard]] Result<void> add_number_tags(StoreWriter& writer);
    [[nodiscard]] Result<void> note_reading(const identity::Person& person);
    [[nodiscard]] Result<void> add_readings(StoreWriter& writer);
    [[nodiscard]] Result<void> add_residents(StoreWriter& writer);
    [[nodiscard]] Result<void> add_members(StoreWriter& writer);
    [[nodiscard]] Result<void> add_cards(StoreWriter& writer);
    [[nodiscard]] Result<void> add_card(StoreWriter& writer, std::string_view entry);
    [[nodiscard]] Result<void> add_renewals(StoreWriter& writer);
    [[nodiscard]] Result<void> add_listed(StoreWriter& writer);
    [[nodiscard]] Result<void> add_status_sources(StoreWriter& writer);
    [[nodiscard]] Result<void> drain(ExternalSorter& sorter, std::string_view stage,
                                     const std::function<Result<void>(std::string_view)>& write);
    void report(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
        if (progress_) progress_(stage, done, total);
    }

    const LoadParts& parts_;
    const LoadOptions& options_;
    const Progress& progress_;
    const PersonVisitor& visit_;
    const synth::Nation& nation_;
    Date as_of_;
    LoadCounts counts_;
    ExternalSorter numbers_;
    ExternalSorter cards_;
    ExternalSorter renewals_;
    ExternalSorter registrations_;
    ExternalSorter suspensions_;
    ExternalSorter listed_;
    ExternalSorter tags_;
    ExternalSorter residents_;
    ExternalSorter readings_;
    std::map<InsurerNumber, std::int64_t> members_;
    std::string entry_;
    std::vector<coverage::Coverage> current_;
};

Result<LoadCounts> NationLoad::run() {
    counts_.known_seq = known_seq_of(as_of_);
    auto filled = fill_registry();
    if (filled) filled = fill_ledger();
    if (!filled) return fail(std::move(filled));
    return counts_;
}

Result<void> NationLoad::fill_registry() {
    auto writer = StoreWriter::open(options_.store, Store::registry);
    if (!writer) return fail(std::move(writer));
    auto done = add_insurers(*writer);
    if (done) done = add_facilities(*writer);
    if (done) done = add_persons(*writer);
    if (done) done = add_numbers(*writer);
    if (done) done = add_number_tags(*writer);
    if (done) done = add_readings(*writer);
    if (done) done = note_further_residents();
    if (done) done = add_residents(*writer);
    if (done) done = add_members(*writer);
    if (done) done = add_cards(*writer);
    if (done) done = add_renewals(*writer);
    if (done) done = add_listed(*writer);
    if (done) done = add_status_sources(*writer);
    if (done) done = writer->insert(advance_commit_counter, counts_.known_seq);
    if (done) done = writer->commit();
    return done;
}

Result<void> NationLoad::fill_ledger() {
    auto writer = StoreWriter::open(options_.store, Store::ledger);
    if (!writer) return fail(std::move(writer));
    auto done = drain(registrations_, "use registrations", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry));
        const std::int64_t person = reader.i64();
        const std::uint8_t state = reader.u8();
        const std::int64_t since = reader.i64();
        const std::uint8_t channel = reader.u8();
        return writer->insert(cards::insert_registration, person, state, since, channel, 1);
    });
    if (!done) return done;
    done = drain(suspensions_, "suspensions", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry));
        const std::int32_t ca_id = read_ca(reader);
        const Blob serial = read_serial(reader);
        return writer->insert(cards::insert_suspension, ca_id, serial, 1, reader.i64(), 1);
    });
    return done ? writer->commit() : done;
}

// ---- Organisations --------------------------------------------------------------------------------------------------

Result<void> NationLoad::add_insurers(StoreWriter& writer) {
    std::uint32_t index = 0;
    std::string phone;
    for (const synth::SyntheticInsurer& insurer : nation_.organisations().insurers()) {
        phone.clear();
        synth::append_insurer_telephone(insurer, phone);
        auto added = writer.insert(organisations::insert_organisation, insurer_key(index++).value(),
                                   organisations::Kind::insurer, insurer.number.to_key(), insurer.name, phone,
                                   insurer.validity.first.days(), insurer.validity.last.days());
        if (!added) return added;
        ++counts_.organisations;
    }
    return {};
}

Result<void> NationLoad::add_facilities(StoreWriter& writer) {
    std::string phone;
    for (std::uint32_t index = 0; index < options_.facilities; ++index) {
        const synth::SyntheticFacility facility = nation_.organisations().facility(index);
        phone.clear();
        synth::append_facility_telephone(facility, phone);
        const std::int64_t key = facility_key(index).value();
        auto added =
            writer.insert(organisations::insert_organisation, key, organisations::Kind::facility,
                          facility.code.to_key(), facility.name, phone, Date::first_day.days(), Date::open_end.days());
        if (!added) return added;
        ++counts_.organisations;
        const auto& home = nation_.organisations().municipalities()[facility.municipality];
        added = writer.insert(organisations::insert_place, key, home.code);
        if (!added) return added;
        if (index % progress_every == 0) report("facilities", index, options_.facilities);
        if (facility.terminals == 0) continue;
        added = writer.insert(organisations::insert_account, key, staff_reference, 1, staff_visual_checks_per_day);
        if (!added) return added;
    }
    return {};
}

// ---- Persons --------------------------------------------------------------------------------------------------------

// A block at a time, because a record may hang on an earlier person of its block (a wrong link).
Result<void> NationLoad::add_persons(StoreWriter& writer) {
    synth::PersonMaker maker(nation_);
    std::vector<PersonRows> block(synth::block_size);
    for (std::uint64_t first = 0; first < options_.persons; first += synth::block_size) {
        const auto size = std::min<std::uint64_t>(synth::block_size, options_.persons - first);
        const std::span<PersonRows> rows = std::span(block).first(size);
        auto made = make_block(maker, first, rows);
        if (!made) return made;
        for (const PersonRows& person : rows) {
            auto written = write_person(writer, person);
            if (!written) return written;
        }
        counts_.persons += size;
        if (counts_.persons % progress_every == 0) report("persons", counts_.persons, options_.persons);
    }
    report("persons", counts_.persons, options_.persons);
    return {};
}

Result<void> NationLoad::make_block(synth::PersonMaker& maker, std::uint64_t first, std::span<PersonRows> block) {
    for (PersonRows& rows : block) {
        rows.versions.clear();
        rows.withheld.clear();
    }
    for (std::uint64_t i = 0; i < block.size(); ++i) {
        const synth::SyntheticPerson& person = maker.make(first + i);
        if (visit_) {
            auto visited = visit_(person);
            if (!visited) return visited;
        }
        auto made = make_person(person, first, block);
        if (made && person.card) made = note_card(person);
        if (made) made = note_resident(person);
        if (!made) return made;
    }
    return {};
}

Result<void> NationLoad::make_person(const synth::SyntheticPerson& person, std::uint64_t first,
                                     std::span<PersonRows> block) {
    PersonRows& own = block[person.index - first];
    fill_identity(nation_, person, own.person);
    own.known_from = identity_known_from(person);
    own.holdings = holdings_of(nation_, person);
    for (std::size_t record = 0; record < person.coverages.size(); ++record) {
        const std::uint64_t owner = person.coverages[record].number_owner;
        ENSURE(owner >= first && owner <= person.index);
        std::vector<CoverageVersion>& versions = block[owner - first].versions;
        const std::size_t before = versions.size();
        append_versions(nation_, person, record, versions);
        if (versions.size() == before) continue;
        if (versions.back().value.state == coverage::State::withheld) {
            PersonRows& held = block[owner - first];
            held.withheld.push_back(withheld_case(nation_, person, record, versions.back().value, held.person));
        }
        auto noted = note_number(person_key(owner), versions.back().value);
        if (!noted) return noted;
        ++counts_.coverages;
    }
    return {};
}

Result<void> NationLoad::write_person(StoreWriter& writer, const PersonRows& rows) {
    const std::int64_t key = rows.person.key.value();
    const std::string packed = identity::pack(rows.person);
    auto written = writer.insert(identity::insert_person, key, rows.known_from, identity::known_open, Blob{packed});
    if (written) {
        written = writer.insert(identity::insert_now_section, key, identity::Section::identity, rows.known_from,
                                Blob{packed});
    }
    auto number = number_of(static_cast<std::uint64_t>(key) - 1);
    if (!number) return fail(std::move(number));
    auto sealed = parts_.vault.seal(rows.person.key, *number, parts_.random);
    if (!sealed) return fail(std::move(sealed));
    if (written) {
        written = writer.insert(identity::insert_individual_number, key, rows.known_from, parts_.vault.seal_key_id(),
                                Blob{*sealed});
    }
    entry_.assign(as_text(parts_.vault.tag(*number)));
    ByteWriter entry(entry_);
    entry.i64(key);
    if (written) written = tags_.add(entry_);
    if (written) written = note_reading(rows.person);
    if (written && !rows.versions.empty()) written = write_coverages(writer, rows);
    return written && !rows.holdings.empty() ? write_holdings(writer, rows) : written;
}

// ---- Certificates ---------------------------------------------------------------------------------------------------

Result<void> NationLoad::write_holdings(StoreWriter& writer, const PersonRows& rows) {
    const std::int64_t key = rows.person.key.value();
    std::int64_t newest = 0;
    Result<void> written;
    const auto write = [&](const auto& certificate) {
        if (!written) return;
        const std::int64_t known_from = known_seq_of(certificate.valid.first);
        newest = std::max(newest, known_from);
        ++counts_.certificates;
        written = writer.insert(payments::insert_certificate, key, certificate.key.value(), known_from,
                                identity::known_open, Blob{payments::pack(certificate)});
    };
    std::ranges::for_each(rows.holdings.limits, write);
    std::ranges::for_each(rows.holdings.diseases, write);
    std::ranges::for_each(rows.holdings.subsidies, write);
    if (!written) return written;
    return writer.insert(identity::insert_now_section, key, identity::Section::payments, newest,
                         Blob{payments::pack_all(rows.holdings)});
}

// ---- Individual numbers and the embedded resident register ----------------------------------------------------------

Result<identity::IndividualNumber> NationLoad::number_of(std::uint64_t index) const {
    return identity::IndividualNumber::parse(fmt::format("{:012}", nation_.individual_number(index)));
}

Result<void> NationLoad::note_resident(const synth::SyntheticPerson& person) {
    identity::Person registered;
    fill_identity(nation_, person, registered);
    auto number = number_of(person.index);
    if (!number) return fail(std::move(number));
    const identity::Resident resident{registered.name,  registered.kana, registered.address,
                                      registered.birth, registered.sex,  person.deceased_on};
    entry_.assign(as_text(parts_.vault.tag(*number)));
    entry_.append(identity::pack(resident));
    ++counts_.residents;
    return residents_.add(entry_);
}

Result<void> NationLoad::note_further_residents() {
    synth::PersonMaker maker(nation_);
    for (std::uint64_t index = options_.persons; index < options_.residents; ++index) {
        auto noted = note_resident(maker.make(index));
        if (!noted) return noted;
        if (index % progress_every == 0) report("residents", index, options_.residents);
    }
    return {};
}

Result<void> NationLoad::add_number_tags(StoreWriter& writer) {
    return drain(tags_, "individual numbers", [&](std::string_view entry) {
        ByteReader rest(as_bytes(entry.substr(sizeof(identity::NumberTag))));
        return writer.insert(identity::insert_number_tag, Blob{entry.substr(0, sizeof(identity::NumberTag))},
                             rest.i64());
    });
}

// Sorted as the index is: by birth date, then by reading, then by person.
Result<void> NationLoad::note_reading(const identity::Person& person) {
    const auto reading = identity::reading_number(person.kana.empty() ? person.name : person.kana);
    if (!reading) return {};
    entry_.clear();
    ByteWriter entry(entry_);
    // Bytes in the order of the numbers: negative ones before the others.
    entry.u64(static_cast<std::uint64_t>(std::int64_t{person.birth.days()}) ^ sign_bit);
    entry.u64(static_cast<std::uint64_t>(*reading) ^ sign_bit);
    entry.i64(person.key.value());
    return readings_.add(entry_);
}

Result<void> NationLoad::add_readings(StoreWriter& writer) {
    return drain(readings_, "readings", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry));
        const auto birth = static_cast<std::int64_t>(reader.u64() ^ sign_bit);
        const auto reading = static_cast<std::int64_t>(reader.u64() ^ sign_bit);
        return writer.insert(identity::insert_reading, birth, reading, reader.i64());
    });
}

Result<void> NationLoad::add_residents(StoreWriter& writer) {
    return drain(residents_, "resident register", [&](std::string_view entry) {
        return writer.insert(identity::insert_resident, Blob{entry.substr(0, sizeof(identity::NumberTag))},
                             Blob{entry.substr(sizeof(identity::NumberTag))});
    });
}

Result<void> NationLoad::add_members(StoreWriter& writer) {
    for (const auto& [insurer, members] : members_) {
        auto added = writer.insert(coverage::insert_members, insurer.to_key(), members);
        if (!added) return added;
    }
    return {};
}

Result<void> NationLoad::write_coverages(StoreWriter& writer, const PersonRows& rows) {
    const std::int64_t key = rows.person.key.value();
    std::int64_t newest = 0;
    current_.clear();
    for (const CoverageVersion& version : rows.versions) {
        const std::string packed = coverage::pack(version.value);
        auto written = writer.insert(coverage::insert_coverage, key, version.value.key.value(),
                                     version.value.known_from, version.known_to, Blob{packed});
        if (!written) return written;
        ++counts_.coverage_rows;
        newest = std::max(newest, version.value.known_from);
        if (version.known_to != identity::known_open) continue;
        current_.push_back(version.value);
        if (coverage::is_open_member(version.value)) ++members_[version.value.insurer];
    }
    for (const coverage::WithheldCase& held : rows.withheld) {
        auto written =
            writer.insert(coverage::insert_withheld, key, held.coverage.value(), held.insurer.to_key(), held.severity,
                          held.state, held.opened_at.us, held.version, held.cause, Blob{coverage::pack_details(held)});
        if (!written) return written;
    }
    const std::string packed = coverage::pack_all(current_);
    return writer.insert(identity::insert_now_section, key, identity::Section::coverage, newest, Blob{packed});
}

// Comparison forms hold no control characters, so a zero byte ends a text and shorter texts come first, as in SQL.
Result<void> NationLoad::note_number(PersonKey person, const coverage::Coverage& record) {
    auto number = normalise_insured_text(record.number);
    if (!number) return fail(std::move(number));
    auto symbol = normalise_insured_text(record.symbol);
    if (!symbol) return fail(std::move(symbol));
    entry_.clear();
    ByteWriter writer(entry_);
    writer.i64(record.insurer.to_key());
    writer.raw(as_bytes(*number));
    writer.u8(0);
    writer.raw(as_bytes(*symbol));
    writer.u8(0);
    writer.u8(record.branch ? static_cast<std::uint8_t>(record.branch->value() + 1) : 0);
    writer.i64(person.value());
    writer.i64(record.key.value());
    return numbers_.add(entry_);
}

Result<void> NationLoad::add_numbers(StoreWriter& writer) {
    return drain(numbers_, "insured numbers", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry.substr(0, sizeof(std::int64_t))));
        const std::int64_t insurer = reader.i64();
        entry.remove_prefix(sizeof(std::int64_t));
        const std::string_view number = entry.substr(0, entry.find('\0'));
        entry.remove_prefix(number.size() + 1);
        const std::string_view symbol = entry.substr(0, entry.find('\0'));
        entry.remove_prefix(symbol.size() + 1);
        ByteReader rest(as_bytes(entry));
        const int branch = static_cast<int>(rest.u8()) - 1;
        const std::int64_t person = rest.i64();
        return writer.insert(coverage::insert_coverage_number, insurer, number, symbol, branch, person, rest.i64());
    });
}

// ---- Cards ----------------------------------------------------------------------------------------------------------

Result<void> NationLoad::note_card(const synth::SyntheticPerson& person) {
    const synth::SyntheticCard& card = *person.card;
    const PersonKey owner = person_key(person.index);
    const CardKey present = parts_.cards.key_of(card.certificate);
    const cards::CertificateStatus status = status_on(card, as_of_);
    // A card that was never registered was never seen: its first check brings the certificate.
    const bool seen = card.use != synth::UseRegistration::none;
    auto noted = note_certificate(present, {owner, CardFactory::not_after(card.certificate), seen, card.key});
    if (noted && card.previous) {
        const CardKey old = parts_.cards.key_of(*card.previous);
        noted = note_certificate(old, {owner, CardFactory::not_after(*card.previous), false, card.key});
        if (noted) noted = note_renewal(card, present, old);
        const Instant renewed_at = start_of_japan_day(card.certificate.issued_on);
        if (noted) noted = note_listed(old, {cards::CertificateStatus::renewed, renewed_at});
    }
    // A holder's call suspends in the ledger alone, where a call ends it again; the CA's list knows nothing of it.
    const Instant since = start_of_japan_day(card.status_since);
    if (noted && status == cards::CertificateStatus::suspended) noted = note_suspension(present, since);
    if (noted && status == cards::CertificateStatus::revoked) noted = note_listed(present, {status, since});
    return noted && seen ? note_registration(owner, card) : noted;
}

Result<void> NationLoad::note_certificate(const CardKey& key, const Certificate& certificate) {
    entry_.clear();
    ByteWriter writer(entry_);
    write_card_key(writer, key);
    writer.i64(certificate.person.value());
    writer.i64(certificate.not_after.us);
    writer.u8(certificate.has_key ? 1 : 0);
    writer.u8(certificate.pool_key);
    return cards_.add(entry_);
}

Result<void> NationLoad::note_renewal(const synth::SyntheticCard& card, const CardKey& present, const CardKey& old) {
    entry_.clear();
    ByteWriter writer(entry_);
    write_card_key(writer, old);
    write_card_key(writer, present);
    writer.i64(start_of_japan_day(card.certificate.issued_on).us);
    return renewals_.add(entry_);
}

Result<void> NationLoad::note_suspension(const CardKey& key, Instant since) {
    entry_.clear();
    ByteWriter writer(entry_);
    write_card_key(writer, key);
    writer.i64(since.us);
    ++counts_.suspensions;
    return suspensions_.add(entry_);
}

Result<void> NationLoad::note_listed(const CardKey& key, const cards::ListedStatus& listed) {
    entry_.clear();
    ByteWriter writer(entry_);
    write_card_key(writer, key);
    writer.u8(static_cast<std::uint8_t>(listed.status));
    writer.i64(listed.since.us);
    return listed_.add(entry_);
}

Result<void> NationLoad::note_registration(PersonKey person, const synth::SyntheticCard& card) {
    const auto use = registration_on(card, as_of_);
    ENSURE(use.has_value());
    entry_.clear();
    ByteWriter writer(entry_);
    writer.i64(person.value());
    writer.u8(static_cast<std::uint8_t>(use->state));
    writer.i64(use->since.us);
    writer.u8(static_cast<std::uint8_t>(channel_of(card)));
    ++counts_.registrations;
    return registrations_.add(entry_);
}

Result<void> NationLoad::add_cards(StoreWriter& writer) {
    return drain(cards_, "cards", [&](std::string_view entry) { return add_card(writer, entry); });
}

Result<void> NationLoad::add_card(StoreWriter& writer, std::string_view entry) {
    ByteReader reader(as_bytes(entry));
    const std::int32_t ca_id = read_ca(reader);
    auto serial = CertificateSerial::from_magnitude(reader.raw(serial_bytes));
    if (!serial) return fail(std::move(serial));
    cards::Card card{
        .key = {ca_id, *serial}, .person = PersonKey(reader.i64()), .not_after = {}, .public_key = {}, .tag = {}};
    card.not_after = {reader.i64()};
    const bool has_key = reader.u8() == 1;
    const std::uint8_t pool_key = reader.u8();
    ++counts_.cards;
    const auto insert = [&](const auto& public_key, const auto& tag) {
        return writer.insert(cards::insert_card, ca_id, Blob{as_text(card.key.serial.bytes())}, card.person.value(),
                             card.not_after.us, card.grace, public_key, tag, 1);
    };
    if (!has_key) return insert(sql::Null{}, sql::Null{});
    card.public_key = as_text(parts_.cards.pool_key(pool_key).stored());
    const Sha256 tag = cards::card_tag(parts_.row_tag, card, parts_.trust_epoch);
    ++counts_.card_keys;
    return insert(Blob{card.public_key}, Blob{as_text(tag)});
}

Result<void> NationLoad::add_renewals(StoreWriter& writer) {
    return drain(renewals_, "renewals", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry));
        const std::int32_t old_ca = read_ca(reader);
        const Blob old_serial = read_serial(reader);
        const std::int32_t new_ca = read_ca(reader);
        const Blob new_serial = read_serial(reader);
        ++counts_.renewals;
        return writer.insert(cards::insert_renewal, old_ca, old_serial, new_ca, new_serial, reader.i64());
    });
}

Result<void> NationLoad::add_listed(StoreWriter& writer) {
    return drain(listed_, "listed certificates", [&](std::string_view entry) {
        ByteReader reader(as_bytes(entry));
        const std::int32_t ca_id = read_ca(reader);
        const Blob serial = read_serial(reader);
        const std::uint8_t status = reader.u8();
        return writer.insert(cards::insert_listed_status, ca_id, serial, status, reader.i64());
    });
}

Result<void> NationLoad::add_status_sources(StoreWriter& writer) {
    const Instant next = options_.now + std::chrono::microseconds(cards::card_status_fresh_for);
    for (const std::int32_t ca_id : parts_.cards.ca_ids()) {
        auto added = writer.insert(cards::insert_status_source, ca_id, options_.now.us, next.us);
        if (!added) return added;
    }
    return {};
}

Result<void> NationLoad::drain(ExternalSorter& sorter, std::string_view stage,
                               const std::function<Result<void>(std::string_view)>& write) {
    const std::uint64_t total = sorter.size();
    std::uint64_t done = 0;
    auto drained = sorter.drain([&](std::string_view entry) {
        if (++done % progress_every == 0) report(stage, done, total);
        return write(entry);
    });
    if (drained) report(stage, done, total);
    return drained;
}

}  // namespace

Result<LoadCounts> load_nation(const LoadParts& parts, const LoadOptions& options, const Progress& progress,
                               const PersonVisitor& visit) {
    if (options.persons == 0 || options.persons > synth::persons_max) return fail(ErrorCode::synth_settings, "persons");
    if (options.facilities > synth::facilities_max) return fail(ErrorCode::synth_settings, "facilities");
    return NationLoad(parts, options, progress, visit).run();
}

}  // namespace onshi::installation
