#include "domain/consent/store.h"

namespace onshi::consent {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement select_consents("consent.select_consents", Store::ledger, ShardKey::person,
                                "SELECT item, choice, given_at, expires_at FROM consent WHERE person_key = $1 "
                                "AND organisation_key = $2 AND given_at > $3 ORDER BY item, given_at DESC LIMIT $4");
const Statement select_consents_of("consent.select_consents_of", Store::ledger, ShardKey::person,
                                   "SELECT organisation_key, item, choice, given_at, expires_at FROM consent "
                                   "WHERE person_key = $1 AND given_at > $2 "
                                   "ORDER BY organisation_key, item, given_at LIMIT $3");
// Of two at one moment, as two look-ups of one list may give them, the one that is recorded last counts.
const Statement insert_consent("consent.insert_consent", Store::ledger, ShardKey::person,
                               "INSERT INTO consent (person_key, organisation_key, item, given_at, choice, expires_at, "
                               "lane, sequence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                               "ON CONFLICT (person_key, organisation_key, item, given_at) DO UPDATE SET "
                               "choice = excluded.choice, expires_at = excluded.expires_at, lane = excluded.lane, "
                               "sequence = excluded.sequence");

Consent decode_consent(const Row& row) {
    return {static_cast<Item>(row.integer(0)), static_cast<Choice>(row.integer(1)), {row.integer(2)}, {row.integer(3)}};
}

}  // namespace

sql::Rows<Consent> load_consents(sql::ReadBatch& batch, PersonKey person, OrganisationKey organisation, Instant since) {
    return batch.many(select_consents, consents_per_read_max, decode_consent, person.value(), organisation.value(),
                      since.us, consents_per_read_max);
}

sql::Rows<FacilityConsent> load_consents_of(sql::ReadBatch& batch, PersonKey person, Instant since) {
    return batch.many(
        select_consents_of, consents_per_person_max,
        +[](const Row& row) {
            return FacilityConsent{OrganisationKey(row.integer(0)),
                                   {static_cast<Item>(row.integer(1)),
                                    static_cast<Choice>(row.integer(2)),
                                    {row.integer(3)},
                                    {row.integer(4)}}};
        },
        person.value(), since.us, consents_per_person_max);
}

void add_consent(sql::WriteSet& set, PersonKey person, OrganisationKey organisation, const Consent& consent) {
    set.change(insert_consent, person.value(), organisation.value(), consent.item, consent.given_at.us, consent.choice,
               consent.expires_at.us, sql::Position::lane, sql::Position::sequence);
}

}  // namespace onshi::consent
