#include "domain/payments/rules_book.h"

#include <array>

#include <gtest/gtest.h>

namespace onshi::payments {
namespace {

TEST(book, no_month_collects_more_than_its_cap) {
    for (std::int64_t cap = 0; cap <= 60; cap += 10) {
        for (std::int64_t first = 0; first <= 70; first += 5) {
            for (std::int64_t second = 0; second <= 70; second += 5) {
                const auto a = collect_under_cap(Yen(cap), Yen(0), Yen(first));
                const auto b = collect_under_cap(Yen(cap), a.collect, Yen(second));
                EXPECT_LE(a.collect + b.collect, Yen(cap));
                EXPECT_LE(a.collect, Yen(first));
                EXPECT_LE(b.collect, Yen(second));
                EXPECT_EQ(b.remaining, Yen(cap) - a.collect - b.collect);
                // Nothing is left uncollected while there is room.
                EXPECT_EQ(a.collect + b.collect, smaller(Yen(cap), Yen(first + second)));
            }
        }
    }
    // A cap that was lowered behind what was paid.
    EXPECT_EQ(collect_under_cap(Yen(5'000), Yen(7'000), Yen(100)).collect, Yen(0));
    EXPECT_EQ(collect_under_cap(Yen(5'000), Yen(7'000), Yen(100)).remaining, Yen(0));
}

TEST(book, two_recipients_of_one_class_have_half_a_cap_each) {
    const std::array ten{Yen(10'000)};
    const std::array five{Yen(5'000)};
    EXPECT_EQ(cap_in_household(Yen(10'000), ten, 10), Yen(5'000));
    EXPECT_EQ(cap_in_household(Yen(10'000), std::array{Yen(5'000), Yen(5'000)}, 10), Yen(5'000));
    EXPECT_EQ(cap_in_household(Yen(5'000), std::array{Yen(10'000), Yen(5'000)}, 10), Yen(2'500));
    EXPECT_EQ(cap_in_household(Yen(20'005), {}, 10), Yen(20'005)) << "alone it is as it is";
    EXPECT_EQ(cap_in_household(Yen(10'000), five, 10), Yen(6'660));
    EXPECT_EQ(cap_in_household(Yen(5'000), ten, 1), Yen(3'333));
    EXPECT_EQ(cap_in_household(Yen(0), std::array{Yen(0)}, 10), Yen(0));
}

TEST(book, a_household_pays_no_more_than_its_highest_cap) {
    const std::array classes{Yen(0), Yen(1'000), Yen(2'500), Yen(5'000), Yen(10'000), Yen(20'000), Yen(30'000)};
    for (const Yen a : classes) {
        for (const Yen b : classes) {
            for (const Yen c : classes) {
                const std::array all{a, b, c};
                Yen sum;
                for (std::size_t i = 0; i < all.size(); ++i) {
                    const Yen own = all[i];
                    const std::array others{all[(i + 1) % 3], all[(i + 2) % 3]};
                    const auto part = cap_in_household(own, others, 10);
                    ASSERT_TRUE(part);
                    EXPECT_LE(*part, own);
                    sum += *part;
                }
                EXPECT_LE(sum, larger(a, larger(b, c)));
            }
        }
    }
}

TEST(book, caps_that_cannot_be_are_refused) {
    const std::array negative{Yen(-1)};
    EXPECT_EQ(cap_in_household(Yen(10'000), negative, 10).error(), ErrorCode::payments_amount);
    EXPECT_EQ(cap_in_household(Yen(-1), {}, 10).error(), ErrorCode::payments_amount);
    const std::array large{Yen(cost_yen_max + 1)};
    EXPECT_EQ(cap_in_household(Yen(10'000), large, 10).error(), ErrorCode::payments_amount);
    EXPECT_EQ(cap_in_household(Yen(10'000), {}, 0).error(), ErrorCode::payments_amount);
}

}  // namespace
}  // namespace onshi::payments
