#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/pki/certificate.h"
#include "platform/pki/trust_store.h"

// What a CA says about its certificates after it issued them: lists (CRL) and single questions (OCSP). jpki-card §7.1,
// §7.2.
namespace onshi::pki {

// RFC 5280 §5.3.1; the values are those of the wire.
enum class RevocationReason : std::uint8_t {
    unspecified = 0,
    key_compromise = 1,
    ca_compromise = 2,
    affiliation_changed = 3,
    superseded = 4,
    cessation_of_operation = 5,
    certificate_hold = 6,
    privilege_withdrawn = 9,
    aa_compromise = 10,
};
// `key_compromise` and so on.
[[nodiscard]] std::string_view to_string(RevocationReason reason) noexcept;

enum class RevocationState : std::uint8_t { good, suspended, revoked, unknown };
[[nodiscard]] std::string_view to_string(RevocationState state) noexcept;

// What was said, and when. Expiry is not part of it: that is a matter of dates (trust_store.h).
struct CertificateStatus {
    RevocationState state = RevocationState::unknown;
    RevocationReason reason = RevocationReason::unspecified;  // suspended (certificate_hold) and revoked only
    Instant since;                                            // suspended and revoked only
    Instant as_of;                                            // thisUpdate: for how old the answer is (design §9.7)
};

struct FreshnessRules {
    // Clocks differ; a statement from this far in the future is still read.
    std::chrono::seconds clock_skew_max{300};
    // A cached list may be the day before's for some minutes (jpki-card §7.1).
    std::chrono::seconds overdue_max{600};
    // For answers that do not say when the next comes.
    std::chrono::seconds age_max{86400};
};

struct RevokedEntry {
    std::string serial;  // as Certificate::serial
    RevocationReason reason;
    Instant since;
};

// A certificate revocation list whose signature holds. A value; thread-safe to read.
class Crl {
  public:
    // A complete list of one CA of `store`. `revocation.malformed`: not strict DER, over crl_bytes_max, a delta or
    // partial list, an unknown critical extension, a serial twice, no nextUpdate. `revocation.untrusted`: no root of
    // the store signed it. `revocation.stale`: `at` is outside thisUpdate … nextUpdate, as `rules` allow.
    [[nodiscard]] static Result<Crl> read(Bytes der, const TrustStore& store, const FreshnessRules& rules, Instant at);

    // good when the list is of this CA and does not hold the serial: a list cannot tell what was never issued. unknown
    // for another CA.
    [[nodiscard]] CertificateStatus status(const CaId& ca, std::string_view serial) const;
    // Ordered by (size, bytes) of the serial, that is by number.
    [[nodiscard]] std::span<const RevokedEntry> entries() const { return entries_; }
    [[nodiscard]] const CaId& ca() const { return ca_; }
    [[nodiscard]] Instant this_update() const { return this_update_; }
    [[nodiscard]] Instant next_update() const { return next_update_; }
    // cRLNumber, big-endian; empty when the list has none. A list with a lower number than the last one is a replay.
    [[nodiscard]] const std::string& number() const { return number_; }

  private:
    Crl() = default;
    CaId ca_;
    Instant this_update_;
    Instant next_update_;
    std::string number_;
    std::vector<RevokedEntry> entries_;
};

// One question about one certificate. Keep it until the answer comes.
struct OcspQuestion {
    std::string request_der;  // the body of the POST, application/ocsp-request
    CaId ca;
    std::string serial;
    std::string nonce;
};

// `ca` must stand in `store`, otherwise `certificate.untrusted`. `serial` as in Certificate, 1…20 bytes.
[[nodiscard]] Result<OcspQuestion> make_ocsp_question(const CaId& ca, std::string_view serial, const TrustStore& store,
                                                      Random& random);

// `revocation.malformed`: not strict DER, too large. `revocation.unavailable`: the responder reports an error status.
// `revocation.untrusted`: not signed by the certificate's CA or by a responder that this CA made for it.
// `revocation.mismatch`: other nonce (or none), or no answer about this certificate. `revocation.stale`: not of now.
[[nodiscard]] Result<CertificateStatus> read_ocsp_response(Bytes der, const OcspQuestion& question,
                                                           const TrustStore& store, const FreshnessRules& rules,
                                                           Instant at);

// Sends the body to the responder as application/ocsp-request and gives back the body of a 200 answer, of at most
// ocsp_response_bytes_max. The hub passes its HTTP client.
using OcspTransport =
    std::function<Task<Result<std::string>>(std::string url, std::string request_der, Deadline deadline)>;

// Asks a responder about one certificate. Holds references: all arguments outlive the task. Any failure of the
// transport is `revocation.unavailable`.
[[nodiscard]] Task<Result<CertificateStatus>> ask_ocsp(const OcspQuestion& question, std::string url,
                                                       const OcspTransport& transport, const TrustStore& store,
                                                       FreshnessRules rules, const Clock& clock, Deadline deadline);

}  // namespace onshi::pki
