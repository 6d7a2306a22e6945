// The check by card, in the order of design §9.7: challenge → key → signature → status → reads → decision → write set.
#include <algorithm>

#include "base/ensure.h"
#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/cards/renewal.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/attempt.h"
#include "domain/eligibility/rules_use.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"

namespace onshi::eligibility {

namespace {

using organisations::Method;
using organisations::Role;

Result<void> check_method(const organisations::Terminal& terminal, const CardCheck& check,
                          const std::vector<std::string>& face_engines) {
    const bool may = is_check(check.purpose) ? terminal.may(Role::check_card) : channel_of(terminal).has_value();
    if (!may) return fail(ErrorCode::role_missing, "check_card");
    const bool by_face = check.method == Method::face;
    const bool admitted = std::ranges::find(face_engines, check.face_engine) != face_engines.end();
    if (!terminal.may(check.method) || (by_face && !admitted) || (!by_face && !check.face_engine.empty())) {
        return fail(ErrorCode::method_not_allowed, std::string(organisations::to_string(check.method)));
    }
    if (check.method == Method::visual && (check.operator_reference.empty() || check.visual_reason.empty())) {
        return fail(ErrorCode::account_unknown, "a visual check names its operator and reason");
    }
    return {};
}

Instant issued_at(const CardCheck& check, const OpenedChallenge& challenge) {
    if (check.purpose != Purpose::deferred) return challenge.expires_at - std::chrono::microseconds(challenge_life);
    return challenge.expires_at - std::chrono::microseconds(deferred_challenge_life);
}

bool is_care_day(const CardCheck& check, const OpenedChallenge& challenge, Instant now) {
    if (check.purpose != Purpose::deferred) return is_care_day_by_card(check.care_day, now);
    return is_care_day_deferred(check.care_day, issued_at(check, challenge), now);
}

// When the card was used, as far as the hub can know: certificates are judged by that moment and not by the one at
// which the hub heard of it.
Instant used_at(const CardCheck& check, const OpenedChallenge& challenge, Instant now) {
    const Instant day_ends = start_of_japan_day(check.care_day.plus_days(1)) - std::chrono::microseconds(1);
    return std::min(now, std::max(day_ends, issued_at(check, challenge)));
}

Result<void> judge(cards::CertificateStatus status) {
    switch (status) {
        case cards::CertificateStatus::good: return {};
        case cards::CertificateStatus::suspended: return fail(ErrorCode::card_suspended, "");
        case cards::CertificateStatus::renewed: return fail(ErrorCode::card_renewed, "");
        case cards::CertificateStatus::revoked: break;
    }
    return fail(ErrorCode::card_revoked, "");
}

// The responder's answer in the same terms. What it does not know, nobody issued.
Result<void> judge(const pki::CertificateStatus& answer) {
    using pki::RevocationState;
    if (answer.state == RevocationState::good) return {};
    if (answer.state == RevocationState::unknown) return fail(ErrorCode::card_not_issued, "");
    if (answer.state == RevocationState::suspended) return judge(cards::CertificateStatus::suspended);
    const bool renewed = answer.reason == pki::RevocationReason::superseded;
    return judge(renewed ? cards::CertificateStatus::renewed : cards::CertificateStatus::revoked);
}

}  // namespace

Result<CheckService::Attempt> CheckService::open_attempt(const organisations::Terminal& terminal,
                                                         const CardCheck& check) const {
    auto allowed = check_method(terminal, check, settings_.face_engines);
    if (!allowed) return fail(std::move(allowed));
    const Instant now = parts_.clock.now();
    auto challenge = parts_.challenges.open(check.challenge, terminal.key, check.purpose, now);
    if (!challenge) return fail(std::move(challenge));
    if (!is_care_day(check, *challenge, now)) return fail(ErrorCode::check_care_day, "by card: the day of the visit");
    const auto ca_id = parts_.authorities.find(check.authority_key_id);
    if (!ca_id) return fail(ErrorCode::card_authority_unknown, "authority_key_id");
    SignedLines lines;
    const std::string facility = terminal.organisation.code_text();
    const std::string terminal_id = terminal.id();
    const std::string check_id = check.id.text();
    lines.hub_id = settings_.hub_id;
    lines.facility = facility;
    lines.terminal = terminal_id;
    lines.challenge = check.challenge;
    lines.purpose = to_string(check.purpose);
    lines.method = organisations::to_string(check.method);
    lines.face_engine = check.face_engine;
    lines.care_day = check.care_day;
    lines.operator_reference = check.operator_reference;
    lines.check_id = check_id;
    return Attempt{.terminal = terminal,
                   .now = now,
                   .challenge = *challenge,
                   .signed_text = to_text(lines),
                   .card_key = {*ca_id, check.serial},
                   .card = {},
                   .listed = {},
                   .asked_as_of = {},
                   .account = {},
                   .key = {},
                   .not_after = {},
                   .use = {}};
}

Task<Result<void>> CheckService::load_card(Attempt& attempt, const CardCheck& check, Deadline deadline) {
    sql::ReadBatch batch;
    const auto card = cards::load_card(batch, attempt.card_key);
    const auto listed = cards::load_listed_status(batch, attempt.card_key);
    std::optional<sql::Slot<organisations::Account>> account;
    if (!check.operator_reference.empty()) {
        account = organisations::load_account(batch, attempt.terminal.organisation.key, check.operator_reference);
    }
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    attempt.card = card.get();
    if (attempt.card) attempt.person = attempt.card->person;
    if (listed) attempt.listed = *listed;
    if (account) attempt.account = account->get();
    const bool operator_known = attempt.account && attempt.account->active;
    if (account && !operator_known) co_return fail(ErrorCode::account_unknown, "operator");
    if (attempt.card) co_return Result<void>();
    auto renewed = co_await find_renewed(attempt, deadline);
    co_return renewed;
}

// A renewed certificate has a new serial, and the person behind it stays the same (jpki-card §7.2).
Task<Result<void>> CheckService::find_renewed(Attempt& attempt, Deadline deadline) {
    auto from = co_await cards::find_renewed_from(parts_.database, attempt.card_key, attempt.now, deadline);
    if (!from) co_return fail(std::move(from));
    if (!*from) co_return Result<void>();
    if ((*from)->suspended) co_return fail(ErrorCode::card_suspended, "an earlier certificate of this holder");
    cards::Card card{.key = attempt.card_key, .not_after = {}, .public_key = {}, .tag = {}};
    card.person = (*from)->person;
    attempt.person = card.person;
    attempt.card = std::move(card);
    co_return Result<void>();
}

// A stored key counts only with its tag; anything else must prove itself by its certificate.
Result<void> CheckService::find_key(Attempt& attempt, const CardCheck& check) const {
    const std::int64_t epoch = parts_.authorities.trust_epoch();
    if (attempt.card && cards::has_trusted_key(parts_.row_key, *attempt.card, epoch)) {
        auto key = pki::CardPublicKey::parse(as_bytes(attempt.card->public_key));
        if (!key) return fail(std::move(key));
        attempt.key = std::move(*key);
        attempt.not_after = attempt.card->not_after;
        attempt.grace = attempt.card->grace;
        return {};
    }
    if (check.certificate.empty()) return fail(ErrorCode::certificate_needed, "the card's key is not stored");
    const Instant at = used_at(check, attempt.challenge, attempt.now);
    auto verified = parts_.authorities.verify(as_bytes(check.certificate), attempt.card_key, at);
    if (!verified) return fail(std::move(verified));
    attempt.key = verified->key;
    attempt.not_after = verified->certificate.not_after;
    attempt.grace = verified->grace == pki::ExpiryGrace::none ? cards::Grace::none : cards::Grace::three_months;
    attempt.first_seen = true;
    return {};
}

Result<void> CheckService::check_signature(const Attempt& attempt, const CardCheck& check) const {
    return pki::verify_message(*attempt.key, check.algorithm, as_bytes(attempt.signed_text), as_bytes(check.signature));
}

// By the CA's list and, where that is old and the certificate was never seen, by asking the CA. The holder's own
// suspension is read with the rest of the ledger.
Task<Result<void>> CheckService::check_status(Attempt& attempt, Deadline deadline) const {
    auto listed = judge(attempt.listed.status);
    if (!listed) co_return listed;
    if (attempt.validity == cards::Validity::expired) co_return fail(ErrorCode::card_expired, "");
    const bool to_ask = parts_.ocsp != nullptr && attempt.first_seen &&
                        !parts_.status_sources.may_rely(attempt.card_key.ca_id, attempt.now);
    if (!to_ask) co_return Result<void>();
    auto answer = co_await parts_.ocsp->ask(attempt.card_key, deadline);
    // Nobody is refused because a responder is away: the answer says that the card's status is old.
    if (!answer) co_return Result<void>();
    auto judged = judge(*answer);
    if (judged) attempt.asked_as_of = answer->as_of;
    co_return judged;
}

// A merged person stands under another key; aliases are one step long.
Task<Result<std::optional<PersonKey>>> CheckService::find_current(PersonKey merged, Deadline deadline) {
    sql::ReadBatch batch;
    const auto alias = identity::load_alias(batch, merged);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return alias.get();
}

Task<Result<Answer>> CheckService::decide(Attempt& attempt, const CardCheck& check, Deadline deadline) {
    const PersonKey person = attempt.person;
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, person);
    // All of the ledger in one batch: looking at it costs, because it changes with every commit.
    const auto use = cards::load_use_registration(batch, person);
    const auto suspension = cards::load_suspension(batch, attempt.card_key);
    std::optional<sql::Slot<std::int64_t>> visual;
    if (check.method == Method::visual) {
        visual = load_visual_uses(batch, attempt.terminal.organisation.key, check.operator_reference, check.care_day);
    }
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (now.empty() && attempt.card && !attempt.alias_followed) {
        attempt.alias_followed = true;
        auto current = co_await find_current(person, deadline);
        if (!current) co_return fail(std::move(current));
        if (*current && **current != person) {
            attempt.person = **current;
            auto answer = co_await decide(attempt, check, deadline);
            co_return answer;
        }
    }
    if (suspension && suspension->suspended) co_return fail(ErrorCode::card_suspended, "");
    auto found = identity::person_of(person, now);
    auto coverages = coverage::coverages_of(now);
    auto holdings = payments::holdings_of(now);
    if (!coverages || !holdings || (!found && !now.empty())) co_return fail(ErrorCode::store_corrupt, "person_now");
    if (use) attempt.use = *use;
    if (visual && *visual) attempt.visual_uses = **visual;

