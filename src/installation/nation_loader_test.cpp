#include "installation/nation_loader.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "domain/cards/authorities.h"
#include "domain/cards/store.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "hub/migrations.h"
#include "installation/certificates.h"
#include "installation/demo_parts.h"
#include "installation/limits.h"
#include "installation/nation_rows.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/test_fixtures.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

constexpr std::uint64_t persons = 300;
constexpr std::uint32_t facilities = 50;
constexpr std::int64_t epoch = 3;

// Rates so high that three hundred persons show every fault.
const synth::Nation& nation() {
    static const auto made = [] {
        synth::NationSettings settings;
        settings.rates.withheld_name = 50'000'000;
        settings.rates.wrong_link = 30'000'000;
        settings.rates.cancelled_record = 30'000'000;
        settings.rates.future_job = 30'000'000;
        return synth::Nation::create(settings);
    }();
    return *made;
}

const CardFactory& factory() {
    static const CardFactory made(nation(), pki::fixture_jpki(), pki::fixture_keys());
    return made;
}

const pki::HmacKey& row_tag() {
    static const auto key = pki::HmacKey::create(as_bytes("0123456789abcdef0123456789abcdef"));
    return *key;
}

const identity::NumberVault& vault() {
    static const identity::NumberVault made(*pki::HmacKey::create(as_bytes("tag key of tests tag key of test")),
                                            *pki::SealingKey::create(as_bytes("seal key of tests, seal key of t")), 1);
    return made;
}

Random& noise() {
    static SystemRandom random;
    return random;
}

// The first persons of the nation, loaded and open.
class Loaded {
  public:
    explicit Loaded(std::uint64_t count) : folder_(std::make_unique<sql::TestStores>()) {
        const auto stores = folder_->options();
        EXPECT_TRUE(sql::migrate(stores, hub::all_migrations()));
        auto loaded = load_nation({factory(), row_tag(), epoch, vault(), noise()},
                                  {stores, folder_->folder(), count, facilities, pki::fixture_now}, {},
                                  [this](const auto& person) {
                                      visited_.push_back(person.index);
                                      return Result<void>();
                                  });
        EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().detail);
        counts_ = *loaded;
        stores_ = std::move(*OpenStores::open(stores, "test"));
    }
    [[nodiscard]] sql::Database& database() const { return stores_->database(); }
    [[nodiscard]] const LoadCounts& counts() const { return counts_; }
    [[nodiscard]] const std::vector<std::uint64_t>& visited() const { return visited_; }

    void read(sql::ReadBatch& batch) const {
        const auto done = run_to_end(database().read(batch, Deadline::in(store_deadline)));
        ASSERT_TRUE(done) << done.error().detail;
    }

  private:
    std::unique_ptr<sql::TestStores> folder_;
    std::unique_ptr<OpenStores> stores_;
    LoadCounts counts_;
    std::vector<std::uint64_t> visited_;
};

const Loaded& loaded() {
    static const Loaded all(persons);
    return all;
}

std::vector<coverage::Coverage> known_at(const Loaded& from, PersonKey person, std::int64_t seq) {
    sql::ReadBatch batch;
    const auto found = coverage::load_known_at(batch, person, seq);
    from.read(batch);
    return found.get();
}

// Records compare by their packed form.
std::vector<std::string> packed(const std::vector<coverage::Coverage>& records) {
    std::vector<std::string> out;
    for (const auto& record : records) out.push_back(coverage::pack(record));
    return out;
}

TEST(nation_loader, everybody_is_visited_once_and_in_order) {
    std::vector<std::uint64_t> expected(persons);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(loaded().visited(), expected);
    EXPECT_EQ(loaded().counts().persons, persons);
}

TEST(nation_loader, persons_are_as_the_resident_register_has_them) {
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto person = nation().person(index);
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, person_key(index));
        loaded().read(batch);
        const auto found = identity::person_of(person_key(index), now);
        ASSERT_TRUE(found) << index;
        std::string name;
        std::string address;
        synth::append_name(person.name, name);
        synth::append_address(nation().organisations(), person.address, address);
        EXPECT_EQ(found->name, name);
        EXPECT_EQ(found->address, address);
        EXPECT_EQ(found->kana.empty(), !person.name.has_reading());
        EXPECT_EQ(found->birth, person.birth_date);
        EXPECT_EQ(found->sex, person.sex);
        EXPECT_EQ(found->protection.self_information_blocked, person.self_information_blocked);
        EXPECT_EQ(found->protection.exchange_history_hidden, person.exchange_history_hidden);
        for (const auto& section : now) {
            EXPECT_GE(section.version, 1);
            EXPECT_LE(section.version, loaded().counts().known_seq);
        }
    }
}

