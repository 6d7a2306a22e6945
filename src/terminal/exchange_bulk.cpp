// Bulk inquiries: taken in with a number, worked off beside everything else, handed out when they are asked for.
#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/date.h"
#include "base/texts.h"
#include "exchange/oqs/limits.h"
#include "platform/telemetry/log.h"
#include "terminal/exchange.h"
#include "terminal/limits.h"
#include "terminal/list_terms.h"

namespace onshi::terminal {

namespace {

using oqs::Unit;

constexpr std::string_view segment_done = "1";
constexpr std::string_view segment_working = "2";
constexpr std::string_view segment_failed = "9";
constexpr std::string_view status_done = "1";
// Named like a failure of the catalogue, so that `oqs_result_codes` can give it another code.
constexpr std::string_view list_not_kept = "message.list_not_kept";
constexpr std::string_view list_not_kept_text = "label.list_not_kept";

std::string pack(oqs::Message message, const Sha256& origin, std::string_view bytes) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(static_cast<std::uint8_t>(message));
    writer.raw(origin);
    writer.raw(as_bytes(bytes));
    return text;
}

struct Unpacked {
    oqs::Message message;
    Sha256 origin;
    std::string_view bytes;
};

std::optional<Unpacked> unpack(std::string_view text) {
    constexpr std::size_t fixed = 1 + sizeof(Sha256);
    if (text.size() < fixed || static_cast<std::uint8_t>(text[0]) >= oqs::message_count) return std::nullopt;
    Unpacked found{static_cast<oqs::Message>(text[0]), {}, text.substr(fixed)};
    std::ranges::copy(as_bytes(text.substr(1, sizeof(Sha256))), found.origin.begin());
    return found;
}

}  // namespace

Task<Result<void>> Exchange::forget_old_receptions() {
    auto removed =
        co_await store_.remove_older(LocalKind::reception, clock_.now() - std::chrono::microseconds(reception_life));
    if (!removed) co_return fail(std::move(removed));
    auto records = co_await store_.list(LocalKind::reception);
    if (!records) co_return fail(std::move(records));
    for (const auto& record : *records) {
        const auto found = unpack(record.content);
        if (!found) continue;
        auto reception = std::make_shared<Reception>(
            Reception{record.key, found->message, found->origin, record.at, std::nullopt, std::nullopt, false, 0});
        receptions_.emplace(record.key, std::move(reception));
    }
    co_return Result<void>();
}

// R, the day, and nine digits that rise: the moment, moved on where it is taken.
std::string Exchange::new_reception_number() {
    const Instant now = clock_.now();
    const Date day = japan_day(now);
    std::int64_t moment = (now.us - start_of_japan_day(day).us) / 100'000 * 100;
    while (true) {
        std::string number = fmt::format("R{}{:09}", to_compact(day), moment);
        if (!receptions_.contains(number)) return number;
        ++moment;
    }
}

// An empty list reads as "nobody"; this says that nobody has looked.
oqs::ResultMessage Exchange::not_kept(const oqs::Request& request) const {
    oqs::ResultMessage result;
    result.header = header_of(request, segment_failed);
    result.header.error_code = settings_.profile.result_code(list_not_kept);
    const auto text = find_text(Language::ja, list_not_kept_text, Audience::label);
    if (text) result.header.error_message = oqs::fit_message(*text);
    return result;
}

Task<void> Exchange::receive_bulk(Pending pending) {
    const auto wrong = wrong_list_terms(pending.request);
    if (wrong) {
        deliver(pending, oqs::Layout::upload, failure_of(pending.request, *wrong));
        co_return;
    }
    if (!settings_.empty_lists && asks_for_unkept_list(pending.request.message)) {
        deliver(pending, oqs::Layout::upload, not_kept(pending.request));
        co_return;
    }
    // A request that was taken in before the terminal died has its number already.
    ReceptionPointer reception;
    for (const auto& [number, known] : receptions_) {
        if (known->origin == pending.origin) reception = known;
    }
    if (!reception) {
        reception =
            std::make_shared<Reception>(Reception{new_reception_number(), pending.file.name.message, pending.origin,
                                                  clock_.now(), pending.request, std::nullopt, false, 0});
        receptions_.emplace(reception->number, reception);
        const std::string content = pack(reception->message, reception->origin, pending.bytes);
        auto kept = co_await store_.put(LocalKind::reception, reception->number, content, reception->received_at);
        if (!kept) {
            receptions_.erase(reception->number);
            deliver(pending, oqs::Layout::upload, failure_of(pending.request, kept.error().code));
            co_return;
        }
    }
    if (receptions_.size() > receptions_max) {
        const std::string oldest = receptions_.begin()->first;
        receptions_.erase(receptions_.begin());
        auto removed = co_await store_.remove(LocalKind::reception, oldest);
        if (!removed) log_failure(Level::warn, "terminal.reception", removed.error());
    }
    oqs::ResultMessage result;
    result.header = header_of(pending.request, segment_done);
    result.header.confirmation_date.clear();
    result.reception_number = reception->number;
    result.received_at = local_digits(reception->received_at);
    deliver(pending, oqs::Layout::upload, std::move(result));
    if (!reception->working && !reception->units) {
        reception->working = true;
        spawn(executor_, work_off(reception));
    }
}

// Reads the inquiry back from the store after a new start.
Task<Result<void>> Exchange::open_reception(ReceptionPointer reception) {
    if (reception->request) co_return Result<void>();
    auto record = co_await store_.find(LocalKind::reception, reception->number);
    if (!record) co_return fail(std::move(record));
    if (!*record) co_return fail(ErrorCode::reception_unknown);
    const auto found = unpack((*record)->content);
    if (!found) co_return fail(ErrorCode::store_corrupt, "a reception");
    auto document = oqs::read_document(found->bytes);
    if (!document) co_return fail(std::move(document));
    auto request = oqs::read_request(found->message, document->root);
    if (!request) co_return fail(std::move(request));
    reception->request = std::move(*request);
    co_return Result<void>();
}