    const bool known = found.has_value();
    const bool closed = known && found->protection.self_information_blocked;
    const bool registered = known && !closed && attempt.use.usable();
    attempt.registers = known && !closed && !registered && check.registration == Registration::agreed;
    CardFacts facts;
    facts.known = attempt.card.has_value();
    facts.validity = attempt.validity;
    facts.not_after = attempt.not_after;
    facts.registered = registered || attempt.registers;
    facts.registered_now = attempt.registers;
    facts.may_register = check.registration == Registration::not_asked;
    const auto list_as_of = parts_.status_sources.as_of(attempt.card_key.ca_id);
    const auto as_of = std::max(list_as_of, attempt.asked_as_of);
    facts.deferred = check.purpose == Purpose::deferred;
    // Declared away: a list that is fresh may miss what was revoked since, and only the CA's own word counts.
    const bool doubted = parts_.status_sources.is_away() && !attempt.asked_as_of;
    facts.status_old = doubted || !as_of || attempt.now - *as_of > cards::card_status_fresh_for;
    if (as_of) facts.status_day = japan_day(*as_of);

    Answer answer;
    answer.source = Source::card;
    answer.check_id = check.id;
    answer.request_digest = sha256(as_bytes(attempt.signed_text));
    answer.method = check.method;
    if (check.method == Method::visual) answer.circumstance = check.visual_reason;
    if (check.method == Method::face) answer.circumstance = check.face_engine;
    answer.care_day = check.care_day;
    answer.answered_at = attempt.now;
    answer.card_status_as_of = as_of;
    answer.verdict = decide_by_card(facts, *coverages, check.care_day);
    if (facts.registered) {
        EntitlementTerms terms;
        terms.deferred = facts.deferred;
        terms.day = check.care_day;
        terms.address = found->address;
        answer.entitlements = entitlements_of(answer.verdict, *holdings, terms, municipal());
        if (check.care_day == japan_day(attempt.now)) note_suspect_ratio(answer.verdict, found->birth, check.care_day);
        note_blanks(answer.verdict, answer.entitlements.limit_shown);
        answer.person = std::move(found);
        answer.person->protection = {};
        for (const auto& section : now) answer.known_seq = std::max(answer.known_seq, section.version);
    }
    co_return answer;
}

