#include "domain/coverage/service_merge.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/coverage/intake_persons.h"
#include "domain/coverage/rules_intake.h"
#include "domain/coverage/service_withheld.h"
#include "domain/coverage/store_merge.h"
#include "domain/identity/store_merge.h"

namespace onshi::coverage {

namespace {

std::string payload_of(const PersonsMerged& merged, const MergeEvidence& evidence) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(merged.survivor.value());
    writer.i64(merged.other.value());
    writer.u8(static_cast<std::uint8_t>(merged.severity));
    writer.u32(static_cast<std::uint32_t>(merged.records_moved));
    writer.u32(static_cast<std::uint32_t>(merged.records_void));
    writer.text(mask_individual_numbers(evidence.evidence));
    writer.text(evidence.approved_by);
    return payload;
}

// One of the two, as it was read.
struct Side {
    PersonWork work;
    std::vector<identity::SealedNumber> numbers;
};

// Who keeps the key: whose number is known, else who was there first.
bool survives(const Side& a, const Side& b) {
    if (a.numbers.empty() != b.numbers.empty()) return !a.numbers.empty();
    return a.work.person.key < b.work.person.key;
}

// A withheld record that became void has nothing left to confirm.
WithheldCase carried(WithheldCase held, PersonKey into, const std::vector<MergedRecord>& records) {
    held.person = into;
    const auto at = std::ranges::find(records, held.coverage, [](const MergedRecord& m) { return m.record.key; });
    const bool is_void = at != records.end() && at->record.state == State::void_;
    if (is_void && held.state != WithheldState::confirmed) held.state = WithheldState::corrected;
    return held;
}

Result<void> take_over(Side& survivor, const Side& other, const std::vector<MergedRecord>& records,
                       PersonsMerged& told) {
    PersonWork& work = survivor.work;
    std::size_t own = 0;
    for (const MergedRecord& merged : records) {
        const auto insured = InsuredSymbolNumber::parse(merged.record.symbol, merged.record.number);
        if (!insured) return fail(ErrorCode::store_corrupt, "a record's number");
        const bool now_void = merged.changed && merged.record.state == State::void_;
        if (now_void) ++told.records_void;
        if (merged.from == MergedFrom::survivor) {
            if (merged.changed) work.put(merged.record, own, *insured);
            ++own;
            continue;
        }
        const auto before = std::ranges::find(other.work.records, merged.record.key, &Coverage::key);
        work.put(merged.record, std::nullopt, *insured);
        // It was its insurer's member and was seen before, only under another key.
        work.was_open.back() = is_open_member(*before);
        work.was_seen.back() = before->state == State::active;
        ++told.records_moved;
    }
    for (const WithheldCase& held : std::vector(work.withheld)) {
        WithheldCase after = carried(held, work.person.key, records);
        if (after.state != held.state) work.put_withheld(std::move(after));
    }
    for (const WithheldCase& held : other.work.withheld) work.put_withheld(carried(held, work.person.key, records));
    work.person.protection = stricter(work.person.protection, other.work.person.protection);
    // Always: the new version is the guard against whoever merges the survivor at the same time.
    work.identity_changed = true;
    work.touched = true;
    return {};
}

}  // namespace

Task<Result<PersonsMerged>> MergeService::merge(PersonKey one, PersonKey other, const MergeEvidence& evidence,
                                                const audit::Actor& actor, Deadline deadline) {
    const bool has_evidence = !evidence.evidence.empty() && evidence.evidence.size() <= evidence_bytes_max;
    if (!has_evidence) co_return fail(ErrorCode::intake_required, "evidence");
    if (one == other) co_return fail(ErrorCode::person_same, "");
    sql::ReadBatch batch;
    const PersonRead reads[2]{read_person(batch, one), read_person(batch, other)};
    const sql::Rows<identity::SealedNumber> numbers[2]{identity::load_sealed_numbers(batch, one),
                                                       identity::load_sealed_numbers(batch, other)};
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    // Who was found a moment ago and has nothing now was merged in between.
    if (reads[0].now.empty() || reads[1].now.empty()) co_return fail(ErrorCode::store_conflict, "merged meanwhile");
    auto first = person_work(one, reads[0]);
    auto second = person_work(other, reads[1]);
    if (!first || !second) co_return fail(ErrorCode::store_corrupt, "a person's section cannot be read");
    Side survivor{std::move(*first), numbers[0].get()};
    Side merged{std::move(*second), numbers[1].get()};
    if (!survives(survivor, merged)) std::swap(survivor, merged);

    PersonsMerged told{survivor.work.person.key, merged.work.person.key};
    const bool both_have_numbers = !survivor.numbers.empty() && !merged.numbers.empty();
    told.severity = merge_severity(survivor.work.person, merged.work.person, both_have_numbers);
    const bool approved = !evidence.approved_by.empty() && evidence.approved_by != actor.reference;
    if (identity::needs_four_eyes(told.severity) && !approved) co_return fail(ErrorCode::person_conflict, "");
    if (survivor.work.records.size() + merged.work.records.size() > coverages_per_person_max) {
        co_return fail(ErrorCode::intake_too_many_records, "of both together");
    }
    const auto records = merge_records(survivor.work.records, merged.work.records, japan_day(clock_.now()));
    auto taken = take_over(survivor, merged, records, told);
    if (!taken) co_return fail(std::move(taken));

    sql::WriteSet set(sql::Store::registry);
    identity::end_person(set, {told.other, merged.work.identity_version, merged.work.coverage_version}, told.survivor);
    end_records(set, told.other, told.survivor, merged.work.records);
    for (const identity::SealedNumber& number : merged.numbers) {
        auto opened = vault_.open(told.other, number.sealed);
        if (!opened) co_return fail(std::move(opened));
        identity::move_number_tag(set, vault_.tag(*opened), told.other, told.survivor);
    }
    MemberCounts members;
    DelayCounts delays;
    auto written = write_person(set, survivor.work, {vault_, clock_, random_}, members, delays);
    if (!written) co_return fail(std::move(written));
    members.write(set);
    delays.write(set);
    audit::AuditedChanges changes(database_, clock_, random_);
    const std::string payload = payload_of(told, evidence);
    auto applied = co_await changes.apply(audit::Event::persons_merged, actor, payload, std::move(set), deadline);
    if (!applied) co_return fail(std::move(applied));
    co_return told;
}

}  // namespace onshi::coverage
