#include "domain/coverage/rules_paper.h"

#include <gtest/gtest.h>

namespace onshi::coverage {
namespace {

using cards::CertificateStatus;
using cards::Grace;
using cards::UseState;

constexpr Instant end_of_2026_march{1'774'969'199'000'000};  // 2026-03-31 23:59:59 in Japan

TEST(card_means, on_the_days_around_the_end_of_its_certificate_and_of_its_grace) {
    struct Case {
        Date day;
        Grace grace;
        CardMeans means;
    };
    const Case cases[]{
        {Date::of(2026, 1, 1), Grace::three_months, CardMeans::live},
        {Date::of(2026, 3, 31), Grace::three_months, CardMeans::live},
        {Date::of(2026, 4, 1), Grace::three_months, CardMeans::in_grace},
        {Date::of(2026, 6, 30), Grace::three_months, CardMeans::in_grace},
        {Date::of(2026, 7, 1), Grace::three_months, CardMeans::expired},
        {Date::of(2026, 3, 31), Grace::none, CardMeans::live},
        {Date::of(2026, 4, 1), Grace::none, CardMeans::expired},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(judge_card(end_of_2026_march, one.grace, CertificateStatus::good, false, one.day), one.means)
            << to_iso(one.day);
        EXPECT_EQ(judge_card(end_of_2026_march, one.grace, CertificateStatus::good, true, one.day),
                  CardMeans::unusable);
        EXPECT_EQ(judge_card(end_of_2026_march, one.grace, CertificateStatus::revoked, false, one.day),
                  CardMeans::unusable);
        EXPECT_EQ(judge_card(end_of_2026_march, one.grace, CertificateStatus::suspended, false, one.day),
                  CardMeans::unusable);
        EXPECT_EQ(judge_card(end_of_2026_march, one.grace, CertificateStatus::renewed, false, one.day),
                  CardMeans::live);
    }
}

// QC-1 over every combination of facts: nobody is without a means and without a certificate on its way, and nobody who
// holds a valid certificate is owed one.
TEST(means, whoever_has_none_is_owed_a_certificate_in_every_combination) {
    for (const bool blocked : {false, true}) {
        for (const bool paper : {false, true}) {
            for (int use = 0; use <= 3; ++use) {
                for (int card = 0; card <= 4; ++card) {
                    const MeansFacts facts{blocked, static_cast<UseState>(use), static_cast<CardMeans>(card), paper};
                    const MeansVerdict verdict = judge_means(facts);
                    if (verdict.means == Means::nothing) {
                        EXPECT_TRUE(verdict.owed) << use << card << blocked;
                    }
                    if (paper) {
                        EXPECT_FALSE(verdict.owed);
                    }
                    if (paper) {
                        EXPECT_NE(verdict.means, Means::nothing);
                    }
                    if (blocked) {
                        EXPECT_NE(verdict.means, Means::card) << "the card is no insurance card";
                    }
                    const bool registered = use == 1 || use == 2;
                    if (verdict.means == Means::card) {
                        EXPECT_TRUE(registered && card >= 3);
                    }
                    if (registered && card >= 3 && !blocked) {
                        EXPECT_EQ(verdict.means, Means::card);
                    }
                }
            }
        }
    }
}

TEST(means, the_reason_says_what_is_missing) {
    struct Case {
        MeansFacts facts;
        std::optional<PaperReason> owed;
    };
    const Case cases[]{
        {{false, UseState::registered, CardMeans::live, false}, std::nullopt},
        {{false, UseState::registered, CardMeans::in_grace, false}, PaperReason::certificate_expired},
        {{false, UseState::registered, CardMeans::expired, false}, PaperReason::certificate_expired},
        {{false, UseState::registered, CardMeans::unusable, false}, PaperReason::card_unusable},
        {{false, UseState::none, CardMeans::live, false}, PaperReason::not_registered},
        {{false, UseState::none, CardMeans::none, false}, PaperReason::no_card},
        {{false, UseState::cancel_requested, CardMeans::live, false}, PaperReason::cancelled},
        {{false, UseState::cancelled, CardMeans::live, false}, PaperReason::cancelled},
        {{true, UseState::registered, CardMeans::live, false}, PaperReason::protected_},
        {{true, UseState::registered, CardMeans::live, true}, std::nullopt},
    };
    for (const Case& one : cases) EXPECT_EQ(judge_means(one.facts).owed, one.owed);
}

}  // namespace
}  // namespace onshi::coverage
