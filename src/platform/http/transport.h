#pragma once

// Inside this folder only.

// Internal: the one place that moves bytes. Asio waits for readiness, OpenSSL works on the socket itself (no second
// copy of the stream in memory buffers, plain and TLS in one class, one system call per record).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <openssl/ssl.h>

#include "base/task.h"

namespace onshi::http {

struct SslDeleter {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

enum class Io : std::uint8_t {
    done,        // `bytes` were moved
    want_read,   // nothing happened: wait for readability
    want_write,  // nothing happened: wait for writability
    closed,      // the peer has ended the stream
    failed,      // reset, interrupted, TLS failure
};

struct IoResult {
    Io state = Io::failed;
    std::size_t bytes = 0;
};

// A connected, non-blocking stream. Owns socket and TLS state. Belongs to its socket's loop; not thread-safe; one
// reader or writer at a time. Does not move, since OpenSSL holds its address.
class Transport {
  public:
    // Without `ssl` the stream is plain.
    explicit Transport(boost::asio::ip::tcp::socket socket);
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    ~Transport();

    // Before any other use. `accept` or `connect` follows from how `ssl` was prepared.
    [[nodiscard]] bool use_tls(SslPtr ssl);

    [[nodiscard]] Task<Io> handshake();
    // At least one byte, or not `done`.
    [[nodiscard]] Task<IoResult> read(std::span<char> into);
    // All bytes, or not `done`.
    [[nodiscard]] Task<Io> write(std::string_view bytes);
    // One attempt without waiting.
    [[nodiscard]] IoResult try_read(std::span<char> into);
    [[nodiscard]] IoResult try_write(std::string_view bytes);
    // Bytes are already here, so that waiting for the socket would be wrong.
    [[nodiscard]] bool has_pending() const;
    [[nodiscard]] Task<bool> wait_readable();

    // Ends a wait under way; it reports `failed`. From the own loop.
    void interrupt() noexcept;
    // Tells the peer that nothing more comes (TLS and TCP); reading stays possible.
    void end_sending() noexcept;
    // Reads away what the peer still sends, at most `bytes_max`, until it closes: otherwise the kernel resets the
    // connection and the peer may never see our last answer. Plain bytes of the socket, not decrypted.
    [[nodiscard]] Task<void> drain_socket(std::size_t bytes_max);
    // Resets the connection; every wait ends.
    void abort() noexcept;

    [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
    [[nodiscard]] boost::asio::ip::tcp::socket& socket() { return socket_; }
    // OpenSSL's reason of the last failure, 0 when the socket failed.
    [[nodiscard]] int tls_reason() const { return tls_reason_; }

  private:
    [[nodiscard]] IoResult classify(int returned);
    [[nodiscard]] Task<bool> wait(Io want);

    boost::asio::ip::tcp::socket socket_;
    SslPtr ssl_;
    int tls_reason_ = 0;
};

}  // namespace onshi::http
