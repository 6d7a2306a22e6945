#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"

namespace onshi {

using Sha256 = std::array<std::uint8_t, 32>;

// The digest of the parts one after another. No allocation; thread-safe.
[[nodiscard]] Sha256 sha256(std::initializer_list<Bytes> parts);
[[nodiscard]] inline Sha256 sha256(Bytes bytes) {
    return sha256({bytes});
}

}  // namespace onshi