Task<void> Exchange::hand_out(Pending pending) {
    const oqs::Layout layout = oqs::layout_of(pending.file.name.message);
    const auto found = receptions_.find(pending.request.reception_number);
    const bool known =
        found != receptions_.end() && found->second->message == oqs::upload_of(pending.file.name.message);
    if (!known) {
        auto failed = failure_of(pending.request, ErrorCode::reception_unknown);
        failed.header.reception_number = pending.request.reception_number;
        failed.units.clear();
        deliver(pending, layout, std::move(failed));
        co_return;
    }
    const ReceptionPointer reception = found->second;
    auto opened = co_await open_reception(reception);
    if (!opened) {
        deliver(pending, layout, failure_of(pending.request, opened.error().code));
        co_return;
    }
    if (!reception->units && !reception->working) {
        reception->working = true;
        spawn(executor_, work_off(reception));
    }
    reception->used = ++uses_;
    oqs::ResultMessage result = bulk_result(*reception);
    deliver(pending, layout, std::move(result));
}

oqs::ResultMessage Exchange::bulk_result(const Reception& reception) const {
    oqs::ResultMessage result;
    result.header = header_of(*reception.request, reception.units ? segment_done : segment_working);
    result.header.reception_number = reception.number;
    if (!reception.units) return result;
    const auto good = std::ranges::count(*reception.units, status_done,
                                         [](const Unit& unit) { return std::string_view(unit.outcome.status); });
    const auto all = static_cast<std::ptrdiff_t>(reception.units->size());
    result.header.processed = fmt::format("{}", all);
    result.header.succeeded = fmt::format("{}", good);
    result.header.failed = fmt::format("{}", all - good);
    result.units = *reception.units;
    return result;
}

Task<void> Exchange::work_off(ReceptionPointer reception) {
    auto opened = co_await open_reception(reception);
    Result<std::vector<Unit>> units = std::vector<Unit>();
    if (!opened) {
        units = fail(std::move(opened));
    } else if (reception->message == oqs::Message::bulk_eligibility_upload) {
        units = co_await look_up_all(reception);
    } else if (reception->message == oqs::Message::bulk_reference_upload) {
        units = co_await register_all(reception);
    }
    // The other inquiries list entrusted persons and consents to home visits or online care. This system keeps neither
    // yet, so their list is empty and complete, unless `oqs_lists` says otherwise.
    reception->working = false;
    if (units) {
        reception->units = std::move(*units);
        reception->used = ++uses_;
        drop_unused_units();
    } else if (!stopping_) {
        log_failure(Level::warn, "terminal.reception", units.error());
    }
}

// Results are large and can be had again under the same check ids.
void Exchange::drop_unused_units() {
    std::vector<ReceptionPointer> done;
    for (const auto& [number, reception] : receptions_) {
        if (reception->units) done.push_back(reception);
    }
    if (done.size() <= receptions_in_memory_max) return;
    const auto oldest = std::ranges::min_element(done, {}, [](const ReceptionPointer& r) { return r->used; });
    (*oldest)->units.reset();
    (*oldest)->request.reset();
}

Task<Result<std::vector<Unit>>> Exchange::look_up_all(ReceptionPointer reception) {
    std::vector<Unit> units;
    const oqs::Request& request = *reception->request;
    std::string day = request.confirmation_date;
    if (day.empty()) day = to_compact(japan_day(reception->received_at));
    while (units.size() < request.persons.size()) {
        if (stopping_) co_return fail(ErrorCode::deadline_passed, "the terminal stops");
        std::vector<std::string> bodies;
        std::vector<std::string> consents;
        const std::size_t first = units.size();
        const std::size_t count = std::min(bulk_per_ask_max, request.persons.size() - first);
        for (std::size_t i = first; i < first + count; ++i) {
            // A bulk result has no place for the limit, so nothing is asked about it.
            oqs::SearchTerms terms = request.persons[i].terms;
            terms.limit_consent.clear();
            bodies.push_back(number_check_body(check_id_of(reception->origin, i), day, terms));
            consents.emplace_back();
        }
        auto answered = co_await ask(std::move(bodies), std::move(consents), true, Deadline::in(bulk_deadline));
        if (!answered) {
            // The client was given a number and waits: sooner or later the hub answers.
            co_await sleep_for(bulk_retry);
            continue;
        }
        for (std::size_t i = 0; i < count; ++i) {
            (*answered)[i].echo = request.persons[first + i].echo;
            units.push_back(std::move((*answered)[i]));
        }
    }
    co_return units;
}

// Some beside each other share a commit of the local store.
Task<Result<std::vector<Unit>>> Exchange::register_all(ReceptionPointer reception) {
    const auto& asked = reception->request->references;
    std::vector<Unit> units(asked.size());
    for (std::size_t first = 0; first < asked.size(); first += references_per_commit) {
        std::vector<Task<void>> tasks;
        for (std::size_t i = first; i < std::min(first + references_per_commit, asked.size()); ++i) {
            tasks.push_back(register_one(asked[i], units[i]));
        }
        co_await run_side_by_side(std::move(tasks));
    }
    co_return units;
}

Task<void> Exchange::register_one(const oqs::Asked<oqs::ReferenceTerms>& asked, Unit& unit) {
    auto kept = co_await keep_reference(asked.terms);
    unit.outcome.status = status_done;
    if (!kept) unit = unit_of_failure(kept.error().code, settings_.profile);
    unit.echo = asked.echo;
}

}  // namespace onshi::terminal
