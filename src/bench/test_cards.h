#pragma once

// For tests of this folder: persons of whom every third has no usable card.
#include "bench/check_requests.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::bench::test {

class TestCards final : public CardSource {
  public:
    [[nodiscard]] std::optional<BenchCard> card(std::uint64_t person) const override {
        if (person % 3 == 2) return std::nullopt;
        return BenchCard{"authority", serial_of(person), &pki::fixture_keys().key(person)};
    }
    [[nodiscard]] static CertificateSerial serial_of(std::uint64_t person) {
        const std::array<std::uint8_t, 4> bytes{1, static_cast<std::uint8_t>(person >> 16U),
                                                static_cast<std::uint8_t>(person >> 8U),
                                                static_cast<std::uint8_t>(person)};
        return CertificateSerial::from_magnitude(bytes).value();
    }
};

}  // namespace onshi::bench::test
