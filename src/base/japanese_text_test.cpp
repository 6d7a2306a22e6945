#include "base/japanese_text.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/character_tables.h"
#include "base/limits.h"
#include "base/text_folding.h"
#include "base/utf8.h"

namespace onshi::japanese_text_test {

template <class T>
ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

std::string folded(std::string_view text) {
    const auto result = fold_for_comparison(text);
    EXPECT_TRUE(result) << text;
    return result ? result->text : std::string();
}

// Characters that meet in names and addresses, and those that make folding hard.
rc::Gen<std::string> any_text() {
    const auto character = rc::gen::oneOf(
        rc::gen::elementOf(std::u32string(U"田中髙橋邊邉葛々ー－-‐−ァアャヤヶがガﾀﾞﾊﾟｰ゛゜゙゚ 　・ＡaÅé①㈱㍿神﨑●〓"
                                          U"一二十百千１２丁目番地号の室階")),
        rc::gen::elementOf(std::u32string(U"\u0301\u0345\u200B\uFE00\U000E0100\u00AD\u00B4\u00A8\u2011\u3164\u0130")),
        rc::gen::map(rc::gen::inRange<std::uint32_t>(1, 0x30000),
                     [](std::uint32_t c) { return c >= 0xD800 && c <= 0xDFFF ? U'x' : static_cast<char32_t>(c); }));
    return rc::gen::map(rc::gen::container<std::u32string>(character),
                        [](const std::u32string& text) { return encode_utf8(text); });
}

TEST(Utf8, three_bytes_are_a_character_when_they_are_its_only_form) {
    for (unsigned bytes = 0xE00000; bytes <= 0xEFFFFF; ++bytes) {
        const std::string text{static_cast<char>(bytes >> 16U), static_cast<char>(bytes >> 8U),
                               static_cast<char>(bytes)};
        const char32_t code = (bytes >> 4U & 0xF000U) | (bytes >> 2U & 0x0FC0U) | (bytes & 0x3FU);
        const bool continued = (bytes & 0xC0C0U) == 0x8080U;
        const bool valid = continued && code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
        std::size_t at = 0;
        const auto read = next_character(text, at);
        ASSERT_EQ(read.has_value(), valid) << bytes;
        if (!valid) continue;
        ASSERT_EQ(*read, code);
        ASSERT_EQ(at, 3U);
        ASSERT_FALSE(is_valid_utf8(std::string_view(text).substr(0, 2))) << bytes;
    }
}

// An invisible character behind it sends a text the long way, through every round of folding.
void expect_same_as_the_long_way(const std::u32string& text, FoldStyle style) {
    Folds folds;
    Folds folds_of_long;
    const auto shortcut = fold_characters(encode_utf8(text), style, folds);
    const auto whole = fold_characters(encode_utf8(text + U'\u200B'), style, folds_of_long);
    ASSERT_TRUE(shortcut && whole);
    EXPECT_EQ(*shortcut, *whole) << encode_utf8(text);
    --folds_of_long.counts[static_cast<std::size_t>(FoldKind::invisible)];
    EXPECT_EQ(folds.counts, folds_of_long.counts) << encode_utf8(text);
    EXPECT_EQ(folds.variants.size(), folds_of_long.variants.size()) << encode_utf8(text);
}

constexpr std::array every_style{FoldStyle::name, FoldStyle::address, FoldStyle::insured_text};

TEST(Fold, of_plain_characters_is_that_of_all_rounds) {
    for (char32_t c = 1; c < 0xA000; ++c) {
        for (const FoldStyle style : every_style) expect_same_as_the_long_way({c}, style);
    }
}

TEST(Fold, of_plain_characters_beside_each_other_is_that_of_all_rounds) {
    const std::u32string_view some = U" 　-ーカャヶガンかゃ々髙橋邉1Aaー丁";
    for (const char32_t first : some) {
        for (const char32_t second : some) {
            for (const char32_t third : some) {
                for (const FoldStyle style : every_style) expect_same_as_the_long_way({first, second, third}, style);
            }
        }
    }
}

TEST(VariantTable, is_sorted_and_folds_in_one_step) {
    const auto table = variant_table();
    std::set<char32_t> forms;
    for (const auto& row : table) forms.insert(row.form);
    EXPECT_EQ(forms.size(), table.size());
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (i > 0) {
            EXPECT_LT(table[i - 1].form, table[i].form);
        }
        EXPECT_FALSE(forms.contains(table[i].first)) << "a first form folds to nothing else";
        EXPECT_EQ(first_variant(table[i].form), table[i].first);
    }
    EXPECT_EQ(first_variant(U'田'), U'田');
}

