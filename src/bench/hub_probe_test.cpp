#include "bench/hub_probe.h"

#include <fstream>

#include <gtest/gtest.h>

#include "bench/test_peers.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::hub_probe_test {

constexpr std::string_view sample = R"(# HELP onshi_store_commits_total Commits.
# TYPE onshi_store_commits_total counter
onshi_store_commits_total{store="ledger"} 12
onshi_store_commits_total{store="registry"} 3
onshi_store_commits_total_by_kind{store="ledger"} 1000
onshi_read_batches_total 1.5e+06
onshi_pages_read_total{loop="0"} 7
onshi_pages_read_total{loop="1"} 8
onshi_broken_total many
)";

TEST(hub_probe, sums_the_series_of_one_name_and_label) {
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_store_commits_total", R"(store="ledger")"), 12);
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_store_commits_total"), 15);
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_read_batches_total"), 1'500'000);
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_pages_read_total"), 15);
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_store_commits_total", R"(store="other")"), std::nullopt);
    EXPECT_EQ(bench::sum_of_series(sample, "onshi_broken_total"), std::nullopt);
    EXPECT_EQ(bench::sum_of_series("", "onshi_pages_read_total"), std::nullopt);
    EXPECT_EQ(bench::sum_of_series("onshi_pages_read_total", "onshi_pages_read_total"), std::nullopt);
}

// GET /metrics and /readyz on loopback, as a hub has them.
class Probed {
  public:
    explicit Probed(std::string metrics) : loops_({}), server_(loops_, {}, metrics_, clock_, random_) {
        http::RouteOptions options;
        options.certificate = http::ClientCertificate::none;
        server_.route(http::Method::get, "/metrics", options,
                      [metrics = std::move(metrics)](http::Request&, Deadline) { return answer(metrics); });
        server_.route(http::Method::get, "/readyz", options,
                      [this](http::Request&, Deadline) { return answer("{}", ready ? 200 : 503); });
        port_ = server_.listen({}).value();
        loops_.start();
    }
    ~Probed() {
        server_.stop(std::chrono::milliseconds(0));
        loops_.stop();
        loops_.join();
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    std::atomic<bool> ready = true;

  private:
    static Task<Result<http::Response>> answer(std::string body, std::uint16_t status = 200) {
        co_return http::json_response(std::move(body), status);
    }
    Metrics metrics_;
    SystemClock clock_;
    SystemRandom random_;
    EventLoops loops_;
    http::Server server_;
    std::uint16_t port_ = 0;
};

TEST(hub_probe, reads_the_counters_of_a_hub) {
    const Probed hub(R"(onshi_store_commits_total{store="ledger"} 10
onshi_store_sets_committed_total{store="ledger"} 200
onshi_store_sets_committed_total{store="registry"} 5
onshi_read_batches_total 400
onshi_pages_read_total 900
)");
    const auto counters = bench::read_hub_counters(hub.port());
    ASSERT_TRUE(counters) << counters.error().detail;
    const auto spent =
        *counters - bench::HubCounters{.ledger_commits = 1, .ledger_sets = 2, .read_batches = 3, .pages_read = 4};
    EXPECT_EQ(spent.ledger_commits, 9);
    EXPECT_EQ(spent.ledger_sets, 198);
    EXPECT_EQ(spent.read_batches, 397);
    EXPECT_EQ(spent.pages_read, 896);
}

TEST(hub_probe, has_nothing_to_wait_for_when_enough_is_counted) {
    const Probed hub(R"(onshi_store_commits_total{store="ledger"} 10
onshi_store_sets_committed_total{store="ledger"} 200
onshi_read_batches_total 400
onshi_pages_read_total 900
)");
    EXPECT_EQ(bench::read_hub_counters_from(hub.port(), 200)->ledger_sets, 200);
}

TEST(hub_probe, a_missing_counter_is_named) {
    const Probed hub("onshi_read_batches_total 400\n");
    const auto counters = bench::read_hub_counters(hub.port());
    ASSERT_FALSE(counters);
    EXPECT_EQ(counters.error().code, ErrorCode::bench_server);
    EXPECT_NE(counters.error().detail.find("onshi_store_commits_total"), std::string::npos);
}

TEST(hub_probe, ready_is_what_says_200) {
    Probed hub("");
    EXPECT_TRUE(bench::is_hub_ready(hub.port()));
    hub.ready = false;
    EXPECT_FALSE(bench::is_hub_ready(hub.port()));
    EXPECT_FALSE(bench::is_hub_ready(1));
}

TEST(hub_probe, a_ready_file_counts_when_it_is_whole) {
    const pki::TemporaryFolder folder;
    const auto file = folder.path() / "ready.json";
    EXPECT_FALSE(bench::read_ready_file(file));
    struct Row {
        std::string text;
        bool whole;
    };
    for (const auto& row :
         {Row{"", false}, Row{R"({"port":8443)", false}, Row{R"({"port":8443})", false},
          Row{R"({"port":0,"metrics_port":1})", false}, Row{R"({"port":1,"metrics_port":65536})", false},
          Row{R"({"port":"1","metrics_port":2})", false}, Row{"[]", false},
          Row{R"({"schema":"onshi.ready/1","port":8443,"metrics_port":65535})", true}}) {
        std::ofstream(file) << row.text;
        const auto ports = bench::read_ready_file(file);
        EXPECT_EQ(ports.has_value(), row.whole) << row.text;
        if (!ports) continue;
        EXPECT_EQ(ports->main, 8'443);
        EXPECT_EQ(ports->metrics, 65'535);
    }
}

}  // namespace onshi::hub_probe_test
