// What a check by card makes of lists of revoked certificates, of renewals, and of a responder that is away.
#include "domain/cards/status.h"

#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

using pki::RevocationReason;

constexpr std::uint32_t known = 0x01000001;
constexpr std::uint32_t renewed = 0x01000002;
constexpr std::uint32_t third = 0x01000003;

class CardStatusTest : public CheckTest {
  protected:
    struct Entry {
        std::uint32_t serial;
        RevocationReason reason;
    };
    std::string list(std::uint64_t number, const std::vector<Entry>& entries, Instant issued_at) {
        std::vector<pki::RevokedEntry> revoked;
        revoked.reserve(entries.size());
        for (const auto& entry : entries) {
            revoked.push_back({std::string(as_text(serial(entry.serial).bytes())), entry.reason, nine_o_clock});
        }
        return world().ca().make_crl(revoked, number, issued_at, issued_at + std::chrono::hours(24));
    }
    Result<cards::TakenOver> take_over(const std::string& der) {
        auto read = cards::read_status_list(as_bytes(der), *authorities_, clock_.now());
        if (!read) return fail(std::move(read));
        audit::AuditedChanges changes(*database_, clock_, random_);
        cards::StatusService service(*database_, changes);
        auto taken = run_to_end(service.take_over(*read, {}));
        sql::ReadBatch batch;
        const auto sources = cards::load_status_sources(batch);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        status_sources_.replace(sources.get());
        return taken;
    }
    Result<cards::TakenOver> take_over(std::uint64_t number, const std::vector<Entry>& entries) {
        return take_over(list(number, entries, clock_.now()));
    }
    void renew(std::uint32_t from, std::uint32_t to, Instant valid_from) {
        sql::WriteSet registry(Store::registry);
        registry.change(cards::insert_renewal, ca_id(), sql::Blob{as_text(serial(from).bytes())}, ca_id(),
                        sql::Blob{as_text(serial(to).bytes())}, valid_from.us);
        write(std::move(registry));
    }
    // A check that brings the certificate along.
    Result<GivenAnswer> check_first(std::uint32_t number, Date last_day = Date::of(2030, 1, 1)) {
        auto request = sign(number);
        request->certificate = world().certificate(number, last_day);
        request->check.certificate = request->certificate;
        return check(*request);
    }
    ErrorCode refused_first(std::uint32_t number) {
        const auto given = check_first(number);
        return given ? ErrorCode::internal_unexpected : given.error().code;
    }
};

TEST_F(CardStatusTest, a_revoked_certificate_is_refused_from_the_next_list_on) {
    add_person(7, {}, insured());
    ASSERT_TRUE(check(*sign(known)));
    const auto taken = take_over(1, {{known, RevocationReason::key_compromise}});
    ASSERT_TRUE(taken) << taken.error().detail;
    EXPECT_EQ(taken->changed, 1U);
    EXPECT_EQ(refused(*sign(known)), ErrorCode::card_revoked);
    EXPECT_TRUE(take_over(2, {}));
    EXPECT_EQ(refused(*sign(known)), ErrorCode::card_revoked) << "revoked for good, listed or not";
}

TEST_F(CardStatusTest, a_hold_suspends_until_a_list_releases_it) {
    add_person(7, {}, insured());
    ASSERT_TRUE(take_over(1, {{known, RevocationReason::certificate_hold}}));
    EXPECT_EQ(refused(*sign(known)), ErrorCode::card_suspended);
    const auto released = take_over(2, {});
    ASSERT_TRUE(released);
    EXPECT_EQ(released->released, 1U);
    EXPECT_TRUE(check(*sign(known)));
}

TEST_F(CardStatusTest, a_superseded_certificate_has_its_own_answer) {
    add_person(7, {}, insured());
    ASSERT_TRUE(take_over(1, {{known, RevocationReason::superseded}}));
    EXPECT_EQ(refused(*sign(known)), ErrorCode::card_renewed);
}

