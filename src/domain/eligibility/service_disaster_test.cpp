// Look-ups without the card: who may ask, when, and whom they find (domain-rules §6.6).
#include "domain/eligibility/check_fixture.h"
#include "domain/organisations/emergencies.h"

namespace onshi::eligibility {
namespace {

const sql::Statement insert_alias("test.insert_alias_in_disaster", Store::registry, sql::ShardKey::person,
                                  "INSERT INTO person_alias (person_key, current_key) VALUES ($1, $2)");

constexpr const char* staff = "staff-1";
constexpr std::chrono::microseconds one_us{1};

class DisasterTest : public CheckTest {
  protected:
    DisasterTest() {
        sql::WriteSet set(Store::registry);
        set.change(organisations::insert_place, terminal_.organisation.key.value(), chiyoda_.to_key());
        set.change(organisations::insert_account, terminal_.organisation.key.value(), staff, 1, 0);
        write(std::move(set));
        add_person(7, {}, insured());
        index(7);
    }
    // The fixture writes sections as a loader does; a loader writes the index, too.
    void index(std::int64_t key, const char* name = "髙橋󠄀 美咲", const char* kana = "タカハシ ミサキ") {
        sql::WriteSet set(Store::registry);
        identity::Person person;
        person.key = PersonKey(key);
        person.name = name;
        person.kana = kana;
        person.birth = Date::of(1985, 4, 12);
        identity::index_reading(set, person);
        write(std::move(set));
    }
    std::int64_t declare(MunicipalityCode where, Date first, Date last) {
        organisations::Emergencies emergencies(*database_, clock_, random_);
        const auto declared = run_to_end(
            emergencies.declare({where, {first, last}}, {OrganisationKey(1), TerminalKey(1), "sato"}, soon()));
        EXPECT_TRUE(declared);
        return declared->id;
    }
    void confirm(std::int64_t id) {
        organisations::Emergencies emergencies(*database_, clock_, random_);
        EXPECT_TRUE(
            run_to_end(emergencies.confirm(id, {OrganisationKey(1), TerminalKey(1), "suzuki"}, soon())).has_value());
    }
    std::int64_t open_here(int days = 7) {
        const Date first = japan_day(clock_.now());
        const auto id = declare(chiyoda_, first, *Date::from_days(first.days() + days - 1));
        confirm(id);
        return id;
    }
    DisasterCheck asked(std::string_view kana = "たかはし みさき") {
        return {CheckId::make(random_), kana, Date::of(1985, 4, 12), Sex::female, {}, DisasterGround::agreed, staff};
    }
    Result<GivenAnswer> look_up(const DisasterCheck& check) {
        return run_to_end(service_->check_in_disaster(terminal_, check, soon()));
    }
    ErrorCode refused(const DisasterCheck& check) {
        const auto given = look_up(check);
        return given ? ErrorCode::internal_unexpected : given.error().code;
    }
    const MunicipalityCode chiyoda_ = *MunicipalityCode::parse("131016");
    const MunicipalityCode osaka_ = *MunicipalityCode::parse("271004");
};

TEST_F(DisasterTest, finds_who_is_there_without_card_or_number_and_tells_no_address) {
    open_here();
    const auto given = look_up(asked());
    ASSERT_TRUE(given) << error_name(given.error().code);
    const Answer& answer = given->answer;
    EXPECT_EQ(answer.source, Source::disaster);
    EXPECT_EQ(answer.circumstance, "agreed");
    EXPECT_EQ(answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(answer.verdict.medical, MedicalData::available) << "what the mode is for";
    ASSERT_TRUE(answer.person);
    EXPECT_EQ(answer.person->key, PersonKey(7));
    EXPECT_TRUE(answer.person->address.empty());
    EXPECT_EQ(answer.care_day, japan_day(clock_.now()));
    const auto stored = unpack(pack(answer));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->source, Source::disaster);
    EXPECT_EQ(stored->circumstance, "agreed");
}

TEST_F(DisasterTest, nothing_is_open_before_the_second_person_or_elsewhere) {
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open);
    const Date day = japan_day(clock_.now());
    const auto here = declare(chiyoda_, day, day);
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open) << "one person declared it";
    confirm(declare(osaka_, day, day));
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open) << "in another municipality";
    confirm(here);
    EXPECT_TRUE(look_up(asked()));
    EXPECT_EQ(records(), 5U) << "two declared, two confirmed, one look; refusals disclosed nothing";
}

