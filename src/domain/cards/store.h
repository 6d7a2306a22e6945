#pragma once

#include <optional>
#include <span>
#include <string>

#include "domain/cards/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::cards {

inline constexpr std::size_t authorities_max = 64;
inline constexpr std::size_t listed_per_page_max = 1000;

[[nodiscard]] std::span<const sql::Migration> migrations();

[[nodiscard]] sql::Slot<Card> load_card(sql::ReadBatch& batch, const CardKey& key);
[[nodiscard]] sql::Slot<Suspension> load_suspension(sql::ReadBatch& batch, const CardKey& key);
[[nodiscard]] sql::Slot<UseRegistration> load_use_registration(sql::ReadBatch& batch, PersonKey person);

// ---- Walks over everybody, in the order of keys; for housekeeping, never for a check --------------------------------

struct HeldCard {
    CardKey key;
    PersonKey person{0};
    Instant not_after;
    Grace grace = Grace::none;
    CertificateStatus listed = CertificateStatus::good;
};
// Behind a card (nullopt: from the first), with what the CA's list says of each.
[[nodiscard]] sql::Rows<HeldCard> walk_cards(sql::ReadBatch& batch, const std::optional<CardKey>& after,
                                             std::size_t count_max);
[[nodiscard]] sql::Rows<CardKey> walk_suspended(sql::ReadBatch& batch, const std::optional<CardKey>& after,
                                                std::size_t count_max);
struct PersonUse {
    PersonKey person{0};
    UseState state = UseState::none;
};
[[nodiscard]] sql::Rows<PersonUse> walk_uses(sql::ReadBatch& batch, PersonKey after, PersonKey upto,
                                             std::size_t count_max);

// What the CA's newest list says of a certificate, whether a card of ours has it or not; absent: good.
[[nodiscard]] sql::Slot<ListedStatus> load_listed_status(sql::ReadBatch& batch, const CardKey& key);

struct ListedCertificate {
    CertificateSerial serial;
    ListedStatus listed;
    bool operator==(const ListedCertificate&) const = default;
};
// A CA's listed certificates behind a serial (empty: from the first), in the order of the serial's bytes; at most
// listed_per_page_max.
[[nodiscard]] sql::Rows<ListedCertificate> load_listed(sql::ReadBatch& batch, std::int32_t ca_id,
                                                       std::string_view after_serial);
void put_listed_status(sql::WriteSet& set, const CardKey& key, const ListedStatus& listed);
void drop_listed_status(sql::WriteSet& set, const CardKey& key);

// How old each CA's list of revoked certificates is. Between two lists the version counts the parts of the next one.
struct StatusSource {
    std::int32_t ca_id = 0;
    Instant as_of;
    Instant next_update;
    std::string number;  // of the list, big-endian; empty: no list was taken over yet
    std::int64_t version = 0;
};
[[nodiscard]] sql::Rows<StatusSource> load_status_sources(sql::ReadBatch& batch);
[[nodiscard]] sql::Slot<StatusSource> load_status_source(sql::ReadBatch& batch, std::int32_t ca_id);
// Guarded by the version that was read (0: none was there) and raises it.
void put_status_source(sql::WriteSet& set, const StatusSource& source);

// Which certificate this one replaced (更新), and from when it stands for it.
struct Predecessor {
    CardKey key;
    Instant valid_from;
};
[[nodiscard]] sql::Slot<Predecessor> load_predecessor(sql::ReadBatch& batch, const CardKey& renewed);

// Stores the card with the key of a certificate that was seen for the first time: into its row, guarded by the version,
// or with version 0 as a new row, guarded by its absence.
void store_seen_card(sql::WriteSet& set, const Card& card);
// Registers use as insurance card; idempotent: guarded by the state that was read.
void register_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, Channel channel, Instant at);
// Any other change of it: the state of `after` in place of the one that was read, by whom it was asked.
void put_use(sql::WriteSet& set, PersonKey person, const UseRegistration& before, UseState after, Channel channel,
             Instant at);
// Suspends or resumes; guarded by the version that was read.
void put_suspension(sql::WriteSet& set, const CardKey& key, const Suspension& before, bool suspended, Instant at);

// For loaders: the key columns may be null.
extern const sql::Statement insert_card;     // ca_id, serial, person_key, not_after, grace, public_key, tag, version
extern const sql::Statement insert_renewal;  // ca_id, serial, new_ca_id, new_serial, valid_from
extern const sql::Statement insert_registration;   // person_key, state, since, channel, version
extern const sql::Statement insert_suspension;     // ca_id, serial, state (1: suspended), since, version
extern const sql::Statement insert_listed_status;  // ca_id, serial, status, since
extern const sql::Statement insert_status_source;  // ca_id, as_of, next_update

}  // namespace onshi::cards
