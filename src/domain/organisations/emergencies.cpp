#include "domain/organisations/emergencies.h"

#include <limits>

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/organisations/places.h"

namespace onshi::organisations {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_place("organisations.insert_place", Store::registry, ShardKey::organisation,
                             "INSERT INTO organisation_place (organisation_key, municipality) VALUES ($1, $2)");

namespace {

constexpr std::int64_t in_order = 0;  // of an outage's `since`
constexpr std::int64_t never = 0;     // of instants that have not come

const Statement select_place("organisations.select_place", Store::registry, ShardKey::organisation,
                             "SELECT municipality FROM organisation_place WHERE organisation_key = $1");
const Statement select_outages(
    "organisations.select_outages", Store::ledger, ShardKey::none,
    "SELECT dependency, since, declared_by FROM outage WHERE since <> 0 ORDER BY dependency");
const Statement update_away("organisations.declare_outage", Store::ledger, ShardKey::none,
                            "UPDATE outage SET since = $2, declared_by = $3 WHERE dependency = $1 AND since = 0");
const Statement update_back("organisations.lift_outage", Store::ledger, ShardKey::none,
                            "UPDATE outage SET since = 0, declared_by = '' WHERE dependency = $1 AND since <> 0");

#define ONSHI_DISASTER_COLUMNS                                                                 \
    "disaster_id, municipality, first_day, last_day, declared_at, declared_by, confirmed_at, " \
    "confirmed_by, ended_at, ended_by"

const Statement insert_disaster("organisations.insert_disaster", Store::ledger, ShardKey::none,
                                "INSERT INTO disaster (" ONSHI_DISASTER_COLUMNS
                                ") VALUES ($1, $2, $3, $4, $5, $6, 0, '', 0, '') ON CONFLICT (disaster_id) DO NOTHING");
const Statement update_confirmed("organisations.confirm_disaster", Store::ledger, ShardKey::none,
                                 "UPDATE disaster SET confirmed_at = $2, confirmed_by = $3 "
                                 "WHERE disaster_id = $1 AND confirmed_at = 0 AND ended_at = 0");
const Statement update_ended(
    "organisations.end_disaster", Store::ledger, ShardKey::none,
    "UPDATE disaster SET ended_at = $2, ended_by = $3 WHERE disaster_id = $1 AND ended_at = 0");
const Statement select_disaster("organisations.select_disaster", Store::ledger, ShardKey::none,
                                "SELECT " ONSHI_DISASTER_COLUMNS " FROM disaster WHERE disaster_id = $1");
const Statement select_of_municipality("organisations.select_disasters_of_municipality", Store::ledger, ShardKey::none,
                                       "SELECT " ONSHI_DISASTER_COLUMNS
                                       " FROM disaster WHERE municipality = $1 AND last_day >= $2 "
                                       "ORDER BY last_day, disaster_id LIMIT $3");
const Statement select_disasters("organisations.select_disasters", Store::ledger, ShardKey::none,
                                 "SELECT " ONSHI_DISASTER_COLUMNS
                                 " FROM disaster ORDER BY declared_at DESC, disaster_id DESC LIMIT $1");

#undef ONSHI_DISASTER_COLUMNS

MunicipalityCode decode_municipality(const Row& row, int column) {
    const auto code = MunicipalityCode::from_key(row.integer(column));
    if (!code) row.reject();
    return code.value_or(*MunicipalityCode::parse("131016"));
}

Date decode_day(const Row& row, int column) {
    const auto day = Date::from_days(row.integer(column));
    if (!day) row.reject();
    return day.value_or(Date::open_end);
}

std::optional<Instant> decode_instant(const Row& row, int column) {
    const std::int64_t us = row.integer(column);
    return us == never ? std::nullopt : std::optional(Instant{us});
}

Outage decode_outage(const Row& row) {
    const std::int64_t number = row.integer(0);
    if (number < 1 || number > static_cast<std::int64_t>(dependency_names.size())) row.reject();
    return {static_cast<Dependency>(number), Instant{row.integer(1)}, std::string(row.text(2))};
}

Disaster decode_disaster(const Row& row) {
    return {.id = row.integer(0),
            .municipality = decode_municipality(row, 1),
            .days = {decode_day(row, 2), decode_day(row, 3)},
            .declared_at = Instant{row.integer(4)},
            .declared_by = std::string(row.text(5)),
            .confirmed_at = decode_instant(row, 6),
            .confirmed_by = std::string(row.text(7)),
            .ended_at = decode_instant(row, 8),
            .ended_by = std::string(row.text(9))};
}

std::string payload_of(const Disaster& disaster) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(disaster.id);
    writer.i64(disaster.municipality.to_key());
    writer.u32(static_cast<std::uint32_t>(disaster.days.first.days()));
    writer.u32(static_cast<std::uint32_t>(disaster.days.last.days()));
    return payload;
}

std::int64_t new_id(Random& random) {
    std::array<std::uint8_t, 8> bytes{};
    random.fill(bytes);
    ByteReader reader{Bytes(bytes)};
    return static_cast<std::int64_t>(reader.u64() &
                                     static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

sql::Slot<MunicipalityCode> load_place(sql::ReadBatch& batch, OrganisationKey organisation) {
    return batch.one(select_place, +[](const Row& row) { return decode_municipality(row, 0); }, organisation.value());
}

sql::Rows<Disaster> load_disasters(sql::ReadBatch& batch, MunicipalityCode municipality, Date today) {
    return batch.many(select_of_municipality, disasters_at_once_max, decode_disaster, municipality.to_key(),
                      today.days(), disasters_at_once_max);
}

Task<Result<bool>> Emergencies::set_outage(Dependency dependency, Instant since, audit::Actor actor,
                                           Deadline deadline) {
    auto sane = check_deciding_person(actor);
    if (!sane) co_return fail(std::move(sane));
    const bool away = since.us != in_order;
    sql::WriteSet set(Store::ledger);
    if (away) set.guard(update_away, 1, dependency, since.us, actor.reference);
    if (!away) set.guard(update_back, 1, dependency);
    std::string payload;
    ByteWriter writer(payload);
    writer.u8(static_cast<std::uint8_t>(dependency));
    audit::attach_record(set, away ? audit::Event::outage_declared : audit::Event::outage_lifted, actor, clock_.now(),
                         payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (committed) co_return true;
    if (committed.error().code == ErrorCode::store_conflict) co_return false;
    co_return fail(std::move(committed));
}

Task<Result<bool>> Emergencies::declare_outage(Dependency dependency, audit::Actor actor, Deadline deadline) {
    auto set = co_await set_outage(dependency, clock_.now(), actor, deadline);
    co_return set;
}

Task<Result<bool>> Emergencies::lift_outage(Dependency dependency, audit::Actor actor, Deadline deadline) {
    const Instant back{in_order};
    auto set = co_await set_outage(dependency, back, actor, deadline);
    co_return set;
}

Task<Result<std::vector<Outage>>> Emergencies::outages(Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = batch.many(select_outages, dependency_names.size(), decode_outage);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return std::vector<Outage>(found.begin(), found.end());
}

Task<Result<Disaster>> Emergencies::find(std::int64_t id, Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = batch.one(select_disaster, decode_disaster, id);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!found) co_return fail(ErrorCode::disaster_unknown, "");
    co_return *found;
}

Task<Result<Disaster>> Emergencies::declare(DisasterOrder order, audit::Actor actor, Deadline deadline) {
    auto sane = check_deciding_person(actor);
    if (!sane) co_return fail(std::move(sane));
    const Instant now = clock_.now();
    const Date today = japan_day(now);
    auto period = check_period(order.days, today);
    if (!period) co_return fail(std::move(period));
    sql::ReadBatch batch;
    const auto known = load_disasters(batch, order.municipality, today);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (known.size() >= disasters_at_once_max)
        co_return fail(ErrorCode::disaster_state, "too many of one municipality");
    Disaster disaster{.id = new_id(random_),
                      .municipality = order.municipality,
                      .days = order.days,
                      .declared_at = now,
                      .declared_by = std::string(actor.reference)};
    sql::WriteSet set(Store::ledger);
    set.guard(insert_disaster, 1, disaster.id, disaster.municipality.to_key(), disaster.days.first.days(),
              disaster.days.last.days(), now.us, disaster.declared_by);
    audit::attach_record(set, audit::Event::disaster_declared, actor, now, payload_of(disaster), random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return disaster;
}

Task<Result<Disaster>> Emergencies::confirm(std::int64_t id, audit::Actor actor, Deadline deadline) {
    auto sane = check_deciding_person(actor);
    if (!sane) co_return fail(std::move(sane));
    auto disaster = co_await find(id, deadline);
    if (!disaster) co_return fail(std::move(disaster));
    const Instant now = clock_.now();
    if (state_at(*disaster, now) != DisasterState::waiting) co_return fail(ErrorCode::disaster_state, "");
    if (is_same_person(disaster->declared_by, actor.reference)) co_return fail(ErrorCode::disaster_second_person, "");
    sql::WriteSet set(Store::ledger);
    set.guard(update_confirmed, 1, id, now.us, actor.reference);
    audit::attach_record(set, audit::Event::disaster_confirmed, actor, now, payload_of(*disaster), random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed && committed.error().code == ErrorCode::store_conflict)
        co_return fail(ErrorCode::disaster_state, "");
    if (!committed) co_return fail(std::move(committed));
    disaster->confirmed_at = now;
    disaster->confirmed_by = actor.reference;
    co_return disaster;
}

Task<Result<Disaster>> Emergencies::end(std::int64_t id, audit::Actor actor, Deadline deadline) {
    auto sane = check_deciding_person(actor);
    if (!sane) co_return fail(std::move(sane));
    auto disaster = co_await find(id, deadline);
    if (!disaster) co_return fail(std::move(disaster));
    const Instant now = clock_.now();
    if (state_at(*disaster, now) == DisasterState::over) co_return fail(ErrorCode::disaster_state, "");
    sql::WriteSet set(Store::ledger);
    set.guard(update_ended, 1, id, now.us, actor.reference);
    audit::attach_record(set, audit::Event::disaster_ended, actor, now, payload_of(*disaster), random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed && committed.error().code == ErrorCode::store_conflict)
        co_return fail(ErrorCode::disaster_state, "");
    if (!committed) co_return fail(std::move(committed));
    disaster->ended_at = now;
    disaster->ended_by = actor.reference;
    co_return disaster;
}

Task<Result<std::vector<Disaster>>> Emergencies::list(Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = batch.many(select_disasters, disasters_listed_max, decode_disaster, disasters_listed_max);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return std::vector<Disaster>(found.begin(), found.end());
}

}  // namespace onshi::organisations
