#include "domain/coverage/service_intake.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/cards/store.h"
#include "domain/coverage/service_withheld.h"
#include "domain/coverage/store_intake.h"
#include "domain/organisations/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::coverage {
namespace {

constexpr const char* taro = "123456789018";
constexpr const char* hanako = "987654321093";
constexpr const char* unknown_number = "314159265352";

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part : {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(),
                            identity::migrations(), cards::migrations(), migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

// An intake on a temporary SQLite with two residents.
class IntakeTest : public testing::Test {
  protected:
    IntakeTest() {
        EXPECT_TRUE(sql::migrate(options_, steps()));
        auto opened = sql::open_database(options_, steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        residents_.emplace(*database_, vault_);
        parts_.emplace(IntakeParts{*database_, clock_, random_, vault_, *residents_});
        intake_.emplace(*parts_);
        add_resident(taro, {"山田　太郎", "ヤマダ　タロウ", "東京都架空区１番１号", Date::of(1985, 4, 12), Sex::male,
                            Date::open_end});
        add_resident(hanako, {"山田　花子", "ヤマダ　ハナコ", "東京都架空区１番１号", Date::of(1987, 7, 7), Sex::female,
                              Date::open_end});
    }
    ~IntakeTest() override {
        database_->close();
        database_.reset();
    }

    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    void add_resident(const char* number, const identity::Resident& resident) {
        const auto tag = vault_.tag(*identity::IndividualNumber::parse(number));
        sql::WriteSet set(sql::Store::registry);
        set.change(identity::insert_resident, sql::Blob{as_text(tag)}, sql::Blob{identity::pack(resident)});
        EXPECT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    }
    static IntakeRow row(Operation operation, const char* number = taro, int branch = 1) {
        const bool is_taro = number != nullptr && std::string_view(number) == taro;
        IntakeRow made{.operation = operation,
                       .insurer = *InsurerNumber::parse("06139463"),
                       .insured = *InsuredSymbolNumber::parse("12", "3456"),
                       .branch = BranchNumber::from_value(branch),
                       .number = {},
                       .person = is_taro
                                     ? identity::SentIdentity{"山田　太郎", "ヤマダ　タロウ", "東京都架空区１番１号",
                                                              Date::of(1985, 4, 12), Sex::male}
                                     : identity::SentIdentity{"山田　花子", "ヤマダ　ハナコ", "東京都架空区１番１号",
                                                              Date::of(1987, 7, 7), Sex::female},
                       .acquired_on = Date::of(2026, 4, 1),
                       .lost_on = {},
                       .copay_percent = 30,
                       .limit_category = "A03"};
        if (number != nullptr) made.number = *identity::IndividualNumber::parse(number);
        return made;
    }
    Result<IntakePlan> plan(std::vector<IntakeRow> rows) {
        auto prepared = run_to_end(intake_->prepare(std::move(rows), soon()));
        if (!prepared) return fail(std::move(prepared));
        prepared_ = std::move(*prepared);
        return run_to_end(intake_->plan(prepared_, soon()));
    }
    std::vector<RowOutcome> take(std::vector<IntakeRow> rows) {
        auto planned = plan(std::move(rows));
        EXPECT_TRUE(planned) << planned.error().detail;
        auto outcomes = planned->outcomes;
        auto committed = run_to_end(database_->commit(std::move(planned->set), soon()));
        EXPECT_TRUE(committed) << committed.error().detail;
        return outcomes;
    }
    RowResult take_one(IntakeRow one) { return take({std::move(one)}).front().result; }
    std::optional<PersonKey> person(const char* number) {
        sql::ReadBatch batch;
        const auto found = identity::load_by_tag(batch, vault_.tag(*identity::IndividualNumber::parse(number)));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return found.get();
    }
    std::vector<Coverage> records(PersonKey key) {
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, key);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return *coverages_of(now);
    }
    std::vector<Coverage> history(PersonKey key, std::int64_t seq) {
        sql::ReadBatch batch;
        const auto known = load_known_at(batch, key, seq);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return known.get();
    }
    std::int64_t members() {
        sql::ReadBatch batch;
        const auto found = load_members(batch, *InsurerNumber::parse("06139463"));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return found ? *found : 0;
    }
    std::vector<WithheldCase> withheld() {
        WithheldRecords all(*database_, clock_, random_, vault_);
        return *run_to_end(all.list(*InsurerNumber::parse("06139463"), soon()));
    }

    ManualClock clock_{start_of_japan_day(Date::of(2026, 11, 23))};
    SystemRandom random_;
    identity::NumberVault vault_{*pki::HmacKey::create(as_bytes("tag key of tests tag key of test")),
                                 *pki::SealingKey::create(as_bytes("seal key of tests, seal key of t")), 1};
    sql::TestStores stores_;
    const sql::StoreOptions options_ = stores_.options();
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{3, "test"};
    std::unique_ptr<sql::Database> database_;
    std::optional<identity::EmbeddedRegister> residents_;
    std::optional<IntakeParts> parts_;
    std::optional<Intake> intake_;
    std::vector<PreparedRow> prepared_;
};

TEST_F(IntakeTest, an_addition_makes_person_record_and_number_known_from_its_commit) {
    EXPECT_EQ(take_one(row(Operation::add)), RowResult::added);
    const auto key = person(taro);
    ASSERT_TRUE(key);
    EXPECT_GE(key->value(), identity::KeyBlocks::first_counted_key);
    const auto now = records(*key);
    ASSERT_EQ(now.size(), 1U);
    EXPECT_EQ(now[0].state, State::active);
    EXPECT_GT(now[0].known_from, 0);
    EXPECT_EQ(history(*key, now[0].known_from).size(), 1U);
    EXPECT_TRUE(history(*key, now[0].known_from - 1).empty()) << "nobody knew of it before";
    EXPECT_EQ(members(), 1);
}

TEST_F(IntakeTest, the_same_rows_again_change_nothing_at_all) {
    const std::vector rows{row(Operation::add), row(Operation::add, hanako, 2)};
    take(rows);
    auto again = plan(rows);
    ASSERT_TRUE(again);
    for (const RowOutcome& outcome : again->outcomes) EXPECT_EQ(outcome.result, RowResult::unchanged);
    EXPECT_TRUE(again->set.guards().empty());
    EXPECT_TRUE(again->set.changes().empty());
}

TEST_F(IntakeTest, rows_of_one_chunk_follow_each_other) {
    IntakeRow losing = row(Operation::lose);
    losing.lost_on = Date::of(2026, 10, 1);
    IntakeRow changing = row(Operation::change);
    changing.limit_category = "A02";
    const auto outcomes = take({row(Operation::add), changing, losing, row(Operation::add)});
    EXPECT_EQ(outcomes[0].result, RowResult::added);
    EXPECT_EQ(outcomes[1].result, RowResult::changed);
    EXPECT_EQ(outcomes[2].result, RowResult::ended);
    EXPECT_EQ(outcomes[3].refusal, ErrorCode::intake_exists_differently) << "it contradicts the change";
    const auto now = records(*person(taro));
    ASSERT_EQ(now.size(), 1U);
    EXPECT_EQ(now[0].limit_category, "A02");
    EXPECT_EQ(now[0].valid_to, Date::of(2026, 9, 30));
    EXPECT_EQ(members(), 0);
}

TEST_F(IntakeTest, a_retroactive_loss_leaves_what_was_known_before) {
    take({row(Operation::add)});
    const auto before = records(*person(taro)).front();
    IntakeRow losing = row(Operation::lose);
    losing.lost_on = Date::of(2026, 6, 1);
    take({losing});
    const auto after = records(*person(taro)).front();
    EXPECT_GT(after.known_from, before.known_from);
    EXPECT_EQ(history(*person(taro), before.known_from).front().valid_to, Date::open_end);
    EXPECT_EQ(history(*person(taro), after.known_from).front().valid_to, Date::of(2026, 5, 31));
}

TEST_F(IntakeTest, a_number_that_is_a_relatives_withholds_the_record) {
    IntakeRow wrong = row(Operation::add, hanako);
    wrong.person = row(Operation::add).person;  // Taro's data with Hanako's number
    const auto outcome = take({wrong}).front();
    EXPECT_EQ(outcome.result, RowResult::withheld);
    EXPECT_EQ(outcome.notes[0], OutcomeCode::cause_match_birth_date);
    EXPECT_EQ(records(*person(hanako)).front().state, State::withheld);
    ASSERT_EQ(withheld().size(), 1U);
    EXPECT_EQ(withheld()[0].severity, identity::Severity::another_person);
    EXPECT_EQ(withheld()[0].sent, wrong.person);
    // The insurer sends it with the right number: it goes to Taro, and nothing of it is Hanako's any more.
    IntakeRow right = row(Operation::change);
    EXPECT_EQ(take_one(right), RowResult::moved);
    EXPECT_EQ(records(*person(hanako)).front().state, State::void_);
    EXPECT_EQ(records(*person(taro)).front().state, State::active);
    EXPECT_TRUE(withheld().empty());
    EXPECT_EQ(members(), 1);
}

TEST_F(IntakeTest, an_addition_with_the_right_number_moves_a_withheld_record_too) {
    IntakeRow wrong = row(Operation::add, hanako);
    wrong.person = row(Operation::add).person;
    take({wrong});
    EXPECT_EQ(take_one(row(Operation::add)), RowResult::moved);
    EXPECT_EQ(records(*person(taro)).size(), 1U);
}

TEST_F(IntakeTest, a_correction_that_differs_itself_moves_nothing) {
    take({row(Operation::add)});
    IntakeRow wrong = row(Operation::change, hanako);
    wrong.person = row(Operation::add).person;
    EXPECT_EQ(take({wrong}).front().refusal, ErrorCode::intake_other_person);
    EXPECT_FALSE(person(hanako));
}

TEST_F(IntakeTest, corrected_data_release_a_withheld_record) {
    IntakeRow misspelt = row(Operation::add);
    misspelt.person.name = "山川　太郎";
    EXPECT_EQ(take_one(misspelt), RowResult::withheld);
    EXPECT_EQ(take_one(row(Operation::change)), RowResult::changed);
    EXPECT_EQ(records(*person(taro)).front().state, State::active);
    EXPECT_TRUE(withheld().empty());
}

TEST_F(IntakeTest, the_registered_form_is_kept_whatever_the_insurer_wrote) {
    IntakeRow folded = row(Operation::add);
    folded.person.name = "山田太郎";
    EXPECT_EQ(take_one(folded), RowResult::added);
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, *person(taro));
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(identity::person_of(*person(taro), now)->name, "山田　太郎");
}

TEST_F(IntakeTest, a_record_without_a_number_is_a_person_of_its_own_until_one_comes) {
    EXPECT_EQ(take({row(Operation::add, nullptr)}).front().notes[0], OutcomeCode::cause_match_number_missing);
    EXPECT_EQ(take_one(row(Operation::add, nullptr)), RowResult::unchanged) << "found by its own insured number";
    ASSERT_EQ(withheld().size(), 1U);
    const PersonKey own = withheld()[0].person;
    IntakeRow numbered = row(Operation::change, hanako);
    EXPECT_EQ(take_one(numbered), RowResult::moved);
    EXPECT_EQ(records(own).front().state, State::void_);
    EXPECT_EQ(records(*person(hanako)).front().state, State::active);
}

TEST_F(IntakeTest, a_number_the_register_does_not_know_is_withheld) {
    EXPECT_EQ(take({row(Operation::add, unknown_number)}).front().notes[0], OutcomeCode::cause_match_not_found);
    EXPECT_EQ(take_one(row(Operation::add, unknown_number)), RowResult::unchanged);
}

TEST_F(IntakeTest, an_insured_who_leaves_takes_the_dependants_along) {
    IntakeRow wife = row(Operation::add, hanako, 2);
    wife.relation = Relation::dependant;
    take({row(Operation::add), wife});
    IntakeRow losing = row(Operation::lose);
    losing.lost_on = Date::of(2026, 10, 1);
    const auto outcome = take({losing}).front();
    EXPECT_EQ(outcome.result, RowResult::ended);
    EXPECT_EQ(outcome.notes[0], OutcomeCode::note_dependants_ended);
    EXPECT_EQ(records(*person(hanako)).front().valid_to, Date::of(2026, 9, 30));
    EXPECT_EQ(members(), 0);
}

TEST_F(IntakeTest, a_loss_that_names_another_person_is_refused) {
    take({row(Operation::add)});
    IntakeRow other = row(Operation::lose, nullptr);
    other.lost_on = Date::of(2026, 10, 1);
    EXPECT_EQ(take({other}).front().refusal, ErrorCode::intake_other_person) << "another birth date";
    IntakeRow born_later = row(Operation::lose);
    born_later.lost_on = Date::of(2026, 10, 1);
    born_later.person.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(take({born_later}).front().refusal, ErrorCode::intake_other_person);
    IntakeRow unknown = row(Operation::lose);
    unknown.insured = *InsuredSymbolNumber::parse("12", "9999");
    unknown.lost_on = Date::of(2026, 10, 1);
    EXPECT_EQ(take({unknown}).front().refusal, ErrorCode::intake_unknown_coverage);
}

TEST_F(IntakeTest, an_acquisition_may_lie_a_year_ahead_and_no_further) {
    IntakeRow ahead = row(Operation::add);
    ahead.acquired_on = Date::of(2026, 11, 23).plus_days(acquisition_ahead_days_max + 1);
    EXPECT_EQ(take({ahead}).front().refusal, ErrorCode::intake_value);
    ahead.acquired_on = ahead.acquired_on->plus_days(-1);
    EXPECT_EQ(take_one(ahead), RowResult::added);
}

TEST_F(IntakeTest, one_number_of_two_people_is_told) {
    take({row(Operation::add)});
    IntakeRow same_number = row(Operation::add, hanako);
    same_number.acquired_on = Date::of(2026, 5, 1);
    take({same_number});
    IntakeRow third = row(Operation::add, hanako);
    third.acquired_on = Date::of(2026, 4, 1);
    const auto outcome = take({third}).front();
    EXPECT_EQ(outcome.result, RowResult::added);
    EXPECT_EQ(outcome.notes[0], OutcomeCode::note_number_shared) << "N-2: two people";
}

TEST_F(IntakeTest, a_chunk_decided_on_old_knowledge_is_refused_as_a_whole) {
    take({row(Operation::add)});
    IntakeRow changing = row(Operation::change);
    changing.limit_category = "A02";
    auto stale = plan({changing, row(Operation::add, hanako, 2)});
    ASSERT_TRUE(stale);
    changing.limit_category = "A01";
    take({changing});
    const auto committed = run_to_end(database_->commit(std::move(stale->set), soon()));
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, ErrorCode::store_conflict);
    EXPECT_FALSE(person(hanako)) << "nothing of it is there";
    EXPECT_EQ(records(*person(taro)).front().limit_category, "A01");
}

