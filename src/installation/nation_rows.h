#pragma once

// Inside this folder only: synthetic persons in the terms of the slices, as of the nation's day.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/cards/model.h"
#include "domain/coverage/model.h"
#include "domain/coverage/model_intake.h"
#include "domain/identity/model.h"
#include "synth/nation.h"

namespace onshi::installation {

// What was known of one record from one registry commit to the next.
struct CoverageVersion {
    coverage::Coverage value;
    std::int64_t known_to;  // exclusive; identity::known_open for the newest
};

// Fills name, reading, address, birth, sex and flags; keeps the texts' memory.
void fill_identity(const synth::Nation& nation, const synth::SyntheticPerson& person, identity::Person& out);
// The resident register tells of everybody from birth on.
[[nodiscard]] std::int64_t identity_known_from(const synth::SyntheticPerson& person);

// Appends the history of one record in the order of knowledge; nothing when nobody knows of it on the nation's day.
void append_versions(const synth::Nation& nation, const synth::SyntheticPerson& person, std::size_t record,
                     std::vector<CoverageVersion>& out);

// Why a withheld record waits: what its insurer sent beside what the register holds of the number's owner.
[[nodiscard]] coverage::WithheldCase withheld_case(const synth::Nation& nation, const synth::SyntheticPerson& person,
                                                   std::size_t record, const coverage::Coverage& value,
                                                   const identity::Person& owner);

// The certificate's state as the CA's list of that day tells it.
[[nodiscard]] cards::CertificateStatus status_on(const synth::SyntheticCard& card, Date as_of);
// nullopt for a card that was never registered. Version 1.
[[nodiscard]] std::optional<cards::UseRegistration> registration_on(const synth::SyntheticCard& card, Date as_of);
[[nodiscard]] cards::Channel channel_of(const synth::SyntheticCard& card);

}  // namespace onshi::installation
