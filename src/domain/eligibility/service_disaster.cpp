// Look-ups without the card while a disaster is open where the facility is (domain-rules §6.6).
#include <algorithm>

#include "base/bytes.h"
#include "base/japanese_text.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/service.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/emergencies.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"

namespace onshi::eligibility {

// Everybody of one reading and birth date is read in one batch.
static_assert(identity::same_reading_max <= sql::batch_queries_max);

namespace {

std::string folded(std::string_view text) {
    auto done = fold_for_comparison(text);
    return done ? std::move(done->text) : std::string();
}

Sha256 digest_of(const DisasterCheck& check, Date care_day) {
    std::string text = "onshi-disaster-v1\n";
    ByteWriter writer(text);
    writer.raw(check.id.bytes());
    writer.u32(static_cast<std::uint32_t>(care_day.days()));
    writer.text(identity::folded_reading(check.kana));
    writer.u32(static_cast<std::uint32_t>(check.birth.days()));
    writer.u8(static_cast<std::uint8_t>(check.sex));
    writer.text(folded(check.address));
    writer.u8(static_cast<std::uint8_t>(check.ground));
    return sha256(as_bytes(text));
}

// The index also leads to those who were called so once, and to another text of the same number.
bool is_meant(const identity::Person& person, const DisasterCheck& check) {
    const std::string told = identity::folded_reading(check.kana);
    const bool named = told == identity::folded_reading(person.kana) || told == identity::folded_reading(person.name);
    if (!named || person.birth != check.birth || person.sex != check.sex) return false;
    return check.address.empty() || folded(person.address).starts_with(folded(check.address));
}

}  // namespace

std::string_view to_string(DisasterGround ground) {
    return ground == DisasterGround::agreed ? "agreed" : "impossible";
}

std::optional<DisasterGround> parse_disaster_ground(std::string_view name) {
    if (name == "agreed") return DisasterGround::agreed;
    if (name == "impossible") return DisasterGround::impossible;
    return std::nullopt;
}

// Read for every look-up, so that what was ended by hand is over with the next one.
Task<Result<void>> CheckService::admit_in_disaster(const organisations::Terminal& terminal,
                                                   std::string_view operator_reference, Deadline deadline) {
    if (!terminal.may(organisations::Role::check_number)) co_return fail(ErrorCode::role_missing, "check_number");
    const Instant now = parts_.clock.now();
    sql::ReadBatch batch;
    const auto place = organisations::load_place(batch, terminal.organisation.key);
    const auto account = organisations::load_account(batch, terminal.organisation.key, operator_reference);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return read;
    if (!account || !account->active) co_return fail(ErrorCode::account_unknown, "operator");
    if (!place) co_return fail(ErrorCode::disaster_not_open, "the facility's municipality is not known");
    sql::ReadBatch declared;
    const auto disasters = organisations::load_disasters(declared, *place, japan_day(now));
    read = co_await parts_.database.read(declared, deadline);
    if (!read) co_return read;
    const bool open = std::ranges::any_of(disasters, [now](const organisations::Disaster& disaster) {
        return organisations::state_at(disaster, now) == organisations::DisasterState::open;
    });
    co_return open ? Result<void>() : fail(ErrorCode::disaster_not_open, "");
}

Task<Result<std::vector<NumberCandidate>>> CheckService::find_by_reading(const DisasterCheck& check, Deadline deadline,
                                                                         std::int64_t& known_seq) {
    std::vector<NumberCandidate> candidates;
    const auto reading = identity::reading_number(check.kana);
    if (!reading) co_return candidates;
    sql::ReadBatch index;
    const auto keys = identity::load_by_reading(index, check.birth, *reading);
    auto read = co_await parts_.database.read(index, deadline);
    if (!read) co_return fail(std::move(read));
    if (keys.empty()) co_return candidates;
    sql::ReadBatch merges;
    std::vector<sql::Slot<PersonKey>> aliases;
    aliases.reserve(keys.size());
    for (const PersonKey key : keys) aliases.push_back(identity::load_alias(merges, key));
    read = co_await parts_.database.read(merges, deadline);
    if (!read) co_return fail(std::move(read));
    std::vector<PersonKey> persons;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const PersonKey current = aliases[i] ? *aliases[i] : keys[i];
        if (std::ranges::find(persons, current) == persons.end()) persons.push_back(current);
    }
    sql::ReadBatch batch;
    std::vector<sql::Rows<identity::NowSection>> loaded;
    for (const PersonKey person : persons) loaded.push_back(identity::load_now(batch, person));
    read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    for (std::size_t i = 0; i < persons.size(); ++i) {
        if (loaded[i].empty()) continue;
        auto person = identity::person_of(persons[i], loaded[i]);
        auto coverages = coverage::coverages_of(loaded[i]);
        auto holdings = payments::holdings_of(loaded[i]);
        if (!person || !coverages || !holdings) co_return fail(ErrorCode::store_corrupt, "person_now");
        if (!is_meant(*person, check)) continue;
        for (const auto& section : loaded[i]) known_seq = std::max(known_seq, section.version);
        candidates.push_back({std::move(*person), std::move(*coverages), {}, std::move(*holdings)});
    }
    co_return candidates;
}

