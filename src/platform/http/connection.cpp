#include "platform/http/connection.h"

#include <algorithm>
#include <charconv>
#include <typeinfo>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/core/demangle.hpp>
#include <openssl/err.h>

#include "platform/http/problem.h"
#include "platform/http/query.h"
#include "platform/telemetry/log.h"

namespace onshi::http {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t record_bytes = 16 * 1024;
constexpr milliseconds linger_time{500};
constexpr std::size_t linger_bytes_max = 1UL << 20U;
constexpr milliseconds pause_max{5'000};
constexpr milliseconds rate_wait_min{50};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view without_port(std::string_view host) {
    const std::size_t bracket = host.rfind(']');
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
    return host.substr(0, colon);
}

void append_number(std::string& out, std::size_t number, int base = 10) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    out.append(digits.data(), end);
}

bool is_sendable(std::string_view value) {
    return std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_sendable(const Response& response) {
    if (response.status < 200 || response.status > 599) return false;
    return std::ranges::all_of(response.headers, [](const ResponseHeader& field) { return is_sendable(field.value); });
}

bool has_header(const Response& response, std::string_view name) {
    return std::ranges::any_of(response.headers,
                               [name](const ResponseHeader& field) { return equal_ignoring_case(field.name, name); });
}

// 1xx, 204 and 304 have neither a body nor a length.
bool may_have_body(std::uint16_t status) {
    return status != 204 && status != 304;
}

std::string_view reason_phrase(std::uint16_t status) {
    const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return {reason.data(), reason.size()};
}

}  // namespace

Connection::Connection(std::shared_ptr<LoopState> loop, std::shared_ptr<const Listener> listener,
                       asio::ip::tcp::socket socket, std::string address, std::string address_key)
    : loop_(std::move(loop)),
      listener_(std::move(listener)),
      transport_(std::move(socket)),
      address_key_(std::move(address_key)),
      pause_timer_(loop_->executor) {
    peer_.address = std::move(address);
    place_ = loop_->connections.insert(loop_->connections.end(), this);
}

Connection::~Connection() {
    loop_->connections.erase(place_);
    loop_->shared->body_bytes.give_back(body_reserved_);
    loop_->shared->addresses.leave(address_key_);
    loop_->shared->connections.give_back(1);
    if (loop_->draining && loop_->connections.empty()) loop_->ticker.ring();
}

void Connection::enter(Phase phase, SteadyTime until) {
    phase_ = phase;
    deadline_ = until;
    timed_out_ = false;
}

SteadyTime Connection::transfer_end(std::size_t bytes) const {
    const auto slowest = milliseconds(bytes * 1000 / std::max<std::size_t>(times().bytes_per_second_min, 1));
    return steady_clock::now() + times().transfer + slowest;
}

void Connection::tick(SteadyTime now) {
    if (now < deadline_) return;
    deadline_ = SteadyTime::max();
    timed_out_ = true;
    if (phase_ != Phase::idle && phase_ != Phase::closing) loop_->shared->timeouts.add();
    transport_.interrupt();
}

void Connection::begin_drain() {
    if (phase_ == Phase::handshake) return cut();
    if (phase_ == Phase::streaming && alarm_) alarm_->ring();
    if (phase_ != Phase::idle) return;
    pause_timer_.cancel();
    transport_.interrupt();
}

void Connection::cut() {
    broken_ = true;
    linger_ = false;
    pause_timer_.cancel();
    transport_.abort();
    if (alarm_) alarm_->ring();
}

Task<void> Connection::run() {
    bool going_on = co_await begin();
    while (going_on && !broken_) {
        const After after = co_await serve_one();
        going_on = after == After::next_request;
    }
    co_await close();
}

Task<bool> Connection::begin() {
    const SteadyTime began = steady_clock::now();
    ends_at_ = began + times().connection_age;
    tls_ = listener_->tls();
    if (!tls_) {
        rate_ = loop_->shared->rates.bucket(address_key_, began);
        co_return true;
    }
    enter(Phase::handshake, began + times().handshake);
    if (!transport_.use_tls(tls_->accepting())) co_return false;
    const Io io = co_await transport_.handshake();
    if (io == Io::done && learn_peer()) co_return true;
    loop_->shared->handshakes_failed.add();
    const char* reason = transport_.tls_reason() == 0
                             ? nullptr
                             : ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, transport_.tls_reason()));
    log_event(Level::info, "http.handshake_failed",
              {{"reason", open_text(reason != nullptr ? reason : "connection ended")},
               {"address", open_text(listener_->options().name)}});
    // The alert that says why must not be lost to a reset.
    linger_ = transport_.tls_reason() != 0 && !broken_;
    co_return false;
}

