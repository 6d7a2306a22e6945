#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace onshi::cose {

// RFC 9285: what a QR code holds best of arbitrary bytes, in capitals, digits and eight signs.
[[nodiscard]] std::string to_base45(Bytes bytes);
// nullopt for another character, an odd end, or a group that stands for more than its bytes.
[[nodiscard]] std::optional<std::string> from_base45(std::string_view text);

}  // namespace onshi::cose