TEST_F(CardStatusTest, a_listed_certificate_that_no_card_has_is_refused_too) {
    ASSERT_TRUE(take_over(1, {{third, RevocationReason::cessation_of_operation}}));
    EXPECT_EQ(refused_first(third), ErrorCode::card_revoked);
}

TEST_F(CardStatusTest, an_older_list_is_refused_and_the_same_changes_nothing) {
    const std::string five = list(5, {{known, RevocationReason::key_compromise}}, clock_.now());
    ASSERT_TRUE(take_over(five));
    const auto before = records();
    const auto again = take_over(five);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->news, cards::ListNews::already_known);
    const auto older = take_over(4, {});
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, ErrorCode::revocation_stale);
    const auto outdated = take_over(list(6, {}, clock_.now() - std::chrono::hours(48)));
    ASSERT_FALSE(outdated);
    EXPECT_EQ(outdated.error().code, ErrorCode::revocation_stale);
    EXPECT_EQ(records(), before);
}

TEST_F(CardStatusTest, freshness_comes_back_with_a_list) {
    add_person(7, {}, insured());
    clock_.advance(std::chrono::hours(24 * 3));
    const auto on_day = [&] {
        auto request = sign(known);
        request->check.care_day = japan_day(clock_.now());
        resign(*request);
        return check(*request)->answer.verdict.medical;
    };
    EXPECT_EQ(on_day(), MedicalData::card_status_old);
    ASSERT_TRUE(take_over(1, {}));
    EXPECT_EQ(on_day(), MedicalData::available);
}

TEST_F(CardStatusTest, a_long_list_is_written_in_parts_and_its_date_comes_last) {
    std::vector<Entry> entries;
    const std::uint32_t many = 2 * cards::listed_per_page_max + 7;
    entries.reserve(many);
    for (std::uint32_t i = 0; i < many; ++i)
        entries.push_back({0x02000000 + 3 * i, RevocationReason::certificate_hold});
    auto read = cards::read_status_list(as_bytes(list(1, entries, clock_.now())), *authorities_, clock_.now());
    ASSERT_TRUE(read);
    audit::AuditedChanges changes(*database_, clock_, random_);
    cards::StatusService service(*database_, changes);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(run_to_end(service.take_over(*read, stop.get_token())).error().code, ErrorCode::deadline_passed);
    EXPECT_FALSE(status_sources_.is_fresh(ca_id(), clock_.now() + std::chrono::hours(30)));
    const auto taken = run_to_end(service.take_over(*read, {}));
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->changed, many);
    // Every second one is released, some stay, some come.
    std::vector<Entry> next;
    for (std::uint32_t i = 0; i < many; i += 2) next.push_back(entries[i]);
    for (std::uint32_t i = 0; i < 10; ++i) next.push_back({0x02000001 + 3 * i, RevocationReason::superseded});
    const auto second = take_over(2, next);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->changed, 10U);
    EXPECT_EQ(second->released, many / 2);
    const auto third_time = take_over(3, next);
    ASSERT_TRUE(third_time);
    EXPECT_EQ(third_time->changed + third_time->released, 0U);
    const auto report = run_to_end(audit::verify(*database_, {}));
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->finding);
}

