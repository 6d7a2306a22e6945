#include "domain/identity/rules_match.h"

#include <functional>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "domain/identity/model_number.h"

namespace onshi::identity {
namespace {

using Code = OutcomeCode;

Resident resident() {
    return {"髙橋　美咲",          "タカハシ　ミサキ", "東京都架空星川区見本町１丁目２番３号",
            Date::of(1985, 4, 12), Sex::female,        Date::open_end};
}
SentIdentity sent() {
    const Resident r = resident();
    return {r.name, r.kana, r.address, r.birth, r.sex};
}

struct Case {
    const char* what;
    std::function<void(SentIdentity&)> change;
    Severity severity;
    std::optional<Code> cause;
};

// domain-rules §2.5, line by line, and MT-1.
TEST(match, grades_every_difference_as_the_rules_say) {
    const std::vector<Case> cases{
        {"all five agree", [](auto&) {}, Severity::none, std::nullopt},
        {"a variant character", [](auto& s) { s.name = "高橋　美咲"; }, Severity::none, std::nullopt},
        {"no space in the name", [](auto& s) { s.name = "髙橋美咲"; }, Severity::none, std::nullopt},
        {"a character the insurer's system lacks", [](auto& s) { s.name = "〓橋　美咲"; }, Severity::none,
         std::nullopt},
        {"half-width kana", [](auto& s) { s.kana = "ﾀｶﾊｼ ﾐｻｷ"; }, Severity::none, std::nullopt},
        {"no address was sent", [](auto& s) { s.address = ""; }, Severity::none, std::nullopt},
        {"no reading was sent", [](auto& s) { s.kana = ""; }, Severity::none, std::nullopt},
        {"sex not told", [](auto& s) { s.sex = Sex::unset; }, Severity::none, std::nullopt},
        {"another way to write the lot", [](auto& s) { s.address = "東京都架空星川区見本町1-2-3"; }, Severity::none,
         std::nullopt},
        {"birth date", [](auto& s) { s.birth = Date::of(1985, 4, 13); }, Severity::another_person,
         Code::cause_match_birth_date},
        {"sex", [](auto& s) { s.sex = Sex::male; }, Severity::another_person, Code::cause_match_sex},
        {"name and reading",
         [](auto& s) {
             s.name = "佐藤　美咲";
             s.kana = "サトウ　ミサキ";
         },
         Severity::another_person, Code::cause_match_name_and_kana},
        {"another name and no reading",
         [](auto& s) {
             s.name = "佐藤　美咲";
             s.kana = "";
         },
         Severity::another_person, Code::cause_match_name_and_kana},
        {"neither name nor reading say anything",
         [](auto& s) {
             s.name = "〓〓〓〓";
             s.kana = "　";
         },
         Severity::another_person, Code::cause_match_name_and_kana},
        {"name only", [](auto& s) { s.name = "佐藤　美咲"; }, Severity::one_name, Code::cause_match_name},
        {"reading only", [](auto& s) { s.kana = "サトウ　ミサキ"; }, Severity::one_name, Code::cause_match_kana},
        {"address only", [](auto& s) { s.address = "東京都架空星川区見本町９丁目９番９号"; }, Severity::address,
         Code::cause_match_address},
        {"birth date weighs more than the address",
         [](auto& s) {
             s.birth = Date::of(1986, 4, 12);
             s.address = "大阪府架空区１";
         },
         Severity::another_person, Code::cause_match_birth_date},
        {"broken text differs", [](auto& s) { s.name = "\xFF\xFE"; }, Severity::one_name, Code::cause_match_name},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        SentIdentity changed = sent();
        one.change(changed);
        const MatchReport report = match_with_register(changed, resident(), Date::of(2026, 4, 1));
        EXPECT_EQ(report.severity, one.severity);
        EXPECT_EQ(report.cause, one.cause);
        EXPECT_EQ(report.withheld(), one.cause.has_value());
    }
}

TEST(match, of_an_unknown_number_or_none_is_withheld_as_another_person) {
    EXPECT_EQ(match_with_register(sent(), std::nullopt, Date::of(2026, 4, 1)).cause, Code::cause_match_not_found);
    EXPECT_EQ(unmatched_for_want_of_number().cause, Code::cause_match_number_missing);
    EXPECT_TRUE(needs_four_eyes(unmatched_for_want_of_number().severity));
    EXPECT_FALSE(needs_four_eyes(Severity::one_name));
}

TEST(match, of_somebody_who_had_died_counts_from_the_day_after) {
    Resident dead = resident();
    dead.deceased_on = Date::of(2026, 4, 1);
    EXPECT_FALSE(match_with_register(sent(), dead, Date::of(2026, 4, 1)).withheld());
    EXPECT_EQ(match_with_register(sent(), dead, Date::of(2026, 4, 2)).cause, Code::cause_match_deceased);
}

// The shortcut for plain equal texts gives what folding gives.
TEST(match, of_equal_data_is_exact_whatever_they_hold) {
    for (const char* name : {"山田　太郎", "NGUYEN VAN ANH", "佐々木　ジョン", "𠮷田　葛\xF3\xA0\x84\x80", "髙橋"}) {
        Resident registered = resident();
        registered.name = name;
        SentIdentity same = sent();
        same.name = name;
        EXPECT_EQ(match_with_register(same, registered, Date::of(2026, 4, 1)).name, FieldMatch::exact) << name;
    }
    for (const char* nothing : {"", " ", "　", "〓", "●●"}) {
        Resident registered = resident();
        registered.name = nothing;
        SentIdentity same = sent();
        same.name = nothing;
        EXPECT_EQ(match_with_register(same, registered, Date::of(2026, 4, 1)).name, FieldMatch::missing) << nothing;
    }
}

TEST(match, is_the_same_after_packing) {
    EXPECT_TRUE(rc::check([](const std::string& name, const std::string& kana, const std::string& address) {
        const SentIdentity one{name, kana, address, Date::of(1985, 4, 12), Sex::female};
        RC_ASSERT(unpack_sent(pack(one)) == one);
        const Resident two{name, kana, address, Date::of(1985, 4, 12), Sex::unset, Date::of(2026, 1, 1)};
        RC_ASSERT(unpack_resident(pack(two)) == two);
        RC_ASSERT(!unpack_resident(pack(one)));
        RC_ASSERT(!unpack_sent(pack(two)));
    }));
}

TEST(individual_number, is_taken_with_its_check_digit_only) {
    for (const char* right : {"123456789018", "000000000019", "271828182840"})
        EXPECT_TRUE(IndividualNumber::parse(right));
    EXPECT_EQ(IndividualNumber::parse("123456789012").error().code, ErrorCode::number_check_digit);
    for (const char* wrong : {"", "12345678901", "1234567890188", "12345678901a", "１２３４"}) {
        EXPECT_EQ(IndividualNumber::parse(wrong).error().code, ErrorCode::number_format) << wrong;
    }
    EXPECT_EQ(IndividualNumber::parse("000000000019")->bytes(), (std::array<std::uint8_t, 5>{0, 0, 0, 0, 19}));
}

TEST(confirm_reason, has_a_word_each) {
    for (const char* word : {"alias", "variant_character", "recent_move", "typing_of_register", "other"}) {
        const auto reason = parse_confirm_reason(word);
        ASSERT_TRUE(reason) << word;
        EXPECT_EQ(to_string(*reason), word);
    }
    EXPECT_FALSE(parse_confirm_reason("because"));
}

}  // namespace
}  // namespace onshi::identity
