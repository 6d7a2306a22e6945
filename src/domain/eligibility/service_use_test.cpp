// Registering the use of a card, cancelling it, and the certificate on paper that this makes due.
#include "domain/coverage/means_proof.h"
#include "domain/coverage/service_paper.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/check_fixture.h"
#include "domain/eligibility/rules_use.h"

namespace onshi::eligibility {
namespace {

using cards::UseState;
using coverage::MeansReport;
using coverage::PaperReason;
using organisations::Role;

const InsurerNumber insurer = *InsurerNumber::parse("06010391");

class UseTest : public CheckTest {
  protected:
    Result<UseChange> use(Purpose purpose, std::uint32_t card = 0x01000001) {
        const auto wish = signed_for(purpose, card);
        return run_to_end(service_->change_use(terminal_, wish->check, soon()));
    }
    std::unique_ptr<Signed> signed_for(Purpose purpose, std::uint32_t card = 0x01000001) {
        auto made = sign(card);
        made->challenge = challenge(purpose);
        made->check.purpose = purpose;
        resign(*made);
        return made;
    }
    cards::UseRegistration stored(std::int64_t person) {
        sql::ReadBatch batch;
        const auto found = cards::load_use_registration(batch, PersonKey(person));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return found ? *found : cards::UseRegistration();
    }
    std::vector<coverage::PaperOrder> orders() {
        coverage::PaperService service(*database_, clock_, random_);
        return run_to_end(service.list(insurer, CoverageKey(0), soon()))->orders;
    }
    MeansReport prove(std::size_t persons_per_pass = 1'000) {
        coverage::ProofOptions options;
        options.day = today;
        options.persons_per_pass = persons_per_pass;
        auto report = run_to_end(coverage::prove_means(*database_, clock_, options));
        EXPECT_TRUE(report) << report.error().detail;
        return *report;
    }
    Result<UseState> issue(std::int64_t record, Date valid_to) {
        coverage::PaperService service(*database_, clock_, random_);
        return run_to_end(service.issued(insurer, CoverageKey(record), valid_to, {.reference = "sato"}, soon()));
    }
    static CardOrder card(std::uint32_t serial, UseState use = UseState::registered) {
        CardOrder order;
        order.serial = serial;
        order.use = use;
        return order;
    }
    static std::vector<Coverage> insured_as(std::int64_t key) {
        return {coverage_of(key, State::active, Date::of(2024, 4, 1), Date::open_end)};
    }
};

TEST_F(UseTest, each_channel_registers_through_its_own_role_and_no_other_terminal_does) {
    const std::pair<Role, cards::Channel> channels[]{{Role::check_card, cards::Channel::kiosk},
                                                     {Role::portal, cards::Channel::portal},
                                                     {Role::bank_machine, cards::Channel::bank_machine},
                                                     {Role::municipal_desk, cards::Channel::municipality}};
    std::int64_t person = 7;
    std::uint32_t serial = 0x01000001;
    for (const auto& [role, channel] : channels) {
        terminal_.roles = organisations::bit(role);
        EXPECT_EQ(channel_of(terminal_), channel);
        add_person(person, card(serial, UseState::none), insured_as(person));
        const auto done = use(Purpose::register_use, serial);
        ASSERT_TRUE(done) << done.error().detail;
        EXPECT_TRUE(done->changed);
        EXPECT_EQ(stored(person).state, UseState::registered);
        ++person;
        ++serial;
    }
    for (const Role role : {Role::check_number, Role::card_desk, Role::administer, Role::send_members}) {
        terminal_.roles = organisations::bit(role);
        EXPECT_EQ(use(Purpose::ask_use).error().code, ErrorCode::role_missing);
    }
    terminal_.roles = organisations::bit(Role::portal);
    EXPECT_EQ(refused(*sign(0x01000001)), ErrorCode::role_missing) << "the portal checks nobody";
}

TEST_F(UseTest, the_same_wish_again_changes_nothing_and_a_signature_counts_once) {
    add_person(7, card(0x01000001, UseState::none), insured());
    const auto wish = signed_for(Purpose::register_use);
    const auto first = run_to_end(service_->change_use(terminal_, wish->check, soon()));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->changed);
    const auto again = run_to_end(service_->change_use(terminal_, wish->check, soon()));
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_FALSE(again->changed);
    EXPECT_EQ(again->state, UseState::registered);
    const auto anew = use(Purpose::register_use);
    EXPECT_FALSE(anew->changed) << "registered already";
    ASSERT_TRUE(use(Purpose::cancel_use_now));
    EXPECT_EQ(run_to_end(service_->change_use(terminal_, wish->check, soon())).error().code, ErrorCode::challenge_used)
        << "an old signature does not bring it back";
    EXPECT_EQ(stored(7).state, UseState::cancelled);
}

TEST_F(UseTest, a_wish_is_no_check_and_a_check_no_wish) {
    add_person(7, {}, insured());
    EXPECT_EQ(refused(*signed_for(Purpose::register_use)), ErrorCode::challenge_invalid);
    const auto plain = sign(0x01000001);
    EXPECT_EQ(run_to_end(service_->change_use(terminal_, plain->check, soon())).error().code,
              ErrorCode::challenge_invalid);
    // Signed for one wish, sent as another.
    const auto wish = signed_for(Purpose::ask_use);
    wish->check.purpose = Purpose::cancel_use_now;
    EXPECT_EQ(run_to_end(service_->change_use(terminal_, wish->check, soon())).error().code,
              ErrorCode::challenge_invalid);
    EXPECT_EQ(stored(7).state, UseState::registered);
}

TEST_F(UseTest, a_cancellation_waits_for_its_certificate_and_the_card_works_until_then) {
    add_person(7, {}, insured());
    const auto asked = use(Purpose::cancel_use);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->state, UseState::cancel_requested);
    ASSERT_TRUE(check(*sign(0x01000001)));
    const auto due = orders();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].coverage, CoverageKey(1));
    EXPECT_EQ(due[0].reason, PaperReason::cancelled);
    EXPECT_EQ(prove().without, 0U);
    for (const Date wrong : {today.plus_days(-1), today.plus_months_clamped(60).plus_days(1)}) {
        EXPECT_EQ(issue(1, wrong).error().code, ErrorCode::field_range);
    }
    EXPECT_EQ(issue(99, today).error().code, ErrorCode::use_no_order);
    EXPECT_EQ(*issue(1, today.plus_months_clamped(60)), UseState::cancelled);
    EXPECT_EQ(*issue(1, today.plus_months_clamped(60)), UseState::cancelled) << "again";
    EXPECT_EQ(stored(7).state, UseState::cancelled);
    EXPECT_TRUE(orders().empty());
    const auto given = check(*sign(0x01000001));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::none) << "no insurance card any more";
    const MeansReport report = prove();
    EXPECT_EQ(report.by_paper, 1U);
    EXPECT_EQ(report.without, 0U);
}