Task<Result<GivenAnswer>> CheckService::commit_answer(sql::WriteSet set, Answer answer,
                                                      const organisations::Terminal& terminal, std::string_view actor,
                                                      Deadline deadline) {
    const std::string payload = pack(answer);
    const audit::Actor who{terminal.organisation.key, terminal.key, actor.empty() ? "-" : actor};
    audit::attach_record(set, audit::Event::check_answered, who, answer.answered_at, payload, parts_.random);
    auto committed = co_await parts_.database.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    GivenAnswer given{std::move(answer), *committed};
    co_return given;
}

// The same check again gives the same answer and receipt and no second record (design §9.7). nullopt: nothing was used.
Task<Result<std::optional<GivenAnswer>>> CheckService::repeat(const std::optional<audit::Place>& used,
                                                              const CheckId& id, const Sha256& digest,
                                                              Deadline deadline) {
    if (!used) co_return std::optional<GivenAnswer>();
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, used->lane, used->sequence);
    auto read = co_await parts_.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!record || !record->payload) co_return fail(ErrorCode::challenge_used, "");
    auto answer = unpack(std::string_view(*record->payload).substr(audit::salt_bytes));
    if (!answer) co_return fail(ErrorCode::store_corrupt, "the recorded answer cannot be read");
    if (answer->check_id != id || answer->request_digest != digest) co_return fail(ErrorCode::challenge_used, "");
    sql::CommitPosition position{used->lane, used->sequence, record->hash, record->header.recorded_at.us};
    std::optional<GivenAnswer> given(GivenAnswer{std::move(*answer), position, true});
    co_return given;
}

