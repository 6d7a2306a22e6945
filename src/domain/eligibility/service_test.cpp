// The check as a whole on a temporary SQLite: real certificates, real signatures, real audit records.
#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

TEST_F(CheckTest, a_registered_card_becomes_an_explained_durable_answer) {
    add_person(7, {}, insured());
    const auto given = check(*sign(0x01000001));
    ASSERT_TRUE(given) << given.error().detail;
    const Answer& answer = given->answer;
    EXPECT_EQ(answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(answer.person->name, "髙橋󠄀 美咲");
    EXPECT_EQ(answer.verdict.coverage->insurer.issued(), "06010391");
    EXPECT_EQ(answer.verdict.medical, MedicalData::available);
    EXPECT_EQ(answer.known_seq, 1);
    EXPECT_EQ(given->position.sequence, 1);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CheckTest, the_same_check_again_gives_the_same_answer_and_no_second_record) {
    add_person(7, {}, insured());
    const auto request = sign(0x01000001);
    const auto first = check(*request);
    clock_.advance(std::chrono::minutes(3));
    const auto again = check(*request);
    ASSERT_TRUE(first && again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(pack(again->answer), pack(first->answer));
    EXPECT_EQ(again->position.hash, first->position.hash);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CheckTest, a_used_challenge_is_refused_for_another_check) {
    add_person(7, {}, insured());
    const auto request = sign(0x01000001);
    ASSERT_TRUE(check(*request));
    request->check.id = CheckId::make(random_);
    resign(*request);
    EXPECT_EQ(refused(*request), ErrorCode::challenge_used);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CheckTest, what_was_signed_cannot_be_changed_on_the_way) {
    add_person(7, {}, insured());
    const auto spoil = [&](auto edit) {
        auto request = sign(0x01000001);
        edit(*request);
        return refused(*request);
    };
    EXPECT_EQ(spoil([&](Signed& r) { r.check.id = CheckId::make(random_); }), ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.challenge = (r.challenge = challenge()); }), ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) {
                  r.signature[10] = static_cast<char>(r.signature[10] ^ 1);
                  r.check.signature = r.signature;
              }),
              ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.algorithm = pki::SignatureAlgorithm::rsa_pss_sha256; }),
              ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.algorithm = pki::SignatureAlgorithm::ecdsa_p384_sha384; }),
              ErrorCode::signature_algorithm);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.challenge = "AAAA"; }), ErrorCode::challenge_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.authority_key_id = "unknown"; }), ErrorCode::card_authority_unknown);
    EXPECT_EQ(records(), 0U);
}

TEST_F(CheckTest, a_challenge_of_another_terminal_or_purpose_or_time_is_refused) {
    add_person(7, {}, insured());
    auto request = sign(0x01000001);
    terminal_.key = TerminalKey(6);
    EXPECT_EQ(refused(*request), ErrorCode::challenge_invalid);
    terminal_.key = TerminalKey(5);
    request->check.purpose = Purpose::deferred;
    EXPECT_EQ(refused(*request), ErrorCode::challenge_invalid);
    request->check.purpose = Purpose::check;
    clock_.advance(challenge_life);
    EXPECT_EQ(refused(*request), ErrorCode::challenge_expired);
}

TEST_F(CheckTest, methods_and_roles_are_the_hubs_word) {
    add_person(7, {}, insured());
    EXPECT_EQ(refused(*sign(0x01000001, Method::face)), ErrorCode::method_not_allowed);
    terminal_.roles = 0;
    EXPECT_EQ(refused(*sign(0x01000001)), ErrorCode::role_missing);
}

TEST_F(CheckTest, another_care_day_than_today_is_refused_by_card) {
    add_person(7, {}, insured());
    auto request = sign(0x01000001);
    request->check.care_day = today.plus_days(-1);
    resign(*request);
    EXPECT_EQ(refused(*request), ErrorCode::check_care_day);
}

TEST_F(CheckTest, an_unseen_card_is_asked_for_its_certificate_once_and_then_known) {
    add_person(7, {.serial = 0x01000002, .key = KeyState::not_seen, .protection = {}}, insured());
    auto request = sign(0x01000002);
    EXPECT_EQ(refused(*request), ErrorCode::certificate_needed);
    request->certificate = world().certificate(0x01000002, Date::of(2030, 1, 1));
    request->check.certificate = request->certificate;
    const auto given = check(*request);
    ASSERT_TRUE(given) << error_name(given.error().code) << given.error().detail;
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(records(), 1U) << "the answer does not wait for the key to be stored";
    EXPECT_EQ(store_seen(), 1U);
    EXPECT_EQ(records(), 3U) << "the answer, the intent to store the key, its outcome";
    EXPECT_TRUE(check(*sign(0x01000002))) << "now without a certificate";
}

