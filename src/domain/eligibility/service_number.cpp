// The look-up by number, and the consents after an answer by card.
#include <algorithm>
#include <span>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/consent/store.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/service.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/payments/store.h"

namespace onshi::eligibility {

// Everybody behind one number is read in one batch.
static_assert(coverage::same_number_max <= sql::batch_queries_max);

namespace {

// What makes two look-ups the same, so that a repeat is told from another one with a reused id.
Sha256 digest_of(const NumberCheck& check) {
    std::string text = "onshi-number-v1\n";
    ByteWriter writer(text);
    writer.raw(check.id.bytes());
    writer.u32(static_cast<std::uint32_t>(check.care_day.days()));
    writer.i64(check.insurer.to_key());
    writer.text(check.insured.symbol.comparison());
    writer.text(check.insured.number.comparison());
    writer.u8(check.branch ? static_cast<std::uint8_t>(check.branch->value()) : 255);
    writer.u32(static_cast<std::uint32_t>(check.birth.days()));
    if (check.limit_consent) writer.u8(1);
    return sha256(as_bytes(text));
}

Sha256 digest_of_sorted(const std::vector<consent::ItemChoice>& choices) {
    std::string text = "onshi-consents-v1\n";
    ByteWriter writer(text);
    for (const auto& [item, choice] : choices) {
        writer.u8(static_cast<std::uint8_t>(item));
        writer.u8(static_cast<std::uint8_t>(choice));
    }
    return sha256(as_bytes(text));
}

// With the consent the answer's own facts are told, not what is known by now: both are one visit.
void tell_what_was_kept_back(const Answer& answer, const std::vector<consent::ItemChoice>& choices,
                             ConsentsRecorded& recorded) {
    const auto agreed = [&choices](consent::Item item) {
        return std::ranges::any_of(choices, [item](const consent::ItemChoice& c) {
            return c.item == item && c.choice == consent::Choice::agreed;
        });
    };
    if (agreed(consent::Item::specific_disease)) recorded.diseases = answer.entitlements.diseases;
    const bool kept_back = answer.entitlements.limit_shown == LimitShown::kept_back;
    if (!kept_back || !agreed(consent::Item::limit_certificate)) return;
    recorded.limit_of = answer.verdict.coverage;
    recorded.limit = answer.entitlements.limit;
}

// Those who carry the asked branch win over those found without it.
void keep_best(std::vector<NumberCandidate>& candidates) {
    const auto has_branch = [](const NumberCandidate& c) {
        return std::ranges::any_of(c.asked, &AskedRecord::branch_matches);
    };
    const bool any_exact = std::ranges::any_of(candidates, has_branch);
    if (any_exact) std::erase_if(candidates, [&](const NumberCandidate& c) { return !has_branch(c); });
}

}  // namespace

// A person who stands behind the asked number, with their records that carry it.
struct CheckService::Holder {
    PersonKey person;
    std::vector<AskedRecord> asked;

    static void add(std::vector<Holder>& holders, PersonKey person, std::span<const AskedRecord> asked) {
        auto known = std::ranges::find(holders, person, &Holder::person);
        if (known == holders.end()) known = holders.insert(holders.end(), Holder{person, {}});
        known->asked.insert(known->asked.end(), asked.begin(), asked.end());
    }
};

Task<Result<std::vector<CheckService::Holder>>> CheckService::find_holders(const NumberCheck& check,
                                                                           Deadline deadline) {
    sql::ReadBatch batch;
    const auto matches = coverage::load_by_number(batch, check.insurer, check.insured);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::vector<Holder> holders;
    for (const auto& match : matches) {
        const AskedRecord record{match.coverage, !check.branch || match.branch == check.branch};
        Holder::add(holders, match.person, {&record, 1});
    }
    co_return holders;
}

// Those of whom nothing is held now were merged, and stand under another key; aliases are one step long. Two who are
// one person now become one holder.
Task<Result<void>> CheckService::follow_merges(std::vector<Holder>& holders, Deadline deadline) {
    sql::ReadBatch batch;
    std::vector<sql::Slot<PersonKey>> aliases;
    aliases.reserve(holders.size());
    for (const auto& holder : holders) aliases.push_back(identity::load_alias(batch, holder.person));
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::vector<Holder> current;
    for (std::size_t i = 0; i < holders.size(); ++i) {
        Holder::add(current, aliases[i] ? *aliases[i] : holders[i].person, holders[i].asked);
    }
    holders = std::move(current);
    co_return Result<void>();
}

Task<Result<std::vector<NumberCandidate>>> CheckService::find_candidates(const NumberCheck& check, Deadline deadline,
                                                                         std::int64_t& known_seq) {
    std::vector<NumberCandidate> candidates;
    auto holders = co_await find_holders(check, deadline);
    if (!holders) co_return fail(std::move(holders));
    if (holders->empty()) co_return candidates;

    // Read twice only where somebody was merged.
    sql::ReadBatch batches[2];
    std::vector<sql::Rows<identity::NowSection>> loaded;
    for (auto& batch : batches) {
        loaded.clear();
        for (const auto& holder : *holders) loaded.push_back(identity::load_now(batch, holder.person));
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        const bool complete = std::ranges::none_of(loaded, &sql::Rows<identity::NowSection>::empty);
        if (complete || &batch != &batches[0]) break;
        auto followed = co_await follow_merges(*holders, deadline);
        if (!followed) co_return fail(std::move(followed));
    }

    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        Holder& holder = (*holders)[i];
        if (loaded[i].empty()) {
            ++lost;
            continue;
        }
        auto person = identity::person_of(holder.person, loaded[i]);
        auto coverages = coverage::coverages_of(loaded[i]);
        auto holdings = payments::holdings_of(loaded[i]);
        if (!person || !coverages || !holdings) co_return fail(ErrorCode::store_corrupt, "person_now");
        if (person->birth != check.birth) continue;
        for (const auto& section : loaded[i]) known_seq = std::max(known_seq, section.version);
        candidates.push_back(
            {std::move(*person), std::move(*coverages), std::move(holder.asked), std::move(*holdings)});
    }
    // Nobody else waits for the repair of one row; who may be meant by it is not told that they do not exist.
    if (lost > 0) lost_holders_.fetch_add(lost, std::memory_order_relaxed);
    if (lost > 0 && candidates.empty()) co_return fail(ErrorCode::store_corrupt, "a number leads to nobody");
    keep_best(candidates);
    co_return candidates;
}

