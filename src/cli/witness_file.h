#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/audit/model.h"
#include "platform/pki/keys.h"

namespace onshi::cli {

using SealKey = std::pair<std::string, pki::Ed25519PublicKey>;

// What `audit heads` prints for keeping elsewhere and `audit verify --witness` reads: the newest record of each lane,
// and the public keys of the seals.
struct WitnessFile {
    std::vector<audit::Witness> heads;
    std::vector<SealKey> seal_keys;
};
// One JSON object `onshi.witness/1`. file.malformed for another form, or a key that its id does not name.
[[nodiscard]] std::string to_json(const WitnessFile& file);
[[nodiscard]] Result<WitnessFile> parse_witness_file(std::string_view json);

}  // namespace onshi::cli
