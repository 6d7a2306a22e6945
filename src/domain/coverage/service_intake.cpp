#include "domain/coverage/service_intake.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/ensure.h"
#include "domain/coverage/intake_persons.h"

namespace onshi::coverage {

namespace {

// Two queries a person.
constexpr std::size_t persons_per_read = sql::batch_queries_max / 2;

std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
    return mix64(std::hash<std::string_view>()(bytes) ^ seed) | 1U;
}

std::uint64_t insured_hash_of(const IntakeRow& row) {
    const std::uint64_t insurer = mix64(static_cast<std::uint64_t>(row.insurer.to_key()));
    return hash_of(row.insured.number.comparison(), hash_of(row.insured.symbol.comparison(), insurer));
}

bool needs_register(const IntakeRow& row) {
    const bool tells = row.operation == Operation::add || row.operation == Operation::change;
    return tells && row.tells_name() && row.number.has_value();
}

// A tag is a keyed hash already.
struct TagHash {
    std::size_t operator()(const identity::NumberTag& tag) const {
        ByteReader reader{Bytes(tag)};
        return reader.u64();
    }
};

bool same_insured_number(const IntakeRow& a, const IntakeRow& b) {
    return a.insurer == b.insurer && a.insured == b.insured;
}

// What the registry holds about one row.
struct RowFinds {
    std::optional<PersonKey> by_tag;
    std::vector<NumberMatch> holders;  // of insurer, symbol and number
};

// Decides the rows of one chunk, in their order, on persons that were read once.
class Planner {
  public:
    Planner(const IntakeParts& parts, identity::KeyBlocks& keys, std::span<const PreparedRow> rows)
        : parts_(parts), keys_(keys), rows_(rows), today_(japan_day(parts.clock.now())) {}

    [[nodiscard]] Task<Result<IntakePlan>> run(Deadline deadline);

  private:
    [[nodiscard]] Task<Result<void>> find_by_tags(Deadline deadline);
    [[nodiscard]] Task<Result<void>> find_by_numbers(Deadline deadline);
    void claim_tags(sql::WriteSet& set) const;
    [[nodiscard]] Task<Result<void>> read_persons(Deadline deadline);
    void collect_wanted(std::size_t row, std::vector<PersonKey>& wanted) const;
    [[nodiscard]] RowOutcome decide(std::size_t index);
    [[nodiscard]] std::vector<PersonWork*> holders_of(std::size_t index);
    [[nodiscard]] PersonWork* find_by_tag(std::size_t index);
    [[nodiscard]] PersonWork* find_without_number(std::size_t index, bool& other_person);
    [[nodiscard]] RowOutcome apply(std::size_t index, PersonWork& work);
    [[nodiscard]] RowOutcome add(std::size_t index, PersonWork* work);
    [[nodiscard]] RowOutcome move(std::size_t index, PersonWork& from, std::size_t record, PersonWork* to);
    [[nodiscard]] PersonWork& make_person(std::size_t index);
    void learn_from_register(const PreparedRow& row, PersonWork& work);
    [[nodiscard]] std::optional<identity::MatchReport> match_of(const PreparedRow& row, const PersonWork& work) const;
    void note_withheld(const PreparedRow& row, PersonWork& work, const Coverage& record,
                       const identity::MatchReport& match);
    static void note_notice(const PreparedRow& row, PersonWork& work, std::size_t record);
    void note_released(PersonWork& work, CoverageKey coverage);
    void end_dependants(std::size_t index, const Coverage& insured, RowOutcome& outcome);
    void add_notes(const PreparedRow& row, const PersonWork& work, const Coverage& record,
                   const std::optional<identity::MatchReport>& match, RowOutcome& outcome) const;

