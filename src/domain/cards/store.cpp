#include "domain/cards/store.h"

namespace onshi::cards {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_card("cards.insert_card", Store::registry, ShardKey::card,
                            "INSERT INTO card (ca_id, serial, person_key, status, not_after, public_key, tag, version) "
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
                                     "INSERT INTO card_status_source (ca_id, as_of) VALUES ($1, $2)");

namespace {

const Statement select_card("cards.select_card", Store::registry, ShardKey::card,
                            "SELECT person_key, status, not_after, public_key, tag, version, ca_id, serial FROM card "
                            "WHERE ca_id = $1 AND serial = $2");
const Statement select_suspension("cards.select_suspension", Store::ledger, ShardKey::card,
                                  "SELECT state, since, version FROM card_suspension WHERE ca_id = $1 AND serial = $2");
const Statement select_registration("cards.select_use_registration", Store::ledger, ShardKey::person,
                                    "SELECT state, since, version FROM use_registration WHERE person_key = $1");
const Statement select_sources("cards.select_status_sources", Store::registry, ShardKey::none,
                               "SELECT ca_id, as_of FROM card_status_source ORDER BY ca_id");
const Statement upsert_source("cards.upsert_status_source", Store::registry, ShardKey::none,
                              "INSERT INTO card_status_source (ca_id, as_of) VALUES ($1, $2) "
                              "ON CONFLICT (ca_id) DO UPDATE SET as_of = excluded.as_of");
const Statement update_key("cards.update_key", Store::registry, ShardKey::card,
                           "UPDATE card SET public_key = $4, not_after = $5, tag = $6, version = version + 1 "
                           "WHERE ca_id = $1 AND serial = $2 AND version = $3");
const Statement first_registration("cards.first_registration", Store::ledger, ShardKey::person,
                                   "INSERT INTO use_registration (person_key, state, since, channel, version) "
                                   "VALUES ($1, 1, $2, $3, 1) ON CONFLICT (person_key) DO NOTHING");
const Statement later_registration("cards.later_registration", Store::ledger, ShardKey::person,
                                   "UPDATE use_registration SET state = 1, since = $3, channel = $4, "
                                   "version = version + 1 WHERE person_key = $1 AND version = $2");
const Statement first_suspension("cards.first_suspension", Store::ledger, ShardKey::card,
                                 "INSERT INTO card_suspension (ca_id, serial, state, since, version) "
                                 "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (ca_id, serial) DO NOTHING");
const Statement later_suspension("cards.later_suspension", Store::ledger, ShardKey::card,
                                 "UPDATE card_suspension SET state = $4, since = $5, version = version + 1 "
                                 "WHERE ca_id = $1 AND serial = $2 AND version = $3");

sql::Blob blob(const CertificateSerial& serial) { return sql::Blob{as_text(serial.bytes())}; }

// The key is not read back from its own columns on the hot path: the asker knows it.
Card decode_card(const Row& row) {
    auto serial = CertificateSerial::from_magnitude(as_bytes(row.blob(7)));
    if (!serial) {
        row.reject();
        serial = CertificateSerial::from_magnitude(as_bytes("\x01"));
    }
    Card card{.key = {static_cast<std::int32_t>(row.integer(6)), *serial}, .not_after = {}, .public_key = {}, .tag = {}};
    card.person = PersonKey(row.integer(0));
    card.status = static_cast<CertificateStatus>(row.integer(1));
    card.not_after = {row.integer(2)};
    if (!row.is_null(3)) card.public_key = row.blob(3);
    if (!row.is_null(4)) card.tag = row.blob(4);
    card.version = row.integer(5);
    return card;
}

Suspension decode_suspension(const Row& row) { return {row.integer(0) == 1, {row.integer(1)}, row.integer(2)}; }

UseRegistration decode_registration(const Row& row) {
    const std::int64_t state = row.integer(0);
    if (state < 0 || state > static_cast<std::int64_t>(UseState::cancelled)) row.reject();
    return {static_cast<UseState>(state), {row.integer(1)}, row.integer(2)};
}

StatusSource decode_source(const Row& row) { return {static_cast<std::int32_t>(row.integer(0)), {row.integer(1)}}; }

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

sql::Rows<StatusSource> load_status_sources(sql::ReadBatch& batch) {
    return batch.many(select_sources, authorities_max, decode_source);
}

void put_status_source(sql::WriteSet& set, const StatusSource& source) {
    set.change(upsert_source, source.ca_id, source.as_of.us);
}

void store_card_key(sql::WriteSet& set, const Card& card, std::string_view public_key, Instant not_after,
                    std::string_view tag) {
    set.guard(update_key, 1, card.key.ca_id, blob(card.key.serial), card.version, sql::Blob{public_key}, not_after.us,
              sql::Blob{tag});
}

void register_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, Channel channel, Instant at) {
    if (before.version == 0) {
        set.guard(first_registration, 1, person.value(), at.us, channel);
    } else {
        set.guard(later_registration, 1, person.value(), before.version, at.us, channel);
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
