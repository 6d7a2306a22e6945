#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/identifiers.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "bench/person_order.h"
#include "bench/request_bodies.h"
#include "platform/http/tls.h"
#include "platform/pki/private_key.h"

namespace onshi::bench {

// The card of a person, as far as a check needs it.
struct BenchCard {
    std::string_view authority_key_id;  // raw bytes; lives as long as the source
    CertificateSerial serial;
    const pki::RsaPrivateKey* key = nullptr;  // lives as long as the source
};

// Where cards come from. Thread-safe.
class CardSource {
  public:
    virtual ~CardSource() = default;
    // nullopt for somebody without a card that a check can be made with (none, expired, suspended, not registered).
    [[nodiscard]] virtual std::optional<BenchCard> card(std::uint64_t person) const = 0;
};

// One terminal of the installation: a lane of the load generator.
struct BenchTerminal {
    std::string facility;  // ten digits, as in the signed lines
    std::string id;        // `T` and its number, as in the signed lines
    http::TlsIdentity identity;
};

// The hub under test as its clients see it.
struct BenchHub {
    std::string id;  // in the signed lines
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::string server_name;  // in its certificate; empty: the address
    http::TrustAnchors anchors;
};

// Who has been drawn so far; shared by the threads that sign.
struct PersonDraw {
    PersonOrder order;
    std::uint64_t next = 0;  // place in the order, accessed atomically
};

struct PreparationOrder {
    const BenchHub& hub;
    std::uint16_t port = 0;
    std::span<const BenchTerminal> terminals;
    const CardSource& cards;
    const Clock& clock;
    std::size_t count = 0;  // 1…prepared_requests_max, spread evenly over the terminals
};

struct Prepared {
    std::vector<RequestBodies> lanes;   // one per terminal
    std::uint64_t persons_skipped = 0;  // drawn, but without a usable card
    std::uint64_t rounds = 0;           // 1: nobody was drawn twice; else how often everybody was begun with
    [[nodiscard]] std::size_t count() const;
    [[nodiscard]] std::size_t bytes() const;
};

// Asks the hub for challenges and signs each with the card of the next drawn person, on as many threads as there are
// cores: bodies for POST /v1/checks that can each be used once, within 15 minutes. 0.25 to 0.9 ms of one core each.
// Nobody is drawn twice before everybody was drawn once. `bench.invalid`: nobody has a card, or it took longer than
// preparation_time_max. Errors of http::Client when the hub does not give challenges.
[[nodiscard]] Result<Prepared> prepare_checks(const PreparationOrder& order, PersonDraw& draw);

}  // namespace onshi::bench
