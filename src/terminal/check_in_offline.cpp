// While the hub is away, and afterwards.
#include <algorithm>

#include "base/random.h"
#include "base/sha256.h"
#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "terminal/check_in.h"
#include "terminal/deferred.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using kiosk::Input;

// The same for the same visit, so that a result that is written twice is one file.
SeededRandom names_of(std::string_view check_id) {
    const Sha256 digest = sha256(as_bytes(check_id));
    ByteReader reader{Bytes(digest)};
    return SeededRandom(reader.u64());
}

std::string told_of(std::string_view answer, std::string_view member) {
    auto view = JsonView::parse(answer);
    return view ? std::string(view->root().text(member)) : std::string();
}

}  // namespace

std::optional<std::string> CheckIn::take_held_challenge() {
    auto held = run_to_end(parts_.store.list(LocalKind::challenge));
    if (!held) return std::nullopt;
    const Instant oldest = parts_.clock.now() - std::chrono::microseconds(held_challenge_usable);
    for (const auto& record : *held) {
        if (record.at < oldest) continue;
        // Gone before it is used: one that is signed twice would be refused.
        auto removed = run_to_end(parts_.store.remove(LocalKind::challenge, record.key));
        if (!removed) return std::nullopt;
        return record.content;
    }
    return std::nullopt;
}

// The visit is on disk before the counter hears that it has to do without the hub.
Input CheckIn::go_offline(const Order& order) {
    Input input;
    input.event = kiosk::Event::unreachable;
    // Sent with its certificate, because the hub may have asked for it in an answer that nobody heard.
    std::string first;
    if (signed_ && signed_->purpose == eligibility::Purpose::check && card_) {
        first = check_body(*signed_, as_text(card_->certificate_der));
    }
    const bool deferred = signed_ && signed_->purpose == eligibility::Purpose::deferred && !signed_->challenge.empty();
    if (!deferred && card_) {
        auto held = take_held_challenge();
        if (held) {
            SignedCheck check = blank(order, eligibility::Purpose::deferred, std::move(*held));
            auto signing = sign(check);
            if (!signing) log_failure(Level::warn, "kiosk.card", signing.error());
            if (signing) signed_ = std::move(check);
        }
    }
    pin_ = SecretBytes();
    if (!signed_ || signed_->challenge.empty() || !card_) {
        log_event(Level::warn, "terminal.visit_unsigned");
        return input;
    }
    const Instant now = parts_.clock.now();
    OfflineVisit visit;
    visit.check_id = signed_->id.text();
    visit.asked_at = now;
    visit.body = check_body(*signed_, as_text(card_->certificate_der));
    if (visit.body != first) visit.first = std::move(first);
    const Instant since = now - std::chrono::microseconds(std::chrono::hours(24) * parts_.last_visit_days);
    auto last = run_to_end(find_last_visit(parts_.store, card_->name, since));
    if (last && *last) {
        visit.row = OfflineRow::last_visit;
        visit.told = std::move(**last);
    }
    auto kept = run_to_end(keep_visit(parts_.store, visit));
    if (!kept) log_failure(Level::error, "terminal.visit_lost", kept.error());
    if (kept) log_event(Level::warn, "terminal.visit_offline", {{"kind", open_text(to_string(visit.row))}});
    input.kept = kept.has_value();
    signed_.reset();
    return input;
}