    const IntakeParts& parts_;
    identity::KeyBlocks& keys_;
    std::span<const PreparedRow> rows_;
    Date today_;
    std::vector<RowFinds> finds_;
    std::unordered_map<PersonKey, PersonWork> persons_;
    std::vector<PersonKey> order_;  // in which persons were read or made: that of their keys and of the writes
    std::unordered_map<identity::NumberTag, PersonKey, TagHash> new_tags_;
    std::unordered_multimap<std::uint64_t, PersonKey> new_holders_;  // by insured number
};

Task<Result<IntakePlan>> Planner::run(Deadline deadline) {
    auto done = co_await keys_.reserve(static_cast<std::int64_t>(rows_.size()) * 2, deadline);
    finds_.resize(rows_.size());
    if (done) done = co_await find_by_tags(deadline);
    if (done) done = co_await find_by_numbers(deadline);
    if (done) done = co_await read_persons(deadline);
    if (!done) co_return fail(std::move(done));
    IntakePlan plan(sql::WriteSet(sql::Store::registry, sql::SetVolume::bulk));
    plan.outcomes.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) plan.outcomes.push_back(decide(i));
    MemberCounts members;
    DelayCounts delays;
    for (const PersonKey key : order_) {
        const PersonWork& work = persons_.at(key);
        if (!work.touched) continue;
        auto written = write_person(plan.set, work, {parts_.vault, parts_.clock, parts_.random}, members, delays);
        if (!written) co_return fail(std::move(written));
    }
    claim_tags(plan.set);
    members.write(plan.set);
    delays.write(plan.set);
    co_return plan;
}

void Planner::claim_tags(sql::WriteSet& set) const {
    std::vector<std::pair<identity::NumberTag, PersonKey>> tags(new_tags_.begin(), new_tags_.end());
    std::ranges::sort(tags);
    for (const auto& [tag, person] : tags) identity::claim_tag_of(set, person, tag);
}

// In the order of the index, which is that of no file: so neighbours share its pages.
Task<Result<void>> Planner::find_by_tags(Deadline deadline) {
    std::vector<std::size_t> order;
    order.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rows_[i].tag) order.push_back(i);
    }
    std::ranges::sort(order, {}, [this](std::size_t i) { return *rows_[i].tag; });
    std::vector<sql::Slot<PersonKey>> found;
    for (std::size_t first = 0; first < order.size(); first += sql::batch_queries_max) {
        const std::size_t last = std::min(order.size(), first + sql::batch_queries_max);
        sql::ReadBatch batch;
        found.clear();
        for (std::size_t i = first; i < last; ++i) {
            found.push_back(identity::load_by_tag(batch, *rows_[order[i]].tag));
        }
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return read;
        for (std::size_t i = first; i < last; ++i) finds_[order[i]].by_tag = found[i - first].get();
    }
    co_return Result<void>();
}

// Families come together, and share their number.
Task<Result<void>> Planner::find_by_numbers(Deadline deadline) {
    std::vector<std::size_t> order;
    order.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (i == 0 || !same_insured_number(rows_[i - 1].row, rows_[i].row)) order.push_back(i);
    }
    std::vector<sql::Rows<NumberMatch>> found;
    for (std::size_t first = 0; first < order.size(); first += sql::batch_queries_max) {
        const std::size_t last = std::min(order.size(), first + sql::batch_queries_max);
        sql::ReadBatch batch;
        found.clear();
        for (std::size_t i = first; i < last; ++i) {
            const IntakeRow& row = rows_[order[i]].row;
            found.push_back(load_by_number(batch, row.insurer, row.insured));
        }
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return read;
        for (std::size_t i = first; i < last; ++i) finds_[order[i]].holders = found[i - first].get();
    }
    for (std::size_t i = 1; i < rows_.size(); ++i) {
        if (same_insured_number(rows_[i - 1].row, rows_[i].row)) finds_[i].holders = finds_[i - 1].holders;
    }
    co_return Result<void>();
}

// Who has to be looked at before the row can be decided: the number's owner, those who may be meant by a row without
// one or hold its insured number, and a whole family when its insured leaves.
void Planner::collect_wanted(std::size_t index, std::vector<PersonKey>& wanted) const {
    const IntakeRow& row = rows_[index].row;
    const RowFinds& finds = finds_[index];
    if (finds.by_tag) wanted.push_back(*finds.by_tag);
    const bool family = row.operation == Operation::lose && dependants_end_with_insured(row.insurer);
    for (const NumberMatch& holder : finds.holders) {
        const bool same_branch = !row.branch || holder.branch == row.branch;
        if (family || same_branch) wanted.push_back(holder.person);
    }
}