TEST(nation_loader, what_lies_ready_for_a_check_is_what_the_history_says_today) {
    std::uint64_t records = 0;
    std::map<coverage::State, int> states;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const PersonKey key = person_key(index);
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, key);
        loaded().read(batch);
        const auto ready = coverage::coverages_of(now);
        ASSERT_TRUE(ready);
        EXPECT_EQ(packed(*ready), packed(known_at(loaded(), key, loaded().counts().known_seq)));
        const auto* section = identity::find_section(now, identity::Section::coverage);
        EXPECT_EQ(section == nullptr, ready->empty());
        for (const auto& record : *ready) {
            EXPECT_LE(record.known_from, section->version);
            ++states[record.state];
            ++records;
        }
    }
    EXPECT_EQ(records, loaded().counts().coverages);
    EXPECT_GT(states[coverage::State::active], 200);
    EXPECT_GT(states[coverage::State::withheld], 0);
    EXPECT_GT(states[coverage::State::void_], 0);
}

TEST(nation_loader, a_late_notice_changes_what_is_known_only_from_its_day_on) {
    int late = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto person = nation().person(index);
        for (std::size_t record = 0; record < person.coverages.size(); ++record) {
            const auto& told = person.coverages[record];
            const auto as_of = nation().settings().as_of;
            if (told.loss_known_on > as_of || told.loss_known_on <= told.known_on || told.valid.is_open_ended())
                continue;
            const auto at = [&](std::int64_t seq) -> std::optional<coverage::Coverage> {
                for (auto& found : known_at(loaded(), person_key(told.number_owner), seq)) {
                    if (found.key == coverage_key(index, record)) return found;
                }
                return std::nullopt;
            };
            const std::int64_t news = known_seq_of(told.loss_known_on);
            EXPECT_EQ(at(known_seq_of(told.known_on) - 1), std::nullopt);
            EXPECT_EQ(at(news - 1)->valid_to, Date::open_end);
            EXPECT_EQ(at(news - 1)->loss_reason, coverage::LossReason::none);
            EXPECT_EQ(at(news)->valid_to, told.valid.last);
            EXPECT_EQ(at(news)->known_from, news);
            ++late;
        }
    }
    EXPECT_GT(late, 20);
    EXPECT_GT(loaded().counts().coverage_rows, loaded().counts().coverages);
}

TEST(nation_loader, a_record_hangs_on_the_person_whose_number_it_carries) {
    int wrong = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto person = nation().person(index);
        for (std::size_t record = 0; record < person.coverages.size(); ++record) {
            const auto& told = person.coverages[record];
            if (told.number_owner == index || !told.is_known(nation().settings().as_of)) continue;
            const auto key = coverage_key(index, record);
            const auto has = [&](std::uint64_t who) {
                const auto records = known_at(loaded(), person_key(who), loaded().counts().known_seq);
                return std::ranges::any_of(records, [&](const auto& r) { return r.key == key; });
            };
            EXPECT_FALSE(has(index));
            EXPECT_TRUE(has(told.number_owner));
            ++wrong;
        }
    }
    EXPECT_GT(wrong, 0);
}

TEST(nation_loader, every_record_is_found_by_its_number) {
    std::uint64_t found = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        for (const auto& record : known_at(loaded(), person_key(index), loaded().counts().known_seq)) {
            const auto insured = InsuredSymbolNumber::parse(record.symbol, record.number);
            ASSERT_TRUE(insured);
            sql::ReadBatch batch;
            const auto matches = coverage::load_by_number(batch, record.insurer, *insured);
            loaded().read(batch);
            found += static_cast<std::uint64_t>(std::ranges::count_if(matches, [&](const coverage::NumberMatch& match) {
                return match.coverage == record.key && match.person == person_key(index) &&
                       match.branch == record.branch;
            }));
        }
    }
    EXPECT_EQ(found, loaded().counts().coverages);
}

TEST(nation_loader, every_certificate_verifies_and_belongs_to_its_row) {
    const auto authorities = cards::Authorities::create(
        pki::fixture_jpki().auth_store(),
        {{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}}, epoch);
    ASSERT_TRUE(authorities);
    std::uint64_t keys = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto person = nation().person(index);
        if (!person.card) continue;
        const auto made = factory().make(person);
        ASSERT_TRUE(made);
        const auto verified = authorities->verify(as_bytes(made->certificate_der), made->key,
                                                  std::min(pki::fixture_now, made->not_after));
        ASSERT_TRUE(verified) << index << ' ' << error_name(verified.error().code);
        sql::ReadBatch batch;
        const auto row = cards::load_card(batch, made->key);
        loaded().read(batch);
        ASSERT_TRUE(row) << index;
        EXPECT_EQ(row->person, person_key(index));
        EXPECT_EQ(row->not_after, verified->certificate.not_after);
        const bool seen = person.card->use != synth::UseRegistration::none;
        EXPECT_EQ(cards::has_trusted_key(row_tag(), *row, epoch), seen);
        EXPECT_FALSE(cards::has_trusted_key(row_tag(), *row, epoch + 1));
        EXPECT_EQ(row->public_key.empty(), !seen);
        if (seen) EXPECT_EQ(row->public_key, as_text(verified->key.stored()));
        keys += seen ? 1 : 0;
    }
    EXPECT_EQ(keys, loaded().counts().card_keys);
}

