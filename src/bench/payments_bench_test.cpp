#include "bench/payments_bench.h"

#include <gtest/gtest.h>

namespace onshi::bench {
namespace {

TEST(payments_bench, gives_a_rate_for_claims_and_one_for_households) {
    const auto report = run_payments_bench(std::chrono::milliseconds(1));
    ASSERT_TRUE(report);
    EXPECT_GT(report->claims_per_second_per_core, 0);
    EXPECT_GT(report->households_per_second_per_core, 0);
}

TEST(payments_bench, the_last_line_is_one_object_with_both_figures) {
    EXPECT_EQ(to_json_line({1'234'567, 345'678}),
              R"({"claims_per_second_per_core":1234567,"households_per_second_per_core":345678})");
    EXPECT_NE(to_text({1'234'567, 345'678}).find("1234567"), std::string::npos);
}

}  // namespace
}  // namespace onshi::bench
