#include "bench/payments_bench.h"

#include <optional>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/random.h"
#include "bench/cpu_pin.h"
#include "domain/payments/rules.h"

namespace onshi::bench {

namespace {

using payments::Claim;
using payments::Household;
using payments::Percent;
using payments::Yen;

constexpr std::int64_t claims_target = 1'000'000;
constexpr std::int64_t households_target = 300'000;
// Different cases in turn: with one alone the branch predictor would know the answer.
constexpr std::size_t cases = 4096;
constexpr int measured_core = 0;

std::int64_t below(SeededRandom& random, std::int64_t count) {
    return static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(count));
}

// What claims look like: every second of an elderly person, every fourth with a public payer, most of them cheap.
Claim make_claim(SeededRandom& random) {
    const auto& table = payments::builtin_tables().limits[static_cast<std::size_t>(below(random, 2))];
    const auto& row = table.rows[static_cast<std::size_t>(below(random, std::ssize(table.rows)))];
    Claim claim;
    claim.care_month = table.first;
    claim.limit_class = row.limit_class;
    const auto category = row.limit_class.category;
    const bool ordinary = payments::band_of(category) == payments::Band::over70 && !payments::is_active(category);
    claim.ratio = ordinary ? Percent::of(20) : Percent::of(30);
    claim.setting = below(random, 10) == 0 ? payments::Setting::inpatient : payments::Setting::outpatient;
    claim.many = below(random, 10) == 0;
    claim.part_count = 1;
    claim.parts[0].cost = Yen(10 * (below(random, 10) == 0 ? below(random, 300'000) : below(random, 3'000)));
    if (below(random, 4) == 0) {
        claim.part_count = 2;
        claim.parts[1].cost = Yen(10 * below(random, 50'000));
        claim.parts[1].payer_count = 1;
        claim.parts[1].payers[0] = {.code = 54, .cap = Yen(10'000)};
    }
    return claim;
}

Household make_household(SeededRandom& random) {
    constexpr std::array under70{payments::Category::u70_a, payments::Category::u70_i, payments::Category::u70_u,
                                 payments::Category::u70_e, payments::Category::u70_o};
    Household household;
    household.care_month = payments::builtin_tables().limits[1].first;
    household.limit_class.category = under70[static_cast<std::size_t>(below(random, std::ssize(under70)))];
    household.item_count = 4;
    for (std::size_t i = 0; i < household.item_count; ++i) {
        auto& item = household.items[i];
        item.person = static_cast<std::uint8_t>(i % 3);
        item.band = item.person == 0 ? payments::Band::over70 : payments::Band::under70;
        item.setting = below(random, 3) == 0 ? payments::Setting::inpatient : payments::Setting::outpatient;
        item.cost = Yen(10 * below(random, 60'000));
        item.ratio = item.person == 0 ? Percent::of(20) : Percent::of(30);
    }
    return household;
}

template <class T>
std::vector<T> make_cases(T (*make)(SeededRandom&)) {
    SeededRandom random(1);
    std::vector<T> made;
    made.reserve(cases);
    while (made.size() < cases) made.push_back(make(random));
    return made;
}

template <class T, class Evaluate>
void measure(benchmark::State& state, const std::vector<T>& inputs, Evaluate&& evaluate) {
    std::size_t next = 0;
    for (auto _ : state) {
        auto result = evaluate(inputs[next++ % inputs.size()], payments::builtin_tables(), nullptr);
        if (!result) state.SkipWithError("a case was refused");
        benchmark::DoNotOptimize(result);
    }
    state.SetItemsProcessed(state.iterations());
}

// Keeps the rate of every run.
class RateReporter final : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const auto& run : runs) {
            const auto found = run.counters.find("items_per_second");
            if (run.error_occurred || found == run.counters.end()) continue;
            rates.emplace_back(run.run_name.function_name, static_cast<std::int64_t>(found->second.value));
        }
    }
    [[nodiscard]] std::optional<std::int64_t> rate(std::string_view name) const {
        for (const auto& [run, value] : rates) {
            if (run == name) return value;
        }
        return std::nullopt;
    }

    std::vector<std::pair<std::string, std::int64_t>> rates;
};

constexpr const char* claims_name = "payments_claim";
constexpr const char* households_name = "payments_household";

}  // namespace

Result<PaymentsBenchReport> run_payments_bench(std::chrono::milliseconds each) {
    auto pin = CpuPin::to(measured_core);
    if (!pin) return fail(std::move(pin));
    const auto claims = make_cases(make_claim);
    const auto households = make_cases(make_household);
    const double seconds = static_cast<double>(each.count()) / 1000;
    benchmark::ClearRegisteredBenchmarks();
    benchmark::RegisterBenchmark(claims_name, [&claims](benchmark::State& state) {
        measure(state, claims, payments::evaluate_claim);
    })->MinTime(seconds);
    benchmark::RegisterBenchmark(households_name, [&households](benchmark::State& state) {
        measure(state, households,
                [](const Household& household, const payments::Tables& tables, payments::Steps* steps) {
                    return payments::evaluate_household(household, tables, steps);
                });
    })->MinTime(seconds);
    RateReporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::ClearRegisteredBenchmarks();
    const auto claim_rate = reporter.rate(claims_name);
    const auto household_rate = reporter.rate(households_name);
    if (!claim_rate || !household_rate) return fail(ErrorCode::bench_invalid, "a case was refused");
    return PaymentsBenchReport{*claim_rate, *household_rate};
}

std::string to_json_line(const PaymentsBenchReport& report) {
    return fmt::format(R"({{"claims_per_second_per_core":{},"households_per_second_per_core":{}}})",
                       report.claims_per_second_per_core, report.households_per_second_per_core);
}

std::string to_text(const PaymentsBenchReport& report) {
    return fmt::format(
        "claims of one provider and month   {:>12} /s per core   target {:>9}\n"
        "households of three members        {:>12} /s per core   target {:>9}",
        report.claims_per_second_per_core, claims_target, report.households_per_second_per_core, households_target);
}

}  // namespace onshi::bench
