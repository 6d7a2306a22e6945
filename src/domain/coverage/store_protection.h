#pragma once

#include <cstdint>
#include <string>

#include "base/identifiers.h"
#include "base/time.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// Which of the two flags of somebody in danger (domain-rules §2.8). They are independent.
enum class ProtectionFlag : std::uint8_t { hide_history = 1, block_self_information = 2 };
inline constexpr std::size_t protection_flags = 2;

// That somebody asked to void a flag, and waits for a second person. An ended wish is there still, with asked_at 0.
struct VoidWish {
    ProtectionFlag flag = ProtectionFlag::hide_history;
    Instant asked_at;
    std::string asked_by;
};

[[nodiscard]] sql::Rows<VoidWish> load_void_wishes(sql::ReadBatch& batch, PersonKey person);
void put_void_wish(sql::WriteSet& set, PersonKey person, const VoidWish& wish);
// Refused when it was ended or asked anew since it was read.
void end_void_wish(sql::WriteSet& set, PersonKey person, const VoidWish& wish);

}  // namespace onshi::coverage
