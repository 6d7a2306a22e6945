#include "synth/text.h"

#include <gtest/gtest.h>

#include "base/japanese_text.h"
#include "synth/nation.h"

namespace onshi::synth {
namespace {

template <class Append, class... Args>
std::string text_of(Append append, const Args&... args) {
    std::string out;
    append(args..., out);
    return out;
}

SyntheticPerson person_named(PersonName name) {
    SyntheticPerson person;
    person.name = name;
    person.other_family = "一";
    person.other_family_kana = "ニノマエ";
    return person;
}

std::string sent_name(const PersonName& name, SentName how) {
    SyntheticCoverage record;
    record.sent_name = how;
    return text_of(append_sent_name, person_named(name), record);
}

TEST(synth_text, unmappable_characters_become_one_geta_each) {
    struct Row {
        std::string_view registered, plain, sent;
    };
    for (const Row& row :
         {Row{"髙橋", "高橋", "〓橋"}, Row{"山﨑", "山崎", "山〓"}, Row{"廣瀨", "広瀬", "〓〓"},
          Row{"葛\U000E0100西", "葛西", "〓西"}, Row{"辻\U000E0100", "辻", "〓"}, Row{"田邉\U000E0102", "田辺", "田〓"},
          Row{"𠮷田", "吉田", "〓田"}, Row{"佐藤", "佐藤", "佐藤"}}) {
        PersonName name;
        name.family = row.registered;
        name.family_plain = row.plain;
        name.given = name.given_plain = "翔";
        EXPECT_EQ(sent_name(name, SentName::geta), std::string(row.sent) + "　翔");
        EXPECT_EQ(sent_name(name, SentName::folded), std::string(row.plain) + "　翔");
        EXPECT_EQ(sent_name(name, SentName::as_registered), std::string(row.registered) + "　翔");
        EXPECT_EQ(sent_name(name, SentName::other_family), "一　翔");
    }
}

TEST(synth_text, readings_are_sent_with_large_kana_or_not_at_all) {
    PersonName name;
    name.family_kana = "サイジョウ";
    name.given_kana = "キョウヘイ";
    SyntheticCoverage record;
    EXPECT_EQ(text_of(append_sent_kana, person_named(name), record), "サイジョウ　キョウヘイ");
    record.sent_kana = SentKana::large_kana;
    EXPECT_EQ(text_of(append_sent_kana, person_named(name), record), "サイジヨウ　キヨウヘイ");
    record.sent_kana = SentKana::other_family;
    EXPECT_EQ(text_of(append_sent_kana, person_named(name), record), "ニノマエ　キョウヘイ");
    record.sent_kana = SentKana::missing;
    EXPECT_EQ(text_of(append_sent_kana, person_named(name), record), "");
}

TEST(synth_text, latin_names_are_joined_by_a_space) {
    PersonName name;
    name.family = "NGUYEN";
    name.given = "VAN ANH";
    name.script = NameScript::latin;
    EXPECT_EQ(text_of(append_name, name), "NGUYEN VAN ANH");
    EXPECT_EQ(text_of(append_kana, name), "");
}

TEST(synth_text, symbols_and_numbers_follow_the_insurers_style) {
    const auto symbol = [](SymbolStyle style, std::uint8_t digits) {
        InsuredIdentity identity;
        identity.symbol_style = style;
        identity.symbol_digits = digits;
        identity.symbol = 42;
        identity.number = 7;
        identity.number_digits = digits;
        return text_of(append_symbol, identity) + "|" + text_of(append_number, identity);
    };
    EXPECT_EQ(symbol(SymbolStyle::none, 8), "|00000007");
    EXPECT_EQ(symbol(SymbolStyle::digits, 0), "42|7");
    EXPECT_EQ(symbol(SymbolStyle::digits, 8), "00000042|00000007");
    EXPECT_EQ(symbol(SymbolStyle::full_width_digits, 0), "４２|7");
    EXPECT_EQ(symbol(SymbolStyle::prefixed, 0), "架空－４２|7");
    EXPECT_EQ(symbol(SymbolStyle::kana, 0), "ア42|7");
    EXPECT_EQ(symbol(SymbolStyle::fixed_text, 0), "架国|7");
}

TEST(synth_text, addresses_are_in_an_invented_town_of_a_real_prefecture) {
    const Organisations organisations(1);
    SyntheticAddress address;
    address.municipality = organisations.municipalities_of(13).at(0);
    address.chome = 1;
    address.block = 12;
    address.house = 3;
    const std::string plain = text_of(append_address, organisations, address);
    EXPECT_TRUE(plain.starts_with("東京都架空")) << plain;
    EXPECT_TRUE(plain.ends_with("区見本町１丁目１２番３号")) << plain;
    address.chome = 0;
    address.building = 1;
    address.room = 101;
    EXPECT_TRUE(text_of(append_address, organisations, address).ends_with("区見本町１２番３号　見本ハイツ１０１"));
    EXPECT_EQ(text_of(append_postal_code, organisations, address).substr(0, 4), "000-");
}

TEST(synth_text, truth_lines_name_the_fault_and_leave_out_what_does_not_apply) {
    const Fault withheld{FaultKind::withheld, 2, field_name | field_kana, 0, Date::of(2026, 4, 1), 0};
    EXPECT_EQ(text_of(append_truth_line, std::uint64_t{17}, withheld), "17\twithheld\t2\t3\t2026-04-01\t-\t-");
    const Fault link{FaultKind::wrong_link, 0, 0, 0, Date(), 0};
    EXPECT_EQ(text_of(append_truth_line, std::uint64_t{5}, link), "5\twrong_link\t0\t-\t-\t-\t0");
    const Fault late{FaultKind::late_loss, 1, 0, 40, Date::of(2026, 1, 2), 0};
    EXPECT_EQ(text_of(append_truth_line, std::uint64_t{6}, late), "6\tlate_loss\t1\t-\t2026-01-02\t40\t-");
    const Fault grace{FaultKind::certificate_in_grace, no_record, 0, 0, Date::of(2026, 11, 30), 0};
    EXPECT_EQ(text_of(append_truth_line, std::uint64_t{7}, grace), "7\tcertificate_in_grace\t-\t-\t2026-11-30\t-\t-");
}

TEST(synth_text, what_an_insurer_sent_agrees_with_the_register_unless_the_record_is_withheld_for_it) {
    NationSettings settings;
    settings.rates.withheld_name = 300'000'000;
    settings.rates.withheld_birth_or_sex = 100'000'000;
    const auto nation = Nation::create(settings);
    ASSERT_TRUE(nation.has_value());
    PersonMaker maker(*nation);
    for (std::uint64_t index = 0; index < 3'000; ++index) {
        const SyntheticPerson& person = maker.make(index);
        for (std::size_t r = 0; r < person.coverages.size(); ++r) {
            const SyntheticCoverage& record = person.coverages[r];
            std::uint8_t differing = 0;
            for (const Fault& fault : person.faults) {
                if (fault.kind == FaultKind::withheld && fault.record == r) differing |= fault.fields;
            }
            const auto name =
                compare_names(text_of(append_name, person.name), text_of(append_sent_name, person, record));
            const auto kana =
                compare_names(text_of(append_kana, person.name), text_of(append_sent_kana, person, record));
            const auto address =
                compare_addresses(text_of(append_address, nation->organisations(), person.address),
                                  text_of(append_sent_address, nation->organisations(), person, record));
            ASSERT_TRUE(name && kana && address);
            EXPECT_EQ(name->match == FieldMatch::different, (differing & field_name) != 0) << index;
            EXPECT_EQ(kana->match == FieldMatch::different, (differing & field_kana) != 0) << index;
            EXPECT_EQ(address->overall == FieldMatch::different, (differing & field_address) != 0) << index;
            EXPECT_EQ(record.sent_sex != Sex::unset, (differing & field_sex) != 0);
            EXPECT_EQ(record.sent_birth_date != Date(), (differing & field_birth_date) != 0);
            if (differing != 0) EXPECT_EQ(record.state, CoverageState::withheld);
        }
    }
}

}  // namespace
}  // namespace onshi::synth