bool Connection::learn_peer() {
    Shared& shared = *loop_->shared;
    peer_.certificate = peer_fingerprint(transport_.ssl());
    // A resumed session is not verified again by OpenSSL, and a kept connection outlives its handshake: both end with
    // the certificate.
    if (const std::optional<Instant> not_after = peer_not_after(transport_.ssl()); not_after) {
        const auto left = *not_after - shared.clock.now();
        if (left.count() <= 0) return false;
        if (left < times().connection_age) ends_at_ = steady_clock::now() + left;
    }
    (SSL_session_reused(transport_.ssl()) == 1 ? shared.handshakes_resumed : shared.handshakes_full).add();
    std::string key = address_key_;
    if (peer_.certificate)
        key.assign(reinterpret_cast<const char*>(peer_.certificate->data()), peer_.certificate->size());
    rate_ = shared.rates.bucket(key, steady_clock::now());
    return true;
}

Task<void> Connection::close() {
    if (broken_) co_return;
    transport_.end_sending();
    if (!linger_) co_return;
    enter(Phase::closing, steady_clock::now() + linger_time);
    co_await transport_.drain_socket(linger_bytes_max);
}

std::optional<Error> Connection::refusal_of(Received received) {
    switch (received) {
        case Received::timeout: return Error(ErrorCode::request_timeout, {});
        case Received::malformed: return Error(ErrorCode::request_malformed, "not a valid HTTP/1.1 message");
        case Received::header_too_large: return Error(ErrorCode::request_header_too_large, {});
        case Received::body_too_large: return Error(ErrorCode::request_too_large, {});
        case Received::no_room: return shed(ShedReason::body_bytes, ErrorCode::overload_busy, milliseconds(0));
        case Received::done:
        case Received::closed: break;
    }
    return std::nullopt;
}

Task<Connection::After> Connection::serve_one() {
    const bool arrived = co_await await_request();
    if (!arrived) co_return After::close;
    enter(Phase::receiving, request_.received_at + times().header);
    std::optional<Error> refusal;
    Received received = co_await read_head();
    if (received == Received::done) {
        refusal = decide();
        if (refusal) {
            co_await discard_body();
        } else if (match_.route->options.body == BodyDelivery::in_pieces) {
            request_.pieces = this;
            pieces_began_ = steady_clock::now();
        } else {
            received = co_await receive_body(*match_.route);
        }
    }
    if (received == Received::closed) co_return After::close;
    if (received != Received::done) {
        keep_ = false;
        refusal = refusal_of(received);
    }
    std::optional<InFlight::Slot> slot;
    if (!refusal) {
        slot = loop_->shared->in_flight.enter(match_.route->options.admission);
        if (!slot) refusal = shed(ShedReason::in_flight, ErrorCode::overload_busy, milliseconds(0));
    }
    if (refusal) {
        if (request_.pieces != nullptr) keep_ = false;
        Response refused_answer = refuse(*refusal);
        const After refused = co_await answer(std::move(refused_answer));
        co_return refused;
    }
    auto result = co_await call_handler(*match_.route);
    // What is left of a body that nobody wanted stands between this answer and the next request.
    if (request_.pieces != nullptr && !pieces_ended_) keep_ = false;
    Response response = result ? std::move(*result) : refuse(result.error());
    // An endless answer is bounded by the number of streams; it must not keep others out meanwhile.
    if (response.stream) slot.reset();
    const After after = co_await answer(std::move(response));
    co_return after;
}