Task<Result<void>> Planner::read_persons(Deadline deadline) {
    std::vector<PersonKey> wanted;
    for (std::size_t i = 0; i < rows_.size(); ++i) collect_wanted(i, wanted);
    std::unordered_set<PersonKey> seen;
    std::erase_if(wanted, [&seen](PersonKey key) { return !seen.insert(key).second; });
    std::ranges::sort(wanted);
    persons_.reserve(wanted.size() + rows_.size());
    for (std::size_t first = 0; first < wanted.size(); first += persons_per_read) {
        const std::size_t last = std::min(wanted.size(), first + persons_per_read);
        sql::ReadBatch batch;
        std::vector<PersonRead> reads;
        for (std::size_t i = first; i < last; ++i) reads.push_back(read_person(batch, wanted[i]));
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return read;
        for (std::size_t i = first; i < last; ++i) {
            auto work = person_work(wanted[i], reads[i - first]);
            if (!work) co_return fail(std::move(work));
            persons_.emplace(wanted[i], std::move(*work));
            order_.push_back(wanted[i]);
        }
    }
    co_return Result<void>();
}

PersonWork* Planner::find_by_tag(std::size_t index) {
    const PreparedRow& row = rows_[index];
    if (!row.tag) return nullptr;
    if (finds_[index].by_tag) return &persons_.at(*finds_[index].by_tag);
    const auto made = new_tags_.find(*row.tag);
    return made == new_tags_.end() ? nullptr : &persons_.at(made->second);
}

std::vector<PersonWork*> Planner::holders_of(std::size_t index) {
    std::vector<PersonWork*> holders;
    const auto add = [&](PersonKey key) {
        const auto found = persons_.find(key);
        if (found == persons_.end() || std::ranges::find(holders, &found->second) != holders.end()) return;
        if (find_record(rows_[index].row, found->second.records)) holders.push_back(&found->second);
    };
    for (const NumberMatch& match : finds_[index].holders) add(match.person);
    const auto [begin, end] = new_holders_.equal_range(rows_[index].insured_hash);
    for (auto at = begin; at != end; ++at) add(at->second);
    return holders;
}

bool birth_fits(const PersonWork& work, CoverageKey coverage, Date birth) {
    if (work.person.birth == birth) return true;
    const WithheldCase* withheld = work.find_withheld(coverage);
    return withheld != nullptr && withheld->sent.birth == birth;
}

// A row without an individual number means the holder of its insured number with its birth date: that names a record
// of this insurer's own, it does not link a person (AC-5). Two of them are nobody.
PersonWork* Planner::find_without_number(std::size_t index, bool& other_person) {
    PersonWork* found = nullptr;
    const std::vector<PersonWork*> holders = holders_of(index);
    for (PersonWork* holder : holders) {
        const auto record = find_record(rows_[index].row, holder->records);
        if (!birth_fits(*holder, holder->records[*record].key, rows_[index].row.person.birth)) continue;
        if (found != nullptr) return nullptr;
        found = holder;
    }
    other_person = found == nullptr && !holders.empty();
    return found;
}

PersonWork& Planner::make_person(std::size_t index) {
    const PreparedRow& row = rows_[index];
    PersonWork work;
    work.is_new = true;
    work.touched = true;
    work.person.key = PersonKey(keys_.take());
    const PersonKey key = work.person.key;
    // The registered form where there is one; what the insurer wrote is kept with the withheld record.
    if (row.resident) {
        work.person.name = row.resident->name;
        work.person.kana = row.resident->kana;
        work.person.address = row.resident->address;
        work.person.birth = row.resident->birth;
        work.person.sex = row.resident->sex;
    } else {
        const identity::SentIdentity& sent = row.row.person;
        work.person.name = sent.name;
        work.person.kana = sent.kana;
        work.person.address = sent.address;
        work.person.birth = sent.birth;
        work.person.sex = sent.sex;
    }
    if (row.tag) {
        work.new_number = row.row.number;
        new_tags_.emplace(*row.tag, key);
    }
    order_.push_back(key);
    return persons_.emplace(key, std::move(work)).first->second;
}

