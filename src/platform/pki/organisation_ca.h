#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "platform/pki/certificate.h"
#include "platform/pki/private_key.h"
#include "platform/pki/trust_store.h"

// The two CAs that a hub runs itself (design §9.8): one for servers, one for organisations and their terminals. P-256.
namespace onshi::pki {

struct Validity {
    Instant not_before;  // whole seconds
    Instant not_after;
};

// Where a server is reached. 1…server_names_max in all; names in lower case, addresses in text form.
struct ServerNames {
    std::vector<std::string> dns;
    std::vector<std::string> ip_addresses;
};

// Whose terminal it is: becomes O and CN, 1…64 printable ASCII characters each. Given by the issuer; what a request
// claims about itself is not read.
struct TerminalSubject {
    std::string organisation;  // e.g. the ten digits of a facility
    std::string terminal;
    bool operator==(const TerminalSubject&) const = default;
};

// A P-256 CA with its self-signed certificate. Owns its key; movable. Thread-safe: issuing changes nothing.
class IssuingCa {
  public:
    enum class Kind : std::uint8_t { server, organisation };

    // `organisation` becomes O, and must begin with TEST for a demo (TrustStore::contains_test_ca).
    // `certificate.malformed` for a name that is not 1…64 printable ASCII characters, or a validity that ends before it
    // begins.
    [[nodiscard]] static Result<IssuingCa> create(Kind kind, std::string_view organisation, Validity validity,
                                                  Random& random);
    // `key.malformed` when key and certificate do not belong together; errors of secret_file.h.
    [[nodiscard]] static Result<IssuingCa> load(Kind kind, const std::filesystem::path& certificate_pem,
                                                const std::filesystem::path& key_pem);
    // A new key file (0600) and the certificate.
    [[nodiscard]] Result<void> save(const std::filesystem::path& certificate_pem,
                                    const std::filesystem::path& key_pem) const;

    [[nodiscard]] Kind kind() const;
    [[nodiscard]] const Certificate& certificate() const;
    [[nodiscard]] TrustStore store() const;

    // Server CA only: serverAuth, the names in subjectAltName. `key.malformed` unless the key is on P-256. DER.
    [[nodiscard]] Result<std::string> issue_server(const ServerNames& names, const EcPrivateKey& key, Validity validity,
                                                   Random& random) const;
    // Organisation CA only: clientAuth. `certificate.request`: the request is not strict DER, its signature does not
    // hold, or its key is not on P-256. DER.
    [[nodiscard]] Result<std::string> issue_terminal(Bytes request_der, const TerminalSubject& subject,
                                                     Validity validity, Random& random) const;

    IssuingCa(IssuingCa&&) noexcept;
    IssuingCa& operator=(IssuingCa&&) noexcept;
    ~IssuingCa();

    struct State;
    explicit IssuingCa(std::unique_ptr<State> state);

  private:
    std::unique_ptr<State> state_;
};

// What a terminal sends to be certified: its public key, signed with itself, no name. PKCS#10 DER. `key.malformed`
// unless the key is on P-256.
[[nodiscard]] Result<std::string> make_terminal_request(const EcPrivateKey& key);
// O and CN of a certificate that issue_terminal made; nullopt when one of them is missing.
[[nodiscard]] std::optional<TerminalSubject> terminal_subject(const Certificate& certificate);

}  // namespace onshi::pki
