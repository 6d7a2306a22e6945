#pragma once

#include <span>

#include "base/identifiers.h"
#include "domain/consent/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::consent {

inline constexpr std::size_t consents_per_read_max = 256;

[[nodiscard]] std::span<const sql::Migration> migrations();

// Choices of this person at this facility given after `since`.
[[nodiscard]] sql::Rows<Consent> load_consents(sql::ReadBatch& batch, PersonKey person, OrganisationKey organisation,
                                               Instant since);
// Of this person at every facility, given after `since`.
inline constexpr std::size_t consents_per_person_max = 4096;
[[nodiscard]] sql::Rows<FacilityConsent> load_consents_of(sql::ReadBatch& batch, PersonKey person, Instant since);
// The record of the write set tells of it; the row names the record's place.
void add_consent(sql::WriteSet& set, PersonKey person, OrganisationKey organisation, const Consent& consent);

}  // namespace onshi::consent
