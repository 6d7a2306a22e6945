#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/pki/certificate.h"

// Renewed certificates (jpki-card §7.2): a new one has a new serial, and the person behind it stays the same. Pure.
namespace onshi::pki {

// Which certificate: the CA's key and the serial as in Certificate.
struct CertificateName {
    CaId ca;
    std::string serial;
    auto operator<=>(const CertificateName&) const = default;
};

struct Renewal {
    CertificateName old_name;
    CertificateName new_name;
    Instant valid_from;  // from when the new one stands for the old one
    bool operator==(const Renewal&) const = default;
};

// Who follows whom. Every certificate has at most one successor and one predecessor, so the rows form chains without
// loops, of at most renewal_chain_max certificates each. A value; thread-safe to read.
class RenewalMap {
  public:
    // Refuses the row and stays as it was (`certificate.renewal_cycle`) when it would close a loop, give a certificate
    // a second successor or predecessor, or make a chain or the map too long. The same row again changes nothing.
    [[nodiscard]] Result<void> add(const Renewal& renewal);
    [[nodiscard]] static Result<RenewalMap> build(const std::vector<Renewal>& rows);

    // The last of the chain that stands for `name` at a moment; `name` itself when it was not renewed by then.
    [[nodiscard]] CertificateName newest(const CertificateName& name, Instant at) const;
    // All certificates of the same holder up to that moment, oldest first, `name` among them: where a registration made
    // with an earlier certificate is found.
    [[nodiscard]] std::vector<CertificateName> history(const CertificateName& name, Instant at) const;
    [[nodiscard]] std::size_t size() const { return successors_.size(); }

  private:
    struct Link {
        CertificateName name;
        Instant valid_from;
    };
    struct NameHash {
        std::size_t operator()(const CertificateName& name) const noexcept;
    };
    using Links = std::unordered_map<CertificateName, Link, NameHash>;
    [[nodiscard]] static const Link* find(const Links& links, const CertificateName& name);
    // How many certificates follow in this direction, and whether `sought` is among them.
    struct Walk {
        std::size_t steps;
        bool met;
    };
    [[nodiscard]] static Walk walk(const Links& links, const CertificateName& start, const CertificateName& sought);

    Links successors_;
    Links predecessors_;
};

}  // namespace onshi::pki
