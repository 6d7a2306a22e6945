// Single inquiries that met no hub: kept before the counter is told, made up for when the hub is back, and then
// answered under a name of their own beside the first one.
#include <algorithm>

#include "base/date.h"
#include "exchange/oqs/limits.h"
#include "platform/telemetry/log.h"
#include "terminal/capsule_trust.h"
#include "terminal/exchange.h"
#include "terminal/limits.h"
#include "terminal/offline_visits.h"

namespace onshi::terminal {

namespace {

constexpr std::string_view late_mark = "-late";

}  // namespace

Task<void> Exchange::keep_deferred(const Pending& pending) {
    DeferredCheck check{pending.file.name.suffix, pending.origin, pending.bytes, clock_.now()};
    const std::string key = to_hex(pending.origin);
    auto kept = co_await store_.put(LocalKind::deferred, key, pack(check), check.asked_at);
    if (!kept) {
        log_failure(Level::error, "terminal.deferred_lost", kept.error());
        co_return;
    }
    const bool known =
        std::ranges::any_of(deferred_, [&](const DeferredCheck& other) { return other.origin == check.origin; });
    if (!known) deferred_.push_back(std::move(check));
    state_.deferred = deferred_.size();
}

// One round: as many as fit one question.
Task<Result<void>> Exchange::make_up() {
    std::vector<Pending> round;
    std::vector<std::string> bodies;
    std::vector<std::string> consents;
    std::vector<Instant> asked_at;
    while (!deferred_.empty() && round.size() < singles_per_ask_max) {
        auto pending = pending_of(deferred_.front());
        if (!pending) {
            // Written by another version. It stays on disk, and the staff's list has it among what cannot be read.
            ++state_.unreadable;
            log_event(Level::error, "terminal.records_unreadable", {{"rows", state_.unreadable.load()}});
            deferred_.pop_front();
            state_.deferred = deferred_.size();
            continue;
        }
        const auto& terms = pending->request.persons.front().terms;
        bodies.push_back(number_check_body(check_id_of(pending->origin, 0), pending->request.confirmation_date, terms));
        consents.push_back(terms.limit_consent);
        asked_at.push_back(deferred_.front().asked_at);
        round.push_back(std::move(*pending));
        deferred_.push_back(std::move(deferred_.front()));
        deferred_.pop_front();
        if (round.size() == deferred_.size()) break;
    }
    if (round.empty()) co_return Result<void>();
    std::vector<std::string> answers;
    auto units = co_await ask(std::move(bodies), std::move(consents), false, Deadline::in(bulk_deadline), &answers);
    if (!units) co_return fail(std::move(units));
    for (std::size_t i = 0; i < round.size(); ++i) {
        auto published = publish_late(round[i], std::move((*units)[i]));
        if (!published) co_return fail(std::move(published));
        auto compared = co_await compare_with_told(round[i], asked_at[i], std::move(answers[i]));
        if (!compared) co_return fail(std::move(compared));
        auto removed = co_await store_.remove(LocalKind::deferred, to_hex(round[i].origin));
        if (!removed) co_return fail(std::move(removed));
        std::erase_if(deferred_, [&](const DeferredCheck& check) { return check.origin == round[i].origin; });
        state_.deferred = deferred_.size();
        ++state_.made_up;
    }
    co_return Result<void>();
}

// What the counter was told from the last visit and comes out otherwise is the staff's; kept before the look-up is
// forgotten, so that a terminal that dies between asks again and is answered the same way. What is remembered stays
// until the next visit replaces it: two look-ups of one patient are compared with the same.
Task<Result<void>> Exchange::compare_with_told(const Pending& pending, Instant asked_at, std::string answer) {
    if (answer.empty() || settings_.last_visit_days <= 0 || settings_.last_visit_use == LastVisitUse::none)
        co_return Result<void>();
    const auto lifetime = std::chrono::microseconds(std::chrono::hours(24) * settings_.last_visit_days);
    std::string terms = visit_terms(pending.request.persons.front().terms);
    auto visit = co_await find_number_visit(store_, std::move(terms), asked_at - lifetime);
    if (!visit) co_return fail(std::move(visit));
    const auto told =
        *visit && (*visit)->told_at < asked_at ? JsonView::parse((*visit)->answer) : JsonView::parse("{}");
    if (!*visit || !told || !covers(told->root(), pending.request.confirmation_date)) co_return Result<void>();
    auto members = differences_by_number((*visit)->answer, answer);
    if (members.empty()) co_return Result<void>();
    const auto later = JsonView::parse(answer);
    const std::string id = check_id_of(pending.origin, 0).text();
    const VisitDifference difference{id, asked_at, OfflineRow::last_visit, std::move(members),
                                     std::string(later ? later->root().text("receipt") : std::string_view())};
    auto kept = co_await keep_difference(store_, difference);
    if (kept) log_event(Level::warn, "terminal.visit_differs", {{"kind", open_text(to_string(difference.row))}});
    co_return kept;
}

std::optional<Exchange::Pending> Exchange::pending_of(const DeferredCheck& check) const {
    auto document = oqs::read_document(check.bytes);
    if (!document) return std::nullopt;
    auto request = oqs::read_request(oqs::Message::eligibility, document->root);
    if (!request) return std::nullopt;
    // The day of the visit, not that of the answer.
    if (request->confirmation_date.empty()) request->confirmation_date = to_compact(japan_day(check.asked_at));
    return Pending{{{oqs::Message::eligibility, check.suffix}, {}}, std::move(*request), check.origin, {}};
}

Result<void> Exchange::publish_late(const Pending& pending, oqs::Unit unit) {
    oqs::RequestName name = pending.file.name;
    name.suffix = name.suffix.substr(0, oqs::suffix_bytes_max - late_mark.size());
    name.suffix.append(late_mark);
    auto written = write_result(name.message, oqs::Layout::eligibility, single_result(pending, std::move(unit)));
    if (!written) return fail(std::move(written));
    auto published = folder_.publish(Outbound::res, oqs::result_name(name), *written);
    if (published)
        touches_.push_back(
            {std::chrono::steady_clock::now() + result_touch_after, Outbound::res, oqs::result_name(name)});
    return published;
}

// What offline capsules are verified with is kept fresh beside it.
Task<void> Exchange::keep_trust() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now < trust_again_at_) co_return;
    auto refreshed = co_await refresh_trust(hub_, store_, clock_.now(), Deadline::in(single_deadline));
    trust_again_at_ = refreshed ? now + trust_every : now + trust_retry;
    // A list that another hub made a moment earlier is no failure.
    const bool stale = !refreshed && refreshed.error().code == ErrorCode::revocation_stale;
    if (!refreshed && !stale) log_failure(Level::info, "terminal.capsule_trust", refreshed.error());
}

