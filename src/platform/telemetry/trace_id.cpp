#include "platform/telemetry/trace_id.h"

#include <algorithm>

namespace onshi {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t traceparent_size = 55;  // 00-<32>-<16>-<2>

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
}

bool is_zero(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

}  // namespace

TraceId::TraceId(std::span<const std::uint8_t, 16> bytes) {
    std::ranges::copy(bytes, bytes_.begin());
}

std::optional<TraceId> TraceId::from_hex(std::string_view hex) {
    if (hex.size() != 32 || !is_hex(hex) || is_zero(hex)) return std::nullopt;
    TraceId id;
    for (std::size_t i = 0; i < 16; ++i) {
        id.bytes_[i] = static_cast<std::uint8_t>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
    }
    return id;
}

std::optional<TraceId> TraceId::from_traceparent(std::string_view field) {
    if (field.size() < traceparent_size) return std::nullopt;
    const std::string_view version = field.substr(0, 2);
    if (!is_hex(version) || version == "ff") return std::nullopt;
    // Version 00 has exactly this length; a later version may go on after another dash.
    if (field.size() > traceparent_size && (version == "00" || field[traceparent_size] != '-')) return std::nullopt;
    if (field[2] != '-' || field[35] != '-' || field[52] != '-') return std::nullopt;
    const std::string_view span = field.substr(36, 16);
    if (!is_hex(span) || is_zero(span) || !is_hex(field.substr(53, 2))) return std::nullopt;
    return from_hex(field.substr(3, 32));
}

std::array<char, 32> TraceId::hex() const {
    std::array<char, 32> text;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        text[2 * i] = hex_digits[bytes_[i] >> 4U];
        text[2 * i + 1] = hex_digits[bytes_[i] & 15U];
    }
    return text;
}

std::string TraceId::traceparent(std::uint64_t span) const {
    const auto trace = hex();
    std::string field = "00-";
    field.append(trace.data(), trace.size()).push_back('-');
    for (int shift = 60; shift >= 0; shift -= 4)
        field.push_back(hex_digits[(span >> static_cast<unsigned>(shift)) & 15U]);
    return field += "-01";
}

}  // namespace onshi