TEST_F(CardStatusTest, a_renewed_card_is_answered_at_its_first_use_and_known_afterwards) {
    add_person(7, {}, insured());
    renew(known, renewed, nine_o_clock - std::chrono::hours(1));
    EXPECT_EQ(refused(*sign(renewed)), ErrorCode::certificate_needed);
    const auto first = check_first(renewed);
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_EQ(first->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(first->answer.person->key, PersonKey(7));
    EXPECT_EQ(store_seen(), 1U);
    EXPECT_TRUE(check(*sign(renewed))) << "now without a certificate";
}

TEST_F(CardStatusTest, a_chain_of_renewals_is_followed_and_a_loop_is_refused) {
    add_person(7, {}, insured());
    constexpr std::uint32_t fourth = 0x01000004;
    renew(known, renewed, nine_o_clock - std::chrono::hours(3));
    renew(renewed, third, nine_o_clock - std::chrono::hours(2));
    renew(third, fourth, nine_o_clock - std::chrono::hours(1));
    const auto given = check_first(fourth);
    ASSERT_TRUE(given) << given.error().detail;
    EXPECT_EQ(given->answer.person->key, PersonKey(7));
    renew(0x01000006, 0x01000005, nine_o_clock);
    renew(0x01000005, 0x01000006, nine_o_clock);
    EXPECT_EQ(refused_first(0x01000005), ErrorCode::certificate_renewal_cycle);
}

TEST_F(CardStatusTest, nobody_on_file_offers_no_registration) {
    add_person(7, {}, insured());
    renew(known, renewed, clock_.now() + std::chrono::hours(1));
    for (const std::uint32_t number : {renewed, third}) {
        const auto given = check_first(number);
        ASSERT_TRUE(given) << given.error().detail;
        EXPECT_EQ(given->answer.verdict.result, ResultCode::none);
        EXPECT_EQ(given->answer.verdict.cause, OutcomeCode::cause_card_unknown);
        EXPECT_FALSE(given->answer.person);
        for (const auto& step : given->answer.verdict.next) EXPECT_NE(step.code, OutcomeCode::next_register_card);
    }
    EXPECT_EQ(store_seen(), 0U);
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(check_first(renewed)->answer.verdict.result, ResultCode::valid) << "the renewal is in force";
}

TEST_F(CardStatusTest, a_suspension_of_the_old_or_the_new_certificate_stops_the_renewed_card) {
    add_person(7, {}, insured());
    renew(known, renewed, nine_o_clock - std::chrono::hours(1));
    cards::SuspensionService suspension(*database_, clock_, random_);
    const audit::Actor desk{OrganisationKey(1), TerminalKey(1), "-"};
    for (const std::uint32_t number : {known, renewed}) {
        const auto change = [&](cards::SuspensionWish wish) {
            const auto changed = run_to_end(suspension.apply(card_key(number), wish, desk, soon()));
            return changed && changed->position.sequence > 0;
        };
        EXPECT_TRUE(change(cards::SuspensionWish::suspend));
        EXPECT_EQ(refused_first(renewed), ErrorCode::card_suspended);
        EXPECT_TRUE(change(cards::SuspensionWish::resume));
        EXPECT_TRUE(check_first(renewed));
    }
}

TEST_F(CardStatusTest, a_phone_has_no_grace_even_when_its_key_is_stored) {
    start({{std::string(pki::policy_card_authentication), pki::ExpiryGrace::none}});
    add_person(7, {.key = KeyState::not_seen, .protection = {}}, insured());
    ASSERT_TRUE(check_first(known, today));
    ASSERT_EQ(store_seen(), 1U);
    ASSERT_TRUE(check(*sign(known)));
    clock_.advance(std::chrono::hours(24));
    auto tomorrow = sign(known);
    tomorrow->check.care_day = today.plus_days(1);
    resign(*tomorrow);
    EXPECT_EQ(refused(*tomorrow), ErrorCode::card_expired);
}

TEST_F(CardStatusTest, a_deferred_check_is_judged_by_the_day_of_the_visit) {
    add_person(7, {.last_day = Date::of(2026, 8, 31), .protection = {}}, insured());  // usable to 2026-11-30
    clock_.advance(std::chrono::hours(24 * 7));                                       // 2026-11-30
    auto request = sign(known);
    request->check.purpose = Purpose::deferred;
    request->challenge = challenge(Purpose::deferred);
    request->check.care_day = Date::of(2026, 11, 30);
    resign(*request);
    clock_.advance(std::chrono::hours(24));
    const auto given = check(*request);
    ASSERT_TRUE(given) << error_name(given.error().code);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.verdict.medical, MedicalData::certificate_grace);
}