// MT-1, domain-rules §2.5.
TEST(Fold, makes_forms_of_one_name_equal) {
    const std::vector<std::vector<std::string_view>> same{
        {"斎藤", "齋藤", "齊藤", "斉藤"},
        {"高橋", "髙橋", "高 橋", "高　橋", "高槗"},
        {"渡辺", "渡邊", "渡邉", "渡邉\xF3\xA0\x84\x81"},
        {"山崎", "山﨑", "山嵜"},
        {"浜田", "濱田", "濵田"},
        {"徳永", "德永"},
        {"広瀬", "廣瀬", "廣瀨", "広瀨"},
        {"沢田", "澤田"},
        {"吉田", "𠮷田"},
        {"神田", "神田"},  // a compatibility ideograph
        {"葛城", "葛\xF3\xA0\x84\x80城", "葛\xF3\xA0\x84\x81城"},
        {"シユウコ", "シュウコ", "ｼｭｳｺ", "ｼﾕｳｺ"},
        {"ダイスケ", "ﾀﾞｲｽｹ", "タ゛イスケ", "タ\xE3\x82\x99イスケ"},
        {"パン", "ﾊﾟﾝ", "ハ゜ン"},
        {"リョータ", "リヨータ", "リョ－タ", "リョ-タ", "リョ‐タ", "リョ−タ", "ﾘﾖｰﾀ"},
        {"ツツミ", "ッツミ"},
        {"SMITH JOHN", "Smith John", "ＳＭＩＴＨ　ＪＯＨＮ"},
    };
    for (const auto& names : same) {
        for (const std::string_view name : names) EXPECT_EQ(folded(name), folded(names[0])) << name;
    }
}

TEST(Fold, keeps_different_names_apart) {
    for (const auto& [left, right] : std::vector<std::pair<std::string_view, std::string_view>>{{"田中", "中田"},
                                                                                                {"みさき", "ミサキ"},
                                                                                                {"ハナ", "バナ"},
                                                                                                {"太田", "大田"},
                                                                                                {"荻野", "萩野"},
                                                                                                {"", "田"}}) {
        EXPECT_NE(folded(left), folded(right)) << left;
    }
}

TEST(Fold, records_what_it_took_away) {
    const auto result = fold_for_comparison("髙\xF3\xA0\x84\x80橋　ﾕｳｼﾞﾛｰ-ャA").value();
    EXPECT_EQ(result.text, "高橋ユウジローーヤa");
    EXPECT_EQ(result.folds.count(FoldKind::variant), 1U);
    EXPECT_EQ(result.folds.variants, (std::vector<VariantFold>{{U'髙', U'高'}}));
    EXPECT_EQ(result.folds.count(FoldKind::invisible), 1U);
    EXPECT_EQ(result.folds.count(FoldKind::space), 1U);
    EXPECT_EQ(result.folds.count(FoldKind::kana_size), 1U);
    EXPECT_EQ(result.folds.count(FoldKind::dash), 1U);
    EXPECT_EQ(result.folds.count(FoldKind::letter_case), 1U);
    EXPECT_EQ(result.folds.count(FoldKind::compatibility), 5U);  // ﾕ ｳ ｼﾞ ﾛ ｰ
    EXPECT_TRUE(fold_for_comparison("高橋").value().folds.empty());
}

TEST(Fold, is_idempotent) {
    EXPECT_TRUE(rc::check([] {
        const std::string text = *any_text();
        const auto once = fold_for_comparison(text).value();
        const auto twice = fold_for_comparison(once.text).value();
        RC_ASSERT(twice.text == once.text);
        RC_ASSERT(twice.folds.empty());
    }));
}

