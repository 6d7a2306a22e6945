#include "domain/eligibility/store.h"

#include <algorithm>

#include "base/ensure.h"
#include "domain/payments/store.h"

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
const Statement insert_check("eligibility.consume_check_id", Store::ledger, ShardKey::organisation,
                             "INSERT INTO used_check (terminal_key, check_id, lane, sequence, used_at) "
                             "VALUES ($1, $2, $3, $4, $5) "
                             "ON CONFLICT (terminal_key, check_id) DO NOTHING");
const Statement select_check("eligibility.select_used_check", Store::ledger, ShardKey::organisation,
                             "SELECT lane, sequence FROM used_check WHERE terminal_key = $1 AND check_id = $2");
const Statement insert_consents("eligibility.consume_consents", Store::ledger, ShardKey::lane,
                                "INSERT INTO consent_given (lane, sequence, digest, consent_lane, consent_sequence, "
                                "given_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lane, sequence) DO NOTHING");
const Statement select_consents("eligibility.select_given_consents", Store::ledger, ShardKey::lane,
                                "SELECT digest, consent_lane, consent_sequence FROM consent_given "
                                "WHERE lane = $1 AND sequence = $2");
const Statement select_visual(
    "eligibility.select_visual_uses", Store::ledger, ShardKey::organisation,
    "SELECT used FROM visual_use WHERE organisation_key = $1 AND reference = $2 AND day = $3");
const Statement first_visual("eligibility.first_visual_use", Store::ledger, ShardKey::organisation,
                             "INSERT INTO visual_use (organisation_key, reference, day, used) VALUES ($1, $2, $3, 1) "
                             "ON CONFLICT (organisation_key, reference, day) DO NOTHING");
const Statement later_visual("eligibility.later_visual_use", Store::ledger, ShardKey::organisation,
                             "UPDATE visual_use SET used = used + 1 "
                             "WHERE organisation_key = $1 AND reference = $2 AND day = $3 AND used < $4");

// A bounded slice of the oldest rows: one write set never holds up the checks that wait for the same committer.
const Statement count_challenges("eligibility.count_old_challenges", Store::ledger, ShardKey::none,
                                 "SELECT count(*) FROM (SELECT nonce FROM used_challenge WHERE expires_at < $1 "
                                 "LIMIT $2) AS old");
const Statement delete_challenges("eligibility.remove_old_challenges", Store::ledger, ShardKey::none,
                                  "DELETE FROM used_challenge WHERE (expires_at, nonce, person_key) IN "
                                  "(SELECT expires_at, nonce, person_key FROM used_challenge WHERE expires_at < $1 "
                                  "ORDER BY expires_at, nonce, person_key LIMIT $2)");
const Statement count_checks(
    "eligibility.count_old_check_ids", Store::ledger, ShardKey::none,
    "SELECT count(*) FROM (SELECT check_id FROM used_check WHERE used_at < $1 LIMIT $2) AS old");
const Statement delete_checks("eligibility.remove_old_check_ids", Store::ledger, ShardKey::none,
                              "DELETE FROM used_check WHERE (terminal_key, check_id) IN "
                              "(SELECT terminal_key, check_id FROM used_check WHERE used_at < $1 "
                              "ORDER BY used_at, terminal_key, check_id LIMIT $2)");
const Statement count_consents("eligibility.count_old_given_consents", Store::ledger, ShardKey::none,
                               "SELECT count(*) FROM (SELECT lane FROM consent_given WHERE given_at < $1 LIMIT $2) "
                               "AS old");
const Statement delete_consents("eligibility.remove_old_given_consents", Store::ledger, ShardKey::none,
                                "DELETE FROM consent_given WHERE (lane, sequence) IN "
                                "(SELECT lane, sequence FROM consent_given WHERE given_at < $1 "
                                "ORDER BY given_at, lane, sequence LIMIT $2)");
const Statement count_visual("eligibility.count_old_visual_uses", Store::ledger, ShardKey::none,
                             "SELECT count(*) FROM (SELECT day FROM visual_use WHERE day < $1 LIMIT $2) AS old");
const Statement delete_visual("eligibility.remove_old_visual_uses", Store::ledger, ShardKey::none,
                              "DELETE FROM visual_use WHERE (organisation_key, reference, day) IN "
                              "(SELECT organisation_key, reference, day FROM visual_use WHERE day < $1 "
                              "ORDER BY day, organisation_key, reference LIMIT $2)");

struct Forgetting {
    const Statement& count;
    const Statement& remove;
};

Forgetting forgetting_of(Guarded kind) {
    switch (kind) {
        case Guarded::challenges: return {count_challenges, delete_challenges};
        case Guarded::check_ids: return {count_checks, delete_checks};
        case Guarded::given_consents: return {count_consents, delete_consents};
        case Guarded::visual_uses: return {count_visual, delete_visual};
        case Guarded::subsidy_choices: break;  // the table of another slice
    }
    ENSURE(false);
}

audit::Place decode_place(const Row& row) {
    return {row.integer(0), row.integer(1)};
}

std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}

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

void consume_check_id(sql::WriteSet& set, TerminalKey terminal, const CheckId& id, Instant now) {
    set.guard(insert_check, 1, terminal.value(), Blob{as_text(id.bytes())}, Position::lane, Position::sequence, now.us);
}

sql::Slot<audit::Place> load_used_check(sql::ReadBatch& batch, TerminalKey terminal, const CheckId& id) {
    return batch.one(select_check, decode_place, terminal.value(), Blob{as_text(id.bytes())});
}

void consume_consents(sql::WriteSet& set, const audit::Place& answer, const Sha256& digest, Instant now) {
    set.guard(insert_consents, 1, answer.lane, answer.sequence, Blob{as_text(digest)}, Position::lane,
              Position::sequence, now.us);
}

sql::Slot<GivenConsents> load_given_consents(sql::ReadBatch& batch, const audit::Place& answer) {
    return batch.one(select_consents, decode_given, answer.lane, answer.sequence);
}

sql::Slot<std::int64_t> count_older(sql::ReadBatch& batch, Guarded kind, std::int64_t before, std::size_t rows) {
    if (kind == Guarded::subsidy_choices) return payments::count_old_choices(batch, {before}, rows);
    return batch.one(forgetting_of(kind).count, decode_integer, before, rows);
}

void remove_older(sql::WriteSet& set, Guarded kind, std::int64_t before, std::size_t rows) {
    if (kind == Guarded::subsidy_choices) return payments::remove_old_choices(set, {before}, rows);
    set.change(forgetting_of(kind).remove, before, rows);
}

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
