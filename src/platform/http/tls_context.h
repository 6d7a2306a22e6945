#pragma once

// Inside this folder only.

// Internal: OpenSSL contexts out of tls.h. Only files of this folder include it.

#include <memory>
#include <optional>
#include <string>

#include <openssl/ssl.h>

#include "base/result.h"
#include "base/time.h"
#include "platform/http/message.h"
#include "platform/http/tls.h"
#include "platform/http/transport.h"

namespace onshi::http {

// The newest session ticket of a client, so that its next connection to the same server is cheap. Owns the session;
// belongs to one loop.
class SessionSlot {
  public:
    SessionSlot() = default;
    SessionSlot(const SessionSlot&) = delete;
    SessionSlot& operator=(const SessionSlot&) = delete;
    ~SessionSlot() { SSL_SESSION_free(session_); }
    void keep(SSL_SESSION* session) {
        SSL_SESSION_free(session_);
        session_ = session;
    }
    [[nodiscard]] SSL_SESSION* session() const { return session_; }

  private:
    SSL_SESSION* session_ = nullptr;
};

// An immutable TLS configuration; connections share it. Thread-safe.
class TlsContext {
  public:
    // `clock` decides validity of certificates and the age of ticket keys; outlives the context.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> for_server(const ServerTls& tls, const Clock& clock);
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> for_client(const ClientTls& tls);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    // Prepared to accept; null when memory is short.
    [[nodiscard]] SslPtr accepting() const;
    // Prepared to connect to `host`; resumes and refreshes what `slot` holds, which outlives the connection.
    [[nodiscard]] SslPtr connecting(const std::string& host, SessionSlot& slot) const;
    [[nodiscard]] bool wants_certificate() const { return wants_certificate_; }

  private:
    struct TicketKeys;
    TlsContext();

    static int ticket_callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                               EVP_MAC_CTX* mac, int encrypting);
    [[nodiscard]] bool prepare_common();
    [[nodiscard]] bool prepare_tickets(const ServerTls& tls);

    SSL_CTX* context_ = nullptr;
    const Clock* clock_ = nullptr;
    bool server_ = false;
    bool wants_certificate_ = false;
    std::string server_name_;
    std::unique_ptr<TicketKeys> tickets_;
};

// SHA-256 of the peer's certificate; nullopt without one.
[[nodiscard]] std::optional<Fingerprint> peer_fingerprint(const SSL* ssl);
// End of validity of the peer's certificate; nullopt without one.
[[nodiscard]] std::optional<Instant> peer_not_after(const SSL* ssl);

}  // namespace onshi::http
