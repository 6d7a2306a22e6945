#include "platform/pki/renewal.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/limits.h"

namespace onshi::pki::renewal_test {

CertificateName name(std::uint32_t number, std::uint8_t ca = 1) {
    CertificateName out;
    out.ca.bytes[0] = ca;
    ByteWriter(out.serial).u32(number + 0x01000000);
    return out;
}

Renewal row(std::uint32_t from, std::uint32_t to, std::int64_t at) {
    return {name(from), name(to), Instant{at}};
}

constexpr Instant late{1'000};

bool refused(const Result<void>& result) {
    return !result && result.error().code == ErrorCode::certificate_renewal_cycle;
}

TEST(RenewalMap, follows_a_chain_as_far_as_it_is_valid) {
    const auto map = RenewalMap::build({row(1, 2, 10), row(2, 3, 20), row(7, 8, 5)});
    ASSERT_TRUE(map);
    EXPECT_EQ(map->newest(name(1), Instant{9}), name(1));
    EXPECT_EQ(map->newest(name(1), Instant{10}), name(2));
    EXPECT_EQ(map->newest(name(1), Instant{19}), name(2));
    EXPECT_EQ(map->newest(name(1), Instant{20}), name(3));
    EXPECT_EQ(map->newest(name(2), Instant{20}), name(3));
    EXPECT_EQ(map->newest(name(3), late), name(3));
    EXPECT_EQ(map->newest(name(99), late), name(99));
}

TEST(RenewalMap, finds_the_earlier_certificates_of_a_new_one) {
    const auto map = *RenewalMap::build({row(2, 3, 20), row(1, 2, 10)});
    const std::vector<CertificateName> all{name(1), name(2), name(3)};
    EXPECT_EQ(map.history(name(3), late), all);
    EXPECT_EQ(map.history(name(1), late), all);
    EXPECT_EQ(map.history(name(2), Instant{15}), (std::vector<CertificateName>{name(1), name(2)}));
    EXPECT_EQ(map.history(name(9), late), (std::vector<CertificateName>{name(9)}));
}

TEST(RenewalMap, a_chain_may_cross_generations_of_the_ca) {
    RenewalMap map;
    ASSERT_TRUE(map.add({name(1, 1), name(1, 2), Instant{10}}));
    EXPECT_EQ(map.newest(name(1, 1), late), name(1, 2));
}

TEST(RenewalMap, refuses_loops_of_any_length_and_stays_as_it_was) {
    RenewalMap map;
    EXPECT_TRUE(refused(map.add(row(1, 1, 0))));
    ASSERT_TRUE(map.add(row(1, 2, 0)));
    EXPECT_TRUE(refused(map.add(row(2, 1, 0))));
    ASSERT_TRUE(map.add(row(2, 3, 0)));
    ASSERT_TRUE(map.add(row(3, 4, 0)));
    EXPECT_TRUE(refused(map.add(row(4, 1, 0))));
    EXPECT_EQ(map.size(), 3U);
    EXPECT_EQ(map.newest(name(1), late), name(4));
}

TEST(RenewalMap, refuses_a_second_successor_and_a_second_predecessor) {
    RenewalMap map;
    ASSERT_TRUE(map.add(row(1, 2, 10)));
    EXPECT_TRUE(refused(map.add(row(1, 3, 10))));
    EXPECT_TRUE(refused(map.add(row(1, 2, 11))));
    EXPECT_TRUE(refused(map.add(row(5, 2, 10))));
    EXPECT_TRUE(map.add(row(1, 2, 10))) << "the same row again";
    EXPECT_EQ(map.size(), 1U);
    EXPECT_FALSE(RenewalMap::build({row(1, 2, 0), row(2, 1, 0)}));
}

TEST(RenewalMap, chains_are_as_long_as_the_limit) {
    RenewalMap map;
    const auto last = static_cast<std::uint32_t>(renewal_chain_max);
    for (std::uint32_t i = 1; i < last; ++i) ASSERT_TRUE(map.add(row(i, i + 1, 0))) << i;
    EXPECT_EQ(map.history(name(1), late).size(), renewal_chain_max);
    EXPECT_TRUE(refused(map.add(row(last, last + 1, 0))));
    EXPECT_TRUE(refused(map.add(row(0, 1, 0))));
    RenewalMap halves;
    for (std::uint32_t i = 1; i < last; ++i) {
        if (i != last / 2) ASSERT_TRUE(halves.add(row(i, i + 1, 0)));
    }
    EXPECT_TRUE(halves.add(row(last / 2, last / 2 + 1, 0)));
    EXPECT_TRUE(refused(halves.add(row(last, last + 1, 0))));
}

TEST(RenewalMap, holds_as_many_rows_as_the_limit) {
    RenewalMap map;
    const auto rows = static_cast<std::uint32_t>(renewal_rows_max);
    for (std::uint32_t i = 0; i < rows; ++i) {
        if (!map.add(row(2 * i, 2 * i + 1, 0))) FAIL() << i;
    }
    EXPECT_TRUE(refused(map.add(row(2 * rows, 2 * rows + 1, 0))));
    EXPECT_TRUE(map.add(row(0, 1, 0))) << "the same row again";
    EXPECT_EQ(map.size(), renewal_rows_max);
}

TEST(RenewalMap, whatever_rows_come_the_accepted_ones_form_chains) {
    EXPECT_TRUE(rc::check("chains", [] {
        RenewalMap map;
        std::vector<Renewal> accepted;
        const auto rows = *rc::gen::container<std::vector<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>>>(
            rc::gen::tuple(rc::gen::inRange<std::uint32_t>(0, 12), rc::gen::inRange<std::uint32_t>(0, 12),
                           rc::gen::inRange<std::int64_t>(0, 5)));
        for (const auto& [from, to, at] : rows) {
            const auto renewal = row(from, to, at);
            if (map.add(renewal) && std::ranges::find(accepted, renewal) == accepted.end()) accepted.push_back(renewal);
        }
        RC_ASSERT(map.size() == accepted.size());
        const Instant at{*rc::gen::inRange<std::int64_t>(0, 6)};
        for (std::uint32_t i = 0; i < 12; ++i) {
            const auto newest = map.newest(name(i), at);
            RC_ASSERT(map.newest(newest, at) == newest);
            const auto history = map.history(name(i), at);
            RC_ASSERT(history.back() == newest);
            RC_ASSERT(std::ranges::find(history, name(i)) != history.end());
            RC_ASSERT(std::set<CertificateName>(history.begin(), history.end()).size() == history.size());
            for (std::size_t k = 1; k < history.size(); ++k) {
                const bool is_row = std::ranges::any_of(accepted, [&](const Renewal& renewal) {
                    return renewal.old_name == history[k - 1] && renewal.new_name == history[k] &&
                           renewal.valid_from <= at;
                });
                RC_ASSERT(is_row);
            }
        }
    }));
}

}  // namespace onshi::pki::renewal_test