Task<void> Connection::pause() {
    pause_timer_.expires_at(paused_until_);
    auto [error] = co_await pause_timer_.async_wait(no_throw);
    static_cast<void>(error);
}

Task<bool> Connection::await_request() {
    loop_->shared->body_bytes.give_back(std::exchange(body_reserved_, 0));
    if (body_.capacity() > idle_buffer_bytes_max) std::string().swap(body_);
    if (out_.capacity() > 2 * record_bytes) std::string().swap(out_);
    input_.shrink();
    parser_.start();
    request_ = {};
    match_ = {};
    keep_ = true;
    piece_bytes_ = 0;
    pieces_ended_ = false;
    pieces_error_.reset();
    const SteadyTime began = steady_clock::now();
    enter(Phase::idle, SteadyTime::max());
    if (paused_until_ > began) co_await pause();
    // Requests that are already here must not keep the loop from other connections.
    if (!input_.empty()) co_await yield_to_others();
    if (broken_ || (loop_->draining && input_.empty())) co_return false;
    if (input_.empty()) {
        enter(Phase::idle, std::min(began + times().idle, ends_at_));
        Received received = co_await fill(head_read_bytes);
        // What had arrived before the drain began is still served.
        if (received != Received::done && loop_->draining && !broken_) {
            const IoResult late = transport_.try_read(input_.room(head_read_bytes));
            if (late.state == Io::done) {
                input_.commit(late.bytes);
                received = Received::done;
            }
        }
        if (received != Received::done) co_return false;
    }
    request_.received_at = steady_clock::now();
    request_deadline_ = request_.received_at;
    co_return true;
}

Task<Connection::Received> Connection::fill(std::size_t bytes_max) {
    if (timed_out_) co_return Received::timeout;
    // Usually nothing is there yet: asking the kernel first would be one system call in vain.
    if (!transport_.has_pending()) {
        const bool ready = co_await transport_.wait_readable();
        if (!ready) co_return timed_out_ ? Received::timeout : Received::closed;
    }
    const IoResult result = co_await transport_.read(input_.room(bytes_max));
    if (result.state != Io::done) co_return timed_out_ ? Received::timeout : Received::closed;
    input_.commit(result.bytes);
    co_return Received::done;
}

Task<Connection::Received> Connection::read_head() {
    for (;;) {
        std::size_t used = 0;
        const Parsed parsed = parser_.put_head(input_.view(), used);
        input_.consume(used);
        switch (parsed) {
            case Parsed::head:
            case Parsed::complete: co_return Received::done;
            case Parsed::malformed: co_return Received::malformed;
            case Parsed::header_too_large: co_return Received::header_too_large;
            case Parsed::body_too_large: co_return Received::body_too_large;
            case Parsed::need_more: break;
        }
        const Received received = co_await fill(head_read_bytes);
        if (received == Received::timeout && !parser_.began() && input_.empty()) co_return Received::closed;
        if (received != Received::done) co_return received;
    }
}

std::optional<Error> Connection::check_host() const {
    const std::vector<std::string>& hosts = listener_->options().hosts;
    if (hosts.empty()) return std::nullopt;
    const KnownFields& known = parser_.known();
    const std::string_view host = known.authority.empty() ? known.host : known.authority;
    const auto same = [host](const std::string& allowed) { return equal_ignoring_case(without_port(host), allowed); };
    if (std::ranges::none_of(hosts, same)) return Error(ErrorCode::request_host, {});
    if (known.origin.empty()) return std::nullopt;
    const std::string_view scheme = tls_ ? "https://" : "http://";
    if (known.origin.starts_with(scheme) && equal_ignoring_case(known.origin.substr(scheme.size()), host))
        return std::nullopt;
    return Error(ErrorCode::request_origin, {});
}

