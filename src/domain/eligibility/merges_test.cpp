// Two persons who are one: what a card, a number, a file and a correction find afterwards.
#include "domain/eligibility/merges.h"

#include "domain/cards/rules_use.h"
#include "domain/coverage/service_paper.h"
#include "domain/coverage/service_withheld.h"
#include "domain/coverage/store_intake.h"
#include "domain/eligibility/check_fixture.h"
#include "domain/eligibility/corrections.h"
#include "domain/eligibility/counter_cases.h"
#include "domain/identity/store_merge.h"
#include "domain/identity/store_numbers.h"

namespace onshi::eligibility {
namespace {

using cards::UseState;

constexpr std::uint32_t first_card = 0x01000001;
constexpr std::uint32_t second_card = 0x01000002;
constexpr std::int64_t older = 7;
constexpr std::int64_t newer = 8;

class MergesTest : public CheckTest {
  protected:
    // One insured at two insurers' numbers, each as a person of its own.
    static Coverage numbered(std::int64_t key, const char* number, Date from = Date::of(2024, 4, 1),
                             Date to = Date::open_end) {
        Coverage made = coverage_of(key, State::active, from, to);
        made.number = number;
        return made;
    }
    void add_two(UseState use = UseState::registered, UseState other_use = UseState::registered) {
        add_person(older, ordered(first_card, use), {numbered(1, "3456", Date::of(2020, 4, 1), Date::of(2025, 3, 31))});
        add_person(newer, ordered(second_card, other_use), {numbered(2, "7890", Date::of(2025, 4, 1))});
    }
    static CardOrder ordered(std::uint32_t serial, UseState use) {
        CardOrder order;
        order.serial = serial;
        order.use = use;
        return order;
    }
    static MergeOrder order(std::string approved_by = {}) {
        const auto name = [](const char* number) {
            return coverage::MemberName{*InsurerNumber::parse("06010391"), *InsuredSymbolNumber::parse("12", number),
                                        std::nullopt, Date::of(1985, 4, 12)};
        };
        return {name("3456"), name("7890"), {"D-118", std::move(approved_by)}};
    }
    Result<MergeOutcome> merge(const MergeOrder& wanted = order()) {
        Merges merges(*database_, clock_, random_, vault_);
        return run_to_end(merges.merge(wanted, {.reference = "sato"}, soon()));
    }
    void number(std::int64_t person, const std::string& digits) {
        const auto known = *identity::IndividualNumber::parse(digits);
        sql::WriteSet set(Store::registry);
        identity::add_number(set, PersonKey(person), vault_.tag(known), 1,
                             *vault_.seal(PersonKey(person), known, random_));
        write(std::move(set));
    }
    std::optional<std::int64_t> owner_of(const std::string& digits) {
        sql::ReadBatch batch;
        const auto found = identity::load_by_tag(batch, vault_.tag(*identity::IndividualNumber::parse(digits)));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return found ? std::optional(found->value()) : std::nullopt;
    }
    std::vector<Coverage> held(std::int64_t person) {
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, PersonKey(person));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return *coverage::coverages_of(now);
    }
    cards::UseRegistration use_of(std::int64_t person) {
        sql::ReadBatch batch;
        const auto found = cards::load_use_registration(batch, PersonKey(person));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return found ? *found : cards::UseRegistration();
    }
    std::size_t corrections() {
        clock_.advance(std::chrono::minutes(10));
        Corrections feed(*database_, clock_);
        const auto run = run_to_end(feed.run(std::chrono::seconds(0), soon()));
        EXPECT_TRUE(run) << run.error().detail;
        return run ? run->corrections : 0;
    }
    static Coverage held_back(std::int64_t key, const char* number, Date from) {
        Coverage made = numbered(key, number, from);
        made.state = State::withheld;
        return made;
    }
    // Records that the insurer's open cases name, in the order of the answers.
    std::vector<CoverageKey> cases() {
        const auto open = run_to_end(list_counter_cases(*database_, *InsurerNumber::parse("06010391"), {}, soon()));
        EXPECT_TRUE(open) << open.error().detail;
        std::vector<CoverageKey> records;
        for (const CounterCase& one : *open) records.push_back(one.record);
        return records;
    }
    // With its check digit.
    static std::string numbered_person(std::string leading) {
        for (char digit = '0'; digit <= '9'; ++digit) {
            if (identity::IndividualNumber::parse(leading + digit)) return leading + digit;
        }
        return {};
    }
    static std::string first_number() { return numbered_person("10000000000"); }
    static std::string second_number() { return numbered_person("20000000000"); }