Task<Result<GivenAnswer>> CheckService::check_in_disaster(const organisations::Terminal& terminal,
                                                          const DisasterCheck& check, Deadline deadline) {
    auto admitted = co_await admit_in_disaster(terminal, check.operator_reference, deadline);
    if (!admitted) co_return fail(std::move(admitted));
    const Instant now = parts_.clock.now();
    const OrganisationKey facility = terminal.organisation.key;
    const Date today = japan_day(now);
    const Sha256 digest = digest_of(check, today);
    if (misses_.is_spent(facility, now)) {
        auto repeated = co_await repeat_by_id(terminal, check.id, digest, deadline);
        if (!repeated) co_return fail(std::move(repeated));
        if (*repeated) co_return std::move(**repeated);
        co_return fail(ErrorCode::check_misses, "");
    }
    std::int64_t known_seq = 0;
    auto candidates = co_await find_by_reading(check, deadline, known_seq);
    if (!candidates) co_return fail(std::move(candidates));
    NumberVerdict decided = decide_in_disaster(*candidates, today);
    const bool missed = candidates->empty();
    if (missed) misses_.count(facility, now);

    EntitlementTerms terms;
    terms.source = Source::disaster;
    terms.day = today;
    const payments::Holdings nothing;
    const auto& holdings = candidates->size() == 1 ? candidates->front().holdings : nothing;
    Answer answer;
    answer.source = Source::disaster;
    answer.check_id = check.id;
    answer.request_digest = digest;
    answer.circumstance = to_string(check.ground);
    answer.care_day = today;
    answer.answered_at = now;
    answer.known_seq = known_seq;
    answer.person = std::move(decided.person);
    answer.verdict = std::move(decided.verdict);
    answer.entitlements = entitlements_of(answer.verdict, holdings, terms, municipal());
    note_blanks(answer.verdict, answer.entitlements.limit_shown);
    keep_back_limit(answer.verdict, answer.entitlements, Source::disaster);

    sql::WriteSet set(sql::Store::ledger);
    consume_check_id(set, terminal.key, check.id, now);
    auto given =
        co_await commit_answer(std::move(set), std::move(answer), terminal, check.operator_reference, deadline);
    if (given && !missed) misses_.count_find(facility, now);
    if (given) co_return given;
    if (missed) misses_.give_back(facility, now);
    if (given.error().code != ErrorCode::store_conflict) co_return given;
    auto repeated = co_await repeat_by_id(terminal, check.id, digest, deadline);
    if (!repeated) co_return fail(std::move(repeated));
    if (!*repeated) co_return fail(ErrorCode::store_conflict, "check_id");
    co_return std::move(**repeated);
}

}  // namespace onshi::eligibility
