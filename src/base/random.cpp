#include "base/random.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/ensure.h"

namespace onshi {

namespace {

// A call of OpenSSL's generator costs about 2 µs however few bytes it gives; a check needs 16 bytes three times.
constexpr std::size_t stock_bytes = 1024;
constexpr std::size_t from_stock_max = 16;

// Raised in the child of a fork, which must not give out what its parent gives out too.
std::atomic<unsigned> forks{0};

void generate(std::span<std::uint8_t> out) {
    ENSURE(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

// Bytes that were made ahead of need. What has been given out is wiped, so that it stays with its owner only.
class Stock {
  public:
    void take(std::span<std::uint8_t> out) {
        if (left_ < out.size() || forks_ != forks.load(std::memory_order_relaxed)) refill();
        left_ -= out.size();
        std::uint8_t* const from = bytes_.data() + left_;
        std::copy_n(from, out.size(), out.begin());
        OPENSSL_cleanse(from, out.size());
    }
    ~Stock() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  private:
    void refill() {
        static const int watching = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
        ENSURE(watching == 0);
        forks_ = forks.load(std::memory_order_relaxed);
        generate(bytes_);
        left_ = bytes_.size();
    }
    std::array<std::uint8_t, stock_bytes> bytes_{};
    std::size_t left_ = 0;
    unsigned forks_ = 0;
};

}  // namespace

// Keys are longer and never lie in a stock.
void SystemRandom::fill(std::span<std::uint8_t> out) {
    if (out.size() > from_stock_max) return generate(out);
    thread_local Stock stock;
    stock.take(out);
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
