#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace onshi {

// Where unpredictable bytes come from, so that a test can fix them. Thread-safe.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;
};

// OpenSSL's generator; aborts when the system has no entropy, since nothing safe can be done without. At most 16 bytes
// (nonces, salts, identifiers) come from a stock per thread that was made by the same generator; also safe after
// fork().
class SystemRandom final : public Random {
  public:
    void fill(std::span<std::uint8_t> out) override;
};

// Reproducible bytes for tests and for `synth`. Not thread-safe, never for keys.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override;
    [[nodiscard]] std::uint64_t next();

  private:
    std::uint64_t state_;
};

// SplitMix64: a well-mixed 64-bit value from any input. The base of `attribute = f(seed, index, field)`.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
}

}  // namespace onshi