TEST(nation_loader, registrations_renewals_and_suspensions_are_where_a_check_looks) {
    std::uint64_t registered = 0;
    std::uint64_t renewed = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto person = nation().person(index);
        const auto today = nation().settings().as_of;
        sql::ReadBatch batch;
        const auto use = cards::load_use_registration(batch, person_key(index));
        loaded().read(batch);
        EXPECT_EQ(static_cast<bool>(use), person.card && person.card->use != synth::UseRegistration::none);
        if (!person.card) continue;
        const bool usable = use && use->usable();
        if (use) ++registered;
        const synth::SyntheticCard& card = *person.card;
        EXPECT_EQ(usable, card.use == synth::UseRegistration::registered ||
                              (card.use == synth::UseRegistration::cancelled && today <= card.cancelled_on));
        sql::ReadBatch rest;
        const auto suspension = cards::load_suspension(rest, factory().key_of(card.certificate));
        const auto present = cards::load_card(rest, factory().key_of(card.certificate));
        const auto old = cards::load_card(rest, factory().key_of(card.previous.value_or(card.certificate)));
        const auto present_listed = cards::load_listed_status(rest, factory().key_of(card.certificate));
        const auto old_listed =
            cards::load_listed_status(rest, factory().key_of(card.previous.value_or(card.certificate)));
        const auto before = cards::load_predecessor(rest, factory().key_of(card.certificate));
        loaded().read(rest);
        const auto status = status_on(card, today);
        const auto listed = present_listed ? present_listed->status : cards::CertificateStatus::good;
        ASSERT_TRUE(present);
        // A holder's call stands in the ledger alone, where another call can end it.
        EXPECT_EQ(suspension && suspension->suspended, status == cards::CertificateStatus::suspended);
        EXPECT_EQ(listed == cards::CertificateStatus::revoked, status == cards::CertificateStatus::revoked);
        EXPECT_NE(listed, cards::CertificateStatus::suspended);
        if (!card.previous) continue;
        EXPECT_EQ(old_listed->status, cards::CertificateStatus::renewed);
        EXPECT_EQ(before->key, factory().key_of(*card.previous));
        EXPECT_EQ(old->person, person_key(index));
        ++renewed;
    }
    EXPECT_EQ(registered, loaded().counts().registrations);
    EXPECT_EQ(renewed, loaded().counts().renewals);
    EXPECT_GT(renewed, 20U);
}

TEST(nation_loader, certificates_lie_ready_and_in_their_history) {
    std::uint64_t certificates = 0;
    std::uint64_t subsidies = 0;
    for (std::uint64_t index = 0; index < persons; ++index) {
        const auto expected = holdings_of(nation(), nation().person(index));
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, person_key(index));
        const auto history = payments::load_certificates_at(batch, person_key(index), loaded().counts().known_seq);
        loaded().read(batch);
        ASSERT_EQ(payments::holdings_of(now), expected) << index;
        payments::Holdings known;
        for (const auto& row : history) ASSERT_TRUE(payments::unpack_into(row, known));
        ASSERT_EQ(known, expected) << index;
        certificates += expected.size();
        subsidies += expected.subsidies.size();
    }
    EXPECT_EQ(loaded().counts().certificates, certificates);
    EXPECT_GT(subsidies, 0U);
    EXPECT_GT(certificates, subsidies);
}

TEST(nation_loader, the_lists_of_revoked_certificates_count_as_of_now) {
    sql::ReadBatch batch;
    const auto sources = cards::load_status_sources(batch);
    loaded().read(batch);
    ASSERT_EQ(sources.size(), 3U);
    for (const auto& source : sources) {
        EXPECT_EQ(std::ranges::count(factory().ca_ids(), source.ca_id), 1);
        EXPECT_EQ(source.as_of, pki::fixture_now);
    }
}

