#pragma once

#include <string>

#include "base/bytes.h"
#include "synth/nation.h"

namespace onshi::synth {

// For the tests of this folder.

// Every field of a person in a fixed order: two persons are the same when these bytes are.
void append_fingerprint(const SyntheticPerson& person, ByteWriter& out);
[[nodiscard]] std::string fingerprint(const SyntheticPerson& person);

// What no person may break, alone; empty when all is well.
[[nodiscard]] std::string broken_invariant(const Nation& nation, const SyntheticPerson& person);

}  // namespace onshi::synth
