#pragma once

#include "synth/household.h"
#include "synth/nation_tables.h"
#include "synth/person.h"

namespace onshi::synth {

// Draws the card and the paper certificate of one member, after the coverage records, and notes expired, suspended,
// revoked and renewed certificates among the faults.
void make_card(const NationTables& tables, const Household& household, std::uint32_t member, SyntheticPerson& person);

}  // namespace onshi::synth