    identity::NumberVault vault_{*pki::HmacKey::create(as_bytes("tag key of tests tag key of test")),
                                 *pki::SealingKey::create(as_bytes("seal key of tests, seal key of t")), 1};
};

TEST_F(MergesTest, both_cards_and_both_numbers_lead_to_one_person) {
    add_two();
    const auto done = merge();
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_TRUE(done->merged);
    EXPECT_EQ(done->registry.survivor, PersonKey(older)) << "of two alike the older";
    EXPECT_EQ(done->registry.records_moved, 1U);
    EXPECT_EQ(done->registry.severity, identity::Severity::none);
    ASSERT_EQ(held(older).size(), 2U);
    EXPECT_TRUE(held(newer).empty());
    for (const std::uint32_t card : {first_card, second_card}) {
        const auto given = check(*sign(card));
        ASSERT_TRUE(given) << given.error().detail;
        EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
        EXPECT_EQ(given->answer.verdict.coverage->key, CoverageKey(2));
        EXPECT_EQ(given->answer.person->key, PersonKey(older));
    }
    const auto by_new = run_to_end(service_->check_by_number(terminal_, by_number("7890"), soon()));
    ASSERT_TRUE(by_new) << by_new.error().detail;
    EXPECT_EQ(by_new->answer.verdict.result, ResultCode::valid);
    const auto by_old = run_to_end(service_->check_by_number(terminal_, by_number("3456"), soon()));
    EXPECT_EQ(by_old->answer.verdict.result, ResultCode::invalid_newer) << "the other coverage is theirs too";
    EXPECT_EQ(records(), records()) << "the chain holds";
}

TEST_F(MergesTest, the_one_with_an_individual_number_survives_and_every_number_finds_it) {
    add_two();
    number(newer, first_number());
    ASSERT_EQ(owner_of(first_number()), newer);
    const auto done = merge();
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->registry.survivor, PersonKey(newer));
    EXPECT_EQ(owner_of(first_number()), newer);
    EXPECT_EQ(held(newer).size(), 2U);
}

TEST_F(MergesTest, two_numbers_or_two_birth_dates_need_a_second_person) {
    add_two();
    number(older, first_number());
    number(newer, second_number());
    EXPECT_EQ(merge().error().code, ErrorCode::person_conflict);
    EXPECT_EQ(merge(order("sato")).error().code, ErrorCode::person_conflict) << "the same person twice";
    EXPECT_EQ(held(newer).size(), 1U) << "nothing was done";
    const auto done = merge(order("suzuki"));
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->registry.severity, identity::Severity::another_person);
    EXPECT_EQ(owner_of(first_number()), older);
    EXPECT_EQ(owner_of(second_number()), older);
}

TEST_F(MergesTest, says_who_is_nobody_who_is_one_already_and_what_is_missing) {
    add_two();
    MergeOrder wrong = order();
    wrong.other.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(merge(wrong).error().code, ErrorCode::person_unknown);
    MergeOrder same = order();
    same.other = same.one;
    EXPECT_EQ(merge(same).error().code, ErrorCode::person_same);
    for (const std::string& evidence : {std::string(), std::string(coverage::evidence_bytes_max + 1, 'x')}) {
        MergeOrder bare = order();
        bare.evidence.evidence = evidence;
        EXPECT_EQ(merge(bare).error().code, ErrorCode::intake_required);
    }
    ASSERT_TRUE(merge());
    EXPECT_EQ(merge().error().code, ErrorCode::person_same) << "the second time";
}

