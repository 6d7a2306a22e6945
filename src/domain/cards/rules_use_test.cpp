#include "domain/cards/rules_use.h"

#include <gtest/gtest.h>

namespace onshi::cards {
namespace {

// REQ-USE-001 (domain-rules §8.4): every state under every wish; nullopt: refused.
TEST(use_of_a_card, every_state_under_every_wish) {
    using S = UseState;
    struct Case {
        S before;
        UseWish wish;
        std::optional<S> after;
    };
    const Case cases[]{
        {S::none, UseWish::ask, S::none},
        {S::none, UseWish::register_use, S::registered},
        {S::none, UseWish::cancel, std::nullopt},
        {S::none, UseWish::cancel_now, std::nullopt},
        {S::registered, UseWish::ask, S::registered},
        {S::registered, UseWish::register_use, S::registered},
        {S::registered, UseWish::cancel, S::cancel_requested},
        {S::registered, UseWish::cancel_now, S::cancelled},
        {S::cancel_requested, UseWish::ask, S::cancel_requested},
        {S::cancel_requested, UseWish::register_use, S::registered},
        {S::cancel_requested, UseWish::cancel, S::cancel_requested},
        {S::cancel_requested, UseWish::cancel_now, S::cancelled},
        {S::cancelled, UseWish::ask, S::cancelled},
        {S::cancelled, UseWish::register_use, S::registered},
        {S::cancelled, UseWish::cancel, S::cancelled},
        {S::cancelled, UseWish::cancel_now, S::cancelled},
    };
    for (const Case& one : cases) {
        const auto after = decide_use(one.before, one.wish);
        ASSERT_EQ(after.has_value(), one.after.has_value()) << to_string(one.before);
        if (!after) {
            EXPECT_EQ(after.error().code, ErrorCode::use_not_registered);
            continue;
        }
        EXPECT_EQ(*after, *one.after) << to_string(one.before);
        EXPECT_EQ(*decide_use(*after, one.wish), *after) << "the same wish again";
    }
}

// Every pair of states, decided at different moments and at the same.
TEST(use_of_a_card, of_two_keys_of_one_human_the_newer_decision_counts) {
    using S = UseState;
    const Instant before{1'000};
    const Instant after{2'000};
    const S states[]{S::none, S::registered, S::cancel_requested, S::cancelled};
    for (const S one : states) {
        for (const S other : states) {
            const bool first_says = one != S::none;
            const bool second_says = other != S::none;
            const S later = second_says ? other : one;
            EXPECT_EQ(merge_use({one, before, 1}, {other, after, 1}).state, later);
            EXPECT_EQ(merge_use({one, after, 1}, {other, before, 1}).state, first_says ? one : other);
            const S stricter = static_cast<S>(std::max(static_cast<int>(one), static_cast<int>(other)));
            EXPECT_EQ(merge_use({one, after, 1}, {other, after, 1}).state, stricter) << "at once";
        }
    }
}

}  // namespace
}  // namespace onshi::cards
