#pragma once

#include <string>

#include "synth/nation.h"

namespace onshi::cli {

// One JSON object per person, insurer and planted fault of the synthetic nation; appended with a line end. No
// individual number. Persons: onshi.synthetic_person/1.
void append_person(const synth::Nation& nation, const synth::SyntheticPerson& person, std::string& out);
void append_insurer(const synth::SyntheticInsurer& insurer, std::string& out);
void append_fault(const synth::SyntheticPerson& person, const synth::Fault& fault, std::string& out);

}  // namespace onshi::cli
