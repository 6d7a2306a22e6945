// What was known when an answer was given, and what came later (domain-rules §2.4 EL-3 … EL-5, docs/adr/0003): an
// answer can be made again from its `known_seq`, whatever insurers have told since.
#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

const sql::Statement close_version("test.close_version", Store::registry, sql::ShardKey::person,
                                   "UPDATE coverage SET known_to = $3 WHERE person_key = $1 AND coverage_key = $2 "
                                   "AND known_from < $3 AND known_to > $3");

class KnowledgeTest : public CheckTest {
  protected:
    static constexpr std::int64_t person = 7;

    // The insurer's file of a day: each record gets a new version, the present section follows in the same write set.
    // Returns the registry commit that made it known.
    std::int64_t tell(const std::vector<Coverage>& changed, const std::vector<Coverage>& present) {
        sql::WriteSet set(Store::registry);
        for (const auto& c : changed) {
            set.change(close_version, person, c.key.value(), sql::Position::sequence);
            set.change(coverage::insert_coverage, person, c.key.value(), sql::Position::sequence, identity::known_open,
                       sql::Blob{coverage::pack(c)});
        }
        identity::put_section(set, PersonKey(person), identity::Section::coverage, coverage::pack_all(present));
        auto committed = run_to_end(database_->commit(std::move(set), soon()));
        EXPECT_TRUE(committed);
        return committed ? committed->sequence : 0;
    }
    // A commit that has nothing to do with the person.
    void tell_of_somebody_else() {
        sql::WriteSet set(Store::registry);
        identity::put_section(set, PersonKey(99), identity::Section::coverage, coverage::pack_all({}));
        write(std::move(set));
    }

    GivenAnswer by_card() {
        auto given = check(*sign(0x01000001));
        EXPECT_TRUE(given);
        return std::move(*given);
    }
    GivenAnswer look_up(Date care_day) {
        auto terms = by_number();
        terms.care_day = care_day;
        auto given = run_to_end(service_->check_by_number(terminal_, terms, soon()));
        EXPECT_TRUE(given);
        return std::move(*given);
    }
    std::vector<Coverage> known_at(std::int64_t sequence) {
        sql::ReadBatch batch;
        const auto records = coverage::load_known_at(batch, PersonKey(person), sequence);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return records.get();
    }
    // The answer as its audit record holds it, decided anew from what was known at `sequence`.
    static std::string again_by_card(const Answer& answer, const std::vector<Coverage>& known) {
        CardFacts facts;
        facts.registered = true;
        facts.not_after = World::not_after(Date::of(2030, 1, 1));
        Answer made = answer;
        made.verdict = decide_by_card(facts, known, answer.care_day);
        return pack(made);
    }
    static std::string again_by_number(const Answer& answer, const std::vector<Coverage>& known) {
        NumberCandidate who{*answer.person, known, {}};
        for (const auto& c : known) who.asked.push_back({c.key, true});
        NumberVerdict decided = decide_by_number({who}, answer.care_day);
        Answer made = answer;
        made.verdict = std::move(decided.verdict);
        keep_back_limit(made.verdict, answer.entitlements, Source::number);
        made.person = std::move(decided.person);
        return pack(made);
    }

    // Every registry commit from the answer's own up to the last one before the news gives the answer again; the news
    // itself does not.
    void expect_reproduced(const Answer& answer, std::int64_t news, auto again) {
        for (std::int64_t sequence = answer.known_seq; sequence < news; ++sequence) {
            EXPECT_EQ(again(answer, known_at(sequence)), pack(answer)) << sequence;
        }
        EXPECT_NE(again(answer, known_at(news)), pack(answer));
    }
};

