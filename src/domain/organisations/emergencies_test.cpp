#include "domain/organisations/emergencies.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "domain/audit/chain.h"
#include "domain/organisations/places.h"
#include "domain/organisations/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::organisations {
namespace {

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto list : {sql::CommitCounter::migrations(), audit::migrations(), migrations()}) {
        all.insert(all.end(), list.begin(), list.end());
    }
    return all;
}

class EmergenciesTest : public testing::Test {
  protected:
    EmergenciesTest() : chain_(1, "hub-test") {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened);
        database_ = std::move(*opened);
        emergencies_.emplace(*database_, clock_, random_);
    }
    ~EmergenciesTest() override { database_.reset(); }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    static audit::Actor actor(std::string_view person) { return {OrganisationKey(9), TerminalKey(8), person}; }
    DisasterOrder order(int days = 7) {
        const Date today = japan_day(clock_.now());
        return {chiyoda_, {today, *Date::from_days(today.days() + days - 1)}};
    }
    Result<Disaster> declare(std::string_view person, const DisasterOrder& wanted) {
        return run_to_end(emergencies_->declare(wanted, actor(person), soon()));
    }
    Result<Disaster> confirm(std::int64_t id, std::string_view person) {
        return run_to_end(emergencies_->confirm(id, actor(person), soon()));
    }
    Result<Disaster> end(std::int64_t id, std::string_view person) {
        return run_to_end(emergencies_->end(id, actor(person), soon()));
    }
    std::vector<Outage> outages() { return *run_to_end(emergencies_->outages(soon())); }
    sql::TestStores stores_;
    ManualClock clock_{start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9)};
    SeededRandom random_{7};
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
    std::optional<Emergencies> emergencies_;
    const MunicipalityCode chiyoda_ = *MunicipalityCode::parse("131016");
};

TEST_F(EmergenciesTest, an_outage_is_declared_once_and_lifted_once) {
    EXPECT_TRUE(outages().empty());
    const Instant since = clock_.now();
    EXPECT_TRUE(*run_to_end(emergencies_->declare_outage(Dependency::ledger, actor("sato"), soon())));
    clock_.advance(std::chrono::seconds(5));
    EXPECT_FALSE(*run_to_end(emergencies_->declare_outage(Dependency::ledger, actor("suzuki"), soon())));
    EXPECT_TRUE(*run_to_end(emergencies_->declare_outage(Dependency::card_status, actor("suzuki"), soon())));
    ASSERT_EQ(outages().size(), 2U);
    EXPECT_EQ(outages().back(), (Outage{Dependency::ledger, since, "sato"}));
    EXPECT_TRUE(*run_to_end(emergencies_->lift_outage(Dependency::ledger, actor("suzuki"), soon())));
    EXPECT_FALSE(*run_to_end(emergencies_->lift_outage(Dependency::ledger, actor("suzuki"), soon())));
    ASSERT_EQ(outages().size(), 1U);
    EXPECT_EQ(outages().front().dependency, Dependency::card_status);
}

TEST_F(EmergenciesTest, nobody_decides_namelessly) {
    for (const char* nobody : {"", "-", "123456789018"}) {
        const auto set = run_to_end(emergencies_->declare_outage(Dependency::ledger, actor(nobody), soon()));
        EXPECT_EQ(set.error().code, ErrorCode::account_unknown) << nobody;
        EXPECT_EQ(declare(nobody, order()).error().code, ErrorCode::account_unknown) << nobody;
    }
}

TEST_F(EmergenciesTest, a_disaster_takes_two_persons) {
    const auto declared = declare("sato", order());
    ASSERT_TRUE(declared);
    EXPECT_EQ(state_at(*declared, clock_.now()), DisasterState::waiting);
    EXPECT_EQ(confirm(declared->id, "sato").error().code, ErrorCode::disaster_second_person);
    EXPECT_EQ(confirm(declared->id, " SATO").error().code, ErrorCode::disaster_second_person);
    const auto confirmed = confirm(declared->id, "suzuki");
    ASSERT_TRUE(confirmed);
    EXPECT_EQ(state_at(*confirmed, clock_.now()), DisasterState::open);
    EXPECT_EQ(confirm(declared->id, "tanaka").error().code, ErrorCode::disaster_state);
    const auto listed = run_to_end(emergencies_->list(soon()));
    ASSERT_EQ(listed->size(), 1U);
    EXPECT_EQ(listed->front().confirmed_by, "suzuki");
    EXPECT_EQ(confirm(declared->id + 1, "suzuki").error().code, ErrorCode::disaster_unknown);
}