TEST_F(IntakeTest, the_number_lies_sealed_and_opens_for_its_person_only) {
    take({row(Operation::add)});
    const PersonKey key = *person(taro);
    const auto sealed = vault_.seal(key, *identity::IndividualNumber::parse(taro), random_);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(vault_.open(key, *sealed)->reveal_to_register(), 123456789018U);
    EXPECT_EQ(vault_.open(PersonKey(key.value() + 1), *sealed).error().code, ErrorCode::secret_not_authentic);
    EXPECT_NE(*sealed, *vault_.seal(key, *identity::IndividualNumber::parse(taro), random_)) << "a nonce each";
}

TEST_F(IntakeTest, a_ratio_that_somebody_doubts_is_told) {
    parts_->ratio_check = [](const Coverage& record, Date, Date) { return record.copay_percent == 10; };
    intake_.emplace(*parts_);
    IntakeRow cheap = row(Operation::add);
    cheap.copay_percent = 10;
    const auto outcome = take({cheap}).front();
    EXPECT_EQ(outcome.result, RowResult::added);
    EXPECT_EQ(outcome.notes[0], OutcomeCode::note_ratio_suspect);
}

TEST_F(IntakeTest, a_full_disk_takes_nothing_and_the_next_try_everything) {
    auto planned = plan({row(Operation::add)});
    ASSERT_TRUE(planned);
    stores_.fill_disk();
    const auto refused = run_to_end(database_->commit(std::move(planned->set), soon()));
    EXPECT_EQ(refused.error().code, ErrorCode::store_full);
    stores_.make_space();
    EXPECT_FALSE(person(taro));
    EXPECT_EQ(take_one(row(Operation::add)), RowResult::added);
}

