#include "base/identifiers.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"

namespace onshi::identifiers_test {

template <class T>
ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> found;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) found.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return found;
}

rc::Gen<std::string> digits(std::size_t count) {
    return rc::gen::container<std::string>(count, rc::gen::inRange<char>('0', '9' + 1));
}

// Leading digits with their check digit.
std::string with_check_digit(std::string leading) {
    leading.push_back(static_cast<char>('0' + check_digit_a(leading).value()));
    return leading;
}

std::string individual_number(const std::string& eleven) {
    for (char digit = '0'; digit <= '9'; ++digit) {
        if (individual_number_check_ok(eleven + digit)) return eleven + digit;
    }
    ADD_FAILURE() << "no check digit fits";
    return {};
}

// Law codes 31-34 and so on would be refused, so a property draws the scheme first.
rc::Gen<std::string> any_insurer_number() {
    const auto with_law_code =
        rc::gen::map(rc::gen::tuple(rc::gen::element<std::string>("01", "02", "03", "04", "06", "07", "31", "32", "33",
                                                                  "34", "39", "63", "72", "73", "74", "75"),
                                    rc::gen::inRange(1, 100), digits(3)),
                     [](const std::tuple<std::string, int, std::string>& parts) {
                         const auto& [law_code, prefecture, insurer] = parts;
                         return with_check_digit(law_code + std::to_string(prefecture + 100).substr(1) + insurer);
                     });
    const auto of_municipality =
        rc::gen::map(rc::gen::tuple(rc::gen::element<std::string>("", "67"), rc::gen::inRange(1, 48), digits(3)),
                     [](const std::tuple<std::string, int, std::string>& parts) {
                         const auto& [law_code, prefecture, insurer] = parts;
                         return with_check_digit(law_code + std::to_string(prefecture + 100).substr(1) + insurer);
                     });
    return rc::gen::oneOf(with_law_code, of_municipality);
}

constexpr std::string_view regional_unions =
    "39010004 39020003 39030002 39040001 39050000 39060009 39070008 39080007 39090006 39100003 39110002 39120001 "
    "39130000 "
    "39140009 39150008 39160007 39170006 39180005 39190004 39200001 39210000 39220009 39230008 39240007 39250006 "
    "39260005 "
    "39270004 39280003 39290002 39300009 39310008 39320007 39330006 39340005 39350004 39360003 39370002 39380001 "
    "39390000 "
    "39400007 39410006 39420005 39430004 39440003 39450002 39460001 39470000";

constexpr std::string_view payer_vectors =
    "54136015 80137151 82134008 82137530 89135156 51433019 82138009 82137555 38136016 51136018 82137001 81136152 "
    "81137150 "
    "81136244 81137242 88138243 88131248 89131247 82137670 87136008 51137016 38136024 93137008 83136010 52138013 "
    "52137015";

// domain-rules §1.3.
TEST(CheckDigitA, follows_the_worked_examples) {
    EXPECT_EQ(check_digit_a("3312001"), 5);
    EXPECT_EQ(check_digit_a("5413601"), 5);
    EXPECT_EQ(check_digit_a("13805"), 7);
    EXPECT_FALSE(check_digit_a(""));
    EXPECT_FALSE(check_digit_a("12a"));
    EXPECT_FALSE(check_digit_a_ok(""));
    EXPECT_FALSE(check_digit_a_ok("0"));
    EXPECT_TRUE(check_digit_a_ok("00"));
    EXPECT_FALSE(check_digit_a_ok("33120016"));
    EXPECT_FALSE(check_digit_a_ok("3312001x"));
}

TEST(CheckDigitA, finds_every_single_wrong_digit) {
    EXPECT_TRUE(rc::check([] {
        const std::string number = with_check_digit(*digits(*rc::gen::inRange<std::size_t>(1, 12)));
        const auto at = *rc::gen::inRange<std::size_t>(0, number.size());
        const auto other = *rc::gen::inRange<char>('0', '9' + 1);
        RC_PRE(other != number[at]);
        std::string wrong = number;
        wrong[at] = other;
        RC_ASSERT(check_digit_a_ok(number));
        RC_ASSERT(!check_digit_a_ok(wrong));
    }));
}