// The register's news: a changed name, a move.
void Planner::learn_from_register(const PreparedRow& row, PersonWork& work) {
    if (!row.resident) return;
    identity::Person& person = work.person;
    const identity::Resident& resident = *row.resident;
    const bool same = person.name == resident.name && person.kana == resident.kana &&
                      person.address == resident.address && person.birth == resident.birth &&
                      person.sex == resident.sex;
    if (same) return;
    person.name = resident.name;
    person.kana = resident.kana;
    person.address = resident.address;
    person.birth = resident.birth;
    person.sex = resident.sex;
    work.identity_changed = true;
    work.touched = true;
}

std::optional<identity::MatchReport> Planner::match_of(const PreparedRow& row, const PersonWork& work) const {
    if (row.match) return row.match;
    if (!row.row.tells_name()) return std::nullopt;
    if (row.row.operation == Operation::add) return identity::unmatched_for_want_of_number();
    // A change without a number: the holder's registered data, unless the holder was never found in the register.
    const auto record = find_record(row.row, work.records);
    const WithheldCase* withheld = record ? work.find_withheld(work.records[*record].key) : nullptr;
    const bool unknown = withheld != nullptr && withheld->state == WithheldState::open &&
                         (withheld->cause == to_string(OutcomeCode::cause_match_number_missing) ||
                          withheld->cause == to_string(OutcomeCode::cause_match_not_found));
    if (unknown) return identity::unmatched_for_want_of_number();
    const identity::Person& person = work.person;
    const identity::Resident holder{person.name, person.kana, person.address, person.birth, person.sex, Date::open_end};
    return identity::match_with_register(row.row.person, holder, row.row.acquired_on.value_or(Date::first_day));
}

void Planner::note_withheld(const PreparedRow& row, PersonWork& work, const Coverage& record,
                            const identity::MatchReport& match) {
    WithheldCase withheld{.person = work.person.key,
                          .coverage = record.key,
                          .insurer = record.insurer,
                          .severity = match.severity,
                          .opened_at = parts_.clock.now(),
                          .cause = std::string(to_string(*match.cause)),
                          .fields = match.packed_fields(),
                          .sent = row.row.person,
                          .notified_on = row.row.notified_on,
                          .evidence = {},
                          .confirmed_by = {},
                          .approved_by = {}};
    work.put_withheld(std::move(withheld));
}

// What told of the record: this row, or the one that was withheld.
void Planner::note_notice(const PreparedRow& row, PersonWork& work, std::size_t record) {
    const WithheldCase* withheld = work.find_withheld(work.records[record].key);
    work.notified[record] = row.row.notified_on;
    if (!row.row.notified_on && withheld != nullptr) work.notified[record] = withheld->notified_on;
}

void Planner::note_released(PersonWork& work, CoverageKey coverage) {
    const WithheldCase* withheld = work.find_withheld(coverage);
    if (withheld == nullptr || withheld->state == WithheldState::confirmed) return;
    WithheldCase ended = *withheld;
    ended.state = WithheldState::corrected;
    work.put_withheld(std::move(ended));
}

void Planner::add_notes(const PreparedRow& row, const PersonWork& work, const Coverage& record,
                        const std::optional<identity::MatchReport>& match, RowOutcome& outcome) const {
    if (is_held(record) && match && match->cause && match->withheld()) outcome.note(*match->cause);
    if (row.row.operation != Operation::add && row.row.operation != Operation::change) return;
    if (overlaps_another_insurer(record, work.records)) outcome.note(OutcomeCode::note_other_coverage);
    const bool suspect = parts_.ratio_check && parts_.ratio_check(record, work.person.birth, today_);
    if (suspect) outcome.note(OutcomeCode::note_ratio_suspect);
}

