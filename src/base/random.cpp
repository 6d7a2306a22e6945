#include "base/random.h"

#include <cstring>

#include <openssl/rand.h>

#include "base/ensure.h"

namespace onshi {

void SystemRandom::fill(std::span<std::uint8_t> out) {
    ENSURE(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::uint64_t SeededRandom::next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    return mix64(state_);
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); i += 8) {
        const std::uint64_t word = next();
        std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, out.size() - i));
    }
}

}  // namespace onshi
