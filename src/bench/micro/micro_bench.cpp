// Google Benchmark program `onshi_micro_bench`: what the parts of a check cost alone, and how often each of them asks
// the heap. The input is what a check of an eligible person looks like; keys are made at start.
#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/ensure.h"
#include "base/japanese_text.h"
#include "base/random.h"
#include "base/sha256.h"
#include "domain/eligibility/challenges.h"
#include "domain/eligibility/model.h"
#include "domain/eligibility/rules.h"
#include "exchange/api/checks.h"
#include "platform/pki/test_ca.h"

namespace {

// Of the thread that benchmarks; the program has one.
thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t allocated_bytes = 0;

void* count_and_allocate(std::size_t size) {
    ++allocations;
    allocated_bytes += size;
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) {
    return count_and_allocate(size);
}
void* operator new[](std::size_t size) {
    return count_and_allocate(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace onshi {

namespace {

constexpr Instant check_time{1'795'402'800'000'000};  // 2026-11-23 12:00 in Japan
constexpr TerminalKey terminal_key{7};
constexpr std::size_t cards = 16;

// Counts what the loop asks of the heap and adds it to the benchmark's line, per operation.
class CountAllocations {
  public:
    explicit CountAllocations(benchmark::State& state)
        : state_(state), allocations_(allocations), bytes_(allocated_bytes) {}
    CountAllocations(const CountAllocations&) = delete;
    CountAllocations& operator=(const CountAllocations&) = delete;
    ~CountAllocations() {
        const auto operations = static_cast<double>(state_.iterations());
        const auto count = static_cast<double>(allocations - allocations_);
        const auto bytes = static_cast<double>(allocated_bytes - bytes_);
        state_.counters["allocations"] = operations > 0 ? count / operations : 0;
        state_.counters["bytes"] = operations > 0 ? bytes / operations : 0;
    }

  private:
    benchmark::State& state_;
    std::uint64_t allocations_;
    std::uint64_t bytes_;
};

const pki::KeyPool& key_pool() {
    static const pki::KeyPool pool = pki::KeyPool::generate(cards).value();
    return pool;
}

// Distinct keys and digests in turn: with one key alone the caches would hide half of the cost.
struct SignedDigest {
    pki::CardPublicKey key;
    Sha256 digest;
    std::vector<std::uint8_t> signature;
};

const std::vector<SignedDigest>& signed_digests() {
    static const std::vector<SignedDigest> all = [] {
        std::vector<SignedDigest> made;
        SeededRandom random(1);
        for (std::size_t i = 0; i < cards * 16; ++i) {
            Sha256 digest{};
            random.fill(digest);
            made.push_back({key_pool().public_key(i), digest, key_pool().key(i).sign_pkcs1(digest).value()});
        }
        return made;
    }();
    return all;
}

eligibility::Challenges make_challenges() {
    std::vector<eligibility::Challenges::LiveKey> keys;
    keys.push_back({1, pki::HmacKey::create(as_bytes("0123456789abcdef0123456789abcdef")).value()});
    return eligibility::Challenges(std::move(keys));
}

coverage::Coverage make_coverage() {
    return {.key = CoverageKey(17),
            .insurer = InsurerNumber::parse("06139463").value(),
            .symbol = "１２３４",
            .number = "５６７８９０",
            .branch = BranchNumber::parse("01").value(),
            .acquired_on = Date::of(2024, 4, 1),
            .copay_percent = 30,
            .limit_category = "A03",
            .file_day = Date::of(2026, 11, 22),
            .known_from = 3'800};
}

std::vector<coverage::Coverage> make_coverages() {
    auto earlier = make_coverage();
    earlier.key = CoverageKey(16);
    earlier.acquired_on = Date::of(2019, 4, 1);
    earlier.valid_to = Date::of(2024, 3, 31);
    earlier.loss_reason = coverage::LossReason::other_insurance;
    return {std::move(earlier), make_coverage()};
}

eligibility::CardFacts make_card_facts() {
    eligibility::CardFacts facts;
    facts.not_after = check_time + std::chrono::hours(24 * 700);
    facts.registered = true;
    return facts;
}

eligibility::Answer make_answer() {
    eligibility::Answer answer;
    answer.check_id = CheckId::parse("9f1b2c3d-4e5f-4a6b-8c7d-0123456789ab").value();
    answer.care_day = Date::of(2026, 11, 23);
    answer.answered_at = check_time;
    answer.known_seq = 3'812;
    answer.card_status_as_of = check_time - std::chrono::hours(5);
    answer.person = identity::Person{.key = PersonKey(123'456),
                                     .name = "髙橋󠄀　美咲",
                                     .kana = "タカハシ　ミサキ",
                                     .birth = Date::of(1985, 4, 12),
                                     .sex = Sex::female,
                                     .address = "東京都架空区霞が丘三丁目１２番３４号　見本ハイツ５０６",
                                     .protection = {}};
    answer.verdict = decide_by_card(make_card_facts(), make_coverages(), answer.care_day);
    return answer;
}

organisations::Terminal make_terminal() {
    organisations::Terminal terminal;
    terminal.key = terminal_key;
    terminal.name = "desk";
    terminal.state = organisations::TerminalState::active;
    return terminal;
}

organisations::InsurerTable make_insurers() {
    const auto number = InsurerNumber::parse("06139463").value();
    organisations::Organisation insurer;
    insurer.kind = organisations::Kind::insurer;
    insurer.code = number.to_key();
    insurer.name = "架空健康保険組合";
    insurer.phone = "03-0000-0000";
    return organisations::InsurerTable({{number, insurer}});
}

std::string make_card_check_body() {
    SeededRandom random(2);
    const auto challenge = make_challenges().issue(terminal_key, eligibility::Purpose::check, check_time, random);
    const auto& signature = signed_digests().front().signature;
    return api::write_card_check({.id = CheckId::make(random),
                                  .challenge = challenge.text,
                                  .care_day = Date::of(2026, 11, 23),
                                  .operator_reference = {},
                                  .visual_reason = {},
                                  .face_engine = {},
                                  .authority_key_id = "01234567890123456789",
                                  .serial = CertificateSerial::parse_hex("01020304").value(),
                                  .signature = as_text(signature),
                                  .certificate = {}});
}

void rsa_2048_verify(benchmark::State& state) {
    const auto& all = signed_digests();
    std::size_t next = 0;
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto& each = all[next++ % all.size()];
        const auto held =
            pki::verify_digest(each.key, pki::SignatureAlgorithm::rsa_pkcs1_sha256, each.digest, each.signature);
        ENSURE(held.has_value());
    }
}
BENCHMARK(rsa_2048_verify);

void challenge_open(benchmark::State& state) {
    const auto challenges = make_challenges();
    SeededRandom random(3);
    const auto issued = challenges.issue(terminal_key, eligibility::Purpose::check, check_time, random);
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto opened = challenges.open(issued.text, terminal_key, eligibility::Purpose::check, check_time);
        ENSURE(opened.has_value());
    }
}
BENCHMARK(challenge_open);

void challenge_issue(benchmark::State& state) {
    const auto challenges = make_challenges();
    SystemRandom random;
    const CountAllocations count(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(challenges.issue(terminal_key, eligibility::Purpose::check, check_time, random));
    }
}
BENCHMARK(challenge_issue);

void parse_card_check(benchmark::State& state) {
    const std::string body = make_card_check_body();
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto message = api::parse_card_check(body);
        ENSURE(message.has_value());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(parse_card_check);

void coverage_unpack_all(benchmark::State& state) {
    const std::string packed = coverage::pack_all(make_coverages());
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto unpacked = coverage::unpack_all(packed);
        ENSURE(unpacked.has_value());
    }
}
BENCHMARK(coverage_unpack_all);

void decide_by_card(benchmark::State& state) {
    const auto facts = make_card_facts();
    const auto coverages = make_coverages();
    const Date day = Date::of(2026, 11, 23);
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto verdict = eligibility::decide_by_card(facts, coverages, day);
        ENSURE(verdict.result == eligibility::ResultCode::valid);
    }
}
BENCHMARK(decide_by_card);

void answer_pack(benchmark::State& state) {
    const auto answer = make_answer();
    const CountAllocations count(state);
    for (auto _ : state) benchmark::DoNotOptimize(eligibility::pack(answer));
}
BENCHMARK(answer_pack);

void answer_unpack(benchmark::State& state) {
    const std::string packed = eligibility::pack(make_answer());
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto answer = eligibility::unpack(packed);
        ENSURE(answer.has_value());
    }
}
BENCHMARK(answer_unpack);

void write_answer(benchmark::State& state) {
    const auto terminal = make_terminal();
    const auto insurers = make_insurers();
    SeededRandom random(4);
    const auto next = make_challenges().issue(terminal_key, eligibility::Purpose::check, check_time, random);
    const eligibility::GivenAnswer given{.answer = make_answer(), .position = {.lane = 0, .sequence = 1'234'567}};
    const api::AnswerContext context{.terminal = terminal,
                                     .insurers = insurers,
                                     .receipt_key = 99,
                                     .person_ref = std::string(43, 'r'),
                                     .next_challenge = &next};
    std::size_t size = 0;
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto body = api::write_answer(given, context);
        size = body.size();
    }
    state.counters["size"] = static_cast<double>(size);
}
BENCHMARK(write_answer);

void fold_for_comparison(benchmark::State& state) {
    const std::string name = "髙橋󠄀　美咲";
    const CountAllocations count(state);
    for (auto _ : state) {
        const auto folded = onshi::fold_for_comparison(name);
        ENSURE(folded.has_value());
    }
}
BENCHMARK(fold_for_comparison);

// A record of the audit chain: header, hash of the one before, digest of the payload.
void sha256_record(benchmark::State& state) {
    const std::string header(200, 'h');
    Sha256 hash{};
    const CountAllocations count(state);
    for (auto _ : state) hash = sha256({hash, as_bytes(header)});
    benchmark::DoNotOptimize(hash);
}
BENCHMARK(sha256_record);

}  // namespace

}  // namespace onshi

BENCHMARK_MAIN();