TEST_F(EmergenciesTest, a_disaster_ends_by_itself_or_by_hand) {
    const auto by_time = declare("sato", order(1));
    ASSERT_TRUE(confirm(by_time->id, "suzuki"));
    const auto by_hand = declare("sato", order(7));
    ASSERT_TRUE(confirm(by_hand->id, "suzuki"));
    const auto ended = end(by_hand->id, "sato");
    ASSERT_TRUE(ended);
    EXPECT_EQ(state_at(*ended, clock_.now()), DisasterState::over);
    EXPECT_EQ(end(by_hand->id, "sato").error().code, ErrorCode::disaster_state);
    const auto late = declare("sato", order(1));
    clock_.advance(std::chrono::hours(15));  // to the stroke of midnight
    EXPECT_EQ(state_at(*by_time, clock_.now()), DisasterState::over);
    EXPECT_EQ(end(by_time->id, "sato").error().code, ErrorCode::disaster_state);
    EXPECT_EQ(confirm(late->id, "suzuki").error().code, ErrorCode::disaster_state);
}

TEST_F(EmergenciesTest, what_is_over_or_elsewhere_is_not_read_for_a_look_up) {
    const auto declared = declare("sato", order(1));
    ASSERT_TRUE(declared);
    const auto found = [&](const char* municipality, Date today) {
        sql::ReadBatch batch;
        const auto rows = load_disasters(batch, *MunicipalityCode::parse(municipality), today);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return rows.size();
    };
    const Date today = japan_day(clock_.now());
    EXPECT_EQ(found("131016", today), 1U);
    EXPECT_EQ(found("131016", *Date::from_days(today.days() + 1)), 0U);
    EXPECT_EQ(found("271004", today), 0U);
}

TEST_F(EmergenciesTest, one_municipality_has_so_many_at_once_and_no_more) {
    for (std::size_t i = 0; i < disasters_at_once_max; ++i) ASSERT_TRUE(declare("sato", order()));
    EXPECT_EQ(declare("sato", order()).error().code, ErrorCode::disaster_state);
    EXPECT_EQ(declare("sato", order(0)).error().code, ErrorCode::disaster_period);
}

TEST_F(EmergenciesTest, a_facility_is_where_the_registry_says) {
    sql::WriteSet set(sql::Store::registry);
    set.change(insert_place, 5, chiyoda_.to_key());
    ASSERT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    sql::ReadBatch batch;
    const auto known = load_place(batch, OrganisationKey(5));
    const auto unknown = load_place(batch, OrganisationKey(6));
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(*known, chiyoda_);
    EXPECT_FALSE(unknown);
}

TEST_F(EmergenciesTest, a_facility_is_placed_by_somebody_and_every_move_is_on_record) {
    const auto here = *FacilityCode::parse("0110113719");
    const auto osaka = *MunicipalityCode::parse("271004");
    Places places(*database_, clock_, random_);
    const auto put = [&](FacilityCode facility, MunicipalityCode municipality, std::string_view person) {
        return run_to_end(places.put(facility, municipality, actor(person), soon()));
    };
    sql::WriteSet set(sql::Store::registry);
    set.change(insert_organisation, 7, Kind::facility, here.to_key(), std::string_view("a facility"),
               std::string_view(), 0, Date::open_end.days());
    ASSERT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    EXPECT_FALSE(run_to_end(places.find(here, soon()))->municipality);
    EXPECT_EQ(put(here, chiyoda_, "").error().code, ErrorCode::account_unknown);
    EXPECT_EQ(put(here, chiyoda_, "123456789018").error().code, ErrorCode::account_unknown);
    EXPECT_TRUE(*put(here, chiyoda_, "sato"));
    EXPECT_FALSE(*put(here, chiyoda_, "suzuki")) << "the same again";
    EXPECT_EQ(run_to_end(places.find(here, soon()))->municipality, chiyoda_);
    EXPECT_TRUE(*put(here, osaka, "suzuki"));
    const auto found = run_to_end(places.find(here, soon()));
    EXPECT_EQ(found->municipality, osaka);
    EXPECT_EQ(found->facility.name, "a facility");
    std::int64_t next = here.to_key() + 1;
    while (!FacilityCode::from_key(next)) ++next;
    EXPECT_EQ(put(*FacilityCode::from_key(next), osaka, "sato").error().code, ErrorCode::organisation_unknown);
}

}  // namespace
}  // namespace onshi::organisations
