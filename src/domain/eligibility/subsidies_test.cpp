// What a check tells of limits, diseases and subsidies, what is chosen afterwards, and the book of monthly caps.
#include "domain/eligibility/subsidies.h"

#include <array>
#include <thread>

#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

using payments::Yen;

constexpr std::int64_t person = 7;

payments::SubsidyCertificate subsidy(std::int64_t key, std::string_view payer, std::optional<Yen> cap,
                                     const char* municipality = "131016") {
    return {.key = payments::CertificateKey(key),
            .payer = *PublicPayerNumber::parse(payer),
            .recipient = "0123455",
            .name = "架空助成",
            .municipality = *payments::MunicipalityCode::parse(municipality),
            .valid = {Date::of(2026, 4, 1), Date::of(2027, 3, 31)},
            .monthly_cap = cap};
}

payments::Holdings held() {
    const InsurerNumber insurer = *InsurerNumber::parse("06010391");
    const auto active = payments::CertificateState::active;
    payments::Holdings holdings;
    holdings.limits.push_back({payments::CertificateKey(1),
                               active,
                               insurer,
                               payments::LimitCertificateKind::limit,
                               Date::of(2026, 8, 1),
                               {Date::of(2026, 8, 1), Date::of(2027, 7, 31)},
                               std::nullopt});
    holdings.diseases.push_back({payments::CertificateKey(2),
                                 active,
                                 insurer,
                                 payments::SpecificDisease::renal_failure,
                                 Date::of(2026, 4, 1),
                                 {Date::of(2026, 4, 1), Date::open_end},
                                 Yen(10'000)});
    holdings.subsidies = {subsidy(3, "83136010", std::nullopt), subsidy(4, "54136015", Yen(5'000), "130001"),
                          subsidy(5, "80137151", std::nullopt, "131024")};
    return holdings;
}

payments::MunicipalTable municipalities() {
    const DateRange connected{Date::of(2026, 4, 1), Date::open_end};
    payments::LocalOrdinance child{83, "架空助成", {}};
    child.terms.days = connected;
    child.terms.age_to = 18;
    std::vector<payments::Municipality> list{
        {*payments::MunicipalityCode::parse("131016"), "東京都架空市", connected, {child}},
        {*payments::MunicipalityCode::parse("131024"), "東京都隣市"},
        {*payments::MunicipalityCode::parse("130001"), "東京都", connected, {}}};
    return *payments::MunicipalTable::make(std::move(list));
}

class SubsidiesTest : public CheckTest {
  protected:
    SubsidiesTest() { municipal_ = municipalities(); }
    void hold(const payments::Holdings& holdings) {
        sql::WriteSet set(Store::registry);
        payments::put_holdings(set, PersonKey(person), holdings, std::nullopt);
        write(std::move(set));
    }
    // A check of the person by card; who asked may choose afterwards.
    GivenAnswer checked() {
        auto given = check(*sign(0x01000001));
        EXPECT_TRUE(given) << error_name(given.error().code);
        return std::move(*given);
    }
    static audit::Place place(const GivenAnswer& given) { return {given.position.lane, given.position.sequence}; }
    Subsidies service() { return {*database_, clock_, random_, &municipal_}; }
    Result<SubsidiesChosen> choose(const GivenAnswer& given, std::vector<int> offers) {
        auto subsidies = service();
        return run_to_end(subsidies.choose(terminal_, place(given), std::move(offers), soon()));
    }
    Result<PaymentPosted> post(const GivenAnswer& given, const PaymentToPost& payment) {
        auto subsidies = service();
        return run_to_end(subsidies.post(terminal_, place(given), payment, soon()));
    }
    Result<PaymentPosted> reverse(const GivenAnswer& given, const CheckId& id) {
        auto subsidies = service();
        return run_to_end(subsidies.reverse(terminal_, place(given), id, soon()));
    }
    PaymentToPost payment(std::int64_t share, std::optional<int> offer = 1) {
        return {CheckId::make(random_), offer, payments::Setting::outpatient, Yen(share)};
    }
    static ErrorCode code(const auto& result) { return result ? ErrorCode::internal_unexpected : result.error().code; }
};

TEST_F(SubsidiesTest, a_card_is_told_limit_and_offers_and_no_disease) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    const auto& told = given.answer.entitlements;
    EXPECT_EQ(told.limit_shown, LimitShown::shown);
    EXPECT_TRUE(told.limit.has_value());
    EXPECT_EQ(told.knowledge, payments::SubsidyKnowledge::known);
    // In the order of payers; that of a municipality which is not connected is not offered.
    ASSERT_EQ(told.subsidies.size(), 2U);
    EXPECT_EQ(told.subsidies[0].payer.law_code(), 54);
    EXPECT_EQ(told.subsidies[1].payer.law_code(), 83);
    // In the record for a consent, and out with it only.
    EXPECT_EQ(told.diseases.size(), 1U);
    auto consents = run_to_end(service_->record_consents(
        terminal_, place(given), {{consent::Item::specific_disease, consent::Choice::agreed}}, soon()));
    ASSERT_TRUE(consents);
    EXPECT_EQ(consents->diseases.size(), 1U);
    const auto again = checked();
    auto refused = run_to_end(service_->record_consents(
        terminal_, place(again), {{consent::Item::specific_disease, consent::Choice::refused}}, soon()));
    ASSERT_TRUE(refused) << error_name(refused.error().code) << " " << refused.error().detail;
    EXPECT_TRUE(refused->diseases.empty());
}

TEST_F(SubsidiesTest, an_answer_comes_back_from_its_record_as_it_was) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    const auto unpacked = unpack(pack(given.answer));
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->entitlements, given.answer.entitlements);
    const std::string bytes = pack(given.answer);
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(unpack(bytes.substr(0, size))) << size;
    // Records of before know nothing of certificates.
    Answer plain = given.answer;
    plain.entitlements = {};
    std::string older = pack(plain);
    older.resize(older.size() - 3);
    older[0] = 2;
    ASSERT_TRUE(unpack(older));
    EXPECT_EQ(unpack(older)->entitlements, Entitlements());
}

TEST_F(SubsidiesTest, a_municipality_that_is_not_connected_is_unknown) {
    municipal_ = {};
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    EXPECT_EQ(given.answer.entitlements.knowledge, payments::SubsidyKnowledge::unknown);
    EXPECT_TRUE(given.answer.entitlements.subsidies.empty());
    EXPECT_EQ(code(choose(given, {1})), ErrorCode::subsidy_not_offered);
}

TEST_F(SubsidiesTest, by_number_the_limit_needs_a_recorded_consent) {
    add_person(person, {}, insured());
    hold(held());
    const auto silent = run_to_end(service_->check_by_number(terminal_, by_number(), soon()));
    ASSERT_TRUE(silent);
    EXPECT_EQ(silent->answer.entitlements.limit_shown, LimitShown::kept_back);
    EXPECT_TRUE(silent->answer.verdict.coverage->limit_category.empty());
    EXPECT_FALSE(silent->answer.entitlements.limit);
    EXPECT_EQ(silent->answer.entitlements.knowledge, payments::SubsidyKnowledge::not_asked);
    auto agreed = by_number();
    agreed.limit_consent = true;
    const auto told = run_to_end(service_->check_by_number(terminal_, agreed, soon()));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->answer.verdict.coverage->limit_category, "A03");
    EXPECT_TRUE(told->answer.entitlements.limit);
    EXPECT_TRUE(told->answer.entitlements.diseases.empty());
    EXPECT_TRUE(told->answer.entitlements.subsidies.empty());
    sql::ReadBatch batch;
    const auto consents =
        consent::load_consents(batch, PersonKey(person), terminal_.organisation.key, Instant{nine_o_clock.us - 1});
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    ASSERT_EQ(consents.size(), 1U);
    EXPECT_EQ(consents[0].item, consent::Item::limit_certificate);
    EXPECT_EQ(consents[0].choice, consent::Choice::agreed);
    // The same id with another consent is another look-up.
    agreed.limit_consent = false;
    EXPECT_EQ(code(run_to_end(service_->check_by_number(terminal_, agreed, soon()))), ErrorCode::challenge_used);
}

TEST_F(SubsidiesTest, a_limit_that_is_kept_back_says_nothing_of_whether_there_is_one) {
    auto none = insured();
    none[0].limit_category.clear();
    add_person(person, {}, none);
    const auto given = run_to_end(service_->check_by_number(terminal_, by_number(), soon()));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.entitlements.limit_shown, LimitShown::kept_back);
}