TEST(Fold, refuses_bytes_that_are_not_utf8_and_texts_that_are_too_long) {
    for (const std::string_view text : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE3\x81", "a\x80"}) {
        EXPECT_EQ(code_of(fold_for_comparison(text)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(compare_names(text, "a")), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(compare_names("a", text)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(compare_addresses("a", text)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(compare_addresses(text, "a")), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(fold_address(text)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(to_full_width_katakana(text)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(to_half_width_katakana(text, KanaSize::large)), ErrorCode::text_invalid_encoding);
        EXPECT_EQ(code_of(normalise_kana_name(text)), ErrorCode::text_invalid_encoding);
    }
    EXPECT_TRUE(fold_for_comparison(std::string(comparison_bytes_max - 1, 'a')));
    EXPECT_TRUE(fold_for_comparison(std::string(comparison_bytes_max, 'a')));
    EXPECT_EQ(code_of(fold_for_comparison(std::string(comparison_bytes_max + 1, 'a'))), ErrorCode::text_too_long);
    EXPECT_EQ(code_of(to_full_width_katakana(std::string(comparison_bytes_max + 1, 'a'))), ErrorCode::text_too_long);
}

// MT-2.
TEST(CompareNames, says_how_two_names_agree) {
    struct Row {
        std::string_view left;
        std::string_view right;
        FieldMatch match;
        std::uint32_t unknown;
    };
    const std::vector<Row> rows{
        {"髙橋　美咲", "髙橋　美咲", FieldMatch::exact, 0},
        {"髙橋　美咲", "高橋 美咲", FieldMatch::folded, 0},
        {"高橋　美咲", "高橋美咲", FieldMatch::folded, 0},
        {"高橋　美咲", "高橋　美穂", FieldMatch::different, 0},
        {"高橋　美咲", "高橋　美", FieldMatch::different, 0},
        {"●橋　美咲", "髙橋　美咲", FieldMatch::folded, 1},
        {"髙橋　美咲", "〓橋　美■", FieldMatch::folded, 2},
        {"●橋　美咲", "●橋　美咲", FieldMatch::folded, 1},
        {"●橋　美咲", "髙●　美咲", FieldMatch::folded, 2},
        {"●橋　美咲", "橋　美咲", FieldMatch::different, 0},  // one character, not none
        {"●橋　美咲", "高高橋　美咲", FieldMatch::different, 0},
        {"\xEE\x80\x80橋", "髙橋", FieldMatch::folded, 1},  // private use
        {"●●", "髙橋", FieldMatch::missing, 0},             // says nothing
        {"", "髙橋", FieldMatch::missing, 0},
        {"髙橋", "　", FieldMatch::missing, 0},
        {"", "", FieldMatch::missing, 0},
    };
    for (const Row& row : rows) {
        for (const auto& [left, right] : {std::pair(row.left, row.right), std::pair(row.right, row.left)}) {
            const auto result = compare_names(left, right);
            ASSERT_TRUE(result);
            EXPECT_EQ(result->match, row.match) << left << " / " << right;
            EXPECT_EQ(result->unknown_characters, row.unknown) << left << " / " << right;
        }
    }
    EXPECT_TRUE(agrees(FieldMatch::exact));
    EXPECT_TRUE(agrees(FieldMatch::folded));
    EXPECT_FALSE(agrees(FieldMatch::different));
    EXPECT_FALSE(agrees(FieldMatch::missing));
}

TEST(CompareNames, agrees_with_itself_and_is_symmetric) {
    EXPECT_TRUE(rc::check([] {
        const std::string a = *any_text();
        const std::string b = *any_text();
        const auto same = compare_names(a, a).value();
        RC_ASSERT(agrees(same.match) || same.match == FieldMatch::missing);
        RC_ASSERT(compare_names(a, b).value().match == compare_names(b, a).value().match);
    }));
}

TEST(FoldAddress, parts_area_and_building) {
    struct Row {
        std::string_view text;
        std::string_view area;
        std::string_view building;
    };
    const std::vector<Row> rows{
        {"千葉市中央区本町1丁目2番3号", "1000葉市中央区本町1-2-3", ""},
        {"千葉市中央区本町１－２－３", "1000葉市中央区本町1-2-3", ""},
        {"千葉市中央区本町一丁目２番３号　霞ビル１０１号室", "1000葉市中央区本町1-2-3", "霞ビル101"},
        {"千葉市中央区本町1-2-3 101", "1000葉市中央区本町1-2-3", "101"},
        {"本町1丁目2番地の3", "本町1-2-3", ""},
        {"本町1丁目2番地3 コーポA-5", "本町1-2-3", "コーポa-5"},
        {"本町12番地", "本町12", ""},
        {"本町二十三番地", "本町23", ""},
        {"本町二三番地", "本町23", ""},
        {"本町百二番地", "本町102", ""},
        {"北一条西二丁目3番4号", "北1条西2-3-4", ""},
        {"北1条西2丁目3-4", "北1条西2-3-4", ""},
        {"六番町3番地", "6番町3", ""},
        {"本町1-2-3-405", "本町1-2-3-405", ""},
        {"本町1 - 2 - 3", "本町1-2-3", ""},
        {"本町1丁目 2番 3号", "本町1-2-3", ""},
        {"本町1-2ーA棟", "本町1-2", "a棟"},
        {"本町", "本町", ""},
        {"", "", ""},
    };
    for (const Row& row : rows) {
        const auto parts = fold_address(row.text);
        ASSERT_TRUE(parts);
        EXPECT_EQ(parts->area, row.area) << row.text;
        EXPECT_EQ(parts->building, row.building) << row.text;
    }
}

TEST(CompareAddresses, takes_the_usual_spellings_for_the_same) {
    const std::vector<std::pair<std::string_view, std::string_view>> same{
        {"東京都千代田区霞が関一丁目2番3号", "東京都千代田区霞ヶ関1-2-3"},
        {"東京都千代田区霞ケ関１丁目２番３号", "東京都千代田区霞ガ関１－２－３"},
        {"横浜市中区山下町1番地", "横濱市中區山下町１"},
        {"札幌市中央区北一条西二丁目3番4号", "札幌市中央区北1条西2-3-4"},
        {"大阪市北区梅田1-2-3 コーポ山田201号室", "大阪市北区梅田１丁目２番３号　コ－ポ山田２０１"},
        {"大阪市北区梅田1-2-3 山田ビル3階", "大阪市北区梅田１丁目２番３号　山田ビル３Ｆ"},
        {"大阪市北区梅田1-2-3", "大阪市北区梅田1-2-3 山田ビル3F"},
    };
    for (const auto& [left, right] : same) {
        for (const auto& [a, b] : {std::pair(left, right), std::pair(right, left)}) {
            EXPECT_EQ(compare_addresses(a, b).value().overall, FieldMatch::folded) << a << " / " << b;
        }
    }
}

TEST(CompareAddresses, judges_area_and_building_apart) {
    struct Row {
        std::string_view left;
        std::string_view right;
        FieldMatch overall;
        FieldMatch area;
        FieldMatch building;
    };
    using enum FieldMatch;
    const std::vector<Row> rows{
        {"本町1-2-3 霞ビル101", "本町1-2-3 霞ビル101", exact, exact, exact},
        {"本町1-2-3", "本町1-2-3", exact, exact, missing},
        {"本町1-2-3 霞ビル101", "本町1-2-3 霞ビル102", different, folded, different},
        {"本町1-2-3 霞ビル101", "本町1-2-4 霞ビル101", different, different, folded},
        {"本町1-2-3 霞ビル101", "本町1-2-3", folded, folded, missing},
        {"本町1-2-31", "本町1-2-3 1", different, different, missing},
        {"●町1-2-3", "本町1-2-3", folded, folded, missing},
        {"", "本町1-2-3", missing, missing, missing},
        {"字三1番", "字31番", different, different, missing},
    };
    for (const Row& row : rows) {
        const auto result = compare_addresses(row.left, row.right).value();
        EXPECT_EQ(result.overall, row.overall) << row.left << " / " << row.right;
        EXPECT_EQ(result.area, row.area) << row.left << " / " << row.right;
        EXPECT_EQ(result.building, row.building) << row.left << " / " << row.right;
    }
    EXPECT_EQ(compare_addresses("●町1", "本町1").value().unknown_characters, 1U);
    EXPECT_GT(compare_addresses("本町一丁目", "本町1").value().folds.count(FoldKind::address_form), 0U);
}

TEST(CompareAddresses, agrees_with_itself_whatever_it_holds) {
    EXPECT_TRUE(rc::check([] {
        const std::string text = *any_text();
        const auto result = compare_addresses(text, text).value();
        RC_ASSERT(agrees(result.overall) || result.overall == FieldMatch::missing);
    }));
}

TEST(Kana, becomes_full_width_katakana) {
    struct Row {
        std::string_view text;
        std::string_view full;
    };
    const std::vector<Row> rows{{"たかはし みさき", "タカハシ　ミサキ"},
                                {"ﾀｶﾊｼ ﾐｻｷ", "タカハシ　ミサキ"},
                                {"ﾀﾞｲｽｹ ﾊﾟｸ", "ダイスケ　パク"},
                                {"ｳﾞｨ", "ヴィ"},
                                {"う゛", "ヴ"},
                                {"か\xE3\x82\x99", "ガ"},
                                {"ｱﾞ", "ア゛"},
                                {"ﾞ", "゛"},
                                {"､｡｢｣･ｰ", "、。「」・ー"},
                                {"高橋ABC①", "高橋ABC①"},
                                {"ゝゞ", "ヽヾ"}};
    for (const Row& row : rows) EXPECT_EQ(to_full_width_katakana(row.text).value(), row.full) << row.text;
}

TEST(Kana, becomes_half_width_katakana) {
    struct Row {
        std::string_view text;
        std::string_view as_written;
        std::string_view large;
    };
    const std::vector<Row> rows{{"タカハシ　ミサキ", "ﾀｶﾊｼ ﾐｻｷ", "ﾀｶﾊｼ ﾐｻｷ"},
                                {"しゅうじ", "ｼｭｳｼﾞ", "ｼﾕｳｼﾞ"},
                                {"バッグ・パー", "ﾊﾞｯｸﾞ･ﾊﾟｰ", "ﾊﾞﾂｸﾞ･ﾊﾟｰ"},
                                {"ァィゥェォャュョッ", "ｧｨｩｪｫｬｭｮｯ", "ｱｲｳｴｵﾔﾕﾖﾂ"},
                                {"ヴヮヵヶヰヱ", "ｳﾞﾜｶｹｲｴ", "ｳﾞﾜｶｹｲｴ"},
                                {"ヷヸヹヺ", "ﾜﾞｲﾞｴﾞｦﾞ", "ﾜﾞｲﾞｴﾞｦﾞ"},
                                {"ＡＢ－１", "AB-1", "AB-1"},
                                {"高", "高", "高"},
                                {"゛゜", "ﾞﾟ", "ﾞﾟ"}};
    for (const Row& row : rows) {
        EXPECT_EQ(to_half_width_katakana(row.text, KanaSize::as_written).value(), row.as_written) << row.text;
        EXPECT_EQ(to_half_width_katakana(row.text, KanaSize::large).value(), row.large) << row.text;
    }
}

TEST(Kana, comes_back_from_half_width) {
    EXPECT_TRUE(rc::check([] {
        const auto letter =
            rc::gen::elementOf(std::u32string(U"アイウエオカキクケコガギグゲゴサシスセソザジズゼゾタチツテトダヂヅデド"
                                              U"ナニヌネノハヒフヘホバビブベボパピプペポマミ"
                                              U"ムメモヤユヨラリルレロワヲンヴァィゥェォャュョッー・　"));
        const std::string name = encode_utf8(*rc::gen::container<std::u32string>(letter));
        const std::string half = to_half_width_katakana(name, KanaSize::as_written).value();
        RC_ASSERT(to_full_width_katakana(half).value() == name);
    }));
}

TEST(KanaName, is_katakana_with_single_spaces) {
    struct Row {
        std::string_view text;
        std::string_view name;
    };
    const std::vector<Row> rows{{"たかはし みさき", "タカハシ　ミサキ"},
                                {"  ﾀｶﾊｼ  ﾐｻｷ ", "タカハシ　ミサキ"},
                                {"ｽﾐｽ ｼﾞｮﾝ･ﾎﾟｰﾙ", "スミス　ジョン・ポール"},
                                {"リョ-タ", "リョータ"},
                                {"ﾀﾛ－", "タロー"}};
    for (const Row& row : rows) EXPECT_EQ(normalise_kana_name(row.text).value(), row.name) << row.text;
    for (const std::string_view text :
         {"", " ", "・", "高橋", "SMITH", "タカ1", "ー", "-タロ", "タカ●", "ア゛", "ヽ"}) {
        EXPECT_EQ(code_of(normalise_kana_name(text)), ErrorCode::text_not_kana) << text;
    }
    std::string name;
    for (std::size_t i = 0; i < kana_name_characters_max; ++i) name += "ア";
    EXPECT_TRUE(normalise_kana_name(name));
    EXPECT_EQ(code_of(normalise_kana_name(name + "ア")), ErrorCode::text_too_long);
}

TEST(Utf8, is_strict_and_always_moves_on) {
    EXPECT_TRUE(is_valid_utf8("高𠮷a"));
    EXPECT_FALSE(is_valid_utf8("\xF0\x9F\x98"));
    EXPECT_FALSE(decode_utf8("\xED\xBF\xBF"));
    EXPECT_EQ(decode_utf8("高𠮷a"), U"高𠮷a");
    EXPECT_EQ(encode_utf8(U"高𠮷a"), "高𠮷a");
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        std::size_t steps = 0;
        bool valid = true;
        for (std::size_t at = 0; at < bytes.size(); ++steps) valid = next_character(bytes, at).has_value() && valid;
        RC_ASSERT(steps <= bytes.size());
        RC_ASSERT(valid == is_valid_utf8(bytes));
        const auto characters = decode_utf8(bytes);
        RC_ASSERT(characters.has_value() == valid);
        if (characters) RC_ASSERT(encode_utf8(*characters) == bytes);
    }));
}

}  // namespace onshi::japanese_text_test
