#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/sha256.h"
#include "domain/audit/rules.h"
#include "domain/eligibility/challenges.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::eligibility {

[[nodiscard]] std::span<const sql::Migration> migrations();

// The guard that makes a challenge single-use, and where the check it was used for is recorded.
void consume_challenge(sql::WriteSet& set, const OpenedChallenge& challenge, PersonKey person);
[[nodiscard]] sql::Slot<audit::Place> load_used_challenge(sql::ReadBatch& batch, const OpenedChallenge& challenge,
                                                          PersonKey person);
// The same for look-ups by number, which have no challenge.
void consume_check_id(sql::WriteSet& set, TerminalKey terminal, const CheckId& id, Instant now);
[[nodiscard]] sql::Slot<audit::Place> load_used_check(sql::ReadBatch& batch, TerminalKey terminal, const CheckId& id);
// And for the one message of consents after an answer.
struct GivenConsents {
    Sha256 digest;
    audit::Place record;
};
void consume_consents(sql::WriteSet& set, const audit::Place& answer, const Sha256& digest, Instant now);
[[nodiscard]] sql::Slot<GivenConsents> load_given_consents(sql::ReadBatch& batch, const audit::Place& answer);

// Rows that guard against something happening twice; each kind is of use for a time of its own (forgetting.h).
enum class Guarded : std::uint8_t { challenges, check_ids, given_consents, visual_uses, subsidy_choices };
// How many rows are older than `before` (challenges: expired before; visual uses: of an earlier day), counted up to
// `rows`.
[[nodiscard]] sql::Slot<std::int64_t> count_older(sql::ReadBatch& batch, Guarded kind, std::int64_t before,
                                                  std::size_t rows);
// Removes the `rows` oldest of them.
void remove_older(sql::WriteSet& set, Guarded kind, std::int64_t before, std::size_t rows);

// How many visual checks an account has done on a day; counted by the guard of each, which holds while there is budget
// left, so that many at once do not stand in each other's way.
[[nodiscard]] sql::Slot<std::int64_t> load_visual_uses(sql::ReadBatch& batch, OrganisationKey organisation,
                                                       std::string_view account, Date day);
void count_visual_use(sql::WriteSet& set, OrganisationKey organisation, std::string_view account, Date day,
                      std::int64_t used_before, std::int64_t budget);

}  // namespace onshi::eligibility
