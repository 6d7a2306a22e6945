#pragma once

// Inside this folder only: blocking set-up of a TLS connection, non-blocking use.
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "base/result.h"
#include "platform/http/tls.h"

namespace onshi::bench {

// OpenSSL writes to sockets without MSG_NOSIGNAL: while this lives, a peer that has gone is an error of the write and
// not the end of the program. For the calling thread; destroy it there.
class SigpipeGuard {
  public:
    SigpipeGuard();
    SigpipeGuard(const SigpipeGuard&) = delete;
    SigpipeGuard& operator=(const SigpipeGuard&) = delete;
    ~SigpipeGuard();

  private:
    sigset_t before_{};
};

struct SslContextFreer {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFreer>;

// TLS 1.3 only, trust in the anchors and nothing else. `config.certificate`.
[[nodiscard]] Result<SslContext> make_client_context(const http::TrustAnchors& anchors,
                                                     const http::TlsIdentity& identity);

// One TCP connection with its TLS state. Owns both; movable; not thread-safe.
class TlsConnection {
  public:
    // Blocks for at most handshake_time_max. `server_name` is looked for in the server's certificate, as an address
    // when it reads as one. Above 0, `source` says from which loopback address behind 127.0.0.1 it comes.
    // `peer.unavailable`, `peer.untrusted`.
    [[nodiscard]] static Result<TlsConnection> open(SSL_CTX* context, const std::string& address, std::uint16_t port,
                                                    const std::string& server_name, std::uint32_t source = 0);
    // The same without waiting: TCP is being connected, and SSL_connect is the caller's to call when it is.
    [[nodiscard]] static Result<TlsConnection> begin(SSL_CTX* context, const std::string& address, std::uint16_t port,
                                                     const std::string& server_name, std::uint32_t source);
    TlsConnection(TlsConnection&& other) noexcept;
    TlsConnection& operator=(TlsConnection&& other) noexcept;
    ~TlsConnection() { close(); }

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] SSL* ssl() const { return ssl_; }
    [[nodiscard]] bool is_open() const { return socket_ >= 0; }
    // Without a goodbye: what is measured is over by now.
    void close() noexcept;

  private:
    TlsConnection(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}
    [[nodiscard]] static Result<TlsConnection> over(int socket, SSL_CTX* context, const std::string& server_name);
    int socket_;
    SSL* ssl_;
};

}  // namespace onshi::bench