// ---- Confirm with reason --------------------------------------------------------------------------------------------

class WithheldTest : public IntakeTest {
  protected:
    CoverageKey withhold(bool another_person) {
        IntakeRow differing = row(Operation::add);
        if (another_person) {
            differing.person.birth = Date::of(1985, 4, 13);
        } else {
            differing.person.name = "山田　タロー丸";
        }
        sent_ = differing;
        EXPECT_EQ(take_one(differing), RowResult::withheld);
        return withheld().front().coverage;
    }
    Result<WithheldCase> confirm(CoverageKey record, const char* by, std::string evidence = "D-118") {
        return run_to_end(service_.confirm(
            {*InsurerNumber::parse("06139463"), record, identity::ConfirmReason::alias, std::move(evidence), by},
            soon()));
    }
    Result<WithheldCase> approve(CoverageKey record, const char* by) {
        return run_to_end(service_.approve(*InsurerNumber::parse("06139463"), record, {.reference = by}, soon()));
    }
    WithheldRecords service_{*database_, clock_, random_, vault_};
    std::optional<IntakeRow> sent_;
};

TEST_F(WithheldTest, a_confirmed_difference_of_a_name_is_seen_at_once_and_stays_confirmed) {
    const CoverageKey record = withhold(false);
    const auto decided = confirm(record, "sato");
    ASSERT_TRUE(decided) << decided.error().detail;
    EXPECT_EQ(decided->state, WithheldState::confirmed);
    EXPECT_EQ(records(*person(taro)).front().state, State::active);
    IntakeRow again = *sent_;
    again.operation = Operation::change;
    again.limit_category = "A02";
    EXPECT_EQ(take_one(again), RowResult::changed);
    EXPECT_EQ(records(*person(taro)).front().state, State::active) << "the same data do not withhold twice";
    EXPECT_EQ(confirm(record, "sato").error().code, ErrorCode::intake_not_held);
}

