#pragma once

#include <optional>

#include "synth/household.h"
#include "synth/names.h"
#include "synth/nation_tables.h"

namespace onshi::synth {

// The name of a member as registered, with its reading.
[[nodiscard]] PersonName registered_name(const NationTables& tables, const Household& household, std::uint32_t member);
// 通称 of some foreign residents.
[[nodiscard]] std::optional<PersonName> draw_alias(const NationTables& tables, const Household& household,
                                                   std::uint32_t member);
// A surname that differs from the name's in writing and reading, even after folding.
[[nodiscard]] const Surname& draw_other_surname(const PersonName& name, const Draws& draws);
// Takes the reading away from those whom the register holds without one.
void drop_missing_reading(const Household& household, const Draws& draws, PersonName& name);

}  // namespace onshi::synth