// One row on the records of the person it means.
RowOutcome Planner::apply(std::size_t index, PersonWork& work) {
    const PreparedRow& row = rows_[index];
    const auto match = match_of(row, work);
    IntakeFacts facts{
        .records = work.records, .match = match ? &*match : nullptr, .policy = parts_.policy, .file_day = today_};
    if (match && match->withheld()) {
        const auto record = find_record(row.row, work.records);
        const WithheldCase* before = record ? work.find_withheld(work.records[*record].key) : nullptr;
        facts.confirmed_before =
            before != nullptr && before->state == WithheldState::confirmed && before->sent == row.row.person;
    }
    const auto verdict = decide_intake(row.row, facts);
    if (const auto* refusal = std::get_if<IntakeRefusal>(&verdict)) {
        return RowOutcome::refuse(refusal->code, refusal->column);
    }
    const auto& decision = std::get<IntakeDecision>(verdict);
    RowOutcome outcome;
    outcome.result = decision.result;
    if (decision.result == RowResult::unchanged) return outcome;
    Coverage after = decision.after;
    if (!decision.index) after.key = CoverageKey(keys_.take());
    const bool was_held = decision.index && is_held(work.records[*decision.index]);
    work.put(after, decision.index, row.row.insured);
    note_notice(row, work, decision.index.value_or(work.records.size() - 1));
    if (!decision.index) new_holders_.emplace(row.insured_hash, work.person.key);
    if (is_held(after) && match && match->withheld()) note_withheld(row, work, after, *match);
    if (was_held && !is_held(after)) note_released(work, after.key);
    add_notes(row, work, after, match, outcome);
    if (decision.result == RowResult::ended) end_dependants(index, after, outcome);
    return outcome;
}

void Planner::end_dependants(std::size_t index, const Coverage& insured, RowOutcome& outcome) {
    if (insured.relation != Relation::insured || !dependants_end_with_insured(insured.insurer)) return;
    IntakeRow any_branch = rows_[index].row;
    any_branch.branch = std::nullopt;
    any_branch.acquired_on = std::nullopt;
    bool ended = false;
    const auto end_those_of = [&](PersonKey key) {
        const auto found = persons_.find(key);
        if (found == persons_.end()) return;
        PersonWork& work = found->second;
        for (std::size_t i = 0; i < work.records.size(); ++i) {
            if (!same_insured(any_branch, work.records[i])) continue;
            auto after = end_with_insured(work.records[i], insured);
            if (!after) continue;
            work.put(*after, i, any_branch.insured);
            ended = true;
        }
    };
    for (const NumberMatch& match : finds_[index].holders) end_those_of(match.person);
    const auto [begin, end] = new_holders_.equal_range(rows_[index].insured_hash);
    for (auto at = begin; at != end; ++at) end_those_of(at->second);
    if (ended) outcome.note(OutcomeCode::note_dependants_ended);
}

// The record goes from a person whose number it should not carry to the one whose number it carries now (§2.6).
RowOutcome Planner::move(std::size_t index, PersonWork& from, std::size_t record, PersonWork* to) {
    const PreparedRow& row = rows_[index];
    // Only where all that was sent is that of the number's holder: otherwise one wrong link would follow another.
    if (!row.match || row.match->withheld()) return RowOutcome::refuse(ErrorCode::intake_other_person);
    Coverage moved = from.records[record];
    Coverage taken_back = moved;
    taken_back.state = State::void_;
    taken_back.file_day = today_;
    const CoverageKey old_key = moved.key;
    PersonWork& target = to != nullptr ? *to : make_person(index);
    if (target.records.size() >= coverages_per_person_max)
        return RowOutcome::refuse(ErrorCode::intake_too_many_records);
    // `make_person` may have moved nothing: the map keeps its values in place.
    from.put(taken_back, record, row.row.insured);
    note_released(from, old_key);
    learn_from_register(row, target);
    moved.key = CoverageKey(keys_.take());
    moved.state = State::active;
    moved.health_data_held = false;
    moved.relation = row.row.relation;
    moved.copay_percent = row.row.copay_percent;
    moved.limit_category = row.row.limit_category;
    moved.kind = row.row.kind;
    moved.file_day = today_;
    target.put(moved, std::nullopt, row.row.insured);
    target.notified.back() = row.row.notified_on;
    new_holders_.emplace(row.insured_hash, target.person.key);
    RowOutcome outcome;
    outcome.result = RowResult::moved;
    add_notes(row, target, moved, row.match, outcome);
    return outcome;
}