TEST_F(KnowledgeTest, a_retroactive_loss_changes_new_answers_and_leaves_the_old_one_explained) {
    const auto covered = insured();
    add_person(person, {}, covered);
    ASSERT_GT(tell(covered, covered), 0);
    tell_of_somebody_else();
    const Answer card_before = by_card().answer;
    const Answer number_before = look_up(today).answer;
    EXPECT_EQ(card_before.verdict.result, ResultCode::valid);
    EXPECT_EQ(number_before.verdict.result, ResultCode::valid);

    auto lost = covered;
    lost[0].valid_to = Date::of(2026, 9, 30);
    lost[0].loss_reason = coverage::LossReason::other_insurance;
    const std::int64_t news = tell(lost, lost);
    ASSERT_GT(news, card_before.known_seq + 1);
    const Answer card_after = by_card().answer;
    const Answer number_after = look_up(today).answer;
    EXPECT_EQ(card_after.verdict.result, ResultCode::invalid);
    EXPECT_EQ(number_after.verdict.result, ResultCode::invalid);
    EXPECT_EQ(card_after.known_seq, news);
    EXPECT_EQ(number_after.known_seq, news);

    expect_reproduced(card_before, news, again_by_card);
    expect_reproduced(number_before, news, again_by_number);
    EXPECT_EQ(again_by_card(card_after, known_at(news)), pack(card_after));
    EXPECT_EQ(again_by_number(number_after, known_at(news)), pack(number_after));
}

TEST_F(KnowledgeTest, a_retroactive_acquisition_is_an_answer_from_then_on_for_days_before_it_was_known) {
    add_person(person, {}, {});
    const auto first = coverage_of(1, State::active, Date::of(2020, 4, 1), Date::of(2026, 3, 31));
    sql::WriteSet number(Store::registry);
    number.change(coverage::insert_coverage_number, first.insurer.to_key(), "3456", "12", 1, person, 1);
    number.change(coverage::insert_coverage_number, first.insurer.to_key(), "3456", "12", 1, person, 2);
    write(std::move(number));
    tell({first}, {first});
    const Date spring = Date::of(2026, 5, 1);
    const Answer card_before = by_card().answer;
    const Answer spring_before = look_up(spring).answer;
    EXPECT_EQ(card_before.verdict.cause, OutcomeCode::cause_lapsed);
    EXPECT_EQ(spring_before.verdict.cause, OutcomeCode::cause_lapsed);

    const auto second = coverage_of(2, State::active, Date::of(2026, 4, 1), Date::open_end);
    const std::int64_t news = tell({second}, {first, second});
    EXPECT_EQ(by_card().answer.verdict.coverage->key, CoverageKey(2));
    EXPECT_EQ(look_up(spring).answer.verdict.coverage->key, CoverageKey(2));
    expect_reproduced(card_before, news, again_by_card);
    expect_reproduced(spring_before, news, again_by_number);
}

// EL-5, and a number is asked up to a month ahead.
TEST_F(KnowledgeTest, a_record_of_the_future_is_not_seen_before_its_day) {
    const Date starts = today.plus_days(8);
    const auto future = coverage_of(1, State::active, starts, Date::open_end);
    add_person(person, {}, {future});
    tell({future}, {future});
    EXPECT_EQ(by_card().answer.verdict.cause, OutcomeCode::cause_unregistered);
    EXPECT_EQ(look_up(today).answer.verdict.cause, OutcomeCode::cause_no_match);
    EXPECT_EQ(look_up(starts.plus_days(-1)).answer.verdict.cause, OutcomeCode::cause_no_match);
    const Answer ahead = look_up(starts).answer;
    EXPECT_EQ(ahead.verdict.result, ResultCode::valid);

    // The employer takes it back before it began.
    auto taken_back = future;
    taken_back.state = State::void_;
    const std::int64_t news = tell({taken_back}, {taken_back});
    EXPECT_EQ(look_up(starts).answer.verdict.cause, OutcomeCode::cause_no_match);
    expect_reproduced(ahead, news, again_by_number);
}

}  // namespace
}  // namespace onshi::eligibility
