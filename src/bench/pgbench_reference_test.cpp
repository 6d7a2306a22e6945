#include "bench/pgbench_reference.h"

#include <gtest/gtest.h>

#include "platform/sql/statement.h"

namespace onshi::bench {
namespace {

const sql::Statement swapped("test.swapped", sql::Store::registry, sql::ShardKey::none,
                             "UPDATE t SET a = $2, b = $10 WHERE c = $1");

TEST(pgbench_reference, statements_take_their_values_by_number) {
    EXPECT_EQ(with_values("test.swapped", {"one", "two", "3", "4", "5", "6", "7", "8", "9", "ten"}),
              "UPDATE t SET a = two, b = ten WHERE c = one");
}

TEST(pgbench_reference, the_rate_is_what_pgbench_prints_last) {
    EXPECT_DOUBLE_EQ(
        parse_pgbench_rate("latency average = 3 ms\ninitial connection time = 2 ms\ntps = 1234.567 (without "
                           "initial connection time)\n"),
        1234.567);
    EXPECT_LT(parse_pgbench_rate("connection refused"), 0);
    EXPECT_LT(parse_pgbench_rate("\ntps = unknown"), 0);
}

}  // namespace
}  // namespace onshi::bench
