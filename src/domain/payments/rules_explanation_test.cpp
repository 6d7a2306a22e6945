#include "domain/payments/rules_explanation.h"

#include <set>

#include <gtest/gtest.h>

namespace onshi::payments {
namespace {

TEST(explanation, every_rule_has_a_name_and_a_full_sentence_in_each_wording) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < rule_count; ++i) {
        const Step step{.rule = static_cast<Rule>(i),
                        .payer = 54,
                        .percent = Percent::of(30),
                        .of = Yen(1'000'000),
                        .amount = Yen(92'940)};
        EXPECT_TRUE(names.insert(to_string(step.rule)).second);
        for (const auto language : {Language::ja, Language::en}) {
            for (const auto wording : {Wording::ordinary, Wording::easy}) {
                const auto text = sentence(step, language, wording);
                EXPECT_NE(text, to_string(step.rule));
                EXPECT_EQ(text.find('{'), std::string::npos) << text;
            }
        }
    }
}

TEST(explanation, amounts_are_grouped) {
    const std::pair<std::int64_t, const char*> rows[] = {
        {0, "0"}, {999, "999"}, {1'000, "1,000"}, {92'940, "92,940"}, {1'234'567, "1,234,567"}, {-1'000, "-1,000"}};
    for (const auto& [amount, text] : rows) EXPECT_EQ(grouped(Yen(amount)), text);
    const Step step{.rule = Rule::monthly_limit, .amount = Yen(92'940)};
    EXPECT_EQ(sentence(step, Language::ja, Wording::ordinary),
              "ひと月の上限額は92,940円です。それを超える分は支払いません。");
}

TEST(explanation, a_public_payer_names_its_own_law) {
    EXPECT_EQ(legal_basis(builtin_tables(), {.rule = Rule::payer_share, .payer = 54}), "難病法第5条");
    EXPECT_FALSE(legal_basis(builtin_tables(), {.rule = Rule::monthly_limit}).empty());
}

}  // namespace
}  // namespace onshi::payments
