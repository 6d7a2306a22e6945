#include "installation/external_sorter.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "installation/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::installation {

namespace {

using Strings = std::vector<std::string>;

Result<Strings> drained(ExternalSorter& sorter) {
    Strings out;
    auto done = sorter.drain([&out](std::string_view entry) -> Result<void> {
        out.emplace_back(entry);
        return {};
    });
    if (!done) return fail(std::move(done));
    return out;
}

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(external_sorter, gives_any_entries_back_in_byte_order_however_little_memory_it_has) {
    const pki::TemporaryFolder folder;
    EXPECT_TRUE(rc::check([&folder](const Strings& entries, bool tight) {
        ExternalSorter sorter(folder.path(), {tight ? std::size_t{96} : std::size_t{1} << 20U, 256});
        for (const auto& entry : entries) RC_ASSERT(sorter.add(entry).has_value());
        RC_ASSERT(sorter.size() == entries.size());
        const auto sorted = drained(sorter);
        RC_ASSERT(sorted.has_value());
        Strings expected = entries;
        std::ranges::sort(expected);  // by unsigned bytes, as char_traits compares
        RC_ASSERT(*sorted == expected);
    }));
    EXPECT_EQ(files_in(folder.path()), 0U) << "runs have no names";
}

TEST(external_sorter, goes_to_disk_only_when_its_memory_is_full) {
    const pki::TemporaryFolder folder;
    // 48 bytes of memory hold one place and 32 bytes of entries.
    for (const auto& [entries, runs] : {std::pair{1, 0}, {2, 1}, {5, 4}}) {
        ExternalSorter sorter(folder.path(), {48, 8});
        for (int i = 0; i < entries; ++i) ASSERT_TRUE(sorter.add("entry"));
        EXPECT_EQ(sorter.runs(), static_cast<std::size_t>(runs));
        EXPECT_EQ(drained(sorter)->size(), static_cast<std::size_t>(entries));
    }
}

TEST(external_sorter, refuses_more_runs_than_its_limit) {
    const pki::TemporaryFolder folder;
    for (const auto& [entries, ok] : {std::pair{3, true}, {4, true}, {5, false}}) {
        ExternalSorter sorter(folder.path(), {48, 4});  // a run per entry, the last one when it is drained
        Result<void> added;
        for (int i = 0; i < entries && added; ++i) added = sorter.add("entry");
        auto sorted = drained(sorter);
        EXPECT_EQ(added.has_value() && sorted.has_value(), ok) << entries;
        if (!ok) {
            EXPECT_EQ((added ? sorted.error() : added.error()).code, ErrorCode::store_full);
        }
    }
}

TEST(external_sorter, takes_the_longest_entry_it_promises) {
    const pki::TemporaryFolder folder;
    ExternalSorter sorter(folder.path(), {48, 8});
    const std::string longest(sorter_entry_bytes_max, 'x');
    const std::string shorter(sorter_entry_bytes_max - 1, 'x');
    for (const auto& entry : {longest, shorter, std::string()}) ASSERT_TRUE(sorter.add(entry));
    EXPECT_EQ(*drained(sorter), (Strings{"", shorter, longest}));
}

TEST(external_sorter, says_that_a_run_cannot_be_written) {
    ExternalSorter sorter("/nonexistent-folder", {48, 8});
    ASSERT_TRUE(sorter.add("a"));
    const auto added = sorter.add("b");
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::installation_folder);
}

TEST(external_sorter, ends_with_the_first_refusal_of_the_taker) {
    const pki::TemporaryFolder folder;
    for (const std::size_t memory : {std::size_t{48}, std::size_t{4096}}) {
        ExternalSorter sorter(folder.path(), {memory, 8});
        for (const char* entry : {"c", "a", "b"}) ASSERT_TRUE(sorter.add(entry));
        Strings seen;
        const auto done = sorter.drain([&seen](std::string_view entry) -> Result<void> {
            seen.emplace_back(entry);
            if (entry == "b") return fail(ErrorCode::store_full, "test");
            return {};
        });
        EXPECT_EQ(seen, (Strings{"a", "b"}));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, ErrorCode::store_full);
    }
}

}  // namespace

}  // namespace onshi::installation