Task<Result<std::optional<GivenAnswer>>> CheckService::repeat_by_number(const organisations::Terminal& terminal,
                                                                        const NumberCheck& check, Deadline deadline) {
    const Sha256 digest = digest_of(check);
    auto repeated = co_await repeat_by_id(terminal, check.id, digest, deadline);
    co_return repeated;
}

Task<Result<std::optional<GivenAnswer>>> CheckService::repeat_by_id(const organisations::Terminal& terminal,
                                                                    const CheckId& id, const Sha256& digest,
                                                                    Deadline deadline) {
    sql::ReadBatch batch;
    const auto used = load_used_check(batch, terminal.key, id);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto repeated = co_await repeat(used.get(), id, digest, deadline);
    co_return repeated;
}

Task<Result<GivenAnswer>> CheckService::check_by_number(const organisations::Terminal& terminal,
                                                        const NumberCheck& check, Deadline deadline) {
    if (!terminal.may(organisations::Role::check_number)) co_return fail(ErrorCode::role_missing, "check_number");
    const Instant now = parts_.clock.now();
    if (!is_care_day_by_number(check.care_day, japan_day(now))) {
        co_return fail(ErrorCode::check_care_day, "by number: five years back to one month ahead");
    }
    const OrganisationKey facility = terminal.organisation.key;
    if (misses_.is_spent(facility, now)) {
        auto repeated = co_await repeat_by_number(terminal, check, deadline);
        if (!repeated) co_return fail(std::move(repeated));
        if (*repeated) co_return std::move(**repeated);
        co_return fail(ErrorCode::check_misses, "");
    }

    std::int64_t known_seq = 0;
    auto candidates = co_await find_candidates(check, deadline, known_seq);
    if (!candidates) co_return fail(std::move(candidates));
    NumberVerdict decided = decide_by_number(*candidates, check.care_day);
    EntitlementTerms terms;
    terms.source = Source::number;
    terms.day = check.care_day;
    terms.limit_consent = check.limit_consent;
    const payments::Holdings nothing;
    const auto& holdings = candidates->size() == 1 ? candidates->front().holdings : nothing;
    // Counted before the answer is durable, so that many at once cannot overdraw the budget.
    const bool missed = decided.verdict.result == ResultCode::none;
    if (missed) misses_.count(facility, now);

    Answer answer;
    answer.source = Source::number;
    answer.check_id = check.id;
    answer.request_digest = digest_of(check);
    answer.care_day = check.care_day;
    answer.answered_at = now;
    answer.known_seq = known_seq;
    answer.person = std::move(decided.person);
    answer.verdict = std::move(decided.verdict);
    if (check.care_day == japan_day(now)) note_suspect_ratio(answer.verdict, check.birth, check.care_day);
    answer.entitlements = entitlements_of(answer.verdict, holdings, terms, municipal());
    note_blanks(answer.verdict, answer.entitlements.limit_shown);
    keep_back_limit(answer.verdict, answer.entitlements, Source::number);

    sql::WriteSet set(sql::Store::ledger);
    consume_check_id(set, terminal.key, check.id, now);
    // What was said at the desk stands in the same log as what was tapped on a reader (CO-9).
    if (check.limit_consent && answer.person) {
        consent::add_consent(set, answer.person->key, facility,
                             {consent::Item::limit_certificate, consent::Choice::agreed, now,
                              now + std::chrono::microseconds(consent::life)});
    }
    auto given = co_await commit_answer(std::move(set), std::move(answer), terminal, "", deadline);
    if (given && !missed) misses_.count_find(facility, now);
    if (given) co_return given;
    if (missed) misses_.give_back(facility, now);
    if (given.error().code != ErrorCode::store_conflict) co_return given;
    auto repeated = co_await repeat_by_number(terminal, check, deadline);
    if (!repeated) co_return fail(std::move(repeated));
    if (!*repeated) co_return fail(ErrorCode::store_conflict, "check_id");
    co_return std::move(**repeated);
}