TEST(CheckDigitA, cannot_see_an_adjacent_swap_of_0_and_9) {
    EXPECT_TRUE(check_digit_a_ok("39090006"));
    EXPECT_TRUE(check_digit_a_ok("39900006"));
    // All other adjacent swaps are found.
    EXPECT_TRUE(rc::check([] {
        const std::string number = with_check_digit(*digits(7));
        const auto at = *rc::gen::inRange<std::size_t>(0, number.size() - 1);
        const bool is_0_9 = std::set{number[at], number[at + 1]} == std::set{'0', '9'};
        RC_PRE(number[at] != number[at + 1] && !is_0_9);
        std::string swapped = number;
        std::swap(swapped[at], swapped[at + 1]);
        RC_ASSERT(!check_digit_a_ok(swapped));
    }));
}

TEST(InsurerNumber, accepts_the_47_regional_unions) {
    const auto unions = words(regional_unions);
    ASSERT_EQ(unions.size(), 47U);
    for (std::size_t i = 0; i < unions.size(); ++i) {
        const auto number = InsurerNumber::parse(unions[i]);
        ASSERT_TRUE(number) << unions[i];
        EXPECT_EQ(number->scheme(), InsurerScheme::late_elderly);
        EXPECT_EQ(number->prefecture(), static_cast<int>(i) + 1);
        EXPECT_EQ(number->law_code(), 39);
        EXPECT_EQ(number->issued(), unions[i]);
    }
}

TEST(InsurerNumber, accepts_and_refuses_the_published_numbers) {
    struct Row {
        std::string_view text;
        InsurerScheme scheme;
    };
    const std::vector<Row> valid{
        {"33120015", InsurerScheme::police},
        {"06010391", InsurerScheme::health_society},
        {"01130012", InsurerScheme::health_association},
        {"138057", InsurerScheme::national_health},
        {"138073", InsurerScheme::national_health},
        {"67138057", InsurerScheme::retired_national_health},
        {"06999999", InsurerScheme::health_society},
        {"139998", InsurerScheme::national_health},
    };
    for (const Row& row : valid) {
        const auto number = InsurerNumber::parse(row.text);
        ASSERT_TRUE(number) << row.text;
        EXPECT_EQ(number->scheme(), row.scheme) << row.text;
        EXPECT_EQ(number->issued(), row.text);
    }
    for (const std::string_view text : {"33120016", "39010005", "138058", "63130016"}) {
        EXPECT_EQ(code_of(InsurerNumber::parse(text)), ErrorCode::number_check_digit) << text;
    }
}

TEST(InsurerNumber, says_why_it_refuses) {
    struct Row {
        std::string_view text;
        ErrorCode code;
    };
    const std::vector<Row> rows{
        {"", ErrorCode::number_format},
        {"13805", ErrorCode::number_format},
        {"1380570", ErrorCode::number_format},
        {"138057  ", ErrorCode::number_format},    // padded on the wrong side
        {" 138057", ErrorCode::number_format},     // padded to seven
        {" 0138057", ErrorCode::number_format},    // two paddings mixed
        {"0 138057", ErrorCode::number_format},    //
        {"  00138057", ErrorCode::number_format},  // padded twice
        {"１３８０５７", ErrorCode::number_format},
        {"+38057", ErrorCode::number_format},
        {"13-805-7", ErrorCode::number_format},
        {"00000000", ErrorCode::number_prefecture},  // read as 6 digits
        {"000000", ErrorCode::number_prefecture},
        {"48000", ErrorCode::number_format},
    };
    for (const Row& row : rows) EXPECT_EQ(code_of(InsurerNumber::parse(row.text)), row.code) << row.text;
    EXPECT_EQ(code_of(InsurerNumber::parse(with_check_digit("48001"))), ErrorCode::number_prefecture);
    EXPECT_EQ(code_of(InsurerNumber::parse(with_check_digit("6748001"))), ErrorCode::number_prefecture);
    EXPECT_EQ(code_of(InsurerNumber::parse(with_check_digit("0600001"))), ErrorCode::number_prefecture);
    EXPECT_EQ(code_of(InsurerNumber::parse(with_check_digit("0513001"))), ErrorCode::number_law_code);
    // A payer number that stands in the insurer's place is told apart from a wrong one (§1.2).
    EXPECT_EQ(code_of(InsurerNumber::parse("54136015")), ErrorCode::number_public_payer);
    EXPECT_EQ(code_of(InsurerNumber::parse("12139994")), ErrorCode::number_public_payer);
}