TEST_F(CheckTest, a_certificate_of_another_card_is_refused) {
    add_person(7, {.serial = 0x01000002, .key = KeyState::not_seen, .protection = {}}, insured());
    auto request = sign(0x01000002);
    request->certificate = world().certificate(0x01000009, Date::of(2030, 1, 1));
    request->check.certificate = request->certificate;
    EXPECT_EQ(refused(*request), ErrorCode::certificate_mismatch);
}

TEST_F(CheckTest, a_key_written_into_the_database_by_somebody_else_is_not_believed) {
    add_person(7, {}, insured());
    sql::WriteSet forged(Store::registry);
    cards::Card card{
        .key = {cards::ca_number(world().ca().id()), serial(0x01000001)}, .not_after = {}, .public_key = {}, .tag = {}};
    card.version = 1;
    card.not_after = World::not_after(today);
    card.public_key = as_text(pki::fixture_keys().public_key(another_key_index).stored());
    card.tag = "no tag";
    cards::store_seen_card(forged, card);
    write(std::move(forged));
    EXPECT_EQ(refused(*sign(0x01000001)), ErrorCode::certificate_needed);
}

TEST_F(CheckTest, an_unregistered_card_registers_on_the_spot_when_the_patient_agrees) {
    add_person(7, {.use = cards::UseState::none, .protection = {}}, insured());
    const auto offered = check(*sign(0x01000001));
    ASSERT_TRUE(offered);
    EXPECT_EQ(offered->answer.verdict.cause, OutcomeCode::cause_card_not_registered);
    EXPECT_FALSE(offered->answer.person);
    EXPECT_EQ(offered->answer.verdict.next.front().code, OutcomeCode::next_register_card);

    auto agreed = sign(0x01000001);
    agreed->check.registration = Registration::agreed;
    const auto registered = check(*agreed);
    ASSERT_TRUE(registered);
    EXPECT_EQ(registered->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(registered->answer.verdict.notes.front().code, OutcomeCode::note_registered_now);
    const auto later = check(*sign(0x01000001));
    ASSERT_TRUE(later);
    EXPECT_TRUE(later->answer.verdict.notes.empty()) << "registered before";
}

// design §9.10: by card exactly like an unregistered card whose registration is declined, whatever is asked.
TEST_F(CheckTest, a_blocked_person_answers_like_an_unregistered_card) {
    add_person(7, {.protection = {true, true}}, insured());
    add_person(8, {.serial = 0x01000002, .use = cards::UseState::none, .protection = {}}, insured());
    for (const auto wish : {Registration::not_asked, Registration::declined, Registration::agreed}) {
        auto blocked = sign(0x01000001);
        blocked->check.registration = wish;
        auto plain = sign(0x01000002);
        plain->check.registration = wish == Registration::agreed ? Registration::declined : wish;
        const auto a = check(*blocked);
        const auto b = check(*plain);
        ASSERT_TRUE(a && b);
        Answer left = a->answer;
        Answer right = b->answer;
        left.check_id = right.check_id;
        left.request_digest = right.request_digest;
        EXPECT_EQ(pack(left), pack(right));
    }
    const auto by_card = run_to_end(service_->check_by_number(terminal_, by_number(), soon()));
    ASSERT_TRUE(by_card);
    EXPECT_EQ(by_card->answer.verdict.result, ResultCode::several) << "by number they are two ordinary people";
}

TEST_F(CheckTest, suspended_revoked_and_expired_cards_are_refused) {
    add_person(1, {.serial = 0x01000011, .status = cards::CertificateStatus::suspended, .protection = {}}, insured());
    add_person(2, {.serial = 0x01000012, .status = cards::CertificateStatus::revoked, .protection = {}}, insured());
    add_person(3, {.serial = 0x01000013, .last_day = Date::of(2026, 7, 31), .protection = {}}, insured());
    add_person(4, {.serial = 0x01000014, .last_day = Date::of(2026, 8, 1), .protection = {}}, insured());
    EXPECT_EQ(refused(*sign(0x01000011)), ErrorCode::card_suspended);
    EXPECT_EQ(refused(*sign(0x01000012)), ErrorCode::card_revoked);
    EXPECT_EQ(refused(*sign(0x01000013)), ErrorCode::card_expired);
    const auto grace = check(*sign(0x01000014));
    ASSERT_TRUE(grace);
    EXPECT_EQ(grace->answer.verdict.medical, MedicalData::certificate_grace);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CheckTest, a_suspension_by_telephone_counts_for_the_next_check_and_can_be_lifted) {
    add_person(7, {}, insured());
    cards::SuspensionService suspension(*database_, clock_, random_);
    const CardKey key{cards::ca_number(world().ca().id()), serial(0x01000001)};
    const audit::Actor desk{OrganisationKey(1), TerminalKey(1), "-"};
    const auto change = [&](cards::SuspensionWish wish) {
        return run_to_end(suspension.apply(key, wish, desk, soon()));
    };
    EXPECT_TRUE(change(cards::SuspensionWish::suspend)->suspension.suspended);
    EXPECT_EQ(change(cards::SuspensionWish::suspend)->position.sequence, 0) << "already suspended";
    EXPECT_EQ(refused(*sign(0x01000001)), ErrorCode::card_suspended);
    EXPECT_FALSE(change(cards::SuspensionWish::resume)->suspension.suspended);
    EXPECT_TRUE(check(*sign(0x01000001)));
    const CardKey nobodys{key.ca_id, serial(0x0F000001)};
    EXPECT_EQ(run_to_end(suspension.apply(nobodys, cards::SuspensionWish::suspend, desk, soon())).error().code,
              ErrorCode::card_unknown);
}

TEST_F(CheckTest, an_old_status_list_leaves_coverage_and_closes_medical_data) {
    add_person(7, {}, insured());
    listed_as_of(nine_o_clock - std::chrono::hours(24));
    EXPECT_EQ(check(*sign(0x01000001))->answer.verdict.medical, MedicalData::available) << "24 hours are fresh";
    listed_as_of(nine_o_clock - std::chrono::hours(24) - std::chrono::seconds(1));
    EXPECT_EQ(check(*sign(0x01000001))->answer.verdict.medical, MedicalData::card_status_old);
}

TEST_F(CheckTest, a_visual_check_needs_an_account_and_its_budget) {
    add_person(7, {}, insured());
    EXPECT_EQ(refused(*sign(0x01000001, Method::visual)), ErrorCode::account_unknown);
    EXPECT_EQ(refused(*sign(0x01000001, Method::visual, "sato")), ErrorCode::account_unknown);
    sql::WriteSet account(Store::registry);
    account.change(organisations::insert_account, terminal_.organisation.key.value(), "sato", 1, 2);
    write(std::move(account));
    EXPECT_TRUE(check(*sign(0x01000001, Method::visual, "sato")));
    EXPECT_TRUE(check(*sign(0x01000001, Method::visual, "sato")));
    EXPECT_EQ(refused(*sign(0x01000001, Method::visual, "sato")), ErrorCode::account_visual_budget);
}

TEST_F(CheckTest, a_merged_person_is_found_under_the_current_key) {
    add_person(7, {}, insured());
    sql::WriteSet merge(Store::registry);
    static const sql::Statement alias("test.alias", Store::registry, sql::ShardKey::person,
                                      "INSERT INTO person_alias (person_key, current_key) VALUES ($1, $2)");
    static const sql::Statement drop("test.drop_now", Store::registry, sql::ShardKey::person,
                                     "UPDATE person_now SET person_key = $2 WHERE person_key = $1");
    merge.change(alias, 7, 70);
    merge.change(drop, 7, 70);
    write(std::move(merge));
    sql::WriteSet use(Store::ledger);
    use.change(cards::insert_registration, 70, cards::UseState::registered, nine_o_clock.us, cards::Channel::load, 1);
    write(std::move(use));
    const auto given = check(*sign(0x01000001));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.person->key, PersonKey(70));
}