Result<void> CheckIn::hold_challenges() {
    const Instant now = parts_.clock.now();
    auto forgotten = run_to_end(
        parts_.store.remove_older(LocalKind::challenge, now - std::chrono::microseconds(held_challenge_usable)));
    if (!forgotten) return forgotten;
    const Instant oldest = now - std::chrono::microseconds(std::chrono::hours(24) * parts_.last_visit_days);
    forgotten = run_to_end(parts_.store.remove_older(LocalKind::last_visit, oldest));
    if (!forgotten) return forgotten;
    auto held = run_to_end(parts_.store.list(LocalKind::challenge));
    if (!held) return fail(std::move(held));
    if (held->size() >= held_challenges_min) return {};
    const std::string body = challenge_body(eligibility::Purpose::deferred, held_challenges - held->size());
    auto answer = run_to_end(parts_.hub.post("/v1/challenges", body, Deadline::in(consents_deadline)));
    if (!answer) return fail(std::move(answer));
    auto challenges = read_challenges(*answer);
    if (!challenges) return fail(std::move(challenges));
    for (auto& challenge : *challenges) {
        const std::string key = to_hex(sha256(as_bytes(challenge)));
        auto kept = run_to_end(parts_.store.put(LocalKind::challenge, key, std::move(challenge), now));
        if (!kept) return kept;
    }
    return {};
}

std::chrono::milliseconds CheckIn::catch_up() {
    while (!unpublished_.empty()) {
        if (!parts_.publish(unpublished_.front())) break;
        unpublished_.pop_front();
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= hold_again_at_) {
        auto held = hold_challenges();
        hold_again_at_ = held ? now + hold_every : now + hold_retry;
        if (!held) log_failure(Level::info, "terminal.challenges", held.error());
    }
    auto open = reconcile();
    failures_ = open ? 0 : failures_ + 1;
    if (!open) return deferred_wait(failures_);
    return *open > 0 ? deferred_wait(1) : catch_up_every;
}

// How many are open afterwards. Fails where the hub is still away.
Result<std::size_t> CheckIn::reconcile() {
    auto visits = run_to_end(list_visits(parts_.store));
    if (!visits) return fail(std::move(visits));
    auto& open = visits->items;
    std::erase_if(open, [](const OfflineVisit& visit) { return !visit.refused.empty(); });
    // The hub has said that it cannot answer; asking it all the same would only tell it so again.
    const std::size_t count = without_hub() ? 0 : std::min(open.size(), visits_per_round_max);
    for (std::size_t i = 0; i < count; ++i) {
        auto done = reconcile_one(std::move(open[i]));
        if (!done) return fail(std::move(done));
    }
    return open.size() - count;
}

// The hub that recorded the first check and died before its answer was heard gives that answer again, and the visit has
// one record. One that knows nothing of it, or knows it no more, takes the check that was signed for later.
Result<std::string> CheckIn::ask_late(const OfflineVisit& visit) {
    if (!visit.first.empty()) {
        auto answer = run_to_end(parts_.hub.post("/v1/checks", visit.first, Deadline::in(bulk_deadline)));
        if (answer || means_away(answer.error().code)) return answer;
    }
    return run_to_end(parts_.hub.post("/v1/checks", visit.body, Deadline::in(bulk_deadline)));
}

Result<void> CheckIn::reconcile_one(OfflineVisit visit) {
    auto answer = ask_late(visit);
    if (!answer && means_away(answer.error().code)) return fail(std::move(answer));
    if (!answer) {
        // People have to look at it; it stays and its deadlines run on (domain-rules §6.5).
        visit.refused = error_name(answer.error().code);
        log_failure(Level::warn, "terminal.visit_refused", answer.error());
        return run_to_end(keep_visit(parts_.store, visit));
    }
    auto later = JsonView::parse(*answer);
    if (!later) return fail(std::move(later));
    SeededRandom names = names_of(visit.check_id);
    auto published = publish_face(*answer, {}, {}, visit.asked_at, names);
    if (!published) return published;
    auto told = visit.told.empty() ? JsonView::parse("{}") : JsonView::parse(visit.told);
    if (!told) return fail(std::move(told));
    std::optional<VisitDifference> difference;
    auto members = differences(told->root(), later->root());
    if (!members.empty()) {
        difference =
            VisitDifference{visit.check_id, visit.asked_at, visit.row, std::move(members), told_of(*answer, "receipt")};
        log_event(Level::warn, "terminal.visit_differs", {{"kind", open_text(to_string(visit.row))}});
    }
    return run_to_end(close_visit(parts_.store, visit, difference));
}

}  // namespace onshi::terminal
