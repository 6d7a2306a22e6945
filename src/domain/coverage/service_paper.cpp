#include "domain/coverage/service_paper.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/audit/intents.h"
#include "domain/cards/store.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"

namespace onshi::coverage {

using cards::UseState;

namespace {

std::string use_payload(PersonKey person, UseState before, UseState after) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(person.value());
    writer.u8(static_cast<std::uint8_t>(before));
    writer.u8(static_cast<std::uint8_t>(after));
    writer.u8(static_cast<std::uint8_t>(cards::Channel::insurer));
    return payload;
}

std::string paper_payload(const PaperDocument& paper) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(paper.person.value());
    writer.i64(paper.coverage.value());
    writer.u8(static_cast<std::uint8_t>(paper.kind));
    writer.u32(static_cast<std::uint32_t>(paper.issued_on.days()));
    writer.u32(static_cast<std::uint32_t>(paper.valid_to.days()));
    return payload;
}

}  // namespace

void order_certificates(sql::WriteSet& set, PersonKey person, std::span<const Coverage> owed, UseState after,
                        Instant at) {
    for (const Coverage& record : owed) {
        if (after == UseState::registered) {
            close_order(set, record.insurer, record.key, OrderState::fallen);
            continue;
        }
        open_order(set, {.insurer = record.insurer,
                         .coverage = record.key,
                         .person = person,
                         .reason = PaperReason::cancelled,
                         .since = at});
    }
}

Task<Result<PaperService::Page>> PaperService::list(InsurerNumber insurer, CoverageKey after, Deadline deadline) {
    sql::ReadBatch batch;
    const auto orders = load_orders(batch, insurer, after);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    Page page;
    for (const PaperOrder& order : orders) {
        if (order.state == OrderState::open) page.orders.push_back(order);
    }
    if (orders.size() == orders_page_max) page.next = orders.get().back().coverage;
    co_return page;
}

Result<std::optional<PaperContent>> PaperService::content_of(PersonKey key, CoverageKey record,
                                                             const sql::Rows<identity::NowSection>& now) const {
    auto person = identity::person_of(key, now);
    const auto records = coverages_of(now);
    if (!records || (!person && !now.empty())) return fail(ErrorCode::store_corrupt, "person_now");
    const auto found = std::ranges::find(*records, record, &Coverage::key);
    const bool prints =
        person && found != records->end() && found->state == State::active && found->covers(japan_day(clock_.now()));
    if (!prints) return std::optional<PaperContent>();
    return std::optional<PaperContent>(PaperContent{std::move(*person), *found});
}

Task<Result<PaperContent>> PaperService::content(const PaperOrder& order, Deadline deadline) {
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, order.person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto content = content_of(order.person, order.coverage, now);
    if (!content) co_return fail(std::move(content));
    if (!*content || order.state != OrderState::open) co_return fail(ErrorCode::use_no_order, "nothing to print");
    co_return std::move(**content);
}

Task<Result<PaperService::NoticePage>> PaperService::notices(InsurerNumber insurer, MemberPlace after,
                                                             Deadline deadline) {
    sql::ReadBatch batch;
    const auto places = load_member_places(batch, insurer, after);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    NoticePage page;
    constexpr std::size_t per_read = sql::batch_queries_max / 2;
    for (std::size_t first = 0; first < places.size(); first += per_read) {
        const std::size_t last = std::min(places.size(), first + per_read);
        sql::ReadBatch facts;
        std::vector<sql::Rows<identity::NowSection>> sections;
        std::vector<sql::Slot<cards::UseRegistration>> uses;
        for (std::size_t i = first; i < last; ++i) {
            sections.push_back(identity::load_now(facts, places.get()[i].person));
            uses.push_back(cards::load_use_registration(facts, places.get()[i].person));
        }
        read = co_await database_.read(facts, deadline);
        if (!read) co_return fail(std::move(read));
        for (std::size_t i = first; i < last; ++i) {
            const MemberPlace& place = places.get()[i];
            auto content = content_of(place.person, place.coverage, sections[i - first]);
            if (!content) co_return fail(std::move(content));
            const auto& use = uses[i - first];
            const bool by_card =
                *content && use && use->usable() && !(*content)->person.protection.self_information_blocked;
            if (by_card) page.members.push_back(std::move(**content));
        }
    }
    if (places.size() == members_page_max) page.next = places.get().back();
    co_return page;
}

