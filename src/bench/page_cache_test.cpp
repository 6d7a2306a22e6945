#include "bench/page_cache.h"

#include <fstream>
#include <sys/vfs.h>

#include <gtest/gtest.h>

#include "platform/pki/test_fixtures.h"

namespace onshi::page_cache_test {

constexpr long tmpfs = 0x01021994;

TEST(page_cache, tells_what_is_cached_and_drops_it) {
    const pki::TemporaryFolder folder;
    const auto file = folder.path() / "pages";
    std::ofstream(file, std::ios::binary) << std::string(std::size_t{8} << 20U, 'x');
    bench::read_through(file);
    const auto before = bench::cached_share(file);
    ASSERT_TRUE(before) << before.error().detail;
    EXPECT_GT(*before, 0.9);
    const auto after = bench::drop_from_cache(file);
    ASSERT_TRUE(after) << after.error().detail;
    struct statfs place{};
    ASSERT_EQ(::statfs(folder.path().c_str(), &place), 0);
    // Files that lie in memory have nowhere to go.
    if (place.f_type != tmpfs) EXPECT_LT(*after, 0.1);
}

TEST(page_cache, an_empty_file_is_not_cached_and_a_missing_one_is_an_error) {
    const pki::TemporaryFolder folder;
    std::ofstream(folder.path() / "empty").close();
    EXPECT_EQ(bench::cached_share(folder.path() / "empty").value(), 0.0);
    EXPECT_EQ(bench::drop_from_cache(folder.path() / "empty").value(), 0.0);
    EXPECT_EQ(bench::cached_share(folder.path() / "none").error().code, ErrorCode::bench_machine);
    EXPECT_EQ(bench::drop_from_cache(folder.path() / "none").error().code, ErrorCode::bench_machine);
}

}  // namespace onshi::page_cache_test
