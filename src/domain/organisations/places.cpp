#include "domain/organisations/places.h"

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/organisations/emergencies.h"
#include "domain/organisations/store.h"

namespace onshi::organisations {

namespace {

const sql::Statement upsert_place("organisations.put_place", sql::Store::registry, sql::ShardKey::organisation,
                                  "INSERT INTO organisation_place (organisation_key, municipality) VALUES ($1, $2) "
                                  "ON CONFLICT (organisation_key) DO UPDATE SET municipality = excluded.municipality");

constexpr std::int64_t unknown_place = 0;  // in records

std::string payload_of(const FacilityPlace& before, MunicipalityCode municipality) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(before.facility.key.value());
    writer.i64(before.municipality ? before.municipality->to_key() : unknown_place);
    writer.i64(municipality.to_key());
    return payload;
}

}  // namespace

Result<void> check_deciding_person(const audit::Actor& actor) {
    const std::string_view reference = actor.reference;
    const bool sane = !reference.empty() && reference != "-" && reference.size() <= account_reference_max &&
                      !contains_individual_number(reference);
    return sane ? Result<void>() : fail(ErrorCode::account_unknown, "operator");
}

Task<Result<FacilityPlace>> Places::find(FacilityCode facility, Deadline deadline) {
    sql::ReadBatch batch;
    const auto organisation = load_organisation(batch, Kind::facility, facility.to_key());
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!organisation) co_return fail(ErrorCode::organisation_unknown, "no facility has this code");
    sql::ReadBatch more;
    const auto place = load_place(more, organisation->key);
    read = co_await database_.read(more, deadline);
    if (!read) co_return fail(std::move(read));
    FacilityPlace found{*organisation, std::nullopt};
    if (place) found.municipality = *place;
    co_return found;
}

Task<Result<bool>> Places::put(FacilityCode facility, MunicipalityCode municipality, const audit::Actor& actor,
                               Deadline deadline) {
    auto sane = check_deciding_person(actor);
    if (!sane) co_return fail(std::move(sane));
    auto before = co_await find(facility, deadline);
    if (!before) co_return fail(std::move(before));
    if (before->municipality == municipality) co_return false;
    sql::WriteSet set(sql::Store::registry);
    set.change(upsert_place, before->facility.key.value(), municipality.to_key());
    audit::AuditedChanges changes(database_, clock_, random_);
    const std::string payload = payload_of(*before, municipality);
    auto applied = co_await changes.apply(audit::Event::facility_placed, actor, payload, std::move(set), deadline);
    if (!applied) co_return fail(std::move(applied));
    co_return true;
}

}  // namespace onshi::organisations