std::optional<Error> Connection::check_deadline() {
    milliseconds allowed = match_.route->options.deadline;
    if (const std::string_view asked = parser_.known().deadline_ms; !asked.empty()) {
        std::uint32_t ms = 0;
        const auto [end, failed] = std::from_chars(asked.data(), asked.data() + asked.size(), ms);
        if (failed != std::errc() || end != asked.data() + asked.size()) {
            return Error(ErrorCode::request_malformed, "onshi-deadline-ms is not a number");
        }
        allowed = std::min(allowed, milliseconds(ms));
    }
    request_deadline_ = request_.received_at + allowed;
    if (allowed.count() == 0) return Error(ErrorCode::deadline_passed, "no time was left on arrival");
    return std::nullopt;
}

Error Connection::shed(ShedReason reason, ErrorCode code, milliseconds wait) {
    loop_->count_shed(reason);
    Error error(code, {});
    // Spread, so that those who were refused together do not come back together.
    const auto least = wait.count() > 0 ? static_cast<std::uint32_t>(wait.count()) : error.retry_after_ms;
    error.retry_after_ms = least + loop_->random_below(least);
    if (code == ErrorCode::overload_busy) {
        const double share = loop_->random_below(1024) / 1024.0;
        const auto wait_in_row = loop_->returns.next(steady_clock::now(), milliseconds(error.retry_after_ms), share);
        error.retry_after_ms = static_cast<std::uint32_t>(wait_in_row.count());
    }
    paused_until_ = steady_clock::now() + std::min(milliseconds(error.retry_after_ms), pause_max);
    return error;
}

std::optional<Error> Connection::check_load(const Route& route) {
    if (route.options.admission == AdmissionClass::exempt) return std::nullopt;
    const auto wait = rate_->take(request_.received_at, loop_->shared->options.admission.rate);
    if (wait.count() > 0) {
        return shed(ShedReason::rate, ErrorCode::overload_rate,
                    std::max(rate_wait_min, std::chrono::ceil<milliseconds>(wait)));
    }
    if (loop_->queue_delay.refuses(route.options.admission)) {
        return shed(ShedReason::queue_delay, ErrorCode::overload_busy, milliseconds(0));
    }
    return std::nullopt;
}

std::optional<Error> Connection::decode_parameters() {
    for (std::size_t i = 0; i < match_.parameter_count; ++i) {
        parameters_[i] = match_.parameters[i];
        if (parameters_[i].find('%') == std::string_view::npos) continue;
        auto decoded = percent_decode(parameters_[i]);
        if (!decoded) return Error(ErrorCode::request_malformed, "escape in the path");
        decoded_[i] = std::move(*decoded);
        parameters_[i] = decoded_[i];
    }
    request_.parameters = std::span(parameters_).first(match_.parameter_count);
    return std::nullopt;
}

std::optional<Error> Connection::decide() {
    const KnownFields& known = parser_.known();
    request_.method = parser_.method();
    request_.path = parser_.path();
    request_.query = parser_.query();
    request_.headers = parser_.headers();
    request_.peer = &peer_;
    request_.trace_id = TraceId::from_traceparent(known.traceparent).value_or(TraceId());
    if (request_.trace_id.none()) request_.trace_id = loop_->next_trace_id();
    request_.language = preferred_language(known.accept_language);
    keep_ = parser_.keep_alive();

    if (auto wrong = check_host()) return wrong;
    loop_->shared->router.match(request_.method, request_.path, match_);
    if (match_.route == nullptr) {
        return Error(match_.allow.empty() ? ErrorCode::request_not_found : ErrorCode::request_method, {});
    }
    const Route& route = *match_.route;
    if (route.options.certificate == ClientCertificate::required && !peer_.certificate) {
        return Error(ErrorCode::request_certificate_required, {});
    }
    if (auto wrong = decode_parameters()) return wrong;
    if (auto wrong = check_deadline()) return wrong;
    if (auto wrong = check_load(route)) return wrong;
    if (parser_.content_length() > route.options.body_bytes_max) return Error(ErrorCode::request_too_large, {});
    return std::nullopt;
}