// Which of its parts the hub calls away; asked more often while some are, so that a mode is left soon.
Task<void> Exchange::keep_modes() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now < modes_again_at_) co_return;
    const bool normal = modes_.mode() == organisations::DeskMode::normal;
    modes_again_at_ = now + (normal ? settings_.modes_every : std::min(settings_.modes_every, modes_every_while_away));
    auto refreshed = co_await refresh_modes(hub_, modes_, Deadline::in(single_deadline));
    // A hub that is away is met by every inquiry anyway.
    if (!refreshed && !means_away(refreshed.error().code)) {
        log_failure(Level::warn, "terminal.modes", refreshed.error());
    }
}

// What is too old to be told is not kept either.
Task<void> Exchange::forget_old_visits() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now < visits_again_at_) co_return;
    visits_again_at_ = now + leftover_look;
    auto forgotten = co_await store_.remove_older(LocalKind::number_visit, oldest_visit());
    if (!forgotten) log_failure(Level::warn, "terminal.last_visit", forgotten.error());
}

Task<void> Exchange::make_up_while_running() {
    int failures = 0;
    while (!stopping_) {
        const auto wait = failures == 0 ? deferred_wait(1) : deferred_wait(failures);
        const auto woke = co_await deferred_alarm_.wait_until(std::chrono::steady_clock::now() + wait);
        static_cast<void>(woke);
        if (!stopping_) co_await keep_modes();
        if (!stopping_) co_await forget_old_visits();
        if (!stopping_ && !modes_.without_hub()) co_await keep_trust();
        if (stopping_ || deferred_.empty() || modes_.without_hub()) continue;
        auto made = co_await make_up();
        failures = made ? 0 : failures + 1;
        if (made) log_event(Level::info, "terminal.deferred_made_up", {{"count", state_.made_up.load()}});
    }
    making_up_ = false;
    alarm_.ring();
}

}  // namespace onshi::terminal
