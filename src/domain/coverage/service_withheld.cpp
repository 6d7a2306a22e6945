#include "domain/coverage/service_withheld.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/coverage/intake_persons.h"
#include "domain/coverage/store_intake.h"

namespace onshi::coverage {

namespace {

std::string payload_of(const WithheldCase& withheld) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(withheld.person.value());
    writer.i64(withheld.coverage.value());
    writer.u8(static_cast<std::uint8_t>(withheld.severity));
    writer.u8(static_cast<std::uint8_t>(withheld.state));
    writer.text(withheld.cause);
    writer.u8(withheld.reason);
    writer.text(withheld.evidence);
    writer.text(withheld.confirmed_by);
    writer.text(withheld.approved_by);
    return payload;
}

bool needs_number(const WithheldCase& withheld) {
    return withheld.cause == to_string(OutcomeCode::cause_match_number_missing) ||
           withheld.cause == to_string(OutcomeCode::cause_match_not_found);
}

}  // namespace

Task<Result<std::vector<WithheldCase>>> WithheldRecords::list(InsurerNumber insurer, Deadline deadline) {
    std::vector<WithheldCase> all;
    for (const WithheldState state : {WithheldState::open, WithheldState::waiting}) {
        PersonKey person(0);
        CoverageKey record(0);
        for (bool more = true; more && all.size() < withheld_listed_max;) {
            sql::ReadBatch batch;
            const auto page = load_withheld_page(batch, insurer, state, person, record);
            auto read = co_await database_.read(batch, deadline);
            if (!read) co_return fail(std::move(read));
            all.insert(all.end(), page.begin(), page.end());
            more = page.size() == withheld_page_max;
            if (!more) continue;
            person = all.back().person;
            record = all.back().coverage;
        }
    }
    co_return all;
}

Task<Result<WithheldCase>> WithheldRecords::find(InsurerNumber insurer, CoverageKey record, WithheldState state,
                                                 Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = load_withheld_record(batch, insurer, state, record);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!found) co_return fail(ErrorCode::intake_not_held, "no such withheld record");
    co_return *found;
}

Task<Result<WithheldCase>> WithheldRecords::confirm(Confirmation confirmation, Deadline deadline) {
    const bool has_evidence = !confirmation.evidence.empty() && confirmation.evidence.size() <= evidence_bytes_max;
    if (!has_evidence) co_return fail(ErrorCode::intake_required, "evidence");
    auto found = co_await find(confirmation.insurer, confirmation.record, WithheldState::open, deadline);
    if (!found) co_return found;
    if (needs_number(*found)) co_return fail(ErrorCode::intake_required, "individual_number");
    WithheldCase decided = std::move(*found);
    decided.reason = static_cast<std::uint8_t>(confirmation.reason);
    decided.evidence = mask_individual_numbers(confirmation.evidence);
    decided.confirmed_by = confirmation.person;
    decided.state = identity::needs_four_eyes(decided.severity) ? WithheldState::waiting : WithheldState::confirmed;
    audit::Actor actor = confirmation.actor;
    actor.reference = confirmation.person;
    auto done = co_await decide(std::move(decided), actor, deadline);
    co_return done;
}

Task<Result<WithheldCase>> WithheldRecords::approve(InsurerNumber insurer, CoverageKey record, audit::Actor actor,
                                                    Deadline deadline) {
    auto found = co_await find(insurer, record, WithheldState::waiting, deadline);
    if (!found) co_return found;
    if (found->confirmed_by == actor.reference)
        co_return fail(ErrorCode::intake_second_person, "approved by who confirmed");
    WithheldCase decided = std::move(*found);
    decided.approved_by = actor.reference;
    decided.state = WithheldState::confirmed;
    auto done = co_await decide(std::move(decided), actor, deadline);
    co_return done;
}

// The case and, once it is confirmed, the record: one write set, both guarded by what was read.
Task<Result<WithheldCase>> WithheldRecords::decide(WithheldCase decided, audit::Actor actor, Deadline deadline) {
    sql::ReadBatch batch;
    const PersonRead reading = read_person(batch, decided.person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto work = person_work(decided.person, reading);
    if (!work) co_return fail(std::move(work));
    sql::WriteSet set(sql::Store::registry);
    change_withheld(set, decided, decided.version);
    const auto record = std::ranges::find(work->records, decided.coverage, &Coverage::key);
    const bool can_release = record != work->records.end() && record->state == State::withheld;
    if (!can_release) co_return fail(ErrorCode::intake_not_held, "the record is not withheld any more");
    if (decided.state == WithheldState::confirmed) {
        Coverage released = *record;
        released.state = State::active;
        const auto insured = InsuredSymbolNumber::parse(released.symbol, released.number);
        if (!insured) co_return fail(ErrorCode::store_corrupt, "the record's number");
        work->put(released, static_cast<std::size_t>(record - work->records.begin()), *insured);
        MemberCounts members;
        DelayCounts delays;
        auto written = write_person(set, *work, {vault_, clock_, random_}, members, delays);
        if (!written) co_return fail(std::move(written));
        delays.write(set);
    }
    audit::AuditedChanges changes(database_, clock_, random_);
    const auto event = decided.approved_by.empty() ? audit::Event::withheld_confirmed : audit::Event::withheld_approved;
    const std::string payload = payload_of(decided);
    auto applied = co_await changes.apply(event, actor, payload, std::move(set), deadline);
    if (!applied && applied.error().code == ErrorCode::store_conflict) {
        co_return fail(ErrorCode::intake_busy, "the withheld record");
    }
    if (!applied) co_return fail(std::move(applied));
    ++decided.version;
    co_return decided;
}

}  // namespace onshi::coverage