Task<Result<UseState>> PaperService::issued(InsurerNumber insurer, CoverageKey record, Date valid_to,
                                            const audit::Actor& actor, Deadline deadline) {
    const Date today = japan_day(clock_.now());
    const bool sane = today <= valid_to && valid_to <= today.plus_months_clamped(certificate_years_max * 12);
    if (!sane) co_return fail(ErrorCode::field_range, "valid_to");
    sql::ReadBatch batch;
    const auto order = load_order(batch, insurer, record);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!order || order->state == OrderState::fallen) co_return fail(ErrorCode::use_no_order, "no order");
    const PaperDocument paper{order->person, record, insurer, PaperKind::certificate, today, valid_to};
    if (order->state == OrderState::open) {
        sql::WriteSet set(sql::Store::registry);
        add_paper(set, paper);
        audit::AuditedChanges changes(database_, clock_, random_);
        const std::string payload = paper_payload(paper);
        auto applied =
            co_await changes.apply(audit::Event::certificate_issued, actor, payload, std::move(set), deadline);
        if (!applied) co_return fail(std::move(applied));
    }
    // The paper is in the registry before the card stops being one: nobody is without both in between (QC-1).
    for (int tries = 1;; ++tries) {
        auto ended = co_await end_order(*order, actor, deadline);
        const bool lost = !ended && ended.error().code == ErrorCode::store_conflict;
        if (!lost || tries == use_attempts_max) co_return ended;
    }
}

Task<Result<UseState>> PaperService::end_order(const PaperOrder& order, const audit::Actor& actor, Deadline deadline) {
    sql::ReadBatch batch;
    const auto use = cards::load_use_registration(batch, order.person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const cards::UseRegistration before = use ? *use : cards::UseRegistration();
    const bool cancels = before.state == UseState::cancel_requested;
    const UseState after = cancels ? UseState::cancelled : before.state;
    sql::WriteSet set(sql::Store::ledger);
    close_order(set, order.insurer, order.coverage, OrderState::done);
    const Instant now = clock_.now();
    const std::string payload = use_payload(order.person, before.state, after);
    if (cancels) {
        cards::put_use(set, order.person, before, after, cards::Channel::insurer, now);
        audit::attach_record(set, audit::Event::use_cancelled, actor, now, payload, random_);
    }
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return after;
}

Task<Result<UseCancelled>> PaperService::cancel(const MemberName& member, cards::UseWish wish,
                                                const audit::Actor& actor, Deadline deadline) {
    for (int tries = 1;; ++tries) {
        auto cancelled = co_await cancel_once(member, wish, actor, deadline);
        const bool lost = !cancelled && cancelled.error().code == ErrorCode::store_conflict;
        if (!lost || tries == use_attempts_max) co_return cancelled;
    }
}

Task<Result<UseCancelled>> PaperService::cancel_once(const MemberName& member, cards::UseWish wish,
                                                     const audit::Actor& actor, Deadline deadline) {
    auto found = co_await find_member(database_, member, deadline);
    if (!found) co_return fail(std::move(found));
    const PersonKey person = found->person;
    sql::ReadBatch batch;
    const auto use = cards::load_use_registration(batch, person);
    const auto now = identity::load_now(batch, person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const auto records = coverages_of(now);
    if (!records) co_return fail(ErrorCode::store_corrupt, "person_now");
    const cards::UseRegistration before = use ? *use : cards::UseRegistration();
    auto after = cards::decide_use(before.state, wish);
    if (!after) co_return fail(std::move(after));
    if (*after == before.state) co_return UseCancelled{before.state, found->record, false};
    const Instant at = clock_.now();
    sql::WriteSet set(sql::Store::ledger);
    cards::put_use(set, person, before, *after, cards::Channel::insurer, at);
    const auto owed = certificates_owed(*records, japan_day(at));
    order_certificates(set, person, owed, *after, at);
    const std::string payload = use_payload(person, before.state, *after);
    const auto event = *after == UseState::cancelled ? audit::Event::use_cancelled : audit::Event::use_cancel_requested;
    audit::attach_record(set, event, actor, at, payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return UseCancelled{*after, found->record, true};
}

}  // namespace onshi::coverage