TEST_F(SubsidiesTest, nothing_is_told_of_who_has_no_valid_coverage_or_is_undisclosed) {
    CardOrder blocked;
    blocked.protection.self_information_blocked = true;
    add_person(person, blocked, insured());
    hold(held());
    EXPECT_EQ(checked().answer.entitlements, Entitlements());
}

TEST_F(SubsidiesTest, a_deferred_check_is_coverage_only) {
    add_person(person, {}, insured());
    hold(held());
    auto made = sign(0x01000001);
    made->check.purpose = Purpose::deferred;
    made->challenge = challenge(Purpose::deferred);
    resign(*made);
    const auto given = check(*made);
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.entitlements.knowledge, payments::SubsidyKnowledge::not_asked);
    EXPECT_TRUE(given->answer.entitlements.diseases.empty());
}

TEST_F(SubsidiesTest, what_was_chosen_is_told_in_full_once_and_the_same_again_when_repeated) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    const auto before = records();
    const auto chosen = choose(given, {2, 1});
    ASSERT_TRUE(chosen) << error_name(chosen.error().code);
    ASSERT_EQ(chosen->chosen.size(), 2U);
    EXPECT_EQ(chosen->chosen[0].certificate.payer.text(), "54136015");
    ASSERT_TRUE(chosen->chosen[0].book);
    EXPECT_EQ(chosen->chosen[0].book->remaining, Yen(5'000));
    EXPECT_EQ(chosen->chosen[0].ordinance, nullptr);
    // The ordinance is for children, and the person is 41.
    ASSERT_NE(chosen->chosen[1].ordinance, nullptr);
    EXPECT_EQ(chosen->chosen[1].answer, payments::SubsidyAnswer::other_age);
    EXPECT_FALSE(chosen->chosen[1].book);
    EXPECT_EQ(records(), before + 1);
    const auto again = choose(given, {1, 2});
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->position.sequence, chosen->position.sequence);
    EXPECT_EQ(again->position.hash, chosen->position.hash);
    EXPECT_EQ(records(), before + 1);
    EXPECT_EQ(code(choose(given, {1})), ErrorCode::subsidy_chosen);
}

