#pragma once

// For tests of this folder only: a check as a whole on temporary stores, with real certificates and signatures.
#include <filesystem>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/service.h"
#include "domain/audit/store.h"
#include "domain/cards/service.h"
#include "domain/cards/status.h"
#include "domain/consent/store.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/service.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/test_fixtures.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::eligibility {

using coverage::Coverage;
using coverage::State;
using organisations::Method;
using sql::Store;

inline constexpr std::int64_t epoch = 1;
inline const Instant nine_o_clock = start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9);
inline const Date today = Date::of(2026, 11, 23);

inline std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part :
         {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(), identity::migrations(),
          cards::migrations(), coverage::migrations(), payments::migrations(), consent::migrations(), migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

// The fixed keys after those of the JPKI.
inline constexpr std::uint64_t card_key_index = 6;
inline constexpr std::uint64_t another_key_index = 7;

// A test JPKI on fixed keys, and its certificate maker.
struct World {
    pki::TestJpki jpki = pki::TestJpki::create(nine_o_clock, pki::fixture_keys());
    pki::HmacKey row_key = *pki::HmacKey::create(std::array<std::uint8_t, 32>{9});

    [[nodiscard]] std::string certificate(std::uint32_t serial, Date last_day) const {
        pki::CardCertificateOrder order;
        order.serial = serial;
        order.subject_name = "ABCDEFGHIJKLMNOPQRSTUVW";
        order.not_before = nine_o_clock - std::chrono::hours(24 * 300);
        order.not_after = not_after(last_day);
        order.prefecture = "Tokyo";
        order.municipality = "Kakuu-shi";
        return *ca().issue(order, pki::fixture_keys().public_key(card_key_index));
    }
    [[nodiscard]] static Instant not_after(Date last_day) {
        return start_of_japan_day(last_day.plus_days(1)) - std::chrono::seconds(1);
    }
    [[nodiscard]] const pki::TestCa& ca() const { return jpki.auth_ca(jpki.generation_at(nine_o_clock)); }
};

inline const World& world() {
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
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        terminal_.key = TerminalKey(5);
        terminal_.roles =
            organisations::bit(organisations::Role::check_card) | organisations::bit(organisations::Role::check_number);
        terminal_.methods = organisations::bit(Method::pin) | organisations::bit(Method::visual);
        terminal_.state = organisations::TerminalState::active;
        terminal_.organisation.key = OrganisationKey(11);
        terminal_.organisation.code = FacilityCode::parse("1310123458")->to_key();
        std::vector<Challenges::LiveKey> live;
        live.push_back({1, *pki::HmacKey::create(std::array<std::uint8_t, 32>{1})});
        challenges_.emplace(std::move(live));
        listed_as_of(nine_o_clock - std::chrono::hours(1));
        start({{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}});
    }
    // A hub that accepts these policies and, if any, asks this responder.
    void start(std::vector<pki::AcceptedPolicy> policies, const cards::OcspResponder* ocsp = nullptr) {
        service_.reset();
        auto authorities = cards::Authorities::create(world().jpki.auth_store(), std::move(policies), epoch);
        ASSERT_TRUE(authorities);
        authorities_.emplace(std::move(*authorities));
        const CheckParts parts{*database_,   clock_,          random_,     *authorities_, world().row_key,
                               *challenges_, status_sources_, seen_cards_, ocsp,          &municipal_};
        service_.emplace(parts, CheckSettings{"hub-test", 3, {"acme-9"}});
    }
    ~CheckTest() override {
        service_.reset();
        database_.reset();
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }

    void listed_as_of(Instant at) {
        cards::StatusSource source;
        source.ca_id = ca_id();
        source.as_of = at;
        status_sources_.replace({source});
    }
    static std::int32_t ca_id() { return cards::ca_number(world().ca().id()); }
    static CardKey card_key(std::uint32_t number) { return {ca_id(), serial(number)}; }
    // What the hub does between two checks.
    std::size_t store_seen() {
        audit::AuditedChanges changes(*database_, clock_, random_);
        const auto seen = seen_cards_.take();
        for (const auto& card : seen) {
            const auto stored = run_to_end(cards::store_seen(changes, card, soon()));
            // A card that was seen twice before its key was stored is stored once.
            EXPECT_TRUE(stored || stored.error().code == ErrorCode::store_conflict);
        }
        return seen.size();
    }

    void write(sql::WriteSet set) {
        auto committed = run_to_end(database_->commit(std::move(set), soon()));
        ASSERT_TRUE(committed) << committed.error().detail;
    }

    static Coverage coverage_of(std::int64_t key, State state, Date from, Date to) {
        Coverage c{.key = CoverageKey(key),
                   .insurer = *InsurerNumber::parse("06010391"),
                   .symbol = "１２",
                   .number = "3456",
                   .branch = BranchNumber::from_value(1),
                   .acquired_on = from,
                   .valid_to = to,
                   .state = state,
                   .copay_percent = 30,
                   .limit_category = "A03",
                   .file_day = Date::of(2026, 11, 22)};
        c.known_from = 1;
        return c;
    }

    // A person with a card; every fact goes into the stores as the loader would write it.
    void add_person(std::int64_t person, const CardOrder& order, const std::vector<Coverage>& coverages) {
        identity::Person who{.key = PersonKey(person),
                             .name = "髙橋󠄀 美咲",
                             .kana = "タカハシ ミサキ",
                             .birth = Date::of(1985, 4, 12),
                             .sex = Sex::female,
                             .address = "東京都架空市1-2-3",
                             .protection = order.protection};
        sql::WriteSet registry(Store::registry);
        identity::put_section(registry, who.key, identity::Section::identity, identity::pack(who));
        identity::put_section(registry, who.key, identity::Section::coverage, coverage::pack_all(coverages));
        for (const auto& c : coverages) {
            const auto insured = InsuredSymbolNumber::parse(c.symbol, c.number);
            registry.change(coverage::insert_coverage_number, c.insurer.to_key(), insured->number.comparison(),
                            insured->symbol.comparison(), c.branch ? c.branch->value() : -1, person, c.key.value());
        }
        cards::Card card{.key = {cards::ca_number(world().ca().id()), serial(order.serial)},
                         .not_after = {},
                         .public_key = {},
                         .tag = {}};
        card.person = who.key;
        card.not_after = World::not_after(order.last_day);
        if (order.key == KeyState::stored)
            card.public_key = as_text(pki::fixture_keys().public_key(card_key_index).stored());
        const Sha256 tag = cards::card_tag(world().row_key, card, epoch);
        const bool keyed = order.key == KeyState::stored;
        registry.change(cards::insert_card, card.key.ca_id, sql::Blob{as_text(card.key.serial.bytes())}, person,
                        card.not_after.us, card.grace,
                        keyed ? std::optional(sql::Blob{card.public_key}) : std::optional<sql::Blob>(),
                        keyed ? std::optional(sql::Blob{as_text(tag)}) : std::optional<sql::Blob>(), 1);
        if (order.status != cards::CertificateStatus::good) {
            cards::put_listed_status(registry, card.key, {order.status, nine_o_clock});
        }
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
        auto made = std::unique_ptr<Signed>(new Signed{.challenge = challenge(),
                                                       .authority = world().ca().certificate().subject_key_id,
                                                       .signature = {},
                                                       .certificate = {},
                                                       .check = {.id = CheckId::make(random_),
                                                                 .challenge = {},
                                                                 .method = method,
                                                                 .care_day = today,
                                                                 .operator_reference = who,
                                                                 .visual_reason = who.empty() ? "" : "reader_height",
                                                                 .face_engine = {},
                                                                 .authority_key_id = {},
                                                                 .serial = serial(number),
                                                                 .signature = {},
                                                                 .certificate = {}}});
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
        lines.face_engine = made.check.face_engine;
        lines.care_day = made.check.care_day;
        lines.operator_reference = made.check.operator_reference;
        lines.check_id = id;
        const Sha256 digest = sha256(as_bytes(to_text(lines)));
        made.signature = as_text(*pki::fixture_keys().key(card_key_index).sign_pkcs1(digest));
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
        return {CheckId::make(random_),
                today,
                *InsurerNumber::parse("06010391"),
                *InsuredSymbolNumber::parse("12", number),
                std::nullopt,
                Date::of(1985, 4, 12),
                false};
    }
    static std::vector<Coverage> insured() {
        return {coverage_of(1, State::active, Date::of(2024, 4, 1), Date::open_end)};
    }

    sql::TestStores stores_;
    ManualClock clock_{nine_o_clock};
    SeededRandom random_{42};
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{0, "hub-test"};
    std::unique_ptr<sql::Database> database_;
    organisations::Terminal terminal_;
    std::optional<Challenges> challenges_;
    std::optional<cards::Authorities> authorities_;
    StatusSources status_sources_;
    cards::SeenCards seen_cards_;
    payments::MunicipalTable municipal_;
    std::optional<CheckService> service_;
};

}  // namespace onshi::eligibility