RowOutcome Planner::add(std::size_t index, PersonWork* work) {
    const PreparedRow& row = rows_[index];
    bool shared = false;
    for (PersonWork* holder : holders_of(index)) {
        if (holder == work) continue;
        const auto record = find_record(row.row, holder->records);
        const Coverage& held = holder->records[*record];
        if (held.state == State::void_ || held.branch != row.row.branch) continue;
        const bool same_acquisition = held.acquired_on == *row.row.acquired_on;
        // The record waits for its right number: this is it.
        if (same_acquisition && is_held(held)) return move(index, *holder, *record, work);
        // N-2: another birth date under one number is another person, whatever the numbering says.
        if (same_acquisition && holder->person.birth == row.row.person.birth) {
            return RowOutcome::refuse(ErrorCode::intake_other_person);
        }
        shared = true;
    }
    if (work == nullptr) work = &make_person(index);
    learn_from_register(row, *work);
    RowOutcome outcome = apply(index, *work);
    if (shared && outcome.result != RowResult::refused) outcome.note(OutcomeCode::note_number_shared);
    return outcome;
}

RowOutcome Planner::decide(std::size_t index) {
    const PreparedRow& row = rows_[index];
    if (const auto wrong = check_row(row.row)) return RowOutcome::refuse(wrong->code, wrong->column);
    // A typing error in an era or a century is no plan of anybody's.
    const Date latest = today_.plus_days(acquisition_ahead_days_max);
    if (row.row.acquired_on && *row.row.acquired_on > latest) {
        return RowOutcome::refuse(ErrorCode::intake_value, "acquired_on");
    }
    if (row.row.notified_on && *row.row.notified_on > today_) {
        return RowOutcome::refuse(ErrorCode::intake_value, "notified_on");
    }
    bool other_person = false;
    PersonWork* work = row.tag ? find_by_tag(index) : find_without_number(index, other_person);
    if (row.row.operation == Operation::add) return add(index, work);
    if (work == nullptr || !find_record(row.row, work->records)) {
        for (PersonWork* holder : holders_of(index)) {
            if (holder == work) continue;
            if (row.tag && row.row.operation == Operation::change) {
                const auto record = find_record(row.row, holder->records);
                return move(index, *holder, *record, work);
            }
            other_person = true;
        }
        return RowOutcome::refuse(other_person ? ErrorCode::intake_other_person : ErrorCode::intake_unknown_coverage);
    }
    const auto record = find_record(row.row, work->records);
    const bool told_again = row.row.operation == Operation::change && row.row.tells_name();
    if (!told_again && !birth_fits(*work, work->records[*record].key, row.row.person.birth)) {
        return RowOutcome::refuse(ErrorCode::intake_other_person, "birth_date");
    }
    if (row.match) learn_from_register(row, *work);
    return apply(index, *work);
}

}  // namespace

Task<Result<std::vector<PreparedRow>>> Intake::prepare(std::vector<IntakeRow> rows, Deadline deadline) {
    std::vector<PreparedRow> prepared;
    prepared.reserve(rows.size());
    std::vector<identity::IndividualNumber> asked;
    for (IntakeRow& row : rows) {
        PreparedRow made(std::move(row));
        made.insured_hash = insured_hash_of(made.row);
        if (made.row.number) {
            made.tag = parts_.vault.tag(*made.row.number);
            made.tag_hash = hash_of(as_text(*made.tag), 0);
        }
        if (needs_register(made.row)) asked.push_back(*made.row.number);
        prepared.push_back(std::move(made));
    }
    auto residents = co_await parts_.residents.look_up(asked, deadline);
    if (!residents) co_return fail(std::move(residents));
    ENSURE(residents->size() == asked.size());
    std::size_t next = 0;
    for (PreparedRow& row : prepared) {
        if (!needs_register(row.row)) continue;
        row.resident = std::move((*residents)[next++]);
        row.match =
            identity::match_with_register(row.row.person, row.resident, row.row.acquired_on.value_or(Date::first_day));
    }
    co_return prepared;
}

Task<Result<IntakePlan>> Intake::plan(std::span<const PreparedRow> rows, Deadline deadline) {
    Planner planner(parts_, keys_, rows);
    co_return co_await planner.run(deadline);
}

}  // namespace onshi::coverage
