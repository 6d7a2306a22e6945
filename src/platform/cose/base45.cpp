#include "platform/cose/base45.h"

namespace onshi::cose {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
constexpr unsigned base = 45;

}  // namespace

std::string to_base45(Bytes bytes) {
    std::string text;
    text.reserve((bytes.size() + 1) / 2 * 3);
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const bool pair = i + 1 < bytes.size();
        unsigned value = pair ? bytes[i] * 256U + bytes[i + 1] : bytes[i];
        for (int digit = 0; digit < (pair ? 3 : 2); ++digit) {
            text.push_back(alphabet[value % base]);
            value /= base;
        }
    }
    return text;
}

std::optional<std::string> from_base45(std::string_view text) {
    if (text.size() % 3 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 3 * 2 + 1);
    for (std::size_t i = 0; i < text.size(); i += 3) {
        const std::string_view group = text.substr(i, 3);
        unsigned value = 0;
        for (std::size_t digit = group.size(); digit-- > 0;) {
            const auto found = alphabet.find(group[digit]);
            if (found == std::string_view::npos) return std::nullopt;
            value = value * base + static_cast<unsigned>(found);
        }
        if (value > (group.size() == 3 ? 0xFFFFU : 0xFFU)) return std::nullopt;
        if (group.size() == 3) bytes.push_back(static_cast<char>(value >> 8U));
        bytes.push_back(static_cast<char>(value & 0xFFU));
    }
    return bytes;
}

}  // namespace onshi::cose
