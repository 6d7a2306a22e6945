#include "domain/eligibility/merges.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/cards/rules_use.h"
#include "domain/cards/store.h"
#include "domain/consent/store.h"
#include "domain/coverage/service_paper.h"
#include "domain/coverage/store.h"
#include "domain/coverage/store_merge.h"
#include "domain/identity/store_merge.h"

namespace onshi::eligibility {

namespace {

std::string payload_of(PersonKey survivor, PersonKey old, cards::UseState use, std::size_t consents) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(survivor.value());
    writer.i64(old.value());
    writer.u8(static_cast<std::uint8_t>(use));
    writer.u32(static_cast<std::uint32_t>(consents));
    return payload;
}

}  // namespace

Task<Result<MergeOutcome>> Merges::merge(const MergeOrder& order, const audit::Actor& actor, Deadline deadline) {
    for (int tries = 1;; ++tries) {
        auto merged = co_await merge_once(order, actor, deadline);
        const bool lost = !merged && merged.error().code == ErrorCode::store_conflict;
        if (lost && tries < merge_attempts_max) continue;
        if (lost) co_return fail(ErrorCode::intake_busy, "the persons' data");
        co_return merged;
    }
}

Task<Result<MergeOutcome>> Merges::merge_once(const MergeOrder& order, const audit::Actor& actor, Deadline deadline) {
    PersonKey found[2]{PersonKey(0), PersonKey(0)};
    const coverage::MemberName* names[2]{&order.one, &order.other};
    for (std::size_t i = 0; i < 2; ++i) {
        auto member = co_await coverage::find_member(database_, *names[i], deadline);
        const bool nobody = !member && member.error().code == ErrorCode::use_no_record;
        if (nobody) co_return fail(ErrorCode::person_unknown, i == 0 ? "the first" : "the second");
        if (!member) co_return fail(std::move(member));
        found[i] = member->person;
    }
    MergeOutcome outcome;
    outcome.registry.survivor = found[0];
    if (found[0] != found[1]) {
        coverage::MergeService registry(database_, clock_, random_, vault_);
        auto merged = co_await registry.merge(found[0], found[1], order.evidence, actor, deadline);
        if (!merged) co_return fail(std::move(merged));
        outcome.merged = true;
        outcome.registry = *merged;
    }
    auto settled = co_await settle(outcome.registry.survivor, actor, deadline);
    if (!settled) co_return fail(std::move(settled));
    outcome.settled = *settled;
    if (!outcome.merged && outcome.settled == 0) co_return fail(ErrorCode::person_same, "");
    co_return outcome;
}

Task<Result<std::size_t>> Merges::settle(PersonKey survivor, const audit::Actor& actor, Deadline deadline) {
    sql::ReadBatch batch;
    const auto old_keys = identity::load_merged_into(batch, survivor);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::size_t settled = 0;
    for (const PersonKey old : old_keys) {
        auto done = co_await settle_one(survivor, old, actor, deadline);
        if (!done) co_return fail(std::move(done));
        settled += *done ? 1 : 0;
    }
    co_return settled;
}

// What the ledger still holds under the old key. Afterwards it holds nothing there that counts, so that the same again
// finds nothing to do.
Task<Result<bool>> Merges::settle_one(PersonKey survivor, PersonKey old, const audit::Actor& actor, Deadline deadline) {
    const Instant now = clock_.now();
    const Instant since = now - std::chrono::duration_cast<std::chrono::microseconds>(consent::life);
    sql::ReadBatch batch;
    const auto sections = identity::load_now(batch, survivor);
    const auto own_use = cards::load_use_registration(batch, survivor);
    const auto old_use = cards::load_use_registration(batch, old);
    const auto own_consents = consent::load_consents_of(batch, survivor, since);
    const auto old_consents = consent::load_consents_of(batch, old, since);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const auto records = coverage::coverages_of(sections);
    if (!records) co_return fail(ErrorCode::store_corrupt, "a person's coverage section");
    sql::ReadBatch order_batch;
    std::vector<sql::Slot<coverage::PaperOrder>> orders;
    for (const auto& record : *records) orders.push_back(coverage::load_order(order_batch, record.insurer, record.key));
    if (!orders.empty()) {
        read = co_await database_.read(order_batch, deadline);
        if (!read) co_return fail(std::move(read));
    }
    const bool has_orders =
        std::ranges::any_of(orders, [&](const auto& order) { return order && order->person == old; });

    const cards::UseRegistration own = own_use ? *own_use : cards::UseRegistration();
    const cards::UseRegistration theirs = old_use ? *old_use : cards::UseRegistration();
    const cards::UseRegistration use = cards::merge_use(own, theirs);
    const auto consents = consent::merge_consents(own_consents.get(), old_consents.get(), now);
    const bool has_use = theirs.state != cards::UseState::none;
    if (!has_use && !has_orders && consents.empty()) co_return false;

    sql::WriteSet set(sql::Store::ledger);
    if (has_use) {
        if (use.state != own.state) {
            cards::put_use(set, survivor, own, use.state, cards::Channel::load, use.since);
            coverage::order_certificates(set, survivor, coverage::certificates_owed(*records, japan_day(now)),
                                         use.state, now);
        }
        cards::put_use(set, old, theirs, cards::UseState::none, cards::Channel::load, now);
    }
    for (const auto& [organisation, consent] : consents) consent::add_consent(set, survivor, organisation, consent);
    coverage::move_orders(set, old, survivor, *records);
    const std::string payload = payload_of(survivor, old, use.state, consents.size());
    audit::attach_record(set, audit::Event::persons_merged, actor, now, payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return true;
}

}  // namespace onshi::eligibility
