#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace onshi {

// The 16 bytes that tie one request's log lines, problem answer and onward calls together (W3C Trace Context). Never
// derived from a person. All zero means "none". A value; thread-safe.
class TraceId {
  public:
    TraceId() = default;
    explicit TraceId(std::span<const std::uint8_t, 16> bytes);
    // From the W3C `traceparent` field: version 00 (or later with the same beginning); nullopt when malformed or zero.
    [[nodiscard]] static std::optional<TraceId> from_traceparent(std::string_view field);
    // From 32 lower-case hex digits; nullopt when malformed or zero.
    [[nodiscard]] static std::optional<TraceId> from_hex(std::string_view hex);

    [[nodiscard]] bool none() const { return bytes_ == std::array<std::uint8_t, 16>{}; }
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    // 32 lower-case hex digits.
    [[nodiscard]] std::array<char, 32> hex() const;
    // A `traceparent` field for an onward call; `span` names our part and must not be zero.
    [[nodiscard]] std::string traceparent(std::uint64_t span) const;

    bool operator==(const TraceId&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace onshi
