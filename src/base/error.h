#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_codes.gen.h"

namespace onshi {

// One wrong field of an input: a JSON pointer (or column name) and the reason. Never the value itself.
struct FieldError {
    std::string pointer;
    ErrorCode code;
};

// What the world (store, card, peer, deadline, input) spoiled. HTTP status, retry advice and sentences come from the
// catalogue (contracts/errors.toml) by `code`. `detail` is for vendors and logs and holds no personal data.
struct Error {
    ErrorCode code;
    std::string detail;
    std::vector<FieldError> fields;
    std::uint32_t retry_after_ms;
    std::source_location where;

    // `retry_after_ms` starts as the catalogue's advice for `error_code`.
    Error(ErrorCode error_code, std::string error_detail,
          std::source_location location = std::source_location::current());
};

// How a failure wants to be treated by the one who asked.
enum class Retry : std::uint8_t { never, after_change, after_backoff, now };

// One entry of the catalogue. Static storage; thread-safe.
struct ErrorEntry {
    ErrorCode code;
    std::string_view name;  // `area.reason`, never changes meaning
    std::uint16_t http_status;
    Retry retry;
    std::uint32_t retry_after_ms;  // 0: no advice on time
};

[[nodiscard]] const ErrorEntry& catalogue_entry(ErrorCode code) noexcept;
// Returns nullptr for a name that is not in the catalogue.
[[nodiscard]] const ErrorEntry* find_error(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(Retry retry) noexcept;
[[nodiscard]] inline std::string_view error_name(ErrorCode code) noexcept {
    return catalogue_entry(code).name;
}

}  // namespace onshi