// That the card is genuine, was there and signed this, and that nobody has taken it out of use.
Task<Result<void>> CheckService::prove_card(Attempt& attempt, const CardCheck& check, Deadline deadline) {
    auto loaded = co_await load_card(attempt, check, deadline);
    if (!loaded) co_return loaded;
    auto keyed = find_key(attempt, check);
    if (!keyed) co_return keyed;
    auto proven = check_signature(attempt, check);
    if (!proven) co_return proven;
    attempt.validity = cards::validity_on(attempt.not_after, attempt.grace, check.care_day);
    auto usable = co_await check_status(attempt, deadline);
    co_return usable;
}

// Everything an answer changes, each with the guard that keeps it from happening twice.
sql::WriteSet CheckService::write_set_of(const Attempt& attempt, const CardCheck& check) {
    sql::WriteSet set(sql::Store::ledger);
    set.reserve(24, 768);
    consume_challenge(set, attempt.challenge, attempt.person);
    if (attempt.registers) cards::register_use(set, attempt.person, attempt.use, cards::Channel::kiosk, attempt.now);
    if (check.method == Method::visual) {
        count_visual_use(set, attempt.terminal.organisation.key, check.operator_reference, check.care_day,
                         attempt.visual_uses, attempt.account->visual_checks_per_day);
    }
    return set;
}

