// The check as a whole on a temporary SQLite: real certificates, real signatures, real audit records.
#include "domain/eligibility/service.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "domain/audit/chain.h"
#include "domain/audit/service.h"
#include "domain/audit/store.h"
#include "domain/cards/service.h"
#include "domain/consent/store.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/test_ca.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/sqlite_database.h"

namespace onshi::eligibility {
namespace {

using coverage::Coverage;
using coverage::State;
using organisations::Method;
using sql::Store;

constexpr std::int64_t epoch = 1;
const Instant nine_o_clock = start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9);
const Date today = Date::of(2026, 11, 23);

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part : {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(),
                            identity::migrations(), cards::migrations(), coverage::migrations(), consent::migrations(),
                            migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

// Made once: RSA keys are slow to make. A test JPKI, one card key, and their certificate maker.
struct World {
    pki::TestJpki jpki = pki::TestJpki::create(nine_o_clock);
    pki::KeyPool keys = *pki::KeyPool::generate(2);
    pki::HmacKey row_key = *pki::HmacKey::create(std::array<std::uint8_t, 32>{9});

    [[nodiscard]] std::string certificate(std::uint32_t serial, Date last_day) const {
        pki::CardCertificateOrder order;
        order.serial = serial;
        order.subject_name = "ABCDEFGHIJKLMNOPQRSTUVW";
        order.not_before = nine_o_clock - std::chrono::hours(24 * 300);
        order.not_after = not_after(last_day);
        order.prefecture = "Tokyo";
        order.municipality = "Kakuu-shi";
        return *ca().issue(order, keys.public_key(0));
    }
    [[nodiscard]] static Instant not_after(Date last_day) {
        return start_of_japan_day(last_day.plus_days(1)) - std::chrono::seconds(1);
    }
    [[nodiscard]] const pki::TestCa& ca() const { return jpki.auth_ca(jpki.generation_at(nine_o_clock)); }
};

const World& world() {
    static const World made;
    return made;
}

enum class KeyState : std::uint8_t { stored, not_seen };

struct CardOrder {
    std::uint32_t serial = 0x01000001;
    Date last_day = Date::of(2030, 1, 1);
    KeyState key = KeyState::stored;
    cards::UseState use = cards::UseState::registered;
    cards::CertificateStatus status = cards::CertificateStatus::good;
    identity::Protection protection;
};

class CheckTest : public testing::Test {
  protected:
    CheckTest() {
        std::string name = std::filesystem::temp_directory_path() / "onshi-check-XXXXXX";
        options_.folder = mkdtemp(name.data());
        options_.vfs = sql::FaultVfs::instance().name();
        EXPECT_TRUE(sql::migrate(options_, steps()));
        auto opened = sql::open_sqlite(options_, steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        terminal_.key = TerminalKey(5);
        terminal_.roles = organisations::bit(organisations::Role::check_card) |
                          organisations::bit(organisations::Role::check_number);
        terminal_.methods = organisations::bit(Method::pin) | organisations::bit(Method::visual);
        terminal_.state = organisations::TerminalState::active;
        terminal_.organisation.key = OrganisationKey(11);
        terminal_.organisation.code = FacilityCode::parse("1310123458")->to_key();
        std::vector<Challenges::LiveKey> live;
        live.push_back({1, *pki::HmacKey::create(std::array<std::uint8_t, 32>{1})});
        challenges_.emplace(std::move(live));
        auto authorities = cards::Authorities::create(
            world().jpki.auth_store(),
            {{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}}, epoch);
        EXPECT_TRUE(authorities);
        authorities_.emplace(std::move(*authorities));
        status_sources_.replace({{cards::ca_number(world().ca().id()), nine_o_clock - std::chrono::hours(1)}});
        const CheckParts parts{*database_, clock_, random_, *authorities_, world().row_key, *challenges_, status_sources_};
        service_.emplace(parts, CheckSettings{"hub-test", 3});
    }
    ~CheckTest() override {
        sql::FaultVfs::instance().set(sql::FaultVfs::Fault::none);
        service_.reset();
        database_.reset();
        std::filesystem::remove_all(options_.folder);
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }

    void write(sql::WriteSet set) {
        auto committed = run_to_end(database_->commit(std::move(set), soon()));
        ASSERT_TRUE(committed) << committed.error().detail;
    }

    static Coverage coverage_of(std::int64_t key, State state, Date from, Date to) {
        Coverage c{.key = CoverageKey(key), .insurer = *InsurerNumber::parse("06010391"), .symbol = "１２",
                   .number = "3456", .branch = BranchNumber::from_value(1), .acquired_on = from, .valid_to = to,
                   .state = state, .copay_percent = 30, .limit_category = "A03", .file_day = Date::of(2026, 11, 22)};
        c.known_from = 1;
        return c;
    }

    // A person with a card; every fact goes into the stores as the loader would write it.
    void add_person(std::int64_t person, const CardOrder& order, const std::vector<Coverage>& coverages) {
        identity::Person who{.key = PersonKey(person), .name = "髙橋󠄀 美咲", .kana = "タカハシ ミサキ",
                             .birth = Date::of(1985, 4, 12), .sex = Sex::female, .address = "東京都架空市1-2-3",
                             .protection = order.protection};
        sql::WriteSet registry(Store::registry);
        identity::put_section(registry, who.key, identity::Section::identity, identity::pack(who));
        identity::put_section(registry, who.key, identity::Section::coverage, coverage::pack_all(coverages));
        for (const auto& c : coverages) {
            const auto insured = InsuredSymbolNumber::parse(c.symbol, c.number);
            registry.change(coverage::insert_coverage_number, c.insurer.to_key(), insured->number.comparison(),
                            insured->symbol.comparison(), c.branch ? c.branch->value() : -1, person, c.key.value());
        }
        cards::Card card{.key = {cards::ca_number(world().ca().id()), serial(order.serial)}, .not_after = {},
                         .public_key = {}, .tag = {}};
        card.person = who.key;
        card.not_after = World::not_after(order.last_day);
        if (order.key == KeyState::stored) card.public_key = as_text(world().keys.public_key(0).stored());
        const Sha256 tag = cards::card_tag(world().row_key, card, epoch);
        const bool keyed = order.key == KeyState::stored;
        registry.change(cards::insert_card, card.key.ca_id, sql::Blob{as_text(card.key.serial.bytes())}, person,
                        order.status, card.not_after.us,
                        keyed ? std::optional(sql::Blob{card.public_key}) : std::optional<sql::Blob>(),
                        keyed ? std::optional(sql::Blob{as_text(tag)}) : std::optional<sql::Blob>(), 1);
        write(std::move(registry));
        if (order.use == cards::UseState::none) return;
        sql::WriteSet ledger(Store::ledger);
        ledger.change(cards::insert_registration, person, order.use, nine_o_clock.us, cards::Channel::load, 1);
        write(std::move(ledger));
    }

    static CertificateSerial serial(std::uint32_t number) {
        std::string bytes;
        ByteWriter writer(bytes);
        writer.u32(number);
        return *CertificateSerial::from_magnitude(as_bytes(bytes));
    }

    // A request with everything it points to.
    struct Signed {
        std::string challenge;
        std::string authority;
        std::string signature;
        std::string certificate;
        CardCheck check;
    };

    std::string challenge(Purpose purpose = Purpose::check) {
        return challenges_->issue(terminal_.key, purpose, clock_.now(), random_).text;
    }

    std::unique_ptr<Signed> sign(std::uint32_t number, Method method = Method::pin, std::string_view who = {}) {
        auto made = std::unique_ptr<Signed>(new Signed{
            .challenge = challenge(), .authority = world().ca().certificate().subject_key_id, .signature = {},
            .certificate = {},
            .check = {.id = CheckId::make(random_), .challenge = {}, .method = method, .care_day = today,
                      .operator_reference = who, .visual_reason = who.empty() ? "" : "reader_height",
                      .authority_key_id = {}, .serial = serial(number), .signature = {}, .certificate = {}}});
        resign(*made);
        return made;
    }

    void resign(Signed& made) {
        const std::string id = made.check.id.text();
        const std::string facility = terminal_.organisation.code_text();
        const std::string terminal = terminal_.id();
        SignedLines lines;
        lines.hub_id = "hub-test";
        lines.facility = facility;
        lines.terminal = terminal;
        lines.challenge = made.challenge;
        lines.purpose = to_string(made.check.purpose);
        lines.method = organisations::to_string(made.check.method);
        lines.care_day = made.check.care_day;
        lines.operator_reference = made.check.operator_reference;
        lines.check_id = id;
        const Sha256 digest = sha256(as_bytes(to_text(lines)));
        made.signature = as_text(*world().keys.key(0).sign_pkcs1(digest));
        made.check.challenge = made.challenge;
        made.check.authority_key_id = made.authority;
        made.check.signature = made.signature;
        made.check.certificate = made.certificate;
    }

    Result<GivenAnswer> check(const Signed& made) {
        return run_to_end(service_->check_by_card(terminal_, made.check, soon()));
    }
    ErrorCode refused(const Signed& made) {
        const auto given = check(made);
        EXPECT_FALSE(given);
        return given ? ErrorCode::internal_unexpected : given.error().code;
    }
    std::uint64_t records() {
        auto report = run_to_end(audit::verify(*database_, {}));
        EXPECT_TRUE(report);
        EXPECT_FALSE(report->finding);
        return report->records;
    }
    NumberCheck by_number(std::string_view number = "3456") {
        return {CheckId::make(random_), today, *InsurerNumber::parse("06010391"),
                *InsuredSymbolNumber::parse("12", number), std::nullopt, Date::of(1985, 4, 12)};
    }
    static std::vector<Coverage> insured() {
        return {coverage_of(1, State::active, Date::of(2024, 4, 1), Date::open_end)};
    }

    sql::SqliteOptions options_;
    ManualClock clock_{nine_o_clock};
    SeededRandom random_{42};
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{0, "hub-test"};
    std::unique_ptr<sql::Database> database_;
    organisations::Terminal terminal_;
    std::optional<Challenges> challenges_;
    std::optional<cards::Authorities> authorities_;
    StatusSources status_sources_;
    std::optional<CheckService> service_;
};

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
    EXPECT_EQ(spoil([&](Signed& r) { r.signature[10] = static_cast<char>(r.signature[10] ^ 1); r.check.signature = r.signature; }),
              ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.algorithm = pki::SignatureAlgorithm::rsa_pss_sha256; }), ErrorCode::signature_invalid);
    EXPECT_EQ(spoil([&](Signed& r) { r.check.algorithm = pki::SignatureAlgorithm::ecdsa_p384_sha384; }), ErrorCode::signature_algorithm);
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
    cards::Card card{.key = {cards::ca_number(world().ca().id()), serial(0x01000001)}, .not_after = {}, .public_key = {},
                     .tag = {}};
    card.version = 1;
    cards::store_card_key(forged, card, as_text(world().keys.public_key(1).stored()), World::not_after(today), "no tag");
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
    status_sources_.replace({{cards::ca_number(world().ca().id()), nine_o_clock - std::chrono::hours(24)}});
    EXPECT_EQ(check(*sign(0x01000001))->answer.verdict.medical, MedicalData::available) << "24 hours are fresh";
    status_sources_.replace({{cards::ca_number(world().ca().id()), nine_o_clock - std::chrono::hours(24) - std::chrono::seconds(1)}});
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
    EXPECT_EQ(run_to_end(service_->check_by_number(terminal_, by_number("99"), soon())).error().code, ErrorCode::check_misses);
    clock_.advance(std::chrono::hours(1));
    EXPECT_TRUE(run_to_end(service_->check_by_number(terminal_, by_number("99"), soon())));
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
    EXPECT_EQ(run_to_end(service_->record_consents(terminal_, {0, none->position.sequence}, choices, soon())).error().code,
              ErrorCode::consent_not_available);
    clock_.advance(std::chrono::minutes(10) + std::chrono::seconds(1));
    EXPECT_EQ(run_to_end(service_->record_consents(terminal_, {0, given->position.sequence}, choices, soon())).error().code,
              ErrorCode::consent_window);
}

TEST_F(CheckTest, no_answer_leaves_when_its_record_cannot_be_written_and_checks_resume_with_space) {
    add_person(7, {}, insured());
    const auto request = sign(0x01000001);
    sql::FaultVfs::instance().set(sql::FaultVfs::Fault::disk_full);
    EXPECT_EQ(refused(*request), ErrorCode::store_full);
    sql::FaultVfs::instance().set(sql::FaultVfs::Fault::none);
    const auto given = check(*request);
    ASSERT_TRUE(given) << "the same check again succeeds";
    EXPECT_FALSE(given->repeated);
    EXPECT_EQ(records(), 1U);
}

}  // namespace
}  // namespace onshi::eligibility
