#include "domain/payments/store.h"

#include <algorithm>

#include "base/bytes.h"

namespace onshi::payments {

using sql::Blob;
using sql::Position;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_certificate("payments.insert_certificate", Store::registry, ShardKey::person,
                                   "INSERT INTO person_certificate (person_key, certificate_key, known_from, known_to, "
                                   "packed) VALUES ($1, $2, $3, $4, $5)");

namespace {

const Statement close_certificate("payments.close_certificate", Store::registry, ShardKey::person,
                                  "UPDATE person_certificate SET known_to = $3 WHERE person_key = $1 "
                                  "AND certificate_key = $2 AND known_to = $4");
const Statement select_certificates("payments.select_certificates_at", Store::registry, ShardKey::person,
                                    "SELECT packed FROM person_certificate WHERE person_key = $1 AND known_from <= $2 "
                                    "AND known_to > $2 ORDER BY certificate_key LIMIT $3");
const Statement select_ratios(
    "payments.select_ratio_history", Store::registry, ShardKey::none,
    "SELECT records, blank, blank_limit, pattern FROM insurer_ratios WHERE insurer_number = $1");
const Statement upsert_ratios("payments.upsert_ratio_history", Store::registry, ShardKey::none,
                              "INSERT INTO insurer_ratios (insurer_number, records, blank, blank_limit, pattern) "
                              "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (insurer_number) DO UPDATE SET "
                              "records = excluded.records, blank = excluded.blank, "
                              "blank_limit = excluded.blank_limit, pattern = excluded.pattern");
const Statement insert_choice("payments.claim_choice", Store::ledger, ShardKey::lane,
                              "INSERT INTO subsidy_choice (lane, sequence, digest, chosen, choice_lane, "
                              "choice_sequence, chosen_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
                              "ON CONFLICT (lane, sequence) DO NOTHING");
const Statement select_choice("payments.select_choice", Store::ledger, ShardKey::lane,
                              "SELECT digest, chosen, choice_lane, choice_sequence FROM subsidy_choice "
                              "WHERE lane = $1 AND sequence = $2");
const Statement count_choices("payments.count_old_choices", Store::ledger, ShardKey::none,
                              "SELECT count(*) FROM (SELECT lane FROM subsidy_choice WHERE chosen_at < $1 LIMIT $2) "
                              "AS old");
const Statement delete_choices("payments.remove_old_choices", Store::ledger, ShardKey::none,
                               "DELETE FROM subsidy_choice WHERE (lane, sequence) IN "
                               "(SELECT lane, sequence FROM subsidy_choice WHERE chosen_at < $1 "
                               "ORDER BY chosen_at, lane, sequence LIMIT $2)");
const Statement select_page("payments.select_page", Store::ledger, ShardKey::person,
                            "SELECT paid, version FROM payment_book WHERE person_key = $1 AND programme = $2 "
                            "AND month = $3");
const Statement claim_page("payments.claim_page", Store::ledger, ShardKey::person,
                           "INSERT INTO payment_book (person_key, programme, month, paid, version) "
                           "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (person_key, programme, month) DO NOTHING");
const Statement update_page("payments.update_page", Store::ledger, ShardKey::person,
                            "UPDATE payment_book SET paid = $4, version = version + 1 WHERE person_key = $1 "
                            "AND programme = $2 AND month = $3 AND version = $5");
const Statement select_months("payments.select_months", Store::ledger, ShardKey::person,
                              "SELECT month, paid FROM payment_book WHERE person_key = $1 AND programme = $2 "
                              "AND month BETWEEN $3 AND $4 ORDER BY month LIMIT $5");
const Statement select_posting(
    "payments.select_posting", Store::ledger, ShardKey::person,
    "SELECT organisation_key, programme, month, digest, amount, outpatient, reversed, lane, sequence "
    "FROM payment_posting WHERE person_key = $1 AND posting_id = $2");
const Statement claim_posting("payments.claim_posting", Store::ledger, ShardKey::person,
                              "INSERT INTO payment_posting (person_key, posting_id, organisation_key, programme, "
                              "month, digest, amount, outpatient, reversed, lane, sequence) "
                              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10) "
                              "ON CONFLICT (person_key, posting_id) DO NOTHING");
const Statement mark_reversed("payments.mark_reversed", Store::ledger, ShardKey::person,
                              "UPDATE payment_posting SET reversed = 1 WHERE person_key = $1 AND posting_id = $2 "
                              "AND reversed = 0");

constexpr std::uint8_t pattern_layout = 2;
constexpr std::uint8_t pattern_layout_alone = 1;  // without what small files told

std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}

