#include "bench/check_bench.h"

#include <gtest/gtest.h>

#include "bench/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::check_bench_test {

using bench::CheckBenchOptions;
using bench::CheckPhase;
using namespace std::chrono_literals;

CheckPhase good_phase() {
    CheckPhase phase;
    auto& load = phase.load;
    load.scheduled = load.sent = load.answered = load.good = 10'000;
    load.statuses[200] = 10'000;
    phase.counters.ledger_sets = 10'000;
    return phase;
}

TEST(find_fault, believes_a_phase_in_which_everything_was_answered_and_recorded) {
    EXPECT_EQ(find_fault(good_phase()), std::nullopt);
}

TEST(find_fault, names_what_is_wrong) {
    struct Row {
        std::string_view said;
        std::function<void(CheckPhase&)> spoil;
    };
    for (const auto& row : {
             Row{"no good answer", [](CheckPhase& p) { p.load.good = 0; }},
             Row{"not whole", [](CheckPhase& p) { p.load.malformed = 1; }},
             Row{"without an answer", [](CheckPhase& p) { p.load.unanswered = 1; }},
             Row{"connections lost", [](CheckPhase& p) { p.load.connections_lost = 1; }},
             Row{"1 requests were never sent", [](CheckPhase& p) { p.load.scheduled = 10'001; }},
             Row{"409: 1", [](CheckPhase& p) { p.load.statuses[409] = p.load.refused = 1; }},
             Row{"503: 11",
                 [](CheckPhase& p) {
                     p.load.statuses[503] = p.load.refused = 11;
                     p.load.good -= 11;
                 }},
             Row{"only 9999 durable", [](CheckPhase& p) { p.counters.ledger_sets = 9'999; }},
         }) {
        auto phase = good_phase();
        row.spoil(phase);
        const auto fault = find_fault(phase);
        ASSERT_TRUE(fault) << row.said;
        EXPECT_NE(fault->find(row.said), std::string::npos) << *fault;
    }
}

TEST(find_fault, a_thousandth_may_be_shed_under_overload) {
    auto phase = good_phase();
    phase.load.statuses[503] = phase.load.refused = 10;
    phase.load.good -= 10;
    EXPECT_EQ(find_fault(phase), std::nullopt);
}

class NoCards final : public bench::CardSource {
  public:
    [[nodiscard]] std::optional<bench::BenchCard> card(std::uint64_t) const override { return std::nullopt; }
};

CheckBenchOptions sample_options(const std::filesystem::path& folder) {
    CheckBenchOptions options;
    options.server_command = {"/bin/false"};
    options.ready_file = folder / "ready.json";
    options.terminals.push_back({"1312345678", "T1", {}});
    options.persons = 10;
    options.store_folder = folder;
    options.folder = folder / "work";
    options.disk_duration = 1s;
    return options;
}

ErrorCode error_of(const CheckBenchOptions& options) {
    const auto report = run_check_bench(options, NoCards(), SystemClock(), [](std::string_view) {});
    EXPECT_FALSE(report);
    return report ? ErrorCode::internal_unexpected : report.error().code;
}

TEST(check_bench, options_out_of_range_are_refused) {
    const pki::TemporaryFolder folder;
    struct Row {
        const char* what;
        std::function<void(CheckBenchOptions&)> spoil;
    };
    for (const auto& row :
         {Row{"command", [](CheckBenchOptions& o) { o.server_command.clear(); }},
          Row{"ready file", [](CheckBenchOptions& o) { o.ready_file.clear(); }},
          Row{"terminals", [](CheckBenchOptions& o) { o.terminals.clear(); }},
          Row{"persons", [](CheckBenchOptions& o) { o.persons = 0; }},
          Row{"no time", [](CheckBenchOptions& o) { o.duration = 0s; }},
          Row{"too long", [](CheckBenchOptions& o) { o.duration = 601s; }},
          Row{"no connections", [](CheckBenchOptions& o) { o.connections = 0; }},
          Row{"connections", [](CheckBenchOptions& o) { o.connections = bench::connections_max + 1; }}}) {
        auto options = sample_options(folder.path());
        row.spoil(options);
        EXPECT_EQ(error_of(options), ErrorCode::config_value) << row.what;
    }
}

TEST(check_bench, needs_two_cores_and_a_registry) {
    const pki::TemporaryFolder folder;
    auto options = sample_options(folder.path());
    EXPECT_EQ(error_of(options), ErrorCode::bench_machine);  // no registry.db
    std::ofstream(folder.path() / "registry.db") << "x";
    options.load_cpu = options.server_cpu;
    EXPECT_EQ(error_of(options), ErrorCode::bench_machine);
}

TEST(check_bench, a_hub_that_ends_at_once_is_reported) {
    const pki::TemporaryFolder folder;
    std::ofstream(folder.path() / "registry.db") << "x";
    auto options = sample_options(folder.path());
    options.disk_duration = 100ms;
    EXPECT_EQ(error_of(options), ErrorCode::bench_server);
}

}  // namespace onshi::check_bench_test