TEST(InsurerNumber, knows_every_law_code_of_the_table_and_no_other) {
    const std::set<int> known{1, 2, 3, 4, 6, 7, 31, 32, 33, 34, 39, 63, 67, 72, 73, 74, 75};
    std::set<InsurerScheme> schemes;
    for (int code = 1; code < 100; ++code) {
        const auto number = InsurerNumber::parse(with_check_digit(std::to_string(code + 100).substr(1) + "13001"));
        EXPECT_EQ(number.has_value(), known.contains(code)) << code;
        if (number) schemes.insert(number->scheme());
    }
    EXPECT_EQ(schemes.size(), known.size());
}

TEST(InsurerNumber, is_one_value_in_all_its_padded_forms) {
    const auto issued = InsurerNumber::parse("138057").value();
    const auto zeros = InsurerNumber::parse("00138057").value();
    const auto spaces = InsurerNumber::parse("  138057").value();
    EXPECT_EQ(issued, zeros);
    EXPECT_EQ(issued, spaces);
    EXPECT_EQ(issued.to_key(), spaces.to_key());
    EXPECT_EQ(std::hash<InsurerNumber>()(issued), std::hash<InsurerNumber>()(zeros));
    EXPECT_EQ(spaces.issued(), "138057");
    EXPECT_EQ(spaces.zero8(), "00138057");
    EXPECT_EQ(zeros.space8(), "  138057");
    EXPECT_FALSE(issued.law_code());
    EXPECT_EQ(issued.to_key(), 600'138'057);
    const auto eight = InsurerNumber::parse("06010391").value();
    EXPECT_EQ(eight.zero8(), "06010391");
    EXPECT_EQ(eight.space8(), "06010391");
    EXPECT_EQ(eight.to_key(), 806'010'391);
    EXPECT_NE(issued, InsurerNumber::parse("67138057").value());
}

TEST(InsurerNumber, tells_trade_societies_by_the_third_digit) {
    EXPECT_TRUE(InsurerNumber::parse(with_check_digit("13303")).value().is_trade_society());
    EXPECT_FALSE(InsurerNumber::parse("138057").value().is_trade_society());
    EXPECT_FALSE(InsurerNumber::parse(with_check_digit("0613301")).value().is_trade_society());
}

TEST(InsurerNumber, comes_back_from_every_form_and_key) {
    EXPECT_TRUE(rc::check([] {
        const std::string text = *any_insurer_number();
        const auto number = InsurerNumber::parse(text).value();
        RC_ASSERT(number.issued() == text);
        RC_ASSERT(number.zero8().size() == 8U && number.space8().size() == 8U);
        RC_ASSERT(InsurerNumber::parse(number.zero8()).value() == number);
        RC_ASSERT(InsurerNumber::parse(number.space8()).value() == number);
        RC_ASSERT(InsurerNumber::from_key(number.to_key()) == number);
        RC_ASSERT(number.law_code().has_value() == (text.size() == 8));
    }));
}

