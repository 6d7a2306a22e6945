#include "bench/baselines.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <set>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "base/sha256.h"
#include "bench/cpu_pin.h"
#include "bench/limits.h"

namespace onshi::bench {

namespace {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t rsa_signatures = 2'048;
static_assert(rsa_signatures <= rsa_signatures_max);
constexpr std::size_t block_bytes = 4'096;
constexpr std::size_t blocks = 256;

struct SignedDigest {
    pki::CardPublicKey key;
    Sha256 digest;
    std::vector<std::uint8_t> signature;
};

Result<std::vector<SignedDigest>> sign_digests(const CardSource& cards, PersonDraw& draw) {
    SystemRandom random;
    std::vector<SignedDigest> all;
    while (all.size() < rsa_signatures && draw.next < draw.order.count()) {
        const auto card = cards.card(draw.order.at(draw.next++));
        if (!card) continue;
        Sha256 digest{};
        random.fill(digest);
        auto signature = card->key->sign_pkcs1(digest);
        if (!signature) return fail(std::move(signature));
        all.push_back({card->key->public_key(), digest, std::move(*signature)});
    }
    if (all.empty()) return fail(ErrorCode::bench_invalid, "nobody has a usable card");
    return all;
}

double thread_cpu_us() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

}  // namespace

Result<RsaBaseline> measure_rsa(const CardSource& cards, PersonDraw& draw, nanoseconds duration, int cpu) {
    auto all = sign_digests(cards, draw);
    if (!all) return fail(std::move(all));
    auto pin = CpuPin::to(cpu);
    if (!pin) return fail(std::move(pin));
    RsaBaseline baseline;
    baseline.signatures = all->size();
    std::set<std::vector<std::uint8_t>> keys;
    for (const auto& each : *all) keys.emplace(each.key.stored().begin(), each.key.stored().end());
    baseline.keys = keys.size();
    const auto end = Clock::now() + duration;
    const double before = thread_cpu_us();
    while (Clock::now() < end) {
        for (const auto& each : *all) {
            auto held =
                pki::verify_digest(each.key, pki::SignatureAlgorithm::rsa_pkcs1_sha256, each.digest, each.signature);
            if (!held) return fail(ErrorCode::bench_invalid, "a signature does not hold");
        }
        baseline.verified += all->size();
    }
    baseline.cpu_us = (thread_cpu_us() - before) / static_cast<double>(baseline.verified);
    return baseline;
}

Result<DiskBaseline> measure_disk(const std::filesystem::path& folder, nanoseconds duration) {
    const auto path = folder / "bench-disk";
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return fail(ErrorCode::bench_machine, fmt::format("disk test file, errno {}", errno));
    // Without a name it is gone when it is closed, also after a crash.
    ::unlink(path.c_str());
    std::array<std::uint8_t, block_bytes> block{};
    SystemRandom().fill(block);
    for (std::size_t i = 0; i < blocks; ++i) {
        if (::pwrite(file.get(), block.data(), block.size(), static_cast<off_t>(i * block_bytes)) < 0) break;
    }
    if (::fsync(file.get()) != 0) return fail(ErrorCode::bench_machine, fmt::format("fsync, errno {}", errno));
    DiskBaseline baseline;
    const auto end = Clock::now() + duration;
    for (auto now = Clock::now(); now < end && baseline.syncs < disk_syncs_max;) {
        const auto at = static_cast<off_t>(baseline.syncs % blocks * block_bytes);
        const bool written = ::pwrite(file.get(), block.data(), block.size(), at) == static_cast<ssize_t>(block.size());
        if (!written || ::fdatasync(file.get()) != 0) {
            return fail(ErrorCode::bench_machine, fmt::format("fdatasync, errno {}", errno));
        }
        const auto after = Clock::now();
        baseline.latency.record(after - now);
        ++baseline.syncs;
        now = after;
    }
    return baseline;
}

}  // namespace onshi::bench
