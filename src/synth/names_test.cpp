#include "synth/names.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/cp932.h"
#include "base/japanese_text.h"

namespace onshi::synth {
namespace {

bool all_in_cp932(std::string_view utf8) {
    const auto encoded = encode_cp932(utf8);
    return encoded && encoded->substitution_count == 0;
}

bool has_selector(std::string_view text) {
    return text.find("\xF3\xA0\x84") != std::string_view::npos;
}

template <class Rare>
void expect_rare_form(const Rare& rare) {
    const std::string shown(rare.text);
    EXPECT_NE(rare.text, rare.plain);
    EXPECT_TRUE(all_in_cp932(rare.plain)) << shown;
    EXPECT_TRUE(normalise_kana_name(rare.kana).has_value()) << shown;
    EXPECT_EQ(has_selector(rare.text), rare.glyphs == Glyphs::variation_selector) << shown;
    EXPECT_EQ(all_in_cp932(rare.text), rare.glyphs == Glyphs::cp932_extension || rare.glyphs == Glyphs::compatibility)
        << shown;
    // An insurer's plain form must not count as another person's name (MT-1).
    const auto match = compare_names(rare.text, rare.plain);
    ASSERT_TRUE(match.has_value()) << shown;
    EXPECT_EQ(match->match, FieldMatch::folded) << shown;
}

TEST(synth_names, ordinary_names_need_nothing_beyond_cp932_and_have_a_reading) {
    std::set<std::string_view> seen;
    for (const Surname& surname : surnames()) {
        EXPECT_TRUE(all_in_cp932(surname.text)) << surname.text;
        EXPECT_TRUE(normalise_kana_name(surname.kana).has_value()) << surname.text;
        EXPECT_TRUE(seen.insert(surname.text).second) << surname.text;
    }
    for (const int year : {1920, 1950, 1970, 1980, 2000, 2020}) {
        for (const Sex sex : {Sex::male, Sex::female}) {
            EXPECT_GE(given_names(sex, year).size(), 28U);
            for (const GivenName& given : given_names(sex, year)) {
                EXPECT_TRUE(all_in_cp932(given.text)) << given.text;
                EXPECT_TRUE(normalise_kana_name(given.kana).has_value()) << given.text;
            }
        }
    }
}

TEST(synth_names, rare_forms_are_of_the_kind_they_claim_and_fold_to_their_plain_form) {
    for (const RareSurname& rare : rare_surnames()) expect_rare_form(rare);
    for (const RareGivenName& rare : rare_given_names()) expect_rare_form(rare);
}

TEST(synth_names, rare_given_names_are_split_evenly_between_men_and_women) {
    const auto names = rare_given_names();
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(names[i].sex, i < names.size() / 2 ? Sex::male : Sex::female);
    }
}

TEST(synth_names, foreign_names_are_latin_with_a_reading_in_katakana) {
    for (std::uint32_t n = 0; n < nationality_count; ++n) {
        const NationalityNames& names = names_of(static_cast<Nationality>(n));
        for (const auto& list : {names.families, names.male, names.female}) {
            ASSERT_FALSE(list.empty());
            for (const GivenName& name : list) {
                EXPECT_EQ(name.text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ "), std::string_view::npos)
                    << name.text;
                EXPECT_TRUE(normalise_kana_name(name.kana).has_value()) << name.text;
            }
        }
    }
}

}  // namespace
}  // namespace onshi::synth
