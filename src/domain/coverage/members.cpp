#include "domain/coverage/members.h"

#include <algorithm>
#include <vector>

#include "domain/identity/store.h"

namespace onshi::coverage {

Task<Result<FoundMember>> find_member(sql::Database& database, const MemberName& member, Deadline deadline) {
    sql::ReadBatch numbers;
    const auto matches = load_by_number(numbers, member.insurer, member.insured);
    auto read = co_await database.read(numbers, deadline);
    if (!read) co_return fail(std::move(read));
    sql::ReadBatch aliases;
    std::vector<sql::Slot<PersonKey>> current;
    for (const NumberMatch& match : matches) current.push_back(identity::load_alias(aliases, match.person));
    read = co_await database.read(aliases, deadline);
    if (!read) co_return fail(std::move(read));
    sql::ReadBatch persons;
    std::vector<PersonKey> keys;
    std::vector<sql::Rows<identity::NowSection>> sections;
    for (std::size_t i = 0; i < matches.size(); ++i) {
        keys.push_back(current[i] ? *current[i] : matches.get()[i].person);
        sections.push_back(identity::load_now(persons, keys.back()));
    }
    read = co_await database.read(persons, deadline);
    if (!read) co_return fail(std::move(read));
    std::optional<FoundMember> found;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const NumberMatch& match = matches.get()[i];
        const bool same_branch = !member.branch || match.branch == member.branch;
        const auto person = identity::person_of(keys[i], sections[i]);
        const auto records = coverages_of(sections[i]);
        if (!same_branch || !person || !records || person->birth != member.birth) continue;
        const auto record = std::ranges::find(*records, match.coverage, &Coverage::key);
        if (record == records->end() || record->state == State::void_) continue;
        if (found && found->person != keys[i]) co_return fail(ErrorCode::use_no_record, "more than one person");
        // The newest of several records under one number.
        if (!found || match.coverage > found->record) found = FoundMember{keys[i], match.coverage};
    }
    if (!found) co_return fail(ErrorCode::use_no_record, "nobody of this birth date");
    co_return *found;
}

}  // namespace onshi::coverage
