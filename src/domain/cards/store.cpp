#include "domain/cards/store.h"

namespace onshi::cards {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_card("cards.insert_card", Store::registry, ShardKey::card,
                            "INSERT INTO card (ca_id, serial, person_key, not_after, grace, public_key, tag, version) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
const Statement insert_renewal("cards.insert_renewal", Store::registry, ShardKey::card,
                               "INSERT INTO card_renewal (ca_id, serial, new_ca_id, new_serial, valid_from) "
                               "VALUES ($1, $2, $3, $4, $5)");
const Statement insert_registration("cards.insert_registration", Store::ledger, ShardKey::person,
                                    "INSERT INTO use_registration (person_key, state, since, channel, version) "
                                    "VALUES ($1, $2, $3, $4, $5)");
const Statement insert_suspension("cards.insert_suspension", Store::ledger, ShardKey::card,
                                  "INSERT INTO card_suspension (ca_id, serial, state, since, version) "
                                  "VALUES ($1, $2, $3, $4, $5)");
const Statement insert_status_source("cards.insert_status_source", Store::registry, ShardKey::none,
                                     "INSERT INTO card_status_source (ca_id, as_of, next_update, number, version) "
                                     "VALUES ($1, $2, $3, CAST('' AS BLOB), 1)");
const Statement insert_listed_status("cards.insert_listed_status", Store::registry, ShardKey::card,
                                     "INSERT INTO certificate_status (ca_id, serial, status, since) "
                                     "VALUES ($1, $2, $3, $4)");

namespace {

const Statement select_card("cards.select_card", Store::registry, ShardKey::card,
                            "SELECT person_key, not_after, grace, public_key, tag, version, ca_id, serial FROM card "
                            "WHERE ca_id = $1 AND serial = $2");
const Statement select_suspension("cards.select_suspension", Store::ledger, ShardKey::card,
                                  "SELECT state, since, version FROM card_suspension WHERE ca_id = $1 AND serial = $2");
const Statement select_registration("cards.select_use_registration", Store::ledger, ShardKey::person,
                                    "SELECT state, since, version FROM use_registration WHERE person_key = $1");
const Statement select_listed("cards.select_listed_status", Store::registry, ShardKey::card,
                              "SELECT status, since FROM certificate_status WHERE ca_id = $1 AND serial = $2");
const Statement select_listed_page("cards.select_listed_page", Store::registry, ShardKey::none,
                                   "SELECT serial, status, since FROM certificate_status "
                                   "WHERE ca_id = $1 AND serial > $2 ORDER BY serial LIMIT $3");
const Statement upsert_listed("cards.upsert_listed_status", Store::registry, ShardKey::card,
                              "INSERT INTO certificate_status (ca_id, serial, status, since) VALUES ($1, $2, $3, $4) "
                              "ON CONFLICT (ca_id, serial) DO UPDATE SET status = excluded.status, "
                              "since = excluded.since");
const Statement delete_listed("cards.delete_listed_status", Store::registry, ShardKey::card,
                              "DELETE FROM certificate_status WHERE ca_id = $1 AND serial = $2");
const Statement select_sources("cards.select_status_sources", Store::registry, ShardKey::none,
                               "SELECT ca_id, as_of, next_update, number, version FROM card_status_source "
                               "ORDER BY ca_id");
const Statement select_source("cards.select_status_source", Store::registry, ShardKey::none,
                              "SELECT ca_id, as_of, next_update, number, version FROM card_status_source "
                              "WHERE ca_id = $1");
const Statement first_source("cards.first_status_source", Store::registry, ShardKey::none,
                             "INSERT INTO card_status_source (ca_id, as_of, next_update, number, version) "
                             "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (ca_id) DO NOTHING");
const Statement later_source("cards.later_status_source", Store::registry, ShardKey::none,
                             "UPDATE card_status_source SET as_of = $2, next_update = $3, number = $4, "
                             "version = version + 1 WHERE ca_id = $1 AND version = $5");
const Statement select_predecessor("cards.select_predecessor", Store::registry, ShardKey::card,
                                   "SELECT ca_id, serial, valid_from FROM card_renewal "
                                   "WHERE new_ca_id = $1 AND new_serial = $2");
const Statement update_key("cards.update_key", Store::registry, ShardKey::card,
                           "UPDATE card SET not_after = $4, grace = $5, public_key = $6, tag = $7, "
                           "version = version + 1 WHERE ca_id = $1 AND serial = $2 AND version = $3");
const Statement first_key("cards.first_key", Store::registry, ShardKey::card,
                          "INSERT INTO card (ca_id, serial, person_key, not_after, grace, public_key, tag, version) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT (ca_id, serial) DO NOTHING");
const Statement first_registration("cards.first_registration", Store::ledger, ShardKey::person,
                                   "INSERT INTO use_registration (person_key, state, since, channel, version) "
                                   "VALUES ($1, 1, $2, $3, 1) ON CONFLICT (person_key) DO NOTHING");
const Statement later_registration("cards.later_registration", Store::ledger, ShardKey::person,
                                   "UPDATE use_registration SET state = 1, since = $3, channel = $4, "
                                   "version = version + 1 WHERE person_key = $1 AND version = $2");
const Statement first_use("cards.first_use_state", Store::ledger, ShardKey::person,
                          "INSERT INTO use_registration (person_key, state, since, channel, version) "
                          "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (person_key) DO NOTHING");
const Statement later_use("cards.later_use_state", Store::ledger, ShardKey::person,
                          "UPDATE use_registration SET state = $3, since = $4, channel = $5, "
                          "version = version + 1 WHERE person_key = $1 AND version = $2");
const Statement first_suspension("cards.first_suspension", Store::ledger, ShardKey::card,
                                 "INSERT INTO card_suspension (ca_id, serial, state, since, version) "
                                 "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (ca_id, serial) DO NOTHING");
const Statement later_suspension("cards.later_suspension", Store::ledger, ShardKey::card,
                                 "UPDATE card_suspension SET state = $4, since = $5, version = version + 1 "
                                 "WHERE ca_id = $1 AND serial = $2 AND version = $3");

sql::Blob blob(const CertificateSerial& serial) {
    return sql::Blob{as_text(serial.bytes())};
}

CertificateSerial decode_serial(const Row& row, int column) {
    auto serial = CertificateSerial::from_magnitude(as_bytes(row.blob(column)));
    if (serial) return *serial;
    row.reject();
    return *CertificateSerial::from_magnitude(as_bytes("\x01"));
}

const Statement walk_card_rows("cards.walk_cards", Store::registry, ShardKey::card,
                               "SELECT c.ca_id, c.serial, c.person_key, c.not_after, c.grace, s.status FROM card c "
                               "LEFT JOIN certificate_status s ON s.ca_id = c.ca_id AND s.serial = c.serial "
                               "WHERE (c.ca_id, c.serial) > ($1, $2) ORDER BY c.ca_id, c.serial LIMIT $3");
const Statement walk_suspension_rows("cards.walk_suspended", Store::ledger, ShardKey::card,
                                     "SELECT ca_id, serial FROM card_suspension WHERE state = 1 "
                                     "AND (ca_id, serial) > ($1, $2) ORDER BY ca_id, serial LIMIT $3");
const Statement walk_use_rows("cards.walk_uses", Store::ledger, ShardKey::person,
                              "SELECT person_key, state FROM use_registration WHERE person_key > $1 "
                              "AND person_key <= $2 ORDER BY person_key LIMIT $3");

Card decode_card(const Row& row) {
    Card card{.key = {static_cast<std::int32_t>(row.integer(6)), decode_serial(row, 7)},
              .not_after = {},
              .public_key = {},
              .tag = {}};
    card.person = PersonKey(row.integer(0));
    card.not_after = {row.integer(1)};
    card.grace = row.integer(2) == 0 ? Grace::none : Grace::three_months;
    if (!row.is_null(3)) card.public_key = row.blob(3);
    if (!row.is_null(4)) card.tag = row.blob(4);
    card.version = row.integer(5);
    return card;
}

HeldCard decode_held(const Row& row) {
    HeldCard card{.key = {static_cast<std::int32_t>(row.integer(0)), decode_serial(row, 1)}, .not_after = {}};
    card.person = PersonKey(row.integer(2));
    card.not_after = {row.integer(3)};
    card.grace = row.integer(4) == 0 ? Grace::none : Grace::three_months;
    if (!row.is_null(5)) card.listed = static_cast<CertificateStatus>(row.integer(5));
    return card;
}

CardKey decode_card_key(const Row& row) {
    return {static_cast<std::int32_t>(row.integer(0)), decode_serial(row, 1)};
}

PersonUse decode_person_use(const Row& row) {
    const std::int64_t state = row.integer(1);
    if (state < 0 || state > static_cast<std::int64_t>(UseState::cancelled)) row.reject();
    return {PersonKey(row.integer(0)), static_cast<UseState>(state)};
}

Suspension decode_suspension(const Row& row) {
    return {row.integer(0) == 1, {row.integer(1)}, row.integer(2)};
}

UseRegistration decode_registration(const Row& row) {
    const std::int64_t state = row.integer(0);
    if (state < 0 || state > static_cast<std::int64_t>(UseState::cancelled)) row.reject();
    return {static_cast<UseState>(state), {row.integer(1)}, row.integer(2)};
}

ListedStatus decode_listed(const Row& row, int first) {
    const std::int64_t status = row.integer(first);
    const bool known = status >= static_cast<std::int64_t>(CertificateStatus::suspended) &&
                       status <= static_cast<std::int64_t>(CertificateStatus::renewed);
    if (!known) row.reject();
    return {static_cast<CertificateStatus>(status), {row.integer(first + 1)}};
}

ListedStatus decode_listed_status(const Row& row) {
    return decode_listed(row, 0);
}

ListedCertificate decode_listed_certificate(const Row& row) {
    return {decode_serial(row, 0), decode_listed(row, 1)};
}

StatusSource decode_source(const Row& row) {
    return {static_cast<std::int32_t>(row.integer(0)),
            {row.integer(1)},
            {row.integer(2)},
            std::string(row.blob(3)),
            row.integer(4)};
}

Predecessor decode_predecessor(const Row& row) {
    return {{static_cast<std::int32_t>(row.integer(0)), decode_serial(row, 1)}, {row.integer(2)}};
}

}  // namespace

sql::Slot<Card> load_card(sql::ReadBatch& batch, const CardKey& key) {
    return batch.one(select_card, decode_card, key.ca_id, blob(key.serial));
}

sql::Slot<Suspension> load_suspension(sql::ReadBatch& batch, const CardKey& key) {
    return batch.one(select_suspension, decode_suspension, key.ca_id, blob(key.serial));
}

sql::Slot<UseRegistration> load_use_registration(sql::ReadBatch& batch, PersonKey person) {
    return batch.one(select_registration, decode_registration, person.value());
}

sql::Rows<HeldCard> walk_cards(sql::ReadBatch& batch, const std::optional<CardKey>& after, std::size_t count_max) {
    const std::int32_t ca_id = after ? after->ca_id : 0;
    const sql::Blob serial = after ? blob(after->serial) : sql::Blob{std::string_view()};
    return batch.many(walk_card_rows, count_max, decode_held, ca_id, serial, count_max);
}

sql::Rows<CardKey> walk_suspended(sql::ReadBatch& batch, const std::optional<CardKey>& after, std::size_t count_max) {
    const std::int32_t ca_id = after ? after->ca_id : 0;
    const sql::Blob serial = after ? blob(after->serial) : sql::Blob{std::string_view()};
    return batch.many(walk_suspension_rows, count_max, decode_card_key, ca_id, serial, count_max);
}

sql::Rows<PersonUse> walk_uses(sql::ReadBatch& batch, PersonKey after, PersonKey upto, std::size_t count_max) {
    return batch.many(walk_use_rows, count_max, decode_person_use, after.value(), upto.value(), count_max);
}

sql::Rows<StatusSource> load_status_sources(sql::ReadBatch& batch) {
    return batch.many(select_sources, authorities_max, decode_source);
}

sql::Slot<StatusSource> load_status_source(sql::ReadBatch& batch, std::int32_t ca_id) {
    return batch.one(select_source, decode_source, ca_id);
}

void put_status_source(sql::WriteSet& set, const StatusSource& source) {
    const sql::Blob number{source.number};
    if (source.version == 0) {
        set.guard(first_source, 1, source.ca_id, source.as_of.us, source.next_update.us, number);
    } else {
        set.guard(later_source, 1, source.ca_id, source.as_of.us, source.next_update.us, number, source.version);
    }
}

sql::Slot<ListedStatus> load_listed_status(sql::ReadBatch& batch, const CardKey& key) {
    return batch.one(select_listed, decode_listed_status, key.ca_id, blob(key.serial));
}

sql::Rows<ListedCertificate> load_listed(sql::ReadBatch& batch, std::int32_t ca_id, std::string_view after_serial) {
    return batch.many(select_listed_page, listed_per_page_max, decode_listed_certificate, ca_id,
                      sql::Blob{after_serial}, listed_per_page_max);
}

void put_listed_status(sql::WriteSet& set, const CardKey& key, const ListedStatus& listed) {
    set.change(upsert_listed, key.ca_id, blob(key.serial), listed.status, listed.since.us);
}

void drop_listed_status(sql::WriteSet& set, const CardKey& key) {
    set.change(delete_listed, key.ca_id, blob(key.serial));
}

sql::Slot<Predecessor> load_predecessor(sql::ReadBatch& batch, const CardKey& renewed) {
    return batch.one(select_predecessor, decode_predecessor, renewed.ca_id, blob(renewed.serial));
}

void store_seen_card(sql::WriteSet& set, const Card& card) {
    const sql::Blob key{card.public_key};
    const sql::Blob tag{card.tag};
    if (card.version == 0) {
        set.guard(first_key, 1, card.key.ca_id, blob(card.key.serial), card.person.value(), card.not_after.us,
                  card.grace, key, tag);
    } else {
        set.guard(update_key, 1, card.key.ca_id, blob(card.key.serial), card.version, card.not_after.us, card.grace,
                  key, tag);
    }
}

void register_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, Channel channel, Instant at) {
    if (before.version == 0) {
        set.guard(first_registration, 1, person.value(), at.us, channel);
    } else {
        set.guard(later_registration, 1, person.value(), before.version, at.us, channel);
    }
}

void put_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, UseState after, Channel channel,
             Instant at) {
    if (before.version == 0) {
        set.guard(first_use, 1, person.value(), after, at.us, channel);
    } else {
        set.guard(later_use, 1, person.value(), before.version, after, at.us, channel);
    }
}

void put_suspension(sql::WriteSet& set, const CardKey& key, const Suspension& before, bool suspended, Instant at) {
    const int state = suspended ? 1 : 0;
    if (before.version == 0) {
        set.guard(first_suspension, 1, key.ca_id, blob(key.serial), state, at.us);
    } else {
        set.guard(later_suspension, 1, key.ca_id, blob(key.serial), before.version, state, at.us);
    }
}

}  // namespace onshi::cards
