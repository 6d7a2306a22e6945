// The folder's side: what lies in `req`, who answers it, and how the answer gets into `res`.
#include "terminal/exchange.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/cp932.h"
#include "base/date.h"
#include "base/texts.h"
#include "platform/telemetry/log.h"
#include "terminal/limits.h"
#include "terminal/local_check.h"

namespace onshi::terminal {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view segment_failed = "9";

Sha256 origin_of(std::string_view terminal, std::string_view name, const FileVersion& version, std::string_view bytes) {
    std::string text = "onshi-request-file-v1";
    ByteWriter writer(text);
    writer.text(terminal);
    writer.text(name);
    writer.i64(version.changed_ns);
    writer.raw(sha256(as_bytes(bytes)));
    return sha256(as_bytes(text));
}

std::string clerk_sentence(ErrorCode code) {
    const auto text = find_text(Language::ja, error_name(code), Audience::clerk);
    return text ? oqs::fit_message(*text) : std::string(error_name(code));
}

}  // namespace

Exchange::Exchange(ExchangeSettings settings, HubLink& hub, HubModes& modes, LocalStore& store, const Clock& clock,
                   const LoopExecutor& executor)
    : settings_(std::move(settings)),
      hub_(hub),
      modes_(modes),
      store_(store),
      clock_(clock),
      executor_(executor),
      alarm_(executor),
      deferred_alarm_(executor),
      folder_(settings_.folder),
      find_reference_([this](const oqs::PersonRecord& record) { return find_reference(record); }) {}

void Exchange::stop() {
    stopping_ = true;
    alarm_.ring();
    deferred_alarm_.ring();
}

Task<Result<void>> Exchange::load() {
    auto references = co_await store_.list(LocalKind::reference);
    if (!references) co_return fail(std::move(references));
    for (auto& record : *references) references_.emplace(std::move(record.key), std::move(record.content));
    auto deferred = co_await open_deferred(store_);
    if (!deferred) co_return fail(std::move(deferred));
    auto& open = deferred->items;
    deferred_.assign(std::make_move_iterator(open.begin()), std::make_move_iterator(open.end()));
    state_.deferred = deferred_.size();
    auto unreadable = co_await unreadable_records(store_);
    if (!unreadable) co_return fail(std::move(unreadable));
    state_.unreadable = unreadable->size();
    if (!unreadable->empty()) log_event(Level::error, "terminal.records_unreadable", {{"rows", unreadable->size()}});
    auto forgotten = co_await forget_old_receptions();
    co_return forgotten;
}

Task<Result<void>> Exchange::run() {
    auto loaded = co_await load();
    if (!loaded) co_return fail(std::move(loaded));
    making_up_ = true;
    spawn(executor_, make_up_while_running());
    while (!stopping_) {
        look();
        touch_due();
        const auto woke = co_await alarm_.wait_until(next_look());
        static_cast<void>(woke);
    }
    // What was started ends by itself; nothing refers to this object afterwards.
    while (!in_work_.empty() || !touches_.empty() || making_up_ || remembering_ > 0) {
        touch_due();
        const auto woke = co_await alarm_.wait_until(next_look());
        static_cast<void>(woke);
    }
    hub_.close();
    co_return Result<void>();
}

SteadyTime Exchange::next_look() const {
    SteadyTime next = steady_clock::now() + settings_.poll;
    if (!touches_.empty()) next = std::min(next, touches_.front().due);
    return next;
}

void Exchange::touch_due() {
    while (!touches_.empty() && touches_.front().due <= steady_clock::now()) {
        folder_.touch(touches_.front().where, touches_.front().name);
        touches_.pop_front();
    }
}

void Exchange::look() {
    const SteadyTime now = steady_clock::now();
    if (!state_.usable) {
        if (now < folder_again_at_) return;
        auto prepared = folder_.prepare();
        if (!prepared) {
            folder_again_at_ = now + folder_retry;
            return log_failure(Level::warn, "terminal.folder", prepared.error());
        }
        state_.usable = true;
        log_event(Level::info, "terminal.folder_usable");
    }
    auto found = folder_.list();
    if (!found) {
        state_.usable = false;
        folder_again_at_ = now + folder_retry;
        return log_failure(Level::warn, "terminal.folder", found.error());
    }
    std::vector<Pending> singles;
    for (const auto& file : *found) {
        if (in_work_.size() >= singles_in_work_max || !state_.usable) break;
        take(file, singles);
    }
    // What is no longer there needs no memory.
    if (in_work_.empty() && found->empty()) {
        unread_.clear();
        stuck_.clear();
    }
    while (!singles.empty()) {
        const auto count = static_cast<std::ptrdiff_t>(std::min(singles.size(), singles_per_ask_max));
        std::vector<Pending> together(std::make_move_iterator(singles.begin()),
                                      std::make_move_iterator(singles.begin() + count));
        singles.erase(singles.begin(), singles.begin() + count);
        spawn(executor_, answer_singles(std::move(together)));
    }
    if (now >= leftovers_at_) {
        leftovers_at_ = now + leftover_look;
        folder_.remove_leftovers(clock_.now() - std::chrono::microseconds(leftover_life));
    }
}

