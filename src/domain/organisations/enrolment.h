#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/intents.h"
#include "domain/organisations/model.h"
#include "platform/pki/organisation_ca.h"
#include "platform/sql/database.h"

namespace onshi::organisations {

struct TerminalOrder {
    Kind kind = Kind::facility;  // facility or insurer
    std::int64_t code = 0;       // FacilityCode or InsurerNumber by its to_key()
    std::string name;
    std::uint32_t roles = 0;
    std::uint32_t methods = 0;
};

struct TerminalAdded {
    std::string terminal_id;
    std::string code;  // one-time, shown once
    Instant code_until;
};

struct TerminalEnrolled {
    Terminal terminal;
    std::string certificate_der;
    Instant certificate_until;
};

struct TerminalDisabled {
    std::string terminal_id;
    bool changed = false;
};

// 3 years and 3 months, as the real terminal certificates (ux §2.6, K-E021).
inline constexpr std::chrono::hours terminal_certificate_life{24 * (3 * 365 + 90)};
inline constexpr std::size_t enrolment_code_characters = 20;

// Adds terminals and gives them their certificates: an operator adds one and gets a one-time code; the terminal sends
// the code with a request for its own key (design §9.8). Both are audited. Thread-safe.
class EnrolmentService {
  public:
    EnrolmentService(sql::Database& database, audit::AuditedChanges& changes, const Clock& clock, Random& random)
        : database_(database), changes_(changes), clock_(clock), random_(random) {}
    // organisation.unknown, also for one that has ended; request.field for a role that a facility may not have; errors
    // of the database.
    [[nodiscard]] Task<Result<TerminalAdded>> add(const TerminalOrder& order, const audit::Actor& actor,
                                                  Deadline deadline);
    // terminal.enrolment_code; certificate.request for a request that is not one. A code enrols one key: the same key
    // gets the same certificate again while the code lives, so that a lost answer costs nothing.
    [[nodiscard]] Task<Result<TerminalEnrolled>> enrol(std::string_view code, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline);
    // A new certificate for the terminal that presented this one. The presented one works until the new one is used, at
    // most previous_certificate_life. terminal.unknown when it has ended meanwhile.
    [[nodiscard]] Task<Result<TerminalEnrolled>> renew(const Fingerprint& presented, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline);
    // Stops a terminal for ever: its next request is refused within directory_age_max, on every hub. Disabling a
    // disabled one changes nothing. request.not_found; request.field for the caller's own.
    [[nodiscard]] Task<Result<TerminalDisabled>> disable(TerminalKey terminal, const audit::Actor& actor,
                                                         Deadline deadline);

  private:
    // One attempt; nullopt when another one was quicker.
    [[nodiscard]] Task<Result<std::optional<TerminalEnrolled>>> try_enrol(const Sha256& code_digest, Bytes request_der,
                                                                          const pki::IssuingCa& ca, Deadline deadline);
    sql::Database& database_;
    audit::AuditedChanges& changes_;
    const Clock& clock_;
    Random& random_;
};

// Only the digest of a code is stored.
[[nodiscard]] Sha256 enrolment_code_digest(std::string_view code);

}  // namespace onshi::organisations
