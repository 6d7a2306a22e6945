#include "domain/coverage/intake_persons.h"

#include <algorithm>

#include "domain/coverage/rules_intake.h"
#include "domain/identity/store_merge.h"
#include "domain/identity/store_numbers.h"

namespace onshi::coverage {

bool PersonWork::records_changed() const {
    return std::ranges::any_of(marks, [](RecordMark mark) { return mark != RecordMark::kept; });
}

void PersonWork::put(const Coverage& record, std::optional<std::size_t> index, const InsuredSymbolNumber& told) {
    touched = true;
    if (index) {
        records[*index] = record;
        records[*index].known_from = known_from_commit;
        if (marks[*index] == RecordMark::kept) marks[*index] = RecordMark::changed;
        return;
    }
    records.push_back(record);
    records.back().known_from = known_from_commit;
    marks.push_back(RecordMark::fresh);
    was_open.push_back(false);
    was_seen.push_back(false);
    insured.emplace_back(told);
    notified.emplace_back();
}

const WithheldCase* PersonWork::find_withheld(CoverageKey coverage) const {
    const auto found = std::ranges::find(withheld, coverage, &WithheldCase::coverage);
    return found == withheld.end() ? nullptr : &*found;
}

void PersonWork::put_withheld(WithheldCase changed) {
    touched = true;
    const auto found = std::ranges::find(withheld, changed.coverage, &WithheldCase::coverage);
    if (found != withheld.end()) {
        withheld_changed[static_cast<std::size_t>(found - withheld.begin())] = true;
        *found = std::move(changed);
        return;
    }
    withheld.push_back(std::move(changed));
    withheld_changed.push_back(true);
}

PersonRead read_person(sql::ReadBatch& batch, PersonKey person) {
    return {identity::load_now(batch, person), load_withheld_of(batch, person)};
}

Result<PersonWork> person_work(PersonKey key, const PersonRead& read) {
    PersonWork work;
    auto person = identity::person_of(key, read.now);
    auto records = coverages_of(read.now);
    if (!person || !records) return fail(ErrorCode::store_corrupt, "a person's section cannot be read");
    work.person = std::move(*person);
    work.identity_version = identity::find_section(read.now, identity::Section::identity)->version;
    const auto* section = identity::find_section(read.now, identity::Section::coverage);
    if (section != nullptr) work.coverage_version = section->version;
    work.records = std::move(*records);
    work.marks.assign(work.records.size(), RecordMark::kept);
    work.insured.resize(work.records.size());
    work.notified.resize(work.records.size());
    for (const Coverage& record : work.records) {
        work.was_open.push_back(is_open_member(record));
        work.was_seen.push_back(record.state == State::active);
    }
    work.withheld = read.withheld.get();
    work.withheld_changed.assign(work.withheld.size(), false);
    return work;
}

void MemberCounts::write(sql::WriteSet& set) const {
    for (const auto& [insurer, by] : changes_) {
        if (by != 0) change_members(set, insurer, by);
    }
}

Result<void> write_person(sql::WriteSet& set, const PersonWork& work, const WriteParts& parts, MemberCounts& members,
                          DelayCounts& delays) {
    const PersonKey key = work.person.key;
    if (work.is_new) identity::add_person(set, work.person);
    if (!work.is_new && work.identity_changed) identity::change_person(set, work.person, work.identity_version);
    if (work.new_number) {
        auto sealed = parts.vault.seal(key, *work.new_number, parts.random);
        if (!sealed) return fail(std::move(sealed));
        identity::add_sealed_number(set, key, parts.vault.seal_key_id(), *sealed);
    }
    for (std::size_t i = 0; i < work.records.size(); ++i) {
        const Coverage& record = work.records[i];
        if (work.marks[i] == RecordMark::kept) continue;
        if (work.marks[i] == RecordMark::fresh) add_record(set, key, record, *work.insured[i]);
        if (work.marks[i] == RecordMark::changed) add_version(set, key, record);
        const int after = is_open_member(record) ? 1 : 0;
        members.add(record.insurer, after - (work.was_open[i] ? 1 : 0));
        const bool appears = record.state == State::active && !work.was_seen[i];
        if (!appears) continue;
        const Date today = japan_day(parts.clock.now());
        delays.add(record.insurer, record.acquired_on, today);
        if (work.notified[i]) delays.add(record.insurer, *work.notified[i], today, DelayFrom::notice);
    }
    for (std::size_t i = 0; i < work.withheld.size(); ++i) {
        if (work.withheld_changed[i]) put_withheld(set, work.withheld[i]);
    }
    // Nobody was told anything about a person who was not known.
    if (work.records_changed() && !work.is_new) add_change(set, key, parts.clock.now());
    // A person without records has no section whose version would tell that it was merged meanwhile.
    const bool unguarded = !work.is_new && !work.identity_changed && !work.coverage_version;
    if (work.records_changed() && unguarded) {
        identity::expect_section(set, key, identity::Section::identity, work.identity_version);
    }
    if (work.records_changed()) {
        identity::put_section_guarded(set, key, identity::Section::coverage, pack_all(work.records),
                                      work.coverage_version);
    }
    return {};
}

}  // namespace onshi::coverage