TEST_F(SubsidiesTest, choices_have_their_terminal_their_time_and_their_offers) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    EXPECT_EQ(code(choose(given, {3})), ErrorCode::subsidy_not_offered);
    const TerminalKey own = terminal_.key;
    terminal_.key = TerminalKey(6);
    EXPECT_EQ(code(choose(given, {1})), ErrorCode::check_receipt);
    terminal_.key = own;
    terminal_.organisation.key = OrganisationKey(12);
    EXPECT_EQ(code(choose(given, {1})), ErrorCode::check_receipt);
    terminal_.organisation.key = OrganisationKey(11);
    clock_.set(nine_o_clock + choice_window);
    const auto last = choose(given, {});
    ASSERT_TRUE(last) << "at the end of the window";
    EXPECT_TRUE(last->chosen.empty());
    clock_.set(nine_o_clock);
    const auto late = checked();
    clock_.set(nine_o_clock + choice_window + std::chrono::microseconds(1));
    EXPECT_EQ(code(choose(late, {1})), ErrorCode::subsidy_window);
}

TEST_F(SubsidiesTest, a_months_cap_holds_over_all_visits) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    ASSERT_TRUE(choose(given, {1}));
    const auto first = post(given, payment(3'000));
    ASSERT_TRUE(first) << error_name(first.error().code);
    EXPECT_EQ(first->collect, Yen(3'000));
    EXPECT_EQ(first->book->remaining, Yen(2'000));
    const auto second = post(given, payment(3'000));
    EXPECT_EQ(second->collect, Yen(2'000));
    EXPECT_EQ(second->book->remaining, Yen(0));
    const auto third = post(given, payment(3'000));
    EXPECT_EQ(third->collect, Yen(0));
    // Everything that was paid counts for the year, ウ has a ceiling of 530,000.
    EXPECT_EQ(third->year.all.paid, Yen(5'000));
    EXPECT_EQ(third->year.all.ceiling, Yen(530'000));
    EXPECT_EQ(third->year.from, Date::of(2026, 8, 1));
    // Another facility sees the same book.
    terminal_.organisation.key = OrganisationKey(12);
    terminal_.key = TerminalKey(8);
    const auto elsewhere = checked();
    const auto chosen = choose(elsewhere, {1});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->chosen.at(0).book->paid, Yen(5'000));
}

// 償還払い: the municipality pays back what the counter collected.
TEST_F(SubsidiesTest, a_refund_only_subsidy_is_collected_in_full) {
    add_person(person, {}, insured());
    auto holdings = held();
    holdings.subsidies[1].refund_only = true;
    hold(holdings);
    const auto given = checked();
    ASSERT_TRUE(choose(given, {1}));
    EXPECT_EQ(post(given, payment(8'000))->collect, Yen(8'000));
}

TEST_F(SubsidiesTest, of_two_certificates_of_a_programme_the_chosen_one_counts) {
    add_person(person, {}, insured());
    auto holdings = held();
    holdings.subsidies.push_back(subsidy(6, "54136015", Yen(30'000), "130001"));
    hold(holdings);
    const auto given = checked();
    ASSERT_TRUE(choose(given, {2}));
    const auto posted = post(given, payment(8'000, 2));
    ASSERT_TRUE(posted) << error_name(posted.error().code);
    EXPECT_EQ(posted->collect, Yen(8'000));
    EXPECT_EQ(posted->book->cap, Yen(30'000));
    EXPECT_EQ(posted->book->remaining, Yen(22'000));
}

TEST_F(SubsidiesTest, a_posting_counts_once_and_is_taken_back_once) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    ASSERT_TRUE(choose(given, {1}));
    const auto one = payment(4'000);
    const auto first = post(given, one);
    ASSERT_TRUE(first);
    const auto records_before = records();
    const auto again = post(given, one);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->collect, Yen(4'000));
    EXPECT_EQ(again->position.sequence, first->position.sequence);
    EXPECT_EQ(again->book->paid, Yen(4'000));
    auto other = one;
    other.share = Yen(1);
    EXPECT_EQ(code(post(given, other)), ErrorCode::payments_posting_used);
    EXPECT_EQ(records(), records_before);

    const auto taken_back = reverse(given, one.id);
    ASSERT_TRUE(taken_back) << error_name(taken_back.error().code);
    EXPECT_TRUE(taken_back->reversed);
    EXPECT_EQ(taken_back->book->paid, Yen(0));
    EXPECT_EQ(taken_back->year.all.paid, Yen(0));
    const auto once_more = reverse(given, one.id);
    ASSERT_TRUE(once_more);
    EXPECT_TRUE(once_more->repeated);
    EXPECT_EQ(once_more->book->paid, Yen(0));
    // The id stays used.
    const auto posted_again = post(given, one);
    ASSERT_TRUE(posted_again);
    EXPECT_TRUE(posted_again->reversed);
    EXPECT_EQ(posted_again->collect, Yen(0)) << "it stands in no book";
    EXPECT_EQ(posted_again->book->paid, Yen(0));
    EXPECT_EQ(code(reverse(given, CheckId::make(random_))), ErrorCode::payments_posting_unknown);
}

TEST_F(SubsidiesTest, a_posting_needs_its_choice_a_cap_and_its_time) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    EXPECT_EQ(code(post(given, payment(100))), ErrorCode::subsidy_not_chosen);
    ASSERT_TRUE(choose(given, {2}));
    EXPECT_EQ(code(post(given, payment(100, 1))), ErrorCode::subsidy_not_chosen);
    EXPECT_EQ(code(post(given, payment(100, 2))), ErrorCode::payments_cap_missing);
    EXPECT_EQ(code(post(given, payment(100, 3))), ErrorCode::subsidy_not_offered);
    // Without a subsidy it only counts for the year.
    const auto plain = post(given, payment(100, std::nullopt));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->collect, Yen(100));
    EXPECT_FALSE(plain->book);
    EXPECT_EQ(plain->year.all.paid, Yen(100));
    clock_.set(start_of_japan_day(Date::of(2027, 1, 1)) - std::chrono::microseconds(1));
    EXPECT_TRUE(post(given, payment(100, std::nullopt)));
    clock_.set(start_of_japan_day(Date::of(2027, 1, 1)));
    EXPECT_EQ(code(post(given, payment(100, std::nullopt))), ErrorCode::payments_posting_window);
    terminal_.organisation.key = OrganisationKey(12);
    EXPECT_EQ(code(post(given, payment(100, std::nullopt))), ErrorCode::check_receipt);
    EXPECT_EQ(code(reverse(given, CheckId::make(random_))), ErrorCode::check_receipt);
}

TEST_F(SubsidiesTest, a_ceiling_that_was_passed_is_told_and_not_deducted) {
    add_person(person, {}, insured());
    const auto given = checked();
    const auto dear = post(given, payment(600'000, std::nullopt));
    ASSERT_TRUE(dear);
    EXPECT_FALSE(dear->year.all.passed()) << "the month's own benefit comes first";
    EXPECT_TRUE(dear->year.all.perhaps_passed());
    sql::WriteSet set(Store::ledger);
    for (int ago = 1; ago <= 3; ++ago) {
        const payments::BookPlace month{payments::all_payments, Date::of(2026, 11, 1).plus_months_clamped(-ago)};
        payments::write_page(set, PersonKey(person), month, {Yen(300'000), 0});
    }
    write(std::move(set));
    const auto year = post(given, payment(10'000, std::nullopt));
    ASSERT_TRUE(year);
    EXPECT_EQ(year->collect, Yen(10'000));
    EXPECT_EQ(year->year.all.paid, Yen(1'510'000));
    EXPECT_FALSE(year->year.all.passed()) << "three months at the limit and a reduced one";
}

TEST_F(SubsidiesTest, outpatient_payments_have_a_ceiling_of_their_own_from_seventy_on) {
    auto elderly = insured();
    elderly[0].limit_category = "B04";
    elderly[0].copay_percent = 20;
    add_person(person, {}, elderly);
    const auto given = checked();
    auto ward = payment(50'000, std::nullopt);
    ward.setting = payments::Setting::inpatient;
    const auto inpatient = post(given, ward);
    ASSERT_TRUE(inpatient);
    EXPECT_EQ(inpatient->year.outpatient.paid, Yen(0));
    EXPECT_EQ(inpatient->year.outpatient.ceiling, Yen(216'000));
    const auto visit = payment(220'000, std::nullopt);
    const auto beyond = post(given, visit);
    ASSERT_TRUE(beyond);
    EXPECT_EQ(beyond->year.outpatient.paid, Yen(220'000));
    EXPECT_EQ(beyond->year.outpatient.refund_at_most, Yen(4'000));
    EXPECT_EQ(beyond->year.all.paid, Yen(270'000));
    EXPECT_FALSE(beyond->year.all.passed());
    const auto taken_back = reverse(given, visit.id);
    ASSERT_TRUE(taken_back);
    EXPECT_EQ(taken_back->year.outpatient.paid, Yen(0));
    EXPECT_EQ(taken_back->year.all.paid, Yen(50'000));
    ASSERT_TRUE(reverse(given, ward.id));
    // The same payment for another setting is another one.
    ward.setting = payments::Setting::outpatient;
    EXPECT_EQ(code(post(given, ward)), ErrorCode::payments_posting_used);
}

// Two counters at one moment: each posts what it was asked to, and the month's cap holds.
TEST_F(SubsidiesTest, postings_at_once_do_not_pass_the_cap) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    ASSERT_TRUE(choose(given, {1}));
    constexpr std::size_t counters = 4;
    std::array<std::optional<Yen>, counters> collected;
    std::vector<PaymentToPost> payments;
    for (std::size_t i = 0; i < counters; ++i) payments.push_back(payment(2'000));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < counters; ++i) {
        threads.emplace_back([&, i] {
            SystemRandom random;
            Subsidies own(*database_, clock_, random, &municipal_);
            const auto posted = run_to_end(own.post(terminal_, place(given), payments[i], soon()));
            if (posted) collected[i] = posted->collect;
        });
    }
    for (auto& thread : threads) thread.join();
    Yen sum;
    for (const auto& each : collected) {
        ASSERT_TRUE(each.has_value());
        sum += *each;
    }
    EXPECT_EQ(sum, Yen(5'000));
}

TEST_F(SubsidiesTest, nothing_is_told_when_it_cannot_be_recorded) {
    add_person(person, {}, insured());
    hold(held());
    const auto given = checked();
    stores_.fill_disk();
    EXPECT_FALSE(choose(given, {1}));
    EXPECT_FALSE(post(given, payment(100, std::nullopt)));
    stores_.make_space();
    EXPECT_TRUE(choose(given, {1}));
    EXPECT_EQ(post(given, payment(100))->book->paid, Yen(100));
}

}  // namespace
}  // namespace onshi::eligibility