TEST_F(MergesTest, aliases_stay_one_step_long) {
    add_two();
    add_person(9, ordered(0x01000003, UseState::none),
               {numbered(3, "1111", Date::of(2019, 4, 1), Date::of(2020, 3, 31))});
    number(9, first_number());
    ASSERT_TRUE(merge());
    MergeOrder third = order();
    third.other.insured = *InsuredSymbolNumber::parse("12", "1111");
    const auto done = merge(third);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->registry.survivor, PersonKey(9));
    sql::ReadBatch batch;
    const auto names = identity::load_merged_into(batch, PersonKey(9));
    const auto none = identity::load_merged_into(batch, PersonKey(older));
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(names.get(), (std::vector{PersonKey(older), PersonKey(newer)}));
    EXPECT_TRUE(none.empty());
    for (const std::uint32_t card : {first_card, second_card}) {
        EXPECT_EQ(check(*sign(card))->answer.verdict.coverage->key, CoverageKey(2)) << "registered for one of them";
    }
}

TEST_F(MergesTest, the_newer_decision_on_the_use_of_the_card_counts) {
    add_two(UseState::none, UseState::registered);
    ASSERT_TRUE(merge());
    EXPECT_EQ(use_of(older).state, UseState::registered) << "who was registered under the other key is";
    EXPECT_EQ(use_of(newer).state, UseState::none);
    const auto given = check(*sign(first_card));
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
}

TEST_F(MergesTest, what_protects_one_protects_both) {
    CardOrder blocked = ordered(second_card, UseState::registered);
    blocked.protection.self_information_blocked = true;
    add_person(older, ordered(first_card, UseState::registered), {numbered(1, "3456")});
    add_person(newer, blocked, {numbered(2, "7890")});
    ASSERT_TRUE(merge());
    for (const std::uint32_t card : {first_card, second_card}) {
        const auto given = check(*sign(card));
        EXPECT_EQ(given->answer.verdict.result, ResultCode::none) << card;
        EXPECT_EQ(given->answer.verdict.cause, OutcomeCode::cause_card_not_registered);
    }
}

TEST_F(MergesTest, the_stricter_consent_counts) {
    add_two();
    const OrganisationKey clinic(11);
    const auto given = [&](std::int64_t person, consent::Choice choice) {
        sql::WriteSet set(Store::ledger);
        consent::add_consent(set, PersonKey(person), clinic,
                             {consent::Item::medicines, choice, clock_.now(), clock_.now() + consent::life});
        audit::attach_record(set, audit::Event::consent_recorded, {}, clock_.now(), "x", random_);
        write(std::move(set));
    };
    given(older, consent::Choice::agreed);
    clock_.advance(std::chrono::seconds(1));
    given(newer, consent::Choice::refused);
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(merge());
    sql::ReadBatch batch;
    const auto all = consent::load_consents(batch, PersonKey(older), clinic, {0});
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(consent::in_force(all.get(), clock_.now()),
              (std::vector{consent::ItemChoice{consent::Item::medicines, consent::Choice::refused}}));
}

TEST_F(MergesTest, nobody_is_told_otherwise_by_a_merge_and_everybody_by_a_later_loss) {
    add_two();
    ASSERT_TRUE(check(*sign(second_card))) << "told under the key that ends";
    ASSERT_TRUE(merge());
    EXPECT_EQ(corrections(), 0U);
    // The loss is learnt under the present key.
    auto all = held(older);
    for (auto& record : all) record.valid_to = std::min(record.valid_to, today.plus_days(-10));
    sql::WriteSet set(Store::registry);
    identity::put_section(set, PersonKey(older), identity::Section::coverage, coverage::pack_all(all));
    coverage::add_change(set, PersonKey(older), clock_.now());
    write(std::move(set));
    EXPECT_EQ(corrections(), 1U);
    EXPECT_EQ(corrections(), 0U) << "once";
}

TEST_F(MergesTest, somebody_not_found_at_a_counter_is_a_case_of_the_survivors_insurer_before_and_after_the_merge) {
    add_person(older, ordered(first_card, UseState::registered), {held_back(1, "3456", today.plus_days(-30))});
    add_person(newer, ordered(second_card, UseState::registered), {held_back(2, "7890", today.plus_days(-60))});
    ASSERT_EQ(check(*sign(second_card))->answer.verdict.result, ResultCode::none);
    EXPECT_EQ(corrections(), 0U);
    ASSERT_EQ(cases(), std::vector{CoverageKey(2)}) << "the newest there was";
    ASSERT_EQ(check(*sign(second_card))->answer.verdict.result, ResultCode::none) << "told before, walked over after";
    ASSERT_TRUE(merge());
    EXPECT_EQ(corrections(), 0U);
    EXPECT_EQ(cases(), (std::vector{CoverageKey(1), CoverageKey(1)})) << "the newest of the person they are now";
    EXPECT_EQ(corrections(), 0U);
    EXPECT_EQ(cases().size(), 2U) << "and stays";
}

