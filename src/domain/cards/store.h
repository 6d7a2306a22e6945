#pragma once

#include <span>

#include "domain/cards/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::cards {

inline constexpr std::size_t authorities_max = 64;

[[nodiscard]] std::span<const sql::Migration> migrations();

[[nodiscard]] sql::Slot<Card> load_card(sql::ReadBatch& batch, const CardKey& key);
[[nodiscard]] sql::Slot<Suspension> load_suspension(sql::ReadBatch& batch, const CardKey& key);
[[nodiscard]] sql::Slot<UseRegistration> load_use_registration(sql::ReadBatch& batch, PersonKey person);

struct StatusSource {
    std::int32_t ca_id;
    Instant as_of;
};
// How old each CA's list of revoked certificates is.
[[nodiscard]] sql::Rows<StatusSource> load_status_sources(sql::ReadBatch& batch);
void put_status_source(sql::WriteSet& set, const StatusSource& source);

// Stores the verified key of a card whose certificate was seen for the first time. Guarded by the version.
void store_card_key(sql::WriteSet& set, const Card& card, std::string_view public_key, Instant not_after,
                    std::string_view tag);
// Registers use as insurance card; idempotent: guarded by the state that was read.
void register_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, Channel channel, Instant at);
// Suspends or resumes; guarded by the version that was read.
void put_suspension(sql::WriteSet& set, const CardKey& key, const Suspension& before, bool suspended, Instant at);

// For loaders: the key columns may be null.
extern const sql::Statement insert_card;          // ca_id, serial, person_key, status, not_after, public_key, tag, version
extern const sql::Statement insert_renewal;       // ca_id, serial, new_ca_id, new_serial, valid_from
extern const sql::Statement insert_registration;  // person_key, state, since, channel, version
extern const sql::Statement insert_suspension;    // ca_id, serial, state (1: suspended), since, version
extern const sql::Statement insert_status_source; // ca_id, as_of

}  // namespace onshi::cards