void Exchange::take(const FoundRequest& found, std::vector<Pending>& singles) {
    const std::string name = oqs::request_name(found.name);
    if (in_work_.contains(name)) return;
    const auto stuck = stuck_.find(name);
    if (stuck != stuck_.end() && stuck->second == found.version) {
        if (folder_.remove_request(found.name)) stuck_.erase(stuck);
        return;
    }
    auto bytes = folder_.read(found.name);
    if (!bytes) return reject(found, bytes.error());
    if (!*bytes) return;
    auto document = oqs::read_document(**bytes);
    if (!document) return cannot_read(found, document.error(), **bytes);
    auto request = oqs::read_request(found.name.message, document->root);
    if (!request) return cannot_read(found, request.error(), **bytes);
    unread_.erase(name);
    if (request->institution_code != settings_.facility) {
        return reject(found, Error(ErrorCode::message_layout, "another institution"));
    }
    Pending pending{found, std::move(*request), origin_of(settings_.terminal, name, found.version, **bytes),
                    std::move(**bytes)};
    in_work_.insert(name);
    state_.in_work = in_work_.size();
    if (found.name.message == oqs::Message::eligibility) {
        singles.push_back(std::move(pending));
    } else {
        start(std::move(pending));
    }
}

void Exchange::start(Pending pending) {
    if (pending.file.name.message == oqs::Message::reference_registration) {
        return spawn(executor_, register_reference(std::move(pending)));
    }
    if (step_of(pending.file.name.message) == oqs::Step::upload) {
        return spawn(executor_, receive_bulk(std::move(pending)));
    }
    spawn(executor_, hand_out(std::move(pending)));
}

// Its writer may still be at it, so it is rejected only once it has stood still.
void Exchange::cannot_read(const FoundRequest& found, const Error& error, std::string_view bytes) {
    const std::string name = oqs::request_name(found.name);
    const SteadyTime now = steady_clock::now();
    const FileVersion seen{found.version.changed_ns, static_cast<std::int64_t>(bytes.size()), found.version.inode};
    const auto [entry, is_new] = unread_.try_emplace(name, Unread{seen, now});
    if (!is_new && entry->second.version != seen) entry->second = {seen, now};
    if (now - entry->second.since >= request_settle_time) reject(found, error);
}

void Exchange::reject(const FoundRequest& found, const Error& error) {
    const std::string name = oqs::request_name(found.name);
    // Of the sample's form (oqs §3.16): moment, code, sentence.
    const std::string line =
        fmt::format("{},{},{}\r\n", local_digits(clock_.now()), settings_.profile.result_code(error_name(error.code)),
                    clerk_sentence(error.code));
    std::string bytes = line;
    if (settings_.profile.encoding_of(found.name.message) == oqs::Encoding::cp932) {
        auto encoded = encode_cp932(line);
        if (encoded) bytes = std::move(encoded->bytes);
    }
    unread_.erase(name);
    auto rejected = folder_.reject(found.name, bytes);
    if (!rejected) {
        state_.usable = false;
        return log_failure(Level::warn, "terminal.folder", rejected.error());
    }
    ++state_.rejected;
    touches_.push_back({steady_clock::now() + result_touch_after, Outbound::res, name});
    log_failure(Level::warn, "terminal.request_rejected", error);
}

oqs::ResultHeader Exchange::header_of(const oqs::Request& request, std::string_view segment) const {
    oqs::ResultHeader header;
    header.executed_at = local_digits(clock_.now());
    header.confirmation_date = request.confirmation_date;
    header.institution_code = request.institution_code;
    header.file_identifier = request.file_identifier;
    header.segment = segment;
    return header;
}

oqs::ResultMessage Exchange::failure_of(const oqs::Request& request, ErrorCode code) const {
    oqs::ResultMessage result;
    result.header = header_of(request, segment_failed);
    result.header.error_code = settings_.profile.result_code(error_name(code));
    result.header.error_message = clerk_sentence(code);
    result.units.push_back(unit_of_failure(code, settings_.profile));
    return result;
}

Result<std::string> Exchange::write_result(oqs::Message message, oqs::Layout layout, oqs::ResultMessage result) const {
    const auto encoding = settings_.profile.encoding_of(message);
    result.header.character_code = settings_.profile.identifier_of(encoding);
    auto written = oqs::write_document(oqs::result_element(layout, result), encoding, settings_.profile.order);
    if (!written) return fail(std::move(written));
    return std::move(written->bytes);
}

void Exchange::deliver(const Pending& pending, oqs::Layout layout, oqs::ResultMessage result) {
    const auto message = pending.file.name.message;
    auto written = write_result(message, layout, std::move(result));
    if (!written) {
        log_failure(Level::error, "terminal.result", written.error());
        written = write_result(message, layout, failure_of(pending.request, written.error().code));
    }
    const std::string name = oqs::result_name(pending.file.name);
    auto published = folder_.publish(Outbound::res, name, written ? *written : std::string());
    if (!published) {
        // The request stays, and is asked again under the same ids when the folder can be written.
        state_.usable = false;
        folder_again_at_ = steady_clock::now() + folder_retry;
        log_failure(Level::warn, "terminal.folder", published.error());
    } else {
        ++state_.answered;
        touches_.push_back({steady_clock::now() + result_touch_after, Outbound::res, name});
        if (!folder_.remove_request(pending.file.name) && stuck_.size() < stuck_requests_max) {
            stuck_.insert_or_assign(oqs::request_name(pending.file.name), pending.file.version);
        }
    }
    finish(pending.file);
}

void Exchange::finish(const FoundRequest& file) {
    in_work_.erase(oqs::request_name(file.name));
    state_.in_work = in_work_.size();
    // More may have come meanwhile, or somebody waits for the end.
    alarm_.ring();
}

}  // namespace onshi::terminal