TEST(InsurerNumber, refuses_keys_that_it_never_gives) {
    for (const std::int64_t key : {std::int64_t{0}, std::int64_t{138'057}, std::int64_t{-600'138'057},
                                   std::int64_t{600'138'058}, std::int64_t{601'138'057}, std::int64_t{800'138'057},
                                   std::int64_t{700'138'057}, std::int64_t{1'806'010'391}, INT64_MAX, INT64_MIN}) {
        EXPECT_FALSE(InsurerNumber::from_key(key)) << key;
    }
}

// domain-rules §1.6.
TEST(PublicPayerNumber, accepts_the_published_numbers) {
    const auto payers = words(payer_vectors);
    ASSERT_EQ(payers.size(), 26U);
    for (const std::string_view text : payers) {
        const auto number = PublicPayerNumber::parse(text);
        ASSERT_TRUE(number) << text;
        EXPECT_EQ(number->text(), text);
        EXPECT_TRUE(number->is_listed_programme());
        EXPECT_EQ(PublicPayerNumber::from_key(number->to_key()), *number);
    }
    const auto number = PublicPayerNumber::parse("51433019").value();
    EXPECT_EQ(number.law_code(), 51);
    EXPECT_EQ(number.prefecture(), 43);
}

TEST(PublicPayerNumber, blocks_a_wrong_check_digit_and_insurers) {
    EXPECT_EQ(code_of(PublicPayerNumber::parse("54136016")), ErrorCode::number_check_digit);
    EXPECT_EQ(code_of(PublicPayerNumber::parse("5413601")), ErrorCode::number_format);
    EXPECT_EQ(code_of(PublicPayerNumber::parse(" 4136015")), ErrorCode::number_format);
    EXPECT_EQ(code_of(PublicPayerNumber::parse("39010004")), ErrorCode::number_law_code);
    EXPECT_EQ(code_of(PublicPayerNumber::parse("06010391")), ErrorCode::number_law_code);
    EXPECT_EQ(code_of(PublicPayerNumber::parse(with_check_digit("0913001"))), ErrorCode::number_law_code);
    EXPECT_EQ(code_of(PublicPayerNumber::parse(with_check_digit("5400001"))), ErrorCode::number_prefecture);
    // Special bodies and codes of prefectures are not ours to refuse.
    EXPECT_TRUE(PublicPayerNumber::parse(with_check_digit("5479001")));
    const auto local = PublicPayerNumber::parse(with_check_digit("4128001"));
    ASSERT_TRUE(local);
    EXPECT_FALSE(local->is_listed_programme());
}

TEST(RecipientNumber, warns_about_its_check_digit_only) {
    for (const std::string_view text : {"0123455", "1234566", "9999996", "0000018", "7000003", "6543219"}) {
        const auto number = RecipientNumber::parse(text);
        ASSERT_TRUE(number) << text;
        EXPECT_TRUE(number->check_digit_ok()) << text;
        EXPECT_EQ(number->text(), text);
        EXPECT_EQ(RecipientNumber::from_key(number->to_key()), *number);
    }
    const auto odd = RecipientNumber::parse("0123456");
    ASSERT_TRUE(odd);
    EXPECT_FALSE(odd->check_digit_ok());
    EXPECT_EQ(code_of(RecipientNumber::parse("123456")), ErrorCode::number_format);
    EXPECT_EQ(code_of(RecipientNumber::parse("012345a")), ErrorCode::number_format);
    EXPECT_FALSE(RecipientNumber::from_key(10'000'000));
    EXPECT_FALSE(RecipientNumber::from_key(-1));
}

// domain-rules §1.7.
TEST(FacilityCode, has_its_check_digit_over_all_nine_digits) {
    const auto code = FacilityCode::parse("0110113719");
    ASSERT_TRUE(code);
    EXPECT_EQ(code->claim_code(), "0113719");
    // The familiar seven digits alone fail the rule.
    EXPECT_FALSE(check_digit_a_ok("0113719"));
    EXPECT_EQ(code->prefecture(), 1);
    EXPECT_EQ(code->point_table(), PointTable::medical);
    struct Row {
        std::string_view text;
        std::optional<PointTable> table;
    };
    const std::vector<Row> rows{{"1310123458", PointTable::medical},  {"1311123457", PointTable::medical},
                                {"2704567896", std::nullopt},         {"4619999990", PointTable::medical},
                                {"1340123452", PointTable::pharmacy}, {"0130012347", PointTable::dental},
                                {"1319999999", PointTable::medical}};
    for (const Row& row : rows) {
        const auto parsed = FacilityCode::parse(row.text);
        ASSERT_TRUE(parsed) << row.text;
        EXPECT_EQ(parsed->point_table(), row.table);
        EXPECT_EQ(parsed->text(), row.text);
        EXPECT_EQ(FacilityCode::from_key(parsed->to_key()), *parsed);
    }
}

TEST(FacilityCode, says_why_it_refuses) {
    EXPECT_EQ(code_of(FacilityCode::parse("0113719")), ErrorCode::number_format);
    EXPECT_EQ(code_of(FacilityCode::parse("01101137190")), ErrorCode::number_format);
    EXPECT_EQ(code_of(FacilityCode::parse("0110113718")), ErrorCode::number_check_digit);
    EXPECT_EQ(code_of(FacilityCode::parse(with_check_digit("481011371"))), ErrorCode::number_prefecture);
    EXPECT_EQ(code_of(FacilityCode::parse(with_check_digit("001011371"))), ErrorCode::number_prefecture);
    EXPECT_FALSE(FacilityCode::from_key(10'110'113'719));
    EXPECT_FALSE(FacilityCode::from_key(-1));
}

// domain-rules §1.8.
TEST(IndividualNumber, follows_the_published_vectors) {
    for (const std::string_view text :
         {"123456789018", "987654321093", "023456789013", "234567890121", "111111111118", "000000000019",
          "000000000108", "555555555557", "314159265352", "271828182840", "123456789050", "123456789140"}) {
        EXPECT_TRUE(individual_number_check_ok(text)) << text;
    }
    for (const std::string_view text :
         {"123456789019", "12345678901", "1234567890180", "12345678901x", "", "123456789051"}) {
        EXPECT_FALSE(individual_number_check_ok(text)) << text;
    }
}

// Remainders 0 and 1 share the digit 0, so a wrong digit that turns one into the other stays unseen (about 1 % of
// them); every other one is found, and no wrong check digit ever passes.
TEST(IndividualNumber, finds_every_single_wrong_digit_but_between_the_zero_branches) {
    const auto remainder = [](const std::string& number) {
        constexpr std::array<int, 11> weights{6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
        int sum = 0;
        for (std::size_t i = 0; i < 11; ++i) sum += (number[i] - '0') * weights[i];
        return sum % 11;
    };
    EXPECT_TRUE(rc::check([&] {
        const std::string number = individual_number(*digits(11));
        const auto at = *rc::gen::inRange<std::size_t>(0, 12);
        const auto other = *rc::gen::inRange<char>('0', '9' + 1);
        RC_PRE(other != number[at]);
        std::string wrong = number;
        wrong[at] = other;
        const bool both_zero = remainder(number) <= 1 && remainder(wrong) <= 1 && at < 11;
        RC_ASSERT(individual_number_check_ok(wrong) == both_zero);
    }));
}

TEST(IndividualNumberInText, is_found_in_the_forms_people_write) {
    for (const std::string_view text :
         {"123456789018", "番号は123456789018です", "1234 5678 9018", "1234-5678-9018", "１２３４５６７８９０１８",
          "１２３４－５６７８－９０１８", "1234　5678　9018",
          "1234\xE2\x80\x8B"
          "56789018",
          "1 2 3 4 5 6 7 8 9 0 1 8", "1234 - 5678 - 9018", "1234.5678.9018", "1234/5678/9018", "1234\n5678\n9018",
          "No.1:123456789018", "03-1234-5678 1234 5678 9018", "20261123 123456789018", "1234５678９018",
          "\xFF"
          "123456789018\xFF",
          "1234ー5678ー9018"}) {
        EXPECT_TRUE(contains_individual_number(text)) << text;
    }
}

TEST(IndividualNumberInText, is_not_seen_in_other_digits) {
    for (const std::string_view text :
         {"", "123456789019", "1234567890181", "0123456789018", "12345678901", "1234a56789018", "1234:5678:9018",
          "1234    56789018", "1234-5678-9019", "一二三四五六七八九〇一八", "1234-5678-90181",
          "1234\xFF"
          "56789018"}) {
        EXPECT_FALSE(contains_individual_number(text)) << text;
    }
    // At most three separators.
    EXPECT_TRUE(contains_individual_number("1234   56789018"));
}

TEST(IndividualNumberInText, is_found_at_its_place_and_masked) {
    EXPECT_EQ(find_individual_number("abc 1234-5678-9018 x"), (TextPlace{4, 14}));
    EXPECT_EQ(find_individual_number("123456789018", 1), std::nullopt);
    EXPECT_EQ(find_individual_number("123456789018", 12), std::nullopt);
    EXPECT_EQ(find_individual_number("123456789018", 99), std::nullopt);
    EXPECT_EQ(mask_individual_numbers("氏名 1234-5678-9018、電話 03-1234-5678"),
              "氏名 ****-****-****、電話 03-1234-5678");
    EXPECT_EQ(mask_individual_numbers("１２３４５６７８９０１８と987654321093"), "************と************");
    EXPECT_EQ(mask_individual_numbers("nothing here"), "nothing here");
    EXPECT_EQ(mask_individual_numbers(""), "");
}

TEST(IndividualNumberInText, is_gone_after_masking_whatever_stands_around_it) {
    EXPECT_TRUE(rc::check([] {
        const std::string number = individual_number(*digits(11));
        const auto separators = rc::gen::element<std::string>("", " ", "-", "　", "－");
        std::string text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab1 -.")));
        text += "x";
        for (const char digit : number) text += digit + *separators;
        text += "x" + *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab1 -.")));
        RC_ASSERT(contains_individual_number(text));
        const std::string masked = mask_individual_numbers(text);
        RC_ASSERT(!contains_individual_number(masked));
        RC_ASSERT(mask_individual_numbers(masked) == masked);
    }));
}

TEST(Sex, is_one_of_three_digits) {
    EXPECT_EQ(parse_sex("1").value(), Sex::male);
    EXPECT_EQ(parse_sex("2").value(), Sex::female);
    EXPECT_EQ(parse_sex("3").value(), Sex::unset);
    EXPECT_EQ(sex_code(Sex::female), '2');
    for (const std::string_view text : {"", "0", "4", "12", "１"})
        EXPECT_EQ(code_of(parse_sex(text)), ErrorCode::number_format);
}

TEST(BranchNumber, is_two_digits) {
    EXPECT_EQ(BranchNumber::parse("00").value().text(), "00");
    EXPECT_EQ(BranchNumber::parse("07").value().value(), 7);
    EXPECT_EQ(BranchNumber::parse("99").value().text(), "99");
    for (const std::string_view text : {"", "1", "001", " 1", "０１", "-1"}) {
        EXPECT_EQ(code_of(BranchNumber::parse(text)), ErrorCode::number_format) << text;
    }
    EXPECT_FALSE(BranchNumber::from_value(100));
    EXPECT_FALSE(BranchNumber::from_value(-1));
    EXPECT_EQ(BranchNumber::from_value(7), BranchNumber::parse("07").value());
}

// N-1, domain-rules §1.4.
TEST(InsuredText, compares_by_its_normal_form_and_keeps_what_was_written) {
    struct Row {
        std::string_view raw;
        std::string_view comparison;
    };
    const std::vector<Row> rows{
        {"12-3456", "12-3456"},
        {"１２－３４５６", "12-3456"},
        {"12ー3456", "12-3456"},
        {"12‐3456", "12-3456"},
        {"12‑3456", "12-3456"},
        {"12–3456", "12-3456"},
        {"12—3456", "12-3456"},
        {"12―3456", "12-3456"},
        {"12−3456", "12-3456"},
        {"12・3456", "12-3456"},
        {"12ｰ3456", "12-3456"},
        {"12･3456", "12-3456"},
        {" 12 - 34　56 ", "12-3456"},
        {"ABC", "abc"},
        {"ＡＢＣ", "abc"},
        {"ｱｲｳ", "アイウ"},
        {"ﾀﾞ", "ダ"},
        {"公立　千代田", "公立千代田"},
        {"髙", "髙"},  // names of workplaces are not folded
        {"ャ", "ャ"},
        {"葛\xF3\xA0\x84\x80", "葛"},
        {"①", "1"},
        {"", ""},
        {"　", ""},
    };
    for (const Row& row : rows) {
        const auto symbol = InsuredSymbol::parse(row.raw);
        ASSERT_TRUE(symbol) << row.raw;
        EXPECT_EQ(symbol->comparison(), row.comparison) << row.raw;
        EXPECT_EQ(symbol->raw(), row.raw);
        EXPECT_EQ(normalise_insured_text(symbol->comparison()).value(), row.comparison);
    }
    EXPECT_EQ(InsuredNumber::parse("１２").value(), InsuredNumber::parse("12").value());
    EXPECT_NE(InsuredNumber::parse("012").value(), InsuredNumber::parse("12").value());
}

TEST(InsuredText, refuses_what_cannot_be_printed_or_is_too_long) {
    EXPECT_EQ(code_of(normalise_insured_text("a\tb")), ErrorCode::number_format);
    EXPECT_EQ(code_of(normalise_insured_text("あ\n")), ErrorCode::number_format);
    EXPECT_EQ(code_of(normalise_insured_text(std::string_view("a\0b", 3))), ErrorCode::number_format);
    EXPECT_EQ(code_of(normalise_insured_text("\x7F")), ErrorCode::number_format);
    EXPECT_EQ(code_of(normalise_insured_text("\xC2\x85")), ErrorCode::number_format);
    EXPECT_EQ(code_of(normalise_insured_text("\xE3\x81")), ErrorCode::text_invalid_encoding);
    EXPECT_TRUE(normalise_insured_text(std::string(20, '1')));
    EXPECT_EQ(code_of(normalise_insured_text(std::string(21, '1'))), ErrorCode::text_too_long);
    EXPECT_EQ(code_of(normalise_insured_text(std::string(81, '1'))), ErrorCode::text_too_long);
    std::string kanji;
    for (int i = 0; i < 20; ++i) kanji += "字";
    EXPECT_TRUE(normalise_insured_text(kanji));
    EXPECT_EQ(code_of(normalise_insured_text(kanji + "字")), ErrorCode::text_too_long);
}

TEST(InsuredSymbolNumber, may_lack_a_symbol_but_not_a_number) {
    const auto full = InsuredSymbolNumber::parse("１２", "３４５６");
    ASSERT_TRUE(full);
    EXPECT_EQ(*full, InsuredSymbolNumber::parse("12", "3456").value());
    EXPECT_TRUE(InsuredSymbolNumber::parse("", "12345678").value().symbol.empty());
    EXPECT_EQ(code_of(InsuredSymbolNumber::parse("12", " ")), ErrorCode::number_format);
    EXPECT_EQ(code_of(InsuredSymbolNumber::parse("\xFF", "1")), ErrorCode::text_invalid_encoding);
    EXPECT_EQ(code_of(InsuredSymbolNumber::parse("1", "\t")), ErrorCode::number_format);
}

TEST(Key, does_not_mix_with_keys_of_other_things) {
    EXPECT_FALSE((std::is_convertible_v<std::int64_t, PersonKey>));
    EXPECT_FALSE((std::is_convertible_v<PersonKey, CoverageKey>));
    EXPECT_LT(PersonKey(1), PersonKey(2));
    EXPECT_EQ(PersonKey(7).value(), 7);
    EXPECT_EQ((std::unordered_set<PersonKey>{PersonKey(1), PersonKey(1), PersonKey(2)}).size(), 2U);
}

TEST(CertificateSerial, is_a_positive_number_of_at_most_20_bytes) {
    EXPECT_EQ(CertificateSerial::parse_hex("01").value().hex(), "01");
    EXPECT_EQ(CertificateSerial::parse_hex("0000AbCd").value().hex(), "abcd");
    EXPECT_EQ(CertificateSerial::parse_hex(std::string(40, 'f')).value().hex(), std::string(40, 'f'));
    EXPECT_EQ(CertificateSerial::parse_hex("00" + std::string(40, 'f')).value().hex(), std::string(40, 'f'));
    for (const std::string& text :
         {std::string(), std::string("0"), std::string("00"), std::string("abc"), std::string("xy"),
          std::string("1-2-"), std::string(42, 'f'), std::string(1000, '0')}) {
        EXPECT_EQ(code_of(CertificateSerial::parse_hex(text)), ErrorCode::number_format) << text;
    }
    const auto from_der = [](std::string_view content) {
        return CertificateSerial::from_der_content(as_bytes(content));
    };
    EXPECT_EQ(from_der("\x7F").value().hex(), "7f");
    EXPECT_EQ(from_der(std::string_view("\0\x80", 2)).value().hex(), "80");
    EXPECT_EQ(code_of(from_der("\x80")), ErrorCode::number_format);                         // negative
    EXPECT_EQ(code_of(from_der(std::string_view("\0\x7F", 2))), ErrorCode::number_format);  // superfluous octet
    EXPECT_EQ(code_of(from_der(std::string_view("\0", 1))), ErrorCode::number_format);      // zero
    EXPECT_EQ(code_of(from_der("")), ErrorCode::number_format);
}

TEST(CertificateSerial, is_ordered_like_the_number_it_is) {
    const auto serial = [](std::string_view hex) { return CertificateSerial::parse_hex(hex).value(); };
    EXPECT_LT(serial("ff"), serial("0100"));
    EXPECT_LT(serial("0100"), serial("0101"));
    EXPECT_EQ(serial("0001"), serial("01"));
    const CardKey a{1, serial("02")};
    const CardKey b{2, serial("01")};
    EXPECT_LT(a, b);
    EXPECT_EQ((std::unordered_set<CardKey>{a, b, a}).size(), 2U);
    EXPECT_TRUE(rc::check([](std::uint64_t x, std::uint64_t y) {
        RC_PRE(x != 0 && y != 0);
        const auto of = [](std::uint64_t value) {
            std::string bytes;
            ByteWriter(bytes).u64(value);
            return CertificateSerial::from_magnitude(as_bytes(bytes)).value();
        };
        RC_ASSERT((of(x) <=> of(y)) == (x <=> y));
        RC_ASSERT(CertificateSerial::parse_hex(of(x).hex()).value() == of(x));
    }));
}

TEST(CheckId, is_a_uuid_in_canonical_form) {
    const std::string_view text = "0b9f3c1e-7a44-4c55-9d3a-0123456789ab";
    const auto id = CheckId::parse(text);
    ASSERT_TRUE(id);
    EXPECT_EQ(id->text(), text);
    EXPECT_EQ(CheckId::parse("0B9F3C1E-7A44-4C55-9D3A-0123456789AB").value(), *id);
    EXPECT_EQ(CheckId::from_bytes(id->bytes()).value(), *id);
    for (const std::string_view wrong :
         {"", "0b9f3c1e7a444c559d3a0123456789ab", "{0b9f3c1e-7a44-4c55-9d3a-0123456789ab}",
          "0b9f3c1e-7a44-4c55-9d3a-0123456789a", "0b9f3c1e-7a44-4c55-9d3a-0123456789ag",
          "0b9f3c1e-7a44-4c55-9d3a_0123456789ab", "0b9f3c1-e7a44-4c55-9d3a-0123456789ab",
          "00000000-0000-0000-0000-000000000000"}) {
        EXPECT_EQ(code_of(CheckId::parse(wrong)), ErrorCode::number_format) << wrong;
    }
    EXPECT_EQ(code_of(CheckId::from_bytes(as_bytes("short"))), ErrorCode::number_format);
}

TEST(CheckId, is_made_as_version_4_and_comes_back) {
    SeededRandom random(1);
    std::unordered_set<CheckId> seen;
    for (int i = 0; i < 1000; ++i) {
        const CheckId id = CheckId::make(random);
        const std::string text = id.text();
        EXPECT_EQ(text[14], '4');
        EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos);
        EXPECT_EQ(CheckId::parse(text).value(), id);
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace onshi::identifiers_test
