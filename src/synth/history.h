#pragma once

#include <cstdint>

#include "synth/household.h"
#include "synth/nation_tables.h"
#include "synth/person.h"

namespace onshi::synth {

// Writes the coverage records of one member, with what insurers got wrong, and notes it among the faults. Reads sex,
// birth date, day of death and address of `person`.
void make_coverages(const NationTables& tables, const Household& household, std::uint32_t member,
                    SyntheticPerson& person);

}  // namespace onshi::synth
