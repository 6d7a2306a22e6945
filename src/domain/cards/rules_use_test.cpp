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

}  // namespace
}  // namespace onshi::cards
