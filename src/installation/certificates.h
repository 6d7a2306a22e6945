#pragma once

// Inside this folder only: what synthetic persons hold, in the terms of the slices.
#include <filesystem>

#include "base/result.h"
#include "domain/payments/model_certificates.h"
#include "synth/nation.h"

namespace onshi::installation {

// Certificates that count on the nation's day, their keys in the order of limits, diseases, subsidies.
[[nodiscard]] payments::Holdings holdings_of(const synth::Nation& nation, const synth::SyntheticPerson& person);

// Every municipality and prefecture of the nation, connected or not, with the ordinances of those that are. Errors:
// file.unwritable.
[[nodiscard]] Result<void> write_ordinances(const synth::Nation& nation, const std::filesystem::path& file);

}  // namespace onshi::installation