TEST_F(CheckTest, by_number_finds_the_person_and_shows_no_address) {
    add_person(7, {}, insured());
    const auto given = run_to_end(service_->check_by_number(terminal_, by_number(), soon()));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_TRUE(given->answer.person->address.empty());
    auto other_branch = by_number();
    other_branch.branch = BranchNumber::from_value(9);
    const auto corrected = run_to_end(service_->check_by_number(terminal_, other_branch, soon()));
    ASSERT_TRUE(corrected);
    EXPECT_EQ(corrected->answer.verdict.notes.front().code, OutcomeCode::note_branch_corrected);
    auto other_birth = by_number();
    other_birth.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(run_to_end(service_->check_by_number(terminal_, other_birth, soon()))->answer.verdict.cause,
              OutcomeCode::cause_no_match);
}

TEST_F(CheckTest, by_number_the_same_check_id_repeats_and_another_content_conflicts) {
    add_person(7, {}, insured());
    auto terms = by_number();
    const auto first = run_to_end(service_->check_by_number(terminal_, terms, soon()));
    const auto again = run_to_end(service_->check_by_number(terminal_, terms, soon()));
    ASSERT_TRUE(first && again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(pack(first->answer), pack(again->answer));
    terms.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(run_to_end(service_->check_by_number(terminal_, terms, soon())).error().code, ErrorCode::challenge_used);
    EXPECT_EQ(records(), 1U);
}

TEST_F(CheckTest, misses_by_number_have_a_budget_per_hour) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(run_to_end(service_->check_by_number(terminal_, by_number("99"), soon())));
    }
    EXPECT_EQ(run_to_end(service_->check_by_number(terminal_, by_number("99"), soon())).error().code,
              ErrorCode::check_misses);
    clock_.advance(std::chrono::hours(1));
    EXPECT_TRUE(run_to_end(service_->check_by_number(terminal_, by_number("99"), soon())));
}