TEST_F(MergesTest, a_case_ends_when_the_survivor_has_a_coverage_for_that_day) {
    add_person(older, ordered(first_card, UseState::registered), {numbered(1, "3456")});
    add_person(newer, ordered(second_card, UseState::registered), {held_back(2, "7890", today.plus_days(-60))});
    ASSERT_EQ(check(*sign(second_card))->answer.verdict.result, ResultCode::none);
    EXPECT_EQ(corrections(), 0U);
    ASSERT_EQ(cases().size(), 1U);
    ASSERT_TRUE(merge());
    EXPECT_EQ(corrections(), 1U) << "there is a coverage after all";
    EXPECT_TRUE(cases().empty());
}

TEST_F(MergesTest, an_open_order_of_a_certificate_goes_along) {
    add_two(UseState::none, UseState::none);
    sql::WriteSet set(Store::ledger);
    coverage::open_order(set, {.insurer = *InsurerNumber::parse("06010391"),
                               .coverage = CoverageKey(2),
                               .person = PersonKey(newer),
                               .reason = coverage::PaperReason::cancelled,
                               .since = clock_.now()});
    write(std::move(set));
    const auto done = merge();
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->settled, 1U);
    coverage::PaperService papers(*database_, clock_, random_);
    const auto page = run_to_end(papers.list(*InsurerNumber::parse("06010391"), CoverageKey(0), soon()));
    ASSERT_EQ(page->orders.size(), 1U);
    EXPECT_EQ(page->orders[0].person, PersonKey(older));
    EXPECT_TRUE(run_to_end(papers.content(page->orders[0], soon())));
}

// Killed between the two stores: the registry has merged, the ledger has not heard of it.
TEST_F(MergesTest, a_run_that_died_between_the_stores_is_ended_by_the_same_call) {
    add_two(UseState::none, UseState::registered);
    coverage::MergeService registry(*database_, clock_, random_, vault_);
    ASSERT_TRUE(
        run_to_end(registry.merge(PersonKey(older), PersonKey(newer), {"D-118", {}}, {.reference = "sato"}, soon())));
    EXPECT_EQ(use_of(older).state, UseState::none);
    const auto done = merge();
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_FALSE(done->merged);
    EXPECT_EQ(done->settled, 1U);
    EXPECT_EQ(use_of(older).state, UseState::registered);
    EXPECT_EQ(merge().error().code, ErrorCode::person_same);
}

TEST_F(MergesTest, who_is_changed_or_merged_at_the_same_time_keeps_what_others_wrote) {
    add_two();
    const auto stale = [&](std::int64_t identity_version, std::optional<std::int64_t> coverage_version) {
        sql::WriteSet set(Store::registry);
        identity::end_person(set, {PersonKey(newer), identity_version, coverage_version}, PersonKey(older));
        return run_to_end(database_->commit(std::move(set), soon())).error().code;
    };
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, PersonKey(newer));
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    const std::int64_t version = now.get()[0].version;
    EXPECT_EQ(stale(version - 1, version), ErrorCode::store_conflict);
    EXPECT_EQ(stale(version, version - 1), ErrorCode::store_conflict);
    EXPECT_EQ(stale(version, std::nullopt), ErrorCode::store_conflict) << "a first record came meanwhile";
    EXPECT_EQ(held(newer).size(), 1U);
    ASSERT_TRUE(merge());
    coverage::MergeService registry(*database_, clock_, random_, vault_);
    const auto again =
        run_to_end(registry.merge(PersonKey(older), PersonKey(newer), {"D-118", {}}, {.reference = "sato"}, soon()));
    EXPECT_EQ(again.error().code, ErrorCode::store_conflict);
}

}  // namespace
}  // namespace onshi::eligibility
