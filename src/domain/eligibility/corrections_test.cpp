// Who was told otherwise, and how often a facility hears of it.
#include "domain/eligibility/corrections.h"

#include "domain/coverage/store_intake.h"
#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

constexpr std::int64_t person = 7;
constexpr std::uint32_t card = 0x01000001;

class CorrectionsTest : public CheckTest {
  protected:
    CorrectionsTest() { add_person(person, {}, insured()); }
    // One commit of the registry: from now on the person's records are these.
    void become(const std::vector<Coverage>& records, std::int64_t of = person) {
        clock_.advance(std::chrono::seconds(1));
        sql::WriteSet set(Store::registry);
        identity::put_section(set, PersonKey(of), identity::Section::coverage, coverage::pack_all(records));
        coverage::add_change(set, PersonKey(of), clock_.now());
        write(std::move(set));
    }
    static std::vector<Coverage> lost_on(Date last) {
        auto records = insured();
        records.front().valid_to = last;
        return records;
    }
    CorrectionRun run(std::chrono::seconds settle = std::chrono::seconds(0)) {
        Corrections corrections(*database_, clock_);
        const auto done = run_to_end(corrections.run(settle, soon()));
        EXPECT_TRUE(done) << done.error().detail;
        return done ? *done : CorrectionRun();
    }
    std::vector<CorrectionEvent> events() {
        Corrections corrections(*database_, clock_);
        const auto listed = run_to_end(corrections.list(terminal_.organisation.key, 0, soon()));
        EXPECT_TRUE(listed) << listed.error().detail;
        return listed ? *listed : std::vector<CorrectionEvent>();
    }
};

TEST_F(CorrectionsTest, whose_records_changed_twice_before_the_comparison_is_corrected_once) {
    ASSERT_EQ(check(*sign(card))->answer.verdict.result, ResultCode::valid);
    become(lost_on(today.plus_days(-20)));
    become(lost_on(today.plus_days(-10)));
    const CorrectionRun done = run();
    EXPECT_EQ(done.changes, 2U);
    EXPECT_EQ(done.corrections, 1U);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].told, ResultCode::valid);
    EXPECT_EQ(told[0].now, ResultCode::invalid);
    EXPECT_EQ(run().corrections, 0U);
}

TEST_F(CorrectionsTest, each_of_several_answers_is_corrected_once) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(check(*sign(card)));
    for (int days = 1; days <= 4; ++days) become(lost_on(today.plus_days(-days)));
    EXPECT_EQ(run().corrections, 3U);
    const auto told = events();
    ASSERT_EQ(told.size(), 3U);
    EXPECT_TRUE(told[0].answer != told[1].answer && told[1].answer != told[2].answer &&
                told[0].answer != told[2].answer);
}

TEST_F(CorrectionsTest, whose_loss_was_taken_back_before_the_comparison_is_not_corrected) {
    ASSERT_TRUE(check(*sign(card)));
    become(lost_on(today.plus_days(-20)));
    become(insured());
    EXPECT_EQ(run().corrections, 0U);
    EXPECT_TRUE(events().empty());
}

TEST_F(CorrectionsTest, a_second_change_behind_a_correction_is_a_second_correction) {
    ASSERT_TRUE(check(*sign(card)));
    become(lost_on(today.plus_days(-20)));
    EXPECT_EQ(run().corrections, 1U);
    become(insured());
    EXPECT_EQ(run().corrections, 1U);
    const auto told = events();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].told, ResultCode::invalid);
    EXPECT_EQ(told[1].now, ResultCode::valid);
    EXPECT_EQ(told[1].hint, ClaimHint::covered);
}

TEST_F(CorrectionsTest, a_change_that_has_not_settled_waits_and_holds_back_those_behind_it) {
    ASSERT_TRUE(check(*sign(card)));
    become(lost_on(today.plus_days(-20)));
    clock_.advance(correction_settle - std::chrono::seconds(1));
    EXPECT_EQ(run(correction_settle).changes, 0U);
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(run(correction_settle).corrections, 1U);
}

}  // namespace
}  // namespace onshi::eligibility
