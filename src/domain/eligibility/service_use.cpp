// Registering the use of a card as insurance card, and cancelling it (domain-rules §8.1-8.4).
#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/coverage/service_paper.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/attempt.h"
#include "domain/eligibility/rules_use.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"

namespace onshi::eligibility {

namespace {

using cards::UseState;

std::string payload_of(PersonKey person, UseState before, UseState after, cards::Channel channel) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(person.value());
    writer.u8(static_cast<std::uint8_t>(before));
    writer.u8(static_cast<std::uint8_t>(after));
    writer.u8(static_cast<std::uint8_t>(channel));
    return payload;
}

audit::Event event_of(UseState after) {
    if (after == UseState::registered) return audit::Event::use_registered;
    return after == UseState::cancelled ? audit::Event::use_cancelled : audit::Event::use_cancel_requested;
}

}  // namespace

Task<Result<UseChange>> CheckService::change_use(const organisations::Terminal& terminal, const CardCheck& check,
                                                 Deadline deadline) {
    if (!wish_of(check.purpose)) co_return fail(ErrorCode::challenge_invalid, "signed for a check");
    auto attempt = open_attempt(terminal, check);
    if (!attempt) co_return fail(std::move(attempt));
    auto proven = co_await prove_card(*attempt, check, deadline);
    if (!proven) co_return fail(std::move(proven));
    if (!attempt->card) co_return fail(ErrorCode::card_unknown, "nobody is on file for this certificate");
    for (int tries = 1;; ++tries) {
        auto changed = co_await change_use_once(*attempt, check, deadline);
        const bool lost = !changed && changed.error().code == ErrorCode::store_conflict;
        if (lost && tries < check_attempts_max) continue;
        if (changed && attempt->first_seen) keep_key(*attempt);
        co_return changed;
    }
}

Task<Result<UseChange>> CheckService::change_use_once(Attempt& attempt, const CardCheck& check, Deadline deadline) {
    sql::ReadBatch batch;
    const auto alias = identity::load_alias(batch, attempt.person);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (alias) attempt.person = *alias;
    sql::ReadBatch facts;
    const auto now = identity::load_now(facts, attempt.person);
    const auto use = cards::load_use_registration(facts, attempt.person);
    const auto suspension = cards::load_suspension(facts, attempt.card_key);
    const auto used = load_used_challenge(facts, attempt.challenge, attempt.person);
    read = co_await parts_.database.read(facts, deadline);
    if (!read) co_return fail(std::move(read));
    if (suspension && suspension->suspended) co_return fail(ErrorCode::card_suspended, "");
    const auto person = identity::person_of(attempt.person, now);
    const auto records = coverage::coverages_of(now);
    if (!person || !records) co_return fail(ErrorCode::store_corrupt, "person_now");
    const cards::UseRegistration before = use ? *use : cards::UseRegistration();
    // Looks as if the holder had never registered, and cannot be changed here (domain-rules §2.8).
    const bool closed = person->protection.self_information_blocked;
    const auto wish = wish_of(check.purpose);
    if (!wish) co_return fail(ErrorCode::challenge_invalid, "signed for a check");
    auto after = cards::decide_use(closed ? UseState::none : before.state, *wish);
    if (!after) co_return fail(std::move(after));
    if (closed) co_return UseChange{UseState::none, false, {}};
    const bool changes = *after != before.state;
    // What was signed counts once. The same wish again finds it fulfilled; a later one needs its own signature.
    if (used && changes) co_return fail(ErrorCode::challenge_used, "");
    if (used || check.purpose == Purpose::ask_use) co_return UseChange{*after, false, {}};
    const auto channel = channel_of(attempt.terminal);
    if (!channel) co_return fail(ErrorCode::role_missing, "check_card");

    sql::WriteSet set(sql::Store::ledger);
    consume_challenge(set, attempt.challenge, attempt.person);
    if (changes) {
        cards::put_use(set, attempt.person, before, *after, *channel, attempt.now);
        coverage::order_certificates(set, attempt.person, coverage::certificates_owed(*records, check.care_day), *after,
                                     attempt.now);
    }
    const std::string payload = payload_of(attempt.person, before.state, *after, *channel);
    const audit::Actor who{attempt.terminal.organisation.key, attempt.terminal.key,
                           check.operator_reference.empty() ? "-" : check.operator_reference};
    audit::attach_record(set, event_of(*after), who, attempt.now, payload, parts_.random);
    auto committed = co_await parts_.database.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return UseChange{*after, changes, *committed};
}

}  // namespace onshi::eligibility