TEST_F(DisasterTest, opens_at_the_first_midnight_and_ends_at_the_stroke) {
    const Date first = *Date::from_days(japan_day(clock_.now()).days() + 1);
    confirm(declare(chiyoda_, first, first));
    const Instant begins = start_of_japan_day(first);
    const Instant ends = begins + std::chrono::hours(24);
    clock_.advance(begins - clock_.now() - one_us);
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open);
    clock_.advance(one_us);
    EXPECT_TRUE(look_up(asked()));
    clock_.advance(ends - clock_.now() - one_us);
    EXPECT_TRUE(look_up(asked()));
    clock_.advance(one_us);
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open);
}

TEST_F(DisasterTest, what_is_ended_by_hand_is_over_with_the_next_look_up) {
    const auto id = open_here();
    EXPECT_TRUE(look_up(asked()));
    organisations::Emergencies emergencies(*database_, clock_, random_);
    ASSERT_TRUE(run_to_end(emergencies.end(id, {OrganisationKey(1), TerminalKey(1), "sato"}, soon())));
    EXPECT_EQ(refused(asked()), ErrorCode::disaster_not_open);
}

TEST_F(DisasterTest, only_people_whom_the_facility_has_named_may_ask) {
    open_here();
    auto check = asked();
    check.operator_reference = "nobody";
    EXPECT_EQ(refused(check), ErrorCode::account_unknown);
    terminal_.roles = organisations::bit(organisations::Role::check_card);
    EXPECT_EQ(refused(asked()), ErrorCode::role_missing);
}

TEST_F(DisasterTest, everything_that_was_told_has_to_agree) {
    open_here();
    auto other = asked();
    other.sex = Sex::male;
    EXPECT_EQ(look_up(other)->answer.verdict.result, ResultCode::none);
    other = asked();
    other.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(look_up(other)->answer.verdict.result, ResultCode::none);
    other = asked();
    other.address = "東京都架空市";
    EXPECT_EQ(look_up(other)->answer.verdict.result, ResultCode::valid);
    other = asked();
    other.address = "大阪府";
    EXPECT_EQ(look_up(other)->answer.verdict.result, ResultCode::none);
    EXPECT_EQ(refused(asked("スズキ")), ErrorCode::check_misses) << "three misses an hour in this test";
}

TEST_F(DisasterTest, two_who_agree_are_told_apart_by_their_address_only) {
    open_here();
    CardOrder order;
    order.serial = 0x01000002;
    add_person(8, order, insured());
    index(8);
    const auto given = look_up(asked());
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::several);
    EXPECT_FALSE(given->answer.person) << "nothing is told of either";
}

TEST_F(DisasterTest, a_merged_person_is_found_under_the_key_that_counts_once) {
    open_here();
    index(3);
    sql::WriteSet merge(Store::registry);
    merge.change(insert_alias, 3, 7);
    write(std::move(merge));
    const auto given = look_up(asked());
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.person->key, PersonKey(7));
}

TEST_F(DisasterTest, the_same_look_up_again_is_answered_the_same_way_and_recorded_once) {
    open_here();
    auto check = asked();
    check.ground = DisasterGround::impossible;
    const auto first = look_up(check);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->answer.circumstance, "impossible");
    const auto before = records();
    const auto again = look_up(check);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->position.sequence, first->position.sequence);
    EXPECT_EQ(records(), before);
    check.ground = DisasterGround::agreed;
    EXPECT_EQ(refused(check), ErrorCode::challenge_used) << "another question under the same id";
}

// design §9.10: whoever looks somebody up cannot see from the answer that they are protected.
TEST_F(DisasterTest, a_protected_person_looks_like_anybody) {
    open_here();
    const auto plain = look_up(asked());
    identity::Person person = *plain->answer.person;
    person.address = "東京都架空市1-2-3";
    person.protection = {true, true};
    sql::WriteSet set(Store::registry);
    identity::put_section(set, person.key, identity::Section::identity, identity::pack(person));
    write(std::move(set));
    const auto guarded = look_up(asked());
    ASSERT_TRUE(plain && guarded);
    Answer one = plain->answer;
    Answer other = guarded->answer;
    for (Answer* answer : {&one, &other}) {
        answer->check_id.reset();
        answer->request_digest = {};
        answer->known_seq = 0;
    }
    EXPECT_EQ(pack(one), pack(other));
}

// A declared outage of the status service: a list that is fresh is not believed, and nothing medical is offered.
TEST_F(DisasterTest, cards_are_answered_with_coverage_only_while_their_status_is_declared_away) {
    EXPECT_EQ(check(*sign(0x01000001))->answer.verdict.medical, MedicalData::available);
    status_sources_.declare_away(true);
    const auto given = check(*sign(0x01000001));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.verdict.medical, MedicalData::card_status_old);
    status_sources_.declare_away(false);
    EXPECT_EQ(check(*sign(0x01000001))->answer.verdict.medical, MedicalData::available);
}

}  // namespace
}  // namespace onshi::eligibility
