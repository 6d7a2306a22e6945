// The table of domain-rules §2.4 as rows that a domain expert can read and extend.
#include "domain/eligibility/rules.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace onshi::eligibility {
namespace {

using coverage::Coverage;
using coverage::State;

const InsurerNumber society = *InsurerNumber::parse("06010391");
const InsurerNumber self_defence = *InsurerNumber::parse("07130016");

Date day(std::string_view iso) {
    return iso == "-" ? Date::open_end : *parse_iso_date(iso);
}

Coverage record(std::int64_t key, State state, std::string_view from, std::string_view to) {
    Coverage c{.key = CoverageKey(key),
               .insurer = society,
               .symbol = "12",
               .number = "3456",
               .branch = {},
               .acquired_on = day(from),
               .valid_to = day(to),
               .state = state,
               .copay_percent = 30,
               .limit_category = "A03",
               .file_day = day("2026-11-22")};
    c.branch = BranchNumber::from_value(0);
    return c;
}

// `1:active:2024-04-01:-` separated by spaces.
std::vector<Coverage> records(const std::string& text) {
    std::vector<Coverage> list;
    std::istringstream in(text);
    for (std::string word; in >> word;) {
        std::istringstream parts(word);
        std::string key;
        std::string state;
        std::string from;
        std::string to;
        std::getline(parts, key, ':');
        std::getline(parts, state, ':');
        std::getline(parts, from, ':');
        std::getline(parts, to, ':');
        list.push_back(record(
            std::stoll(key), state == "active" ? State::active : (state == "withheld" ? State::withheld : State::void_),
            from, to));
    }
    return list;
}

CardFacts registered_card() {
    CardFacts facts;
    facts.registered = true;
    facts.not_after = start_of_japan_day(day("2030-01-01"));
    return facts;
}

struct CardCase {
    std::string_view name;
    const char* records;  // key:state:acquired_on:valid_to
    std::string_view care_day;
    int result;
    std::string_view cause;  // "-" none
    std::int64_t counted;    // key of the record that counts, 0 none
    std::size_t overlaps;
};

constexpr CardCase by_card[] = {
    // name                      records                                                               day       result
    // cause         counted overlaps
    {"exactly one", "1:active:2024-04-01:-", "2026-11-23", 1, "-", 1, 0},
    {"first covered day", "1:active:2026-11-23:-", "2026-11-23", 1, "-", 1, 0},
    {"last covered day", "1:active:2024-04-01:2026-11-23", "2026-11-23", 1, "-", 1, 0},
    {"ended the day before", "1:active:2024-04-01:2026-11-22", "2026-11-23", 2, "cause.lapsed", 1, 0},
    {"ended, another covers", "1:active:2024-04-01:2026-09-30 2:active:2026-10-01:-", "2026-11-23", 1, "-", 2, 0},
    {"two ended, last one told", "1:active:2020-04-01:2022-03-31 2:active:2022-04-01:2026-03-31", "2026-11-23", 2,
     "cause.lapsed", 2, 0},
    {"never registered", "", "2026-11-23", 4, "cause.unregistered", 0, 0},
    {"only withheld", "1:withheld:2024-04-01:-", "2026-11-23", 4, "cause.withheld", 1, 0},
    {"ended and new withheld", "1:active:2020-04-01:2026-03-31 2:withheld:2026-04-01:-", "2026-11-23", 4,
     "cause.withheld", 2, 0},
    {"withheld beside active", "1:active:2020-04-01:- 2:withheld:2026-04-01:-", "2026-11-23", 1, "-", 1, 0},
    {"overlap, latest counts", "1:active:2020-04-01:- 2:active:2026-04-01:-", "2026-11-23", 1, "-", 2, 1},
    {"three overlap", "1:active:2020-04-01:- 3:active:2026-04-01:- 2:active:2022-04-01:-", "2026-11-23", 1, "-", 3, 2},
    {"future record unseen", "1:active:2026-12-01:-", "2026-11-23", 4, "cause.unregistered", 0, 0},
    {"future beside ended", "1:active:2020-04-01:2026-11-01 2:active:2026-12-01:-", "2026-11-23", 2, "cause.lapsed", 1,
     0},
    {"future record on its day", "1:active:2026-12-01:-", "2026-12-01", 1, "-", 1, 0},
    {"void never existed", "1:void:2020-04-01:-", "2026-11-23", 4, "cause.unregistered", 0, 0},
    {"void beside active", "1:active:2020-04-01:- 2:void:2026-04-01:-", "2026-11-23", 1, "-", 1, 0},
};

TEST(decide_by_card, follows_the_table) {
    for (const auto& c : by_card) {
        const Verdict verdict = decide_by_card(registered_card(), records(c.records), day(c.care_day));
        EXPECT_EQ(static_cast<int>(verdict.result), c.result) << c.name;
        EXPECT_EQ(verdict.cause ? to_string(*verdict.cause) : "-", c.cause) << c.name;
        EXPECT_EQ(verdict.coverage ? verdict.coverage->key.value() : 0, c.counted) << c.name;
        EXPECT_EQ(verdict.overlaps.size(), c.overlaps) << c.name;
    }
}

TEST(decide_by_card, every_answer_that_is_not_valid_says_why_and_what_the_counter_may_do) {
    for (const auto& c : by_card) {
        const Verdict verdict = decide_by_card(registered_card(), records(c.records), day(c.care_day));
        EXPECT_FALSE(verdict.next.empty()) << c.name;
        if (verdict.result == ResultCode::valid) continue;
        EXPECT_TRUE(verdict.cause) << c.name;
        const bool clerk =
            std::ranges::any_of(verdict.next, [](const NextStep& s) { return s.audience == Audience::clerk; });
        EXPECT_TRUE(clerk) << c.name;
        EXPECT_NE(verdict.medical, MedicalData::available) << c.name;
    }
}

TEST(decide_by_card, a_withheld_record_names_the_insurer_and_nothing_else) {
    const Verdict verdict = decide_by_card(registered_card(), records("1:withheld:2024-04-01:-"), day("2026-11-23"));
    ASSERT_TRUE(verdict.coverage);
    EXPECT_EQ(verdict.coverage->insurer, society);
    EXPECT_TRUE(verdict.coverage->symbol.empty() && verdict.coverage->number.empty() && !verdict.coverage->branch);
    EXPECT_FALSE(verdict.coverage->copay_percent);
}

TEST(decide_by_card, an_unregistered_card_discloses_nothing_and_offers_registration_only_once) {
    CardFacts facts;
    facts.may_register = true;
    Verdict verdict = decide_by_card(facts, records("1:active:2024-04-01:-"), day("2026-11-23"));
    EXPECT_EQ(verdict.result, ResultCode::none);
    EXPECT_EQ(verdict.cause, OutcomeCode::cause_card_not_registered);
    EXPECT_FALSE(verdict.coverage);
    EXPECT_EQ(verdict.next.front().code, OutcomeCode::next_register_card);
    facts.may_register = false;
    verdict = decide_by_card(facts, records("1:active:2024-04-01:-"), day("2026-11-23"));
    for (const auto& step : verdict.next) EXPECT_NE(step.code, OutcomeCode::next_register_card);
}

TEST(decide_by_card, the_grace_of_an_expired_certificate_gives_coverage_but_no_medical_data) {
    CardFacts facts = registered_card();
    facts.not_after = start_of_japan_day(day("2026-08-16")) - std::chrono::seconds(1);
    facts.validity = cards::validity_on(facts.not_after, cards::Grace::three_months, day("2026-11-23"));
    const Verdict verdict = decide_by_card(facts, records("1:active:2024-04-01:-"), day("2026-11-23"));
    EXPECT_EQ(verdict.result, ResultCode::valid);
    EXPECT_EQ(verdict.medical, MedicalData::certificate_grace);
    EXPECT_EQ(verdict.notes.front(), (Note{OutcomeCode::note_certificate_grace, day("2026-11-30")}));
}

TEST(decide_by_card, an_old_card_status_gives_coverage_only_and_says_so) {
    CardFacts facts = registered_card();
    facts.status_old = true;
    facts.status_day = day("2026-11-20");
    const Verdict verdict = decide_by_card(facts, records("1:active:2024-04-01:-"), day("2026-11-23"));
    EXPECT_EQ(verdict.result, ResultCode::valid);
    EXPECT_EQ(verdict.medical, MedicalData::card_status_old);
    EXPECT_EQ(verdict.notes.front(), (Note{OutcomeCode::note_card_status_old, day("2026-11-20")}));
}

TEST(decide_by_card, schemes_without_health_data_say_so) {
    auto own = records("1:active:2024-04-01:-");
    own[0].insurer = self_defence;
    EXPECT_EQ(decide_by_card(registered_card(), own, day("2026-11-23")).medical, MedicalData::scheme_without);
}

NumberCandidate candidate(std::int64_t person, const char* text, const std::vector<std::int64_t>& asked) {
    NumberCandidate one{{}, records(text), {}};
    one.person.key = PersonKey(person);
    one.person.name = "架空 花子";
    one.person.address = "東京都架空市";
    for (const auto key : asked) one.asked.push_back({CoverageKey(key), true});
    return one;
}

// §2.5: a doubted link closes health data, of whatever record of the person, and nothing else.
TEST(decide_by_card, a_doubted_link_closes_health_data_only) {
    auto held = records("1:active:2020-04-01:2026-03-31 2:active:2026-04-01:-");
    for (std::size_t doubted = 0; doubted < held.size(); ++doubted) {
        auto some = held;
        some[doubted].health_data_held = true;
        const auto verdict = decide_by_card(registered_card(), some, day("2026-11-23"));
        EXPECT_EQ(verdict.result, ResultCode::valid);
        EXPECT_EQ(verdict.coverage->key, CoverageKey(2));
        EXPECT_EQ(verdict.medical, MedicalData::link_unconfirmed);
        EXPECT_EQ(std::ranges::count(verdict.notes, OutcomeCode::note_health_data_held, &Note::code), 1);
    }
    EXPECT_EQ(decide_by_card(registered_card(), held, day("2026-11-23")).medical, MedicalData::available);
}

struct NumberCase {
    std::string_view name;
    const char* records;
    std::vector<std::int64_t> asked;
    int result;
    std::string_view cause;
    std::int64_t counted;
};

TEST(decide_by_number, follows_the_table) {
    const NumberCase by_number[] = {
        // name                 records                                                        asked  result cause
        // counted
        {"asked covers", "1:active:2024-04-01:-", {1}, 1, "-", 1},
        {"asked ended, newer",
         "1:active:2024-04-01:2026-09-30 2:active:2026-10-01:-",
         {1},
         3,
         "cause.newer_coverage",
         1},
        {"asked ended, none", "1:active:2024-04-01:2026-09-30", {1}, 2, "cause.lapsed", 1},
        {"asked withheld", "1:withheld:2024-04-01:-", {1}, 4, "cause.withheld", 1},
        {"overlap, asked in C", "1:active:2020-04-01:- 2:active:2026-04-01:-", {1}, 1, "-", 1},
        {"asked is future", "1:active:2026-12-01:-", {1}, 4, "cause.no_match", 0},
        {"asked is void", "1:void:2020-04-01:- 2:active:2026-04-01:-", {1}, 4, "cause.no_match", 0},
    };
    for (const auto& c : by_number) {
        const auto found = decide_by_number({candidate(1, c.records, c.asked)}, day("2026-11-23"));
        EXPECT_EQ(static_cast<int>(found.verdict.result), c.result) << c.name;
        EXPECT_EQ(found.verdict.cause ? to_string(*found.verdict.cause) : "-", c.cause) << c.name;
        EXPECT_EQ(found.verdict.coverage ? found.verdict.coverage->key.value() : 0, c.counted) << c.name;
        EXPECT_EQ(found.verdict.medical, MedicalData::by_number) << c.name;
        EXPECT_TRUE(found.verdict.overlaps.empty()) << c.name << ": other records stay closed";
        if (found.person) {
            EXPECT_TRUE(found.person->address.empty()) << c.name;
        }
    }
}

TEST(decide_by_number, nobody_and_several_are_told_apart) {
    EXPECT_EQ(decide_by_number({}, day("2026-11-23")).verdict.cause, OutcomeCode::cause_no_match);
    const auto twins = decide_by_number(
        {candidate(1, "1:active:2024-04-01:-", {1}), candidate(2, "2:active:2024-04-01:-", {2})}, day("2026-11-23"));
    EXPECT_EQ(twins.verdict.result, ResultCode::several);
    EXPECT_FALSE(twins.person);
    EXPECT_FALSE(twins.verdict.coverage);
}

TEST(decide_by_number, a_wrong_branch_is_corrected_and_said) {
    struct BranchCase {
        std::string_view name;
        const char* records;
        std::vector<std::int64_t> exact;
        std::vector<std::int64_t> other_branch;
        int result;
        std::int64_t counted;
        bool said;
    };
    const BranchCase cases[] = {
        {"only the other covers", "1:active:2024-04-01:-", {}, {1}, 1, 1, true},
        {"exact ended, other covers", "1:active:2024-04-01:2026-09-30 2:active:2026-10-01:-", {1}, {2}, 1, 2, true},
        {"both cover", "1:active:2024-04-01:- 2:active:2026-10-01:-", {1}, {2}, 1, 1, false},
        {"both ended", "1:active:2020-04-01:2024-03-31 2:active:2024-04-01:2026-09-30", {1}, {2}, 2, 1, false},
        {"only the other ended", "1:active:2020-04-01:2024-03-31", {}, {1}, 2, 1, true},
    };
    for (const auto& c : cases) {
        auto one = candidate(1, c.records, c.exact);
        for (const auto key : c.other_branch) one.asked.push_back({CoverageKey(key), false});
        const Verdict verdict = decide_by_number({one}, day("2026-11-23")).verdict;
        EXPECT_EQ(static_cast<int>(verdict.result), c.result) << c.name;
        EXPECT_EQ(verdict.coverage->key.value(), c.counted) << c.name;
        const auto said = std::ranges::count(verdict.notes, OutcomeCode::note_branch_corrected, &Note::code);
        EXPECT_EQ(said, c.said ? 1 : 0) << c.name;
    }
}

// design §9.10: neither flag may make a difference by number.
TEST(decide_by_number, protected_persons_look_ordinary) {
    auto plain = candidate(1, "1:active:2024-04-01:-", {1});
    auto flagged = plain;
    flagged.person.protection = {true, true};
    const auto a = decide_by_number({plain}, day("2026-11-23"));
    const auto b = decide_by_number({flagged}, day("2026-11-23"));
    EXPECT_EQ(a.person, b.person);
    EXPECT_EQ(a.verdict.next, b.verdict.next);
    EXPECT_EQ(a.verdict.notes, b.verdict.notes);
}

TEST(signed_lines, are_the_ten_lines_of_the_contract) {
    SignedLines lines;
    lines.hub_id = "hub-1";
    lines.facility = "1310123458";
    lines.terminal = "T5";
    lines.challenge = "abc";
    lines.purpose = "check";
    lines.method = "pin";
    lines.care_day = day("2026-11-23");
    lines.check_id = "00000000-0000-4000-8000-000000000001";
    EXPECT_EQ(to_text(lines),
              "onshi-check-v1\nhub-1\n1310123458\nT5\nabc\ncheck\npin\n2026-11-23\n-\n"
              "00000000-0000-4000-8000-000000000001\n");
    lines.method = "face";
    lines.face_engine = "acme-9";
    EXPECT_EQ(to_text(lines),
              "onshi-check-v1\nhub-1\n1310123458\nT5\nabc\ncheck\nface:acme-9\n2026-11-23\n-\n"
              "00000000-0000-4000-8000-000000000001\n");
}

TEST(care_day, by_card_is_today_in_japan_with_a_tolerance_after_midnight) {
    const Instant midnight = start_of_japan_day(day("2026-11-24"));
    EXPECT_TRUE(is_care_day_by_card(day("2026-11-24"), midnight));
    EXPECT_TRUE(is_care_day_by_card(day("2026-11-23"), midnight + std::chrono::minutes(14)));
    EXPECT_FALSE(is_care_day_by_card(day("2026-11-23"), midnight + std::chrono::minutes(15)));
    EXPECT_FALSE(is_care_day_by_card(day("2026-11-25"), midnight));
    const Instant two_days_before = midnight - std::chrono::hours(48);
    EXPECT_TRUE(is_care_day_deferred(day("2026-11-22"), two_days_before, midnight));
    EXPECT_TRUE(is_care_day_deferred(day("2026-11-24"), two_days_before, midnight));
    EXPECT_FALSE(is_care_day_deferred(day("2026-11-21"), two_days_before, midnight))
        << "the terminal held no challenge yet";
    EXPECT_FALSE(is_care_day_deferred(day("2026-11-25"), two_days_before, midnight));
}

TEST(care_day, by_number_is_five_years_back_to_one_month_ahead) {
    const Date today = day("2026-11-23");
    EXPECT_TRUE(is_care_day_by_number(day("2021-11-23"), today));
    EXPECT_FALSE(is_care_day_by_number(day("2021-11-22"), today));
    EXPECT_TRUE(is_care_day_by_number(day("2026-12-23"), today));
    EXPECT_FALSE(is_care_day_by_number(day("2026-12-24"), today));
}

TEST(stored_answer, comes_back_as_it_was) {
    EXPECT_TRUE(rc::check("pack and unpack", [] {
        Answer answer;
        answer.check_id = *CheckId::parse("11111111-2222-4333-8444-555555555555");
        answer.care_day = *Date::from_days(*rc::gen::inRange(0, 40000));
        answer.answered_at = {*rc::gen::arbitrary<std::int64_t>()};
        answer.known_seq = *rc::gen::inRange<std::int64_t>(0, 1 << 30);
        answer.verdict = decide_by_card(registered_card(), records("1:active:2020-04-01:- 2:active:2026-04-01:-"),
                                        Date::of(2026, 11, 23));
        answer.person = identity::Person{.key = PersonKey(7),
                                         .name = "髙橋󠄀 美咲",
                                         .kana = "タカハシ ミサキ",
                                         .birth = Date::of(1985, 4, 12),
                                         .address = "東京都",
                                         .protection = {}};
        const std::string bytes = pack(answer);
        const auto back = unpack(bytes);
        RC_ASSERT(back.has_value());
        RC_ASSERT(pack(*back) == bytes);
        RC_ASSERT(back->person->name == answer.person->name);
        RC_ASSERT(!unpack(bytes.substr(0, bytes.size() - 1)).has_value());
        RC_ASSERT(!unpack(bytes + "x").has_value());
    }));
}

TEST(entitlements, a_ratio_that_the_law_does_not_know_for_the_age_is_noted) {
    struct Row {
        const char* birth;
        std::optional<int> percent;
        bool noted;
    };
    const Row rows[] = {{"2021-06-01", 30, true},  {"2021-06-01", 20, false}, {"1985-04-12", 30, false},
                        {"1985-04-12", 20, true},  {"1954-01-01", 10, true},  {"1954-01-01", 20, false},
                        {"1985-04-12", {}, false}, {"1940-01-01", 10, false}};
    for (const auto& row : rows) {
        Verdict verdict;
        verdict.result = ResultCode::valid;
        verdict.coverage = record(1, State::active, "2020-04-01", "-");
        verdict.coverage->copay_percent = row.percent;
        note_suspect_ratio(verdict, day(row.birth), day("2026-11-23"));
        EXPECT_EQ(!verdict.notes.empty(), row.noted) << row.birth;
        // Nothing is said of what is not valid.
        verdict.notes.clear();
        verdict.result = ResultCode::invalid;
        note_suspect_ratio(verdict, day(row.birth), day("2026-11-23"));
        EXPECT_TRUE(verdict.notes.empty());
    }
}

TEST(entitlements, what_is_blank_is_noted_and_what_does_not_exist_is_not) {
    const auto notes = [](std::optional<int> percent, const char* category, const char* insurer, LimitShown shown) {
        Verdict verdict;
        verdict.result = ResultCode::valid;
        verdict.coverage = record(1, State::active, "2020-04-01", "-");
        verdict.coverage->insurer = *InsurerNumber::parse(insurer);
        verdict.coverage->copay_percent = percent;
        verdict.coverage->limit_category = category;
        note_blanks(verdict, shown);
        std::vector<OutcomeCode> codes;
        codes.reserve(verdict.notes.size());
        for (const auto& note : verdict.notes) codes.push_back(note.code);
        return codes;
    };
    using Codes = std::vector<OutcomeCode>;
    const auto shown = LimitShown::shown;
    EXPECT_EQ(notes(30, "A03", "06139463", shown), Codes());
    EXPECT_EQ(notes({}, "A03", "06139463", shown), Codes{OutcomeCode::note_copay_blank});
    EXPECT_EQ(notes(30, "", "06139463", shown), Codes{OutcomeCode::note_limit_blank});
    EXPECT_EQ(notes({}, "", "06139463", shown), (Codes{OutcomeCode::note_copay_blank, OutcomeCode::note_limit_blank}));
    // 自衛官 have none, and what is kept back is not told to be blank.
    EXPECT_EQ(notes(30, "", "07131113", shown), Codes());
    EXPECT_EQ(notes(30, "", "06139463", LimitShown::kept_back), Codes());
    Verdict lapsed;
    lapsed.coverage = record(1, State::active, "2020-04-01", "2020-05-01");
    lapsed.result = ResultCode::invalid;
    note_blanks(lapsed, shown);
    EXPECT_TRUE(lapsed.notes.empty());
}

}  // namespace
}  // namespace onshi::eligibility