Task<Result<GivenAnswer>> CheckService::check_by_card(const organisations::Terminal& terminal, const CardCheck& check,
                                                      Deadline deadline) {
    if (!is_check(check.purpose)) co_return fail(ErrorCode::challenge_invalid, "signed for another purpose");
    auto attempt = open_attempt(terminal, check);
    if (!attempt) co_return fail(std::move(attempt));
    auto given = co_await answer_card(*attempt, check, deadline);
    co_return given;
}

Sha256 capsule_card_name(const CardKey& card) {
    std::string text = "onshi-capsule-card-v1";
    ByteWriter writer(text);
    writer.i64(card.ca_id);
    writer.raw(card.serial.bytes());
    return sha256(as_bytes(text));
}

Task<Result<CapsuleAnswer>> CheckService::answer_for_capsule(const organisations::Terminal& terminal,
                                                             const CardCheck& check, Deadline deadline) {
    if (check.purpose != Purpose::capsule) co_return fail(ErrorCode::challenge_invalid, "signed for another purpose");
    auto attempt = open_attempt(terminal, check);
    if (!attempt) co_return fail(std::move(attempt));
    auto given = co_await answer_card(*attempt, check, deadline);
    if (!given) co_return fail(std::move(given));
    const Sha256 card = sha256(attempt->key->subject_public_key_info());
    CapsuleAnswer answer{std::move(*given), card, capsule_card_name(attempt->card_key)};
    co_return answer;
}

Task<Result<GivenAnswer>> CheckService::answer_card(Attempt& attempt, const CardCheck& check, Deadline deadline) {
    auto proven = co_await prove_card(attempt, check, deadline);
    if (!proven) co_return fail(std::move(proven));

    for (int tries = 0; tries < check_attempts_max; ++tries) {
        auto answer = co_await decide(attempt, check, deadline);
        if (!answer) co_return fail(std::move(answer));
        const Sha256 digest = answer->request_digest;
        const bool within_budget =
            check.method != Method::visual || attempt.visual_uses < attempt.account->visual_checks_per_day;
        ErrorCode refusal = ErrorCode::account_visual_budget;
        if (within_budget) {
            sql::WriteSet set = write_set_of(attempt, check);
            auto given = co_await commit_answer(std::move(set), std::move(*answer), attempt.terminal,
                                                check.operator_reference, deadline);
            if (given) {
                if (attempt.first_seen && attempt.card) keep_key(attempt);
                co_return given;
            }
            refusal = given.error().code;
            if (refusal != ErrorCode::store_conflict) co_return given;
        }
        // What was answered before is answered again, whatever has been used up since.
        sql::ReadBatch batch;
        const auto used = load_used_challenge(batch, attempt.challenge, attempt.person);
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        auto repeated = co_await repeat(used.get(), check.id, digest, deadline);
        if (!repeated) co_return fail(std::move(repeated));
        if (*repeated) co_return std::move(**repeated);
        if (refusal != ErrorCode::store_conflict) co_return fail(refusal, "");
        // The challenge is still free, so another guard lost its race: look again.
    }
    co_return fail(ErrorCode::store_conflict, "the check lost its race too often");
}

// The next check of this card needs no certificate. The answer does not wait for that: when the key is not stored, the
// next check sends the certificate again.
void CheckService::keep_key(const Attempt& attempt) const {
    cards::SeenCard seen{*attempt.card, attempt.terminal.organisation.key, attempt.terminal.key};
    seen.card.public_key = as_text(attempt.key->stored());
    seen.card.not_after = attempt.not_after;
    seen.card.grace = attempt.grace;
    const Sha256 tag = cards::card_tag(parts_.row_key, seen.card, parts_.authorities.trust_epoch());
    seen.card.tag = as_text(tag);
    parts_.seen_cards.push(std::move(seen));
}

}  // namespace onshi::eligibility