TEST_F(UseTest, registering_again_withdraws_the_cancellation_and_its_order) {
    add_person(7, {}, insured());
    ASSERT_TRUE(use(Purpose::cancel_use));
    ASSERT_EQ(orders().size(), 1U);
    ASSERT_TRUE(use(Purpose::register_use));
    EXPECT_TRUE(orders().empty());
    EXPECT_EQ(issue(1, today).error().code, ErrorCode::use_no_order);
    EXPECT_EQ(stored(7).state, UseState::registered);
}

TEST_F(UseTest, a_blocked_person_looks_as_if_never_registered) {
    CardOrder order = card(0x01000001, UseState::registered);
    order.protection.self_information_blocked = true;
    add_person(7, order, insured());
    add_person(8, card(0x01000002, UseState::none), insured_as(8));
    for (const Purpose purpose : {Purpose::ask_use, Purpose::cancel_use, Purpose::cancel_use_now}) {
        const auto blocked = use(purpose);
        const auto never = use(purpose, 0x01000002);
        ASSERT_EQ(blocked.has_value(), never.has_value());
        if (!blocked) EXPECT_EQ(blocked.error().code, never.error().code);
        if (blocked) EXPECT_EQ(blocked->state, never->state);
    }
    EXPECT_EQ(use(Purpose::register_use)->state, UseState::none);
    EXPECT_EQ(stored(7).state, UseState::registered) << "unchanged underneath";
    EXPECT_TRUE(orders().empty());
}