TEST(nation_loader, insurers_and_facilities_are_known_and_connected_facilities_have_an_account) {
    const auto& all = nation().organisations();
    sql::ReadBatch batch;
    const auto insurers = organisations::load_insurers(batch);
    const auto first =
        organisations::load_organisation(batch, organisations::Kind::insurer, all.insurers()[0].number.to_key());
    std::vector<sql::Slot<organisations::Organisation>> found;
    std::vector<sql::Slot<organisations::Account>> accounts;
    for (std::uint32_t index = 0; index < 30; ++index) {
        const auto facility = all.facility(index);
        found.push_back(organisations::load_organisation(batch, organisations::Kind::facility, facility.code.to_key()));
        accounts.push_back(organisations::load_account(batch, facility_key(index), staff_reference));
    }
    loaded().read(batch);
    EXPECT_EQ(insurers.size(), all.insurers().size());
    EXPECT_EQ(insurers.size() + facilities, loaded().counts().organisations);
    EXPECT_EQ(first->key, insurer_key(0));
    EXPECT_EQ(first->name, all.insurers()[0].name);
    for (std::uint32_t index = 0; index < 30; ++index) {
        ASSERT_TRUE(found[index]);
        EXPECT_EQ(found[index]->key, facility_key(index));
        const bool connected = all.facility(index).terminals > 0;
        ASSERT_EQ(static_cast<bool>(accounts[index]), connected);
        if (connected) EXPECT_TRUE(accounts[index]->active);
    }
}

TEST(nation_loader, the_next_commit_comes_after_everything_that_was_loaded) {
    const Loaded few(100);
    EXPECT_EQ(few.counts().known_seq, known_seq_of(nation().settings().as_of));
    sql::WriteSet set(sql::Store::registry);
    cards::put_status_source(set, {.ca_id = 1, .as_of = pki::fixture_now, .next_update = {}, .number = {}});
    const auto committed = run_to_end(few.database().commit(std::move(set), Deadline::in(store_deadline)));
    ASSERT_TRUE(committed);
    EXPECT_EQ(committed->sequence, few.counts().known_seq + 1);
}

TEST(nation_loader, a_smaller_nation_is_the_beginning_of_a_larger_one) {
    const Loaded few(100);
    for (std::uint64_t index = 0; index < 101; ++index) {
        const PersonKey key = person_key(index);
        std::vector<std::string> bytes[2];
        for (const int which : {0, 1}) {
            const Loaded& from = which == 0 ? few : loaded();
            sql::ReadBatch batch;
            const auto now = identity::load_now(batch, key);
            const auto use = cards::load_use_registration(batch, key);
            from.read(batch);
            for (const auto& section : now) bytes[which].push_back(std::to_string(section.version) + section.bytes);
            for (const auto& record : known_at(from, key, 1'500)) bytes[which].push_back(coverage::pack(record));
            if (use) bytes[which].push_back(std::to_string(use->since.us));
            const auto person = nation().person(index);
            if (!person.card) continue;
            sql::ReadBatch rest;
            const auto card = cards::load_card(rest, factory().key_of(person.card->certificate));
            from.read(rest);
            if (card) bytes[which].push_back(card->public_key + card->tag);
        }
        if (index < 100) {
            EXPECT_EQ(bytes[0], bytes[1]) << index;
        } else {
            EXPECT_TRUE(bytes[0].empty());
            EXPECT_FALSE(bytes[1].empty());
        }
    }
}

TEST(nation_loader, counts_out_of_range_are_refused_before_anything_is_written) {
    for (const auto& [count, places] :
         {std::pair<std::uint64_t, std::uint32_t>{0, 1}, {synth::persons_max + 1, 1}, {1, synth::facilities_max + 1}}) {
        const auto done =
            load_nation({factory(), row_tag(), epoch, vault(), noise()},
                        {*sql::parse_store("/nonexistent"), "/tmp", count, places, pki::fixture_now}, {}, {});
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, ErrorCode::synth_settings);
    }
}

TEST(nation_loader, failures_of_stores_and_visitors_are_handed_on) {
    const auto nowhere = load_nation({factory(), row_tag(), epoch, vault(), noise()},
                                     {*sql::parse_store("/nonexistent"), "/tmp", 1, 0, pki::fixture_now}, {}, {});
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::store_unavailable);

    const sql::TestStores folder;
    const auto stores = folder.options();
    ASSERT_TRUE(sql::migrate(stores, hub::all_migrations()));
    const auto stopped =
        load_nation({factory(), row_tag(), epoch, vault(), noise()}, {stores, folder.folder(), 5, 0, pki::fixture_now},
                    {}, [](const synth::SyntheticPerson& person) -> Result<void> {
                        if (person.index == 3) return fail(ErrorCode::installation_folder, "full");
                        return {};
                    });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::installation_folder);

    ASSERT_TRUE(load_nation({factory(), row_tag(), epoch, vault(), noise()},
                            {stores, folder.folder(), 5, 0, pki::fixture_now}, {}, {}));
    const auto twice = load_nation({factory(), row_tag(), epoch, vault(), noise()},
                                   {stores, folder.folder(), 5, 0, pki::fixture_now}, {}, {});
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code, ErrorCode::store_conflict);
}

}  // namespace

}  // namespace onshi::installation