SubsidyChoice decode_choice(const Row& row) {
    SubsidyChoice choice;
    const std::string_view digest = row.blob(0);
    if (digest.size() != choice.digest.size()) {
        row.reject();
        return choice;
    }
    std::ranges::copy(as_bytes(digest), choice.digest.begin());
    choice.chosen = static_cast<std::uint64_t>(row.integer(1));
    choice.record = {row.integer(2), row.integer(3)};
    return choice;
}

std::string decode_packed(const Row& row) {
    return std::string(row.blob(0));
}

MonthPage decode_month(const Row& row) {
    const auto month = Date::from_days(row.integer(0));
    if (!month) row.reject();
    return {month.value_or(Date::first_day), Yen(row.integer(1))};
}

BookPage decode_page(const Row& row) {
    return {Yen(row.integer(0)), row.integer(1)};
}

// What small files told, and of the pattern only the ratios that were sent: three of a hundred and one as a rule.
std::string pack(const RatioHistory& history) {
    const RatioPattern& pattern = history.pattern;
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(pattern_layout);
    writer.u64(history.recent.records);
    writer.u64(history.recent.blank_ratio);
    writer.u64(history.recent.blank_limit);
    for (std::size_t group = 0; group < age_group_count; ++group) {
        for (std::size_t percent = 0; percent < pattern.counts[group].size(); ++percent) {
            if (pattern.counts[group][percent] == 0) continue;
            writer.u8(static_cast<std::uint8_t>(group));
            writer.u8(static_cast<std::uint8_t>(percent));
            writer.u32(pattern.counts[group][percent]);
        }
    }
    return bytes;
}

bool unpack(std::string_view bytes, RatioHistory& history) {
    ByteReader reader(as_bytes(bytes));
    const std::uint8_t layout = reader.u8();
    if (layout == pattern_layout) {
        history.recent.records = reader.u64();
        history.recent.blank_ratio = reader.u64();
        history.recent.blank_limit = reader.u64();
    } else if (layout != pattern_layout_alone) {
        return false;
    }
    while (reader.ok() && !reader.at_end()) {
        const std::size_t group = reader.u8();
        const std::size_t percent = reader.u8();
        const std::uint32_t count = reader.u32();
        if (!reader.ok() || group >= age_group_count || percent > 100) return false;
        history.pattern.counts[group][percent] = count;
    }
    return reader.ok();
}

RatioHistory decode_history(const Row& row) {
    RatioHistory history;
    history.blank = {static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1)),
                     static_cast<std::uint64_t>(row.integer(2))};
    if (!unpack(row.blob(3), history)) row.reject();
    return history;
}

Posting decode_posting(const Row& row) {
    Posting posting;
    posting.organisation = OrganisationKey(row.integer(0));
    const auto month = Date::from_days(row.integer(2));
    const std::string_view digest = row.blob(3);
    if (!month || digest.size() != posting.digest.size()) {
        row.reject();
        return posting;
    }
    posting.place = {static_cast<int>(row.integer(1)), *month};
    std::ranges::copy(as_bytes(digest), posting.digest.begin());
    posting.amount = Yen(row.integer(4));
    posting.outpatient = row.integer(5) == 1;
    posting.reversed = row.integer(6) == 1;
    posting.record = {row.integer(7), row.integer(8)};
    return posting;
}

}  // namespace

std::optional<Holdings> holdings_of(const sql::Rows<identity::NowSection>& now) {
    const auto* section = identity::find_section(now, identity::Section::payments);
    if (section == nullptr) return Holdings();
    return unpack_holdings(section->bytes);
}

