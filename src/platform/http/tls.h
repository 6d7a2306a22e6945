#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace onshi::http {

// Who we are: certificate first, then the chain towards (not including) the root; an unencrypted P-256 key.
struct TlsIdentity {
    std::string certificate_pem;
    SecretBytes key_pem;

    [[nodiscard]] TlsIdentity clone() const { return {certificate_pem, key_pem.clone()}; }
};

// Whom we believe: one or more CA certificates. Nothing else is trusted, in particular not the system's list.
struct TrustAnchors {
    std::string pem;
};

enum class ClientCertificate : std::uint8_t {
    required,  // no connection without one
    optional,  // asked for and verified when given; routes may insist (RouteOptions::certificate)
    none,      // not asked for
};

// What a TLS listener needs. `tickets` is a named key of the installation (design §9.15), the same on every hub: keys
// of session tickets are derived from it and change by themselves each `ticket_period`; a ticket is good for one to two
// periods. Empty: no resumption.
struct ServerTls {
    TlsIdentity identity;
    TrustAnchors client_anchors;  // may be empty only with ClientCertificate::none
    ClientCertificate client_certificate = ClientCertificate::required;
    SecretBytes tickets;  // at least 32 bytes, or empty
    std::chrono::seconds ticket_period{3600};
};

struct ClientTls {
    TrustAnchors server_anchors;
    std::optional<TlsIdentity> identity;
    // Name or address in the server's certificate; empty: the host of the address.
    std::string server_name;
};

}  // namespace onshi::http