TEST_F(CardStatusTest, a_deferred_check_tells_why_it_gives_no_medical_data) {
    add_person(7, {}, insured());
    auto request = sign(known);
    request->check.purpose = Purpose::deferred;
    request->challenge = challenge(Purpose::deferred);
    resign(*request);
    const auto given = check(*request);
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.medical, MedicalData::deferred);
}

TEST_F(CardStatusTest, a_responder_is_asked_about_a_new_card_only_where_no_fresh_list_speaks) {
    add_person(7, {.key = KeyState::not_seen, .protection = {}}, insured());
    int asked = 0;
    const pki::OcspTransport away = [&asked](std::string, std::string, Deadline) -> Task<Result<std::string>> {
        ++asked;
        co_return fail(ErrorCode::peer_unavailable, "away");
    };
    const cards::OcspResponder responder(*authorities_, "http://ocsp.test/", away, clock_, random_);
    start({{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}}, &responder);
    EXPECT_EQ(check_first(known)->answer.verdict.medical, MedicalData::available);
    EXPECT_EQ(asked, 0);
    listed_as_of(nine_o_clock - std::chrono::hours(25));
    EXPECT_EQ(check_first(known)->answer.verdict.medical, MedicalData::card_status_old) << "nobody is refused for that";
    EXPECT_EQ(asked, 1);
    ASSERT_GT(store_seen(), 0U);
    EXPECT_TRUE(check(*sign(known)));
    EXPECT_EQ(asked, 1) << "a known card";
}

TEST_F(CardStatusTest, the_reason_of_a_visual_check_is_on_record) {
    add_person(7, {}, insured());
    sql::WriteSet account(Store::registry);
    account.change(organisations::insert_account, terminal_.organisation.key.value(), "sato", 1, 2);
    write(std::move(account));
    const auto given = check(*sign(known, Method::visual, "sato"));
    ASSERT_TRUE(given);
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, given->position.lane, given->position.sequence);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    const auto recorded = unpack(std::string_view(*record->payload).substr(audit::salt_bytes));
    ASSERT_TRUE(recorded);
    EXPECT_EQ(recorded->circumstance, "reader_height");
    EXPECT_EQ(refused(*sign(known, Method::pin, "nobody")), ErrorCode::account_unknown);
    EXPECT_TRUE(check(*sign(known, Method::pin, "sato")));
}

TEST_F(CardStatusTest, a_check_by_face_needs_an_admitted_engine) {
    add_person(7, {}, insured());
    terminal_.methods |= organisations::bit(Method::face);
    EXPECT_EQ(refused(*sign(known, Method::face)), ErrorCode::method_not_allowed);
    const auto by = [this](Method method, std::string_view engine) {
        auto made = sign(known, method);
        made->check.face_engine = engine;
        resign(*made);
        return made;
    };
    EXPECT_EQ(refused(*by(Method::face, "simulated")), ErrorCode::method_not_allowed);
    EXPECT_EQ(refused(*by(Method::pin, "acme-9")), ErrorCode::method_not_allowed) << "a PIN has no engine";
    const auto renamed = by(Method::face, "another");
    renamed->check.face_engine = "acme-9";
    EXPECT_EQ(refused(*renamed), ErrorCode::signature_invalid) << "the card signed another engine's name";
    const auto given = check(*by(Method::face, "acme-9"));
    ASSERT_TRUE(given);
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, given->position.lane, given->position.sequence);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    const auto recorded = unpack(std::string_view(*record->payload).substr(audit::salt_bytes));
    ASSERT_TRUE(recorded);
    EXPECT_EQ(recorded->circumstance, "acme-9");
    terminal_.methods &= ~organisations::bit(Method::face);
    EXPECT_EQ(refused(*by(Method::face, "acme-9")), ErrorCode::method_not_allowed);
}

}  // namespace
}  // namespace onshi::eligibility