TEST_F(CheckTest, who_finds_many_by_number_may_miss_more) {
    add_person(7, {}, insured());
    for (int i = 0; i < finds_per_extra_miss - 1; ++i) {
        EXPECT_TRUE(run_to_end(service_->check_by_number(terminal_, by_number(), soon())));
    }
    const auto misses = [&] {
        int answered = 0;
        while (run_to_end(service_->check_by_number(terminal_, by_number("99"), soon()))) ++answered;
        return answered;
    };
    EXPECT_EQ(misses(), 3) << "one find short of an extra miss";
    clock_.advance(std::chrono::hours(1));
    for (int i = 0; i < finds_per_extra_miss; ++i) {
        EXPECT_TRUE(run_to_end(service_->check_by_number(terminal_, by_number(), soon())));
    }
    EXPECT_EQ(misses(), 4);
}

TEST_F(CheckTest, consents_come_once_within_ten_minutes_from_the_same_terminal) {
    add_person(7, {}, insured());
    const auto given = check(*sign(0x01000001));
    ASSERT_TRUE(given);
    const audit::Place place{given->position.lane, given->position.sequence};
    const std::vector<consent::ItemChoice> choices{{consent::Item::medicines, consent::Choice::agreed},
                                                   {consent::Item::visits, consent::Choice::refused}};
    const auto record = [&](const std::vector<consent::ItemChoice>& wanted) {
        return run_to_end(service_->record_consents(terminal_, place, wanted, soon()));
    };
    terminal_.key = TerminalKey(6);
    EXPECT_EQ(record(choices).error().code, ErrorCode::check_receipt);
    terminal_.key = TerminalKey(5);
    clock_.advance(std::chrono::minutes(10));
    const auto first = record(choices);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->consents[0].expires_at, clock_.now() + std::chrono::hours(24));
    clock_.advance(std::chrono::minutes(1));
    const auto again = record(choices);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->consents[0].given_at, first->consents[0].given_at);
    EXPECT_EQ(record({{consent::Item::medicines, consent::Choice::refused}}).error().code, ErrorCode::consent_given);
    EXPECT_EQ(records(), 2U);
}

TEST_F(CheckTest, late_consents_and_those_without_data_are_refused) {
    add_person(7, {}, insured());
    add_person(8, {.serial = 0x01000002, .protection = {}}, {});
    const auto given = check(*sign(0x01000001));
    const auto none = check(*sign(0x01000002));
    ASSERT_TRUE(given && none);
    const std::vector<consent::ItemChoice> choices{{consent::Item::medicines, consent::Choice::agreed}};
    EXPECT_EQ(
        run_to_end(service_->record_consents(terminal_, {0, none->position.sequence}, choices, soon())).error().code,
        ErrorCode::consent_not_available);
    clock_.advance(std::chrono::minutes(10) + std::chrono::seconds(1));
    EXPECT_EQ(
        run_to_end(service_->record_consents(terminal_, {0, given->position.sequence}, choices, soon())).error().code,
        ErrorCode::consent_window);
}

TEST_F(CheckTest, no_answer_leaves_when_its_record_cannot_be_written_and_checks_resume_with_space) {
    add_person(7, {}, insured());
    const auto request = sign(0x01000001);
    stores_.fill_disk();
    EXPECT_EQ(refused(*request), ErrorCode::store_full);
    stores_.make_space();
    const auto given = check(*request);
    ASSERT_TRUE(given) << "the same check again succeeds";
    EXPECT_FALSE(given->repeated);
    EXPECT_EQ(records(), 1U);
}

}  // namespace
}  // namespace onshi::eligibility
