// Internal: how a connection receives the bodies of requests, whole or in pieces.
#include <algorithm>

#include "platform/http/connection.h"

namespace onshi::http {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

bool Connection::reserve_body(std::size_t bytes) {
    if (!loop_->shared->body_bytes.take(bytes)) return false;
    body_reserved_ += bytes;
    return true;
}

Task<Connection::Received> Connection::receive_body(const Route& route) {
    const std::size_t length = parser_.content_length();
    if (length == 0 && !parser_.chunked()) co_return Received::done;
    if (input_.view().size() >= length && !parser_.chunked()) {
        // The usual case: the whole body came with the head and is used where it lies.
        request_.body = input_.view().substr(0, length);
        body_in_input_ = length;
        co_return Received::done;
    }
    const std::size_t most = parser_.chunked() ? route.options.body_bytes_max : length;
    if (!reserve_body(most)) co_return Received::no_room;
    enter(Phase::receiving, transfer_end(most));
    if (parser_.known().expects_continue && input_.empty()) {
        const Io io = co_await transport_.write(continue_line);
        if (io != Io::done) co_return Received::closed;
    }
    Received received = Received::done;
    if (parser_.chunked()) {
        received = co_await receive_chunks(most);
    } else {
        received = co_await receive_known(length);
    }
    request_.body = body_;
    co_return received;
}

Task<Connection::Received> Connection::receive_known(std::size_t length) {
    body_.assign(input_.view());
    input_.consume(body_.size());
    std::size_t filled = body_.size();
    body_.resize(length);
    while (filled < length) {
        if (timed_out_) co_return Received::timeout;
        const IoResult result = co_await transport_.read(std::span(body_).subspan(filled));
        if (result.state != Io::done) co_return timed_out_ ? Received::timeout : Received::closed;
        filled += result.bytes;
    }
    co_return Received::done;
}

Task<Connection::Received> Connection::receive_chunks(std::size_t bytes_max) {
    body_.clear();
    for (;;) {
        std::size_t used = 0;
        const std::string_view given = input_.view();
        const Parsed parsed = parser_.put_chunks(given, used, body_, bytes_max);
        const bool stuck = used == 0 && given.size() >= header_bytes_max;
        input_.consume(used);
        if (parsed == Parsed::complete) co_return Received::done;
        if (parsed == Parsed::body_too_large) co_return Received::body_too_large;
        // A chunk header or trailer may be as large as a header, not larger.
        if (parsed != Parsed::need_more || stuck) co_return Received::malformed;
        const Received received = co_await fill(head_read_bytes);
        if (received != Received::done) co_return received;
    }
}

// One piece of the body. The time allowed grows with what has come, so that a slow sender is told apart from a long
// body.
Task<Connection::Received> Connection::receive_piece(std::string_view& piece) {
    input_.consume(std::exchange(body_in_input_, 0));
    const std::size_t length = parser_.content_length();
    const bool first = piece_bytes_ == 0;
    if (first && parser_.known().expects_continue && input_.empty()) {
        const Io io = co_await transport_.write(continue_line);
        if (io != Io::done) co_return Received::closed;
    }
    for (;;) {
        if (!parser_.chunked()) {
            pieces_ended_ = piece_bytes_ == length;
            piece = input_.view().substr(0, std::min(length - piece_bytes_, read_bytes));
            body_in_input_ = piece.size();
        } else {
            body_.clear();
            std::size_t used = 0;
            const std::string_view given = input_.view();
            const Parsed parsed = parser_.put_chunks(given, used, body_, given.size());
            const bool stuck = used == 0 && given.size() >= header_bytes_max;
            input_.consume(used);
            pieces_ended_ = parsed == Parsed::complete;
            const bool broken = parsed != Parsed::need_more && parsed != Parsed::complete;
            if (broken || stuck) co_return Received::malformed;
            piece = body_;
        }
        piece_bytes_ += piece.size();
        if (piece_bytes_ > match_.route->options.body_bytes_max) co_return Received::body_too_large;
        if (!piece.empty() || pieces_ended_) co_return Received::done;
        const auto slowest =
            milliseconds((piece_bytes_ + read_bytes) * 1000 / std::max<std::size_t>(times().bytes_per_second_min, 1));
        enter(Phase::receiving, pieces_began_ + times().transfer + slowest);
        const Received received = co_await fill(read_bytes);
        if (received != Received::done) co_return received;
    }
}

Task<Result<std::string_view>> Connection::next_piece() {
    if (pieces_error_) co_return tl::unexpected(*pieces_error_);
    if (pieces_ended_) {
        input_.consume(std::exchange(body_in_input_, 0));
        co_return std::string_view();
    }
    std::string_view piece;
    const Received received = co_await receive_piece(piece);
    enter(Phase::handling, SteadyTime::max());
    if (received == Received::done) co_return piece;
    pieces_ended_ = false;
    pieces_error_ = refusal_of(received == Received::closed ? Received::malformed : received);
    co_return tl::unexpected(*pieces_error_);
}

Task<void> Connection::discard_body() {
    const std::size_t length = parser_.content_length();
    const bool waits = parser_.known().expects_continue && input_.view().size() < length;
    if (parser_.chunked() || length > discard_bytes_max || waits) {
        keep_ = false;
        co_return;
    }
    std::size_t left = length;
    for (;;) {
        const std::size_t here = std::min(left, input_.view().size());
        input_.consume(here);
        left -= here;
        if (left == 0) co_return;
        const Received received = co_await fill(head_read_bytes);
        if (received == Received::done) continue;
        keep_ = false;
        co_return;
    }
}

}  // namespace onshi::http
