// Single messages: one person's eligibility, one person's reference number.
#include "base/date.h"
#include "exchange/oqs/limits.h"
#include "platform/telemetry/log.h"
#include "terminal/exchange.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using oqs::Unit;

constexpr std::string_view segment_done = "1";
constexpr std::string_view segment_failed = "9";
constexpr std::string_view by_number = "2";
constexpr std::string_view status_failed = "2";

}  // namespace

Task<void> Exchange::answer_singles(std::vector<Pending> singles) {
    std::vector<std::string> bodies;
    std::vector<std::string> consents;
    for (auto& single : singles) {
        auto& day = single.request.confirmation_date;
        if (day.empty()) day = to_compact(japan_day(clock_.now()));
        const auto& terms = single.request.persons.front().terms;
        bodies.push_back(number_check_body(check_id_of(single.origin, 0), day, terms));
        consents.push_back(terms.limit_consent);
    }
    std::vector<std::string> answers;
    auto units = co_await ask(std::move(bodies), std::move(consents), false, Deadline::in(single_deadline), &answers);
    std::vector<Unit> failed;
    if (!units) failed.assign(singles.size(), unit_of_failure(error_name(units.error().code), settings_.profile));
    // Kept before anybody is told that it failed, so that no moment loses it.
    if (!units && means_away(units.error().code)) {
        std::vector<Task<void>> keeping;
        for (const auto& single : singles) keeping.push_back(keep_deferred(single));
        co_await run_side_by_side(std::move(keeping));
        std::vector<Task<void>> looking;
        for (std::size_t i = 0; i < singles.size(); ++i) looking.push_back(answer_offline(singles[i], failed[i]));
        co_await run_side_by_side(std::move(looking));
    }
    // The hub is there: what waits for it need not wait longer.
    if (units && !deferred_.empty()) deferred_alarm_.ring();
    if (units && settings_.last_visit_days > 0) {
        const std::string today = to_compact(japan_day(clock_.now()));
        std::vector<std::string> terms;
        for (const auto& single : singles) {
            // A look-up for another day is no visit.
            const bool is_visit = single.request.confirmation_date == today;
            terms.push_back(is_visit ? visit_terms(single.request.persons.front().terms) : std::string());
        }
        // Beside the answers, which need not wait for the disk.
        ++remembering_;
        spawn(executor_, remember(std::move(terms), std::move(answers)));
    }
    for (std::size_t i = 0; i < singles.size(); ++i) {
        Unit unit = units ? std::move((*units)[i]) : std::move(failed[i]);
        deliver(singles[i], oqs::Layout::eligibility, single_result(singles[i], std::move(unit)));
    }
}

Instant Exchange::oldest_visit() const {
    return clock_.now() - std::chrono::microseconds(std::chrono::hours(24) * settings_.last_visit_days);
}

// What is known of the person's last visit instead of nothing (domain-rules §6.2, F5).
Task<void> Exchange::answer_offline(const Pending& single, Unit& unit) {
    if (settings_.last_visit_days <= 0 || settings_.last_visit_use == LastVisitUse::none) co_return;
    std::string terms = visit_terms(single.request.persons.front().terms);
    auto visit = co_await find_number_visit(store_, std::move(terms), oldest_visit());
    if (!visit) {
        log_failure(Level::warn, "terminal.last_visit", visit.error());
        co_return;
    }
    if (!*visit) co_return;
    const AnswerStyle words = style();
    auto told =
        unit_of_last_visit(**visit, single.request.confirmation_date, settings_.last_visit_use, words, clock_.now());
    if (told) unit = std::move(*told);
}

// An answer that is not valid any more ends what was remembered; one that failed says nothing about it.
Task<void> Exchange::remember_one(std::string terms, std::string answer) {
    const auto view = JsonView::parse(answer);
    const bool valid = view && view->root().object("result").text("name") == "valid";
    auto change = valid ? keep_number_visit(store_, std::move(terms), std::move(answer), clock_.now())
                        : forget_number_visit(store_, std::move(terms));
    auto changed = co_await std::move(change);
    if (!changed) log_failure(Level::warn, "terminal.last_visit", changed.error());
}

// Some beside each other share a commit of the local store.
Task<void> Exchange::remember(std::vector<std::string> terms, std::vector<std::string> answers) {
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        if (!terms[i].empty() && !answers[i].empty())
            tasks.push_back(remember_one(std::move(terms[i]), std::move(answers[i])));
    }
    co_await run_side_by_side(std::move(tasks));
    --remembering_;
    alarm_.ring();
}

oqs::ResultMessage Exchange::single_result(const Pending& pending, Unit unit) const {
    const bool failed = unit.outcome.status == status_failed;
    oqs::ResultMessage result;
    result.header = header_of(pending.request, failed ? segment_failed : segment_done);
    result.header.reference_classification = by_number;
    if (failed) {
        result.header.error_code = unit.outcome.code;
        result.header.error_message = unit.outcome.message;
    }
    unit.echo = pending.request.persons.front().echo;
    result.units.push_back(std::move(unit));
    return result;
}

// The number stays with the terminal: it is the institution's own, and nobody else needs to know it.
Task<Result<void>> Exchange::keep_reference(const oqs::ReferenceTerms& terms) {
    const auto insurer = InsurerNumber::parse(terms.insurer_number);
    if (!insurer) co_return fail(insurer.error().code);
    const auto insured = InsuredSymbolNumber::parse(terms.symbol, terms.number);
    if (!insured) co_return fail(insured.error().code);
    if (terms.reference_number.empty()) co_return fail(ErrorCode::field_missing);
    if (terms.reference_number.size() > oqs::identifier_bytes_max) co_return fail(ErrorCode::field_length);
    const std::string key = reference_key(terms.insurer_number, terms.symbol, terms.number, terms.branch);
    if (references_.size() >= references_max && !references_.contains(key)) co_return fail(ErrorCode::store_full);
    auto kept = co_await store_.put(LocalKind::reference, key, terms.reference_number, clock_.now());
    if (!kept) co_return fail(std::move(kept));
    references_.insert_or_assign(key, terms.reference_number);
    co_return Result<void>();
}

Task<void> Exchange::register_reference(Pending pending) {
    const auto& asked = pending.request.references.front();
    auto kept = co_await keep_reference(asked.terms);
    oqs::ResultMessage result;
    if (kept) {
        result.header = header_of(pending.request, segment_done);
        Unit& unit = result.units.emplace_back();
        unit.outcome.status = "1";
    } else {
        result = failure_of(pending.request, kept.error().code);
    }
    result.header.confirmation_date.clear();
    result.units.front().echo = asked.echo;
    deliver(pending, oqs::Layout::reference, std::move(result));
}

}  // namespace onshi::terminal