Task<Result<Response>> Connection::call_handler(const Route& route) {
    enter(Phase::handling, SteadyTime::max());
    const Deadline deadline(request_deadline_);
    if (deadline.passed()) co_return fail(ErrorCode::deadline_passed, "passed while the request was received");
    std::string type;
    try {
        auto result = co_await route.handler(request_, deadline);
        co_return result;
    } catch (const std::exception& e) {
        type = boost::core::demangle(typeid(e).name());
    } catch (...) {
        type = "unknown";
    }
    // Only the type: what() of a library may quote what it was given.
    log_event(Level::error, "http.handler_threw",
              {{"trace_id", request_.trace_id}, {"route", open_text(route.pattern)}, {"exception", open_text(type)}});
    co_return fail(ErrorCode::internal_unexpected);
}

Response Connection::refuse(const Error& error) {
    if (request_.trace_id.none()) request_.trace_id = loop_->next_trace_id();
    Response response = problem_response(error, request_.language, request_.trace_id);
    if (error.code == ErrorCode::request_method && !match_.allow.empty()) {
        response.headers.push_back({"allow", match_.allow});
    }
    return response;
}

void Connection::compose_head(const Response& response, std::size_t body_size) {
    const auto trace = request_.trace_id.hex();
    out_.clear();
    out_ += parser_.http10() ? "HTTP/1.0 " : "HTTP/1.1 ";
    append_number(out_, response.status);
    out_.append(" ").append(reason_phrase(response.status)).append("\r\n");
    out_ += loop_->date_header();
    if (chunked_answer_) {
        out_ += "transfer-encoding: chunked\r\n";
    } else if (!response.stream && may_have_body(response.status)) {
        out_ += "content-length: ";
        append_number(out_, body_size);
        out_ += "\r\n";
    }
    if (body_size > 0 || response.stream) out_.append("content-type: ").append(response.content_type).append("\r\n");
    if (!has_header(response, "cache-control")) out_ += "cache-control: no-store\r\n";
    for (const ResponseHeader& field : response.headers) {
        out_.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    out_.append("trace-id: ").append(trace.data(), trace.size()).append("\r\n");
    out_ += listener_->fixed_headers();
    if (!keep_) {
        out_ += "connection: close\r\n";
    } else if (parser_.http10()) {
        out_ += "connection: keep-alive\r\n";
    }
    out_ += "\r\n";
}

Task<bool> Connection::send_whole(Response& response) {
    const std::string_view body = response.shared_body ? std::string_view(*response.shared_body) : response.body;
    compose_head(response, body.size());
    std::string_view rest =
        request_.method == Method::head || !may_have_body(response.status) ? std::string_view() : body;
    // Head and beginning of the body share a TLS record, and a small answer is one system call.
    const std::size_t first = std::min(rest.size(), out_.size() < record_bytes ? record_bytes - out_.size() : 0);
    out_ += rest.substr(0, first);
    rest.remove_prefix(first);
    sent_bytes_ = out_.size() + rest.size();
    enter(Phase::sending, transfer_end(sent_bytes_));
    Io io = co_await transport_.write(out_);
    if (io == Io::done && !rest.empty()) io = co_await transport_.write(rest);
    co_return io == Io::done;
}

Task<bool> Connection::send_stream(Response& response) {
    chunked_answer_ = !parser_.http10();
    keep_ = keep_ && chunked_answer_;
    alarm_ = std::make_shared<Alarm>(loop_->executor);
    compose_head(response, 0);
    sent_bytes_ = 0;
    enter(Phase::sending, transfer_end(out_.size()));
    const Io io = co_await transport_.write(out_);
    broken_ = broken_ || io != Io::done;
    std::string thrown;
    if (!broken_ && request_.method != Method::head) {
        enter(Phase::streaming, SteadyTime::max());
        try {
            co_await response.stream(*this);
        } catch (const std::exception& e) {
            thrown = boost::core::demangle(typeid(e).name());
        } catch (...) {
            thrown = "unknown";
        }
    }
    if (!thrown.empty()) {
        log_event(Level::error, "http.stream_threw",
                  {{"trace_id", request_.trace_id}, {"exception", open_text(thrown)}});
        co_return false;
    }
    if (broken_) co_return false;
    if (!chunked_answer_ || request_.method == Method::head) co_return true;
    enter(Phase::sending, transfer_end(0));
    const Io ended = co_await transport_.write("0\r\n\r\n");
    co_return ended == Io::done;
}

bool Connection::open() const {
    return !broken_ && !loop_->draining;
}

Task<bool> Connection::write(std::string_view bytes) {
    if (!open()) co_return false;
    if (bytes.empty()) co_return true;
    out_.clear();
    if (chunked_answer_) {
        append_number(out_, bytes.size(), 16);
        out_ += "\r\n";
    }
    out_ += bytes;
    if (chunked_answer_) out_ += "\r\n";
    enter(Phase::streaming, transfer_end(out_.size()));
    const Io io = co_await transport_.write(out_);
    enter(Phase::streaming, SteadyTime::max());
    sent_bytes_ += bytes.size();
    broken_ = broken_ || io != Io::done;
    co_return !broken_;
}

Task<Connection::After> Connection::answer(Response response) {
    if (!is_sendable(response)) {
        log_event(Level::error, "http.answer_not_sendable",
                  {{"trace_id", request_.trace_id}, {"status", response.status}});
        response = refuse(Error(ErrorCode::internal_unexpected, {}));
    }
    chunked_answer_ = false;
    const bool streams = static_cast<bool>(response.stream);
    const bool may_stream = !streams || loop_->shared->streams.take(1);
    if (!may_stream) response = refuse(shed(ShedReason::streams, ErrorCode::overload_busy, milliseconds(0)));
    if (loop_->draining || steady_clock::now() >= ends_at_) keep_ = false;
    bool sent = false;
    if (streams && may_stream) {
        sent = co_await send_stream(response);
        loop_->shared->streams.give_back(1);
    } else {
        sent = co_await send_whole(response);
    }
    input_.consume(std::exchange(body_in_input_, 0));
    finish_request(response.status);
    if (!sent) {
        // A peer that does not read, or is gone: a reset frees the kernel's buffers at once.
        cut();
        co_return After::close;
    }
    linger_ = !keep_;
    co_return keep_ ? After::next_request : After::close;
}

void Connection::finish_request(std::uint16_t status) {
    const ServerOptions& options = loop_->shared->options;
    const auto took = steady_clock::now() - request_.received_at;
    loop_->shared->requests.fetch_add(1, std::memory_order_relaxed);
    loop_->series(match_.route).count(status, std::chrono::duration<double>(took).count());
    const Level level = status >= 500 ? Level::warn : Level::info;
    const bool wanted =
        options.access_log == AccessLog::all || (options.access_log == AccessLog::failures && status >= 400);
    if (!wanted || !log_enabled(level)) return;
    log_event(level, "http.request",
              {{"method", open_text(to_string(request_.method))},
               {"route", open_text(match_.route == nullptr ? "none" : std::string_view(match_.route->pattern))},
               {"status", status},
               {"duration_us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()},
               {"bytes", sent_bytes_},
               {"trace_id", request_.trace_id}});
}

}  // namespace onshi::http
