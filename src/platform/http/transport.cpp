#include "platform/http/transport.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>

#include "platform/http/limits.h"

namespace onshi::http {

namespace asio = boost::asio;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

int descriptor_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_result(BIO* bio, ssize_t moved, int retry_flag) {
    BIO_clear_retry_flags(bio);
    if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return static_cast<int>(moved);
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that goes away would end the program by SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
    return bio_result(bio, ::send(descriptor_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL),
                      BIO_FLAGS_WRITE);
}

int bio_read(BIO* bio, char* bytes, int size) {
    return bio_result(bio, ::recv(descriptor_of(bio), bytes, static_cast<std::size_t>(size), 0), BIO_FLAGS_READ);
}

long bio_ctrl(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "onshi socket");
    if (method == nullptr) return nullptr;
    BIO_meth_set_write(method, &bio_write);
    BIO_meth_set_read(method, &bio_read);
    BIO_meth_set_ctrl(method, &bio_ctrl);
    BIO_meth_set_create(method, &bio_create);
    return method;
}

// One for the program, never freed: connections may end after static destructors have begun.
BIO_METHOD* socket_method() {
    static BIO_METHOD* const method = make_method();
    return method;
}

}  // namespace

Transport::Transport(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Transport::~Transport() {
    // Otherwise OpenSSL takes an end without closing alerts for an attack and forbids the session ticket of this
    // connection.
    if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

bool Transport::use_tls(SslPtr ssl) {
    BIO* bio = socket_method() == nullptr ? nullptr : BIO_new(socket_method());
    if (bio == nullptr || !ssl) return false;
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.native_handle())));
    SSL_set_bio(ssl.get(), bio, bio);
    ssl_ = std::move(ssl);
    return true;
}

IoResult Transport::classify(int returned) {
    const int error = SSL_get_error(ssl_.get(), returned);
    if (error == SSL_ERROR_WANT_READ) return {Io::want_read};
    if (error == SSL_ERROR_WANT_WRITE) return {Io::want_write};
    if (error == SSL_ERROR_ZERO_RETURN) return {Io::closed};
    tls_reason_ = error == SSL_ERROR_SSL ? ERR_GET_REASON(ERR_peek_last_error()) : 0;
    ERR_clear_error();
    // After such an error OpenSSL forbids even the closing alert; a peer that vanished without one is `closed`, since
    // our messages say their own length and cannot be cut short unseen.
    SSL_set_quiet_shutdown(ssl_.get(), 1);
    if (tls_reason_ == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {Io::closed};
    return {Io::failed};
}

IoResult Transport::try_read(std::span<char> into) {
    if (ssl_) {
        std::size_t moved = 0;
        ERR_clear_error();
        const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &moved);
        return returned == 1 ? IoResult{Io::done, moved} : classify(returned);
    }
    const ssize_t moved = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (moved > 0) return {Io::done, static_cast<std::size_t>(moved)};
    if (moved == 0) return {Io::closed};
    return {errno == EAGAIN || errno == EINTR ? Io::want_read : Io::failed};
}

IoResult Transport::try_write(std::string_view bytes) {
    if (ssl_) {
        std::size_t moved = 0;
        ERR_clear_error();
        const int returned = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &moved);
        return returned == 1 ? IoResult{Io::done, moved} : classify(returned);
    }
    const ssize_t moved = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (moved >= 0) return {Io::done, static_cast<std::size_t>(moved)};
    return {errno == EAGAIN || errno == EINTR ? Io::want_write : Io::failed};
}

bool Transport::has_pending() const {
    return ssl_ && SSL_has_pending(ssl_.get()) == 1;
}

Task<bool> Transport::wait(Io want) {
    const auto direction = want == Io::want_read ? asio::socket_base::wait_read : asio::socket_base::wait_write;
    auto [error] = co_await socket_.async_wait(direction, no_throw);
    co_return !error;
}

Task<bool> Transport::wait_readable() {
    return wait(Io::want_read);
}

Task<Io> Transport::handshake() {
    for (;;) {
        ERR_clear_error();
        const int returned = SSL_do_handshake(ssl_.get());
        if (returned == 1) co_return Io::done;
        const IoResult result = classify(returned);
        if (result.state != Io::want_read && result.state != Io::want_write) co_return result.state;
        const bool ready = co_await wait(result.state);
        if (!ready) co_return Io::failed;
    }
}

Task<IoResult> Transport::read(std::span<char> into) {
    for (;;) {
        const IoResult result = try_read(into);
        if (result.state != Io::want_read && result.state != Io::want_write) co_return result;
        const bool ready = co_await wait(result.state);
        if (!ready) co_return IoResult{Io::failed};
    }
}

Task<Io> Transport::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const IoResult result = try_write(bytes);
        if (result.state == Io::done) {
            bytes.remove_prefix(result.bytes);
            continue;
        }
        if (result.state != Io::want_read && result.state != Io::want_write) co_return result.state;
        const bool ready = co_await wait(result.state);
        if (!ready) co_return Io::failed;
    }
    co_return Io::done;
}

void Transport::interrupt() noexcept {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

void Transport::end_sending() noexcept {
    if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    ::shutdown(socket_.native_handle(), SHUT_WR);
}

Task<void> Transport::drain_socket(std::size_t bytes_max) {
    std::array<char, 4096> scratch;
    while (bytes_max > 0) {
        const ssize_t moved = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), 0);
        if (moved > 0) {
            bytes_max -= std::min(bytes_max, static_cast<std::size_t>(moved));
            continue;
        }
        if (moved == 0 || (errno != EAGAIN && errno != EINTR)) co_return;
        const bool ready = co_await wait(Io::want_read);
        if (!ready) co_return;
    }
}

void Transport::abort() noexcept {
    boost::system::error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
    socket_.cancel(ignored);
}

}  // namespace onshi::http