TEST_F(WithheldTest, severity_one_needs_a_second_person) {
    const CoverageKey record = withhold(true);
    EXPECT_EQ(approve(record, "suzuki").error().code, ErrorCode::intake_not_held) << "nobody has confirmed it";
    EXPECT_EQ(confirm(record, "sato")->state, WithheldState::waiting);
    EXPECT_EQ(records(*person(taro)).front().state, State::withheld);
    EXPECT_EQ(approve(record, "sato").error().code, ErrorCode::intake_second_person);
    EXPECT_EQ(records(*person(taro)).front().state, State::withheld);
    EXPECT_EQ(approve(record, "suzuki")->state, WithheldState::confirmed);
    EXPECT_EQ(records(*person(taro)).front().state, State::active);
    EXPECT_TRUE(withheld().empty());
}

TEST_F(WithheldTest, evidence_is_needed_and_no_word_replaces_a_number) {
    const CoverageKey record = withhold(false);
    EXPECT_EQ(confirm(record, "sato", "").error().code, ErrorCode::intake_required);
    EXPECT_EQ(confirm(record, "sato", std::string(evidence_bytes_max + 1, 'x')).error().code,
              ErrorCode::intake_required);
    EXPECT_TRUE(confirm(record, "sato", std::string(evidence_bytes_max, 'x')));
    take({row(Operation::add, nullptr)});
    for (const WithheldCase& one : withheld()) {
        EXPECT_EQ(confirm(one.coverage, "sato").error().code, ErrorCode::intake_required) << "AC-5";
    }
    EXPECT_EQ(confirm(CoverageKey(1), "sato").error().code, ErrorCode::intake_not_held);
}

}  // namespace
}  // namespace onshi::coverage