sql::Rows<std::string> load_certificates_at(sql::ReadBatch& batch, PersonKey person, std::int64_t known_seq) {
    return batch.many(select_certificates, certificates_per_person_max, decode_packed, person.value(), known_seq,
                      certificates_per_person_max);
}

void put_certificate(sql::WriteSet& set, PersonKey person, CertificateKey key, std::string_view packed) {
    set.change(close_certificate, person.value(), key.value(), Position::sequence, identity::known_open);
    set.change(insert_certificate, person.value(), key.value(), Position::sequence, identity::known_open, Blob{packed});
}

void put_holdings(sql::WriteSet& set, PersonKey person, const Holdings& holdings, std::optional<std::int64_t> version) {
    const std::string packed = pack_all(holdings);
    identity::put_section_guarded(set, person, identity::Section::payments, packed, version);
}

sql::Slot<RatioHistory> load_ratio_history(sql::ReadBatch& batch, InsurerNumber insurer) {
    return batch.one(select_ratios, decode_history, insurer.to_key());
}

void put_ratio_history(sql::WriteSet& set, InsurerNumber insurer, const RatioHistory& history) {
    const std::string packed = pack(history);
    set.change(upsert_ratios, insurer.to_key(), static_cast<std::int64_t>(history.blank.records),
               static_cast<std::int64_t>(history.blank.blank_ratio),
               static_cast<std::int64_t>(history.blank.blank_limit), Blob{packed});
}

sql::Slot<SubsidyChoice> load_choice(sql::ReadBatch& batch, const audit::Place& answer) {
    return batch.one(select_choice, decode_choice, answer.lane, answer.sequence);
}

void claim_choice(sql::WriteSet& set, const audit::Place& answer, const SubsidyChoice& choice, Instant now) {
    set.guard(insert_choice, 1, answer.lane, answer.sequence, Blob{as_text(choice.digest)},
              static_cast<std::int64_t>(choice.chosen), Position::lane, Position::sequence, now.us);
}

sql::Slot<std::int64_t> count_old_choices(sql::ReadBatch& batch, Instant before, std::size_t rows) {
    return batch.one(count_choices, decode_integer, before.us, rows);
}

void remove_old_choices(sql::WriteSet& set, Instant before, std::size_t rows) {
    set.change(delete_choices, before.us, rows);
}

sql::Slot<BookPage> load_page(sql::ReadBatch& batch, PersonKey person, const BookPlace& place) {
    return batch.one(select_page, decode_page, person.value(), place.programme, place.month.days());
}

void write_page(sql::WriteSet& set, PersonKey person, const BookPlace& place, const BookPage& page) {
    if (page.version == 0) {
        set.guard(claim_page, 1, person.value(), place.programme, place.month.days(), page.paid.value());
    } else {
        set.guard(update_page, 1, person.value(), place.programme, place.month.days(), page.paid.value(), page.version);
    }
}

sql::Rows<MonthPage> load_months(sql::ReadBatch& batch, PersonKey person, int programme, Date first, Date last) {
    return batch.many(select_months, year_months_max, decode_month, person.value(), programme, first.days(),
                      last.days(), year_months_max);
}

sql::Slot<Posting> load_posting(sql::ReadBatch& batch, PersonKey person, const CheckId& id) {
    return batch.one(select_posting, decode_posting, person.value(), Blob{as_text(id.bytes())});
}

void add_posting(sql::WriteSet& set, PersonKey person, const CheckId& id, const Posting& posting) {
    set.guard(claim_posting, 1, person.value(), Blob{as_text(id.bytes())}, posting.organisation.value(),
              posting.place.programme, posting.place.month.days(), Blob{as_text(posting.digest)},
              posting.amount.value(), posting.outpatient ? 1 : 0, Position::lane, Position::sequence);
}

void reverse_posting(sql::WriteSet& set, PersonKey person, const CheckId& id) {
    set.guard(mark_reversed, 1, person.value(), Blob{as_text(id.bytes())});
}

}  // namespace onshi::payments