Task<Result<ConsentsRecorded>> CheckService::record_consents(const organisations::Terminal& terminal,
                                                             audit::Place place,
                                                             const std::vector<consent::ItemChoice>& chosen,
                                                             Deadline deadline) {
    const Instant now = parts_.clock.now();
    // The same choices are the same message in whatever order they come.
    std::vector<consent::ItemChoice> choices = chosen;
    std::ranges::sort(choices, {}, &consent::ItemChoice::item);
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, place.lane, place.sequence);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const bool own = record && record->header.event == audit::Event::check_answered &&
                     record->header.terminal == terminal.key && record->payload.has_value();
    if (!own) co_return fail(ErrorCode::check_receipt, "");
    const auto answer = unpack(std::string_view(*record->payload).substr(audit::salt_bytes));
    if (!answer) co_return fail(ErrorCode::store_corrupt, "the recorded answer cannot be read");
    const bool takes_consents =
        answer->source == Source::card && answer->person && answer->verdict.result == ResultCode::valid;
    if (!takes_consents) co_return fail(ErrorCode::consent_not_available, "");
    const bool medical_asked = std::ranges::any_of(choices, [](const consent::ItemChoice& c) {
        return consent::is_medical(c.item) && c.choice == consent::Choice::agreed;
    });
    if (medical_asked && answer->verdict.medical != MedicalData::available) {
        co_return fail(ErrorCode::consent_not_available, std::string(to_string(answer->verdict.medical)));
    }

    const Sha256 digest = digest_of_sorted(choices);
    ConsentsRecorded recorded;
    for (const auto& [item, choice] : choices) {
        recorded.consents.push_back({item, choice, now, now + std::chrono::microseconds(consent::life)});
    }
    tell_what_was_kept_back(*answer, choices, recorded);
    const bool in_time = now - answer->answered_at <= consent::window_after_answer;
    if (in_time) {
        sql::WriteSet set(sql::Store::ledger);
        consume_consents(set, place, digest, now);
        std::string payload;
        ByteWriter writer(payload);
        writer.i64(answer->person->key.value());
        writer.i64(place.lane);
        writer.i64(place.sequence);
        for (const auto& given : recorded.consents) {
            consent::add_consent(set, answer->person->key, terminal.organisation.key, given);
            writer.u8(static_cast<std::uint8_t>(given.item));
            writer.u8(static_cast<std::uint8_t>(given.choice));
        }
        const audit::Actor who{terminal.organisation.key, terminal.key, "-"};
        audit::attach_record(set, audit::Event::consent_recorded, who, now, payload, parts_.random);
        auto committed = co_await parts_.database.commit(std::move(set), deadline);
        if (committed) {
            recorded.position = *committed;
            co_return recorded;
        }
        if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    }
    // Given before: the same choices again are a repeat, other ones are refused.
    sql::ReadBatch again;
    const auto given = load_given_consents(again, place);
    read = co_await parts_.database.read(again, deadline);
    if (!read) co_return fail(std::move(read));
    if (!given) co_return fail(ErrorCode::consent_window, "");
    if (given->digest != digest) co_return fail(ErrorCode::consent_given, "");
    sql::ReadBatch last;
    const auto first_record = audit::load_record(last, given->record.lane, given->record.sequence);
    read = co_await parts_.database.read(last, deadline);
    if (!read) co_return fail(std::move(read));
    if (!first_record) co_return fail(ErrorCode::store_corrupt, "the consents' record is missing");
    const Instant first_at = first_record->header.recorded_at;
    for (auto& one : recorded.consents) {
        one.given_at = first_at;
        one.expires_at = first_at + std::chrono::microseconds(consent::life);
    }
    recorded.position = {given->record.lane, given->record.sequence, first_record->hash, first_at.us};
    recorded.repeated = true;
    co_return recorded;
}

}  // namespace onshi::eligibility
