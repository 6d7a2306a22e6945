#include "domain/eligibility/store.h"

#include <algorithm>

namespace onshi::eligibility {

namespace {

using sql::Blob;
using sql::Position;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_challenge("eligibility.consume_challenge", Store::ledger, ShardKey::person,
                                 "INSERT INTO used_challenge (expires_at, nonce, person_key, lane, sequence) "
                                 "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (expires_at, nonce, person_key) DO NOTHING");
const Statement select_challenge("eligibility.select_used_challenge", Store::ledger, ShardKey::person,
                                 "SELECT lane, sequence FROM used_challenge "
                                 "WHERE expires_at = $1 AND nonce = $2 AND person_key = $3");
const Statement delete_challenges("eligibility.purge_challenges", Store::ledger, ShardKey::none,
                                  "DELETE FROM used_challenge WHERE expires_at < $1");
const Statement insert_check("eligibility.consume_check_id", Store::ledger, ShardKey::organisation,
                             "INSERT INTO used_check (terminal_key, check_id, lane, sequence) VALUES ($1, $2, $3, $4) "
                             "ON CONFLICT (terminal_key, check_id) DO NOTHING");
const Statement select_check("eligibility.select_used_check", Store::ledger, ShardKey::organisation,
                             "SELECT lane, sequence FROM used_check WHERE terminal_key = $1 AND check_id = $2");
const Statement insert_consents("eligibility.consume_consents", Store::ledger, ShardKey::lane,
                                "INSERT INTO consent_given (lane, sequence, digest, consent_lane, consent_sequence) "
                                "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (lane, sequence) DO NOTHING");
const Statement select_consents("eligibility.select_given_consents", Store::ledger, ShardKey::lane,
                                "SELECT digest, consent_lane, consent_sequence FROM consent_given "
                                "WHERE lane = $1 AND sequence = $2");
const Statement select_visual("eligibility.select_visual_uses", Store::ledger, ShardKey::organisation,
                              "SELECT used FROM visual_use WHERE organisation_key = $1 AND reference = $2 AND day = $3");
const Statement first_visual("eligibility.first_visual_use", Store::ledger, ShardKey::organisation,
                             "INSERT INTO visual_use (organisation_key, reference, day, used) VALUES ($1, $2, $3, 1) "
                             "ON CONFLICT (organisation_key, reference, day) DO NOTHING");
const Statement later_visual("eligibility.later_visual_use", Store::ledger, ShardKey::organisation,
                             "UPDATE visual_use SET used = used + 1 "
                             "WHERE organisation_key = $1 AND reference = $2 AND day = $3 AND used < $4");

audit::Place decode_place(const Row& row) { return {row.integer(0), row.integer(1)}; }

std::int64_t decode_integer(const Row& row) { return row.integer(0); }

GivenConsents decode_given(const Row& row) {
    GivenConsents given{{}, {row.integer(1), row.integer(2)}};
    const std::string_view digest = row.blob(0);
    if (digest.size() == given.digest.size()) {
        std::ranges::copy(as_bytes(digest), given.digest.begin());
    } else {
        row.reject();
    }
    return given;
}

}  // namespace

void consume_challenge(sql::WriteSet& set, const OpenedChallenge& challenge, PersonKey person) {
    set.guard(insert_challenge, 1, challenge.expires_at.us, Blob{as_text(challenge.nonce)}, person.value(),
              Position::lane, Position::sequence);
}

sql::Slot<audit::Place> load_used_challenge(sql::ReadBatch& batch, const OpenedChallenge& challenge, PersonKey person) {
    return batch.one(select_challenge, decode_place, challenge.expires_at.us, Blob{as_text(challenge.nonce)},
                     person.value());
}

void consume_check_id(sql::WriteSet& set, TerminalKey terminal, const CheckId& id) {
    set.guard(insert_check, 1, terminal.value(), Blob{as_text(id.bytes())}, Position::lane, Position::sequence);
}

sql::Slot<audit::Place> load_used_check(sql::ReadBatch& batch, TerminalKey terminal, const CheckId& id) {
    return batch.one(select_check, decode_place, terminal.value(), Blob{as_text(id.bytes())});
}

void consume_consents(sql::WriteSet& set, const audit::Place& answer, const Sha256& digest) {
    set.guard(insert_consents, 1, answer.lane, answer.sequence, Blob{as_text(digest)}, Position::lane,
              Position::sequence);
}

sql::Slot<GivenConsents> load_given_consents(sql::ReadBatch& batch, const audit::Place& answer) {
    return batch.one(select_consents, decode_given, answer.lane, answer.sequence);
}

void purge_challenges(sql::WriteSet& set, Instant expired_before) { set.change(delete_challenges, expired_before.us); }

sql::Slot<std::int64_t> load_visual_uses(sql::ReadBatch& batch, OrganisationKey organisation, std::string_view account,
                                         Date day) {
    return batch.one(select_visual, decode_integer, organisation.value(), account, day.days());
}

void count_visual_use(sql::WriteSet& set, OrganisationKey organisation, std::string_view account, Date day,
                      std::int64_t used_before, std::int64_t budget) {
    if (used_before == 0) {
        set.guard(first_visual, 1, organisation.value(), account, day.days());
    } else {
        set.guard(later_visual, 1, organisation.value(), account, day.days(), budget);
    }
}

}  // namespace onshi::eligibility