TEST_F(UseTest, an_insurer_cancels_what_came_on_paper) {
    add_person(7, {}, insured());
    const auto number = *InsuredSymbolNumber::parse("１２", "3456");
    coverage::PaperService service(*database_, clock_, random_);
    const auto cancel = [&](Date birth, cards::UseWish wish) {
        const coverage::MemberName member{insurer, number, BranchNumber::from_value(1), birth};
        return run_to_end(service.cancel(member, wish, {.reference = "sato"}, soon()));
    };
    EXPECT_EQ(cancel(Date::of(1985, 4, 13), cards::UseWish::cancel).error().code, ErrorCode::use_no_record);
    const auto asked = cancel(Date::of(1985, 4, 12), cards::UseWish::cancel);
    ASSERT_TRUE(asked) << asked.error().detail;
    EXPECT_EQ(asked->state, UseState::cancel_requested);
    EXPECT_EQ(orders().size(), 1U);
    EXPECT_FALSE(cancel(Date::of(1985, 4, 12), cards::UseWish::cancel)->changed);
    EXPECT_EQ(cancel(Date::of(1985, 4, 12), cards::UseWish::cancel_now)->state, UseState::cancelled);
    EXPECT_EQ(orders().size(), 1U) << "the certificate is owed all the more";
}

TEST_F(UseTest, the_proof_finds_everybody_without_a_means_in_passes_of_any_size) {
    struct Case {
        CardOrder order;
        std::optional<PaperReason> owed;
        bool without;
    };
    CardOrder expired = card(0x01000010);
    expired.last_day = Date::of(2026, 1, 31);
    CardOrder grace = card(0x01000011);
    grace.last_day = Date::of(2026, 10, 31);
    CardOrder revoked = card(0x01000012);
    revoked.status = cards::CertificateStatus::revoked;
    CardOrder blocked = card(0x01000013);
    blocked.protection.self_information_blocked = true;
    const Case cases[]{{card(0x01000014), std::nullopt, false},
                       {expired, PaperReason::certificate_expired, true},
                       {grace, PaperReason::certificate_expired, false},
                       {revoked, PaperReason::card_unusable, true},
                       {blocked, PaperReason::protected_, true},
                       {card(0x01000015, UseState::none), PaperReason::not_registered, true},
                       {card(0x01000016, UseState::cancelled), PaperReason::cancelled, true}};
    std::int64_t person = 100;
    MeansReport expected;
    for (const Case& one : cases) {
        add_person(person, one.order, insured_as(person));
        ++expected.insured;
        if (one.without) ++expected.without;
        if (!one.without) ++expected.by_card;
        if (one.owed) ++expected.owed[static_cast<std::size_t>(*one.owed) - 1];
        ++person;
    }
    // Not insured today: nobody owes them anything.
    add_person(person, card(0x01000017, UseState::none),
               {coverage_of(person, State::active, Date::of(2020, 1, 1), Date::of(2026, 11, 22))});
    add_person(person + 1, card(0x01000018, UseState::none),
               {coverage_of(person + 1, State::withheld, Date::of(2020, 1, 1), Date::open_end)});
    for (const std::size_t per_pass : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100}}) {
        const MeansReport report = prove(per_pass);
        EXPECT_EQ(report.insured, expected.insured) << per_pass;
        EXPECT_EQ(report.by_card, expected.by_card) << per_pass;
        EXPECT_EQ(report.without, expected.without) << per_pass;
        EXPECT_EQ(report.owed, expected.owed) << per_pass;
        EXPECT_EQ(orders().size(), 6U) << per_pass;
    }
    // Somebody registers: the order falls with the next proof, and comes again with the reason.
    ASSERT_TRUE(use(Purpose::register_use, 0x01000015));
    EXPECT_EQ(orders().size(), 5U);
    sql::WriteSet set(sql::Store::ledger);
    coverage::open_order(set,
                         {.insurer = insurer, .coverage = CoverageKey(100), .person = PersonKey(100), .since = {}});
    write(std::move(set));
    EXPECT_EQ(orders().size(), 6U);
    EXPECT_EQ(prove(2).orders_fallen, 1U);
    EXPECT_EQ(orders().size(), 5U);
}

TEST_F(UseTest, a_proof_that_is_stopped_says_so_and_changes_nothing_half) {
    for (std::int64_t person = 1; person <= 5; ++person) {
        add_person(person, card(0x01000020 + static_cast<std::uint32_t>(person), UseState::none), insured_as(person));
    }
    coverage::ProofOptions options;
    options.day = today;
    options.stop = [] { return true; };
    const auto report = run_to_end(coverage::prove_means(*database_, clock_, options));
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->complete);
    EXPECT_TRUE(orders().empty());
}

}  // namespace
}  // namespace onshi::eligibility
