#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/cards/authorities.h"
#include "platform/pki/revocation.h"

namespace onshi::cards {

// Longest part of a check that waits for the CA's responder.
inline constexpr std::chrono::milliseconds ocsp_time_max{1'000};

// Asks the CA itself about one certificate, where no fresh list speaks (jpki-card §7.1). Borrows authorities, clock and
// random. Thread-safe if the transport is.
class OcspResponder {
  public:
    OcspResponder(const Authorities& authorities, std::string url, pki::OcspTransport transport, const Clock& clock,
                  Random& random)
        : authorities_(authorities),
          url_(std::move(url)),
          transport_(std::move(transport)),
          clock_(clock),
          random_(random) {}
    // Errors: card.authority_unknown, revocation.*.
    [[nodiscard]] Task<Result<pki::CertificateStatus>> ask(CardKey card, Deadline deadline) const;

  private:
    const Authorities& authorities_;
    std::string url_;
    pki::OcspTransport transport_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace onshi::cards
