#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "domain/cards/model.h"
#include "domain/coverage/model.h"

namespace onshi::coverage {

// Why an insurer has to send a certificate (domain-rules §1.10).
enum class PaperReason : std::uint8_t {
    no_card = 1,
    not_registered = 2,
    cancelled = 3,            // the registration, or that is asked for
    certificate_expired = 4,  // of the card
    card_unusable = 5,        // suspended or revoked
    protected_ = 6,           // self-information blocked (§2.8)
};
inline constexpr std::size_t paper_reasons = 6;
[[nodiscard]] std::string_view to_string(PaperReason reason);

// The best card somebody holds, worst first.
enum class CardMeans : std::uint8_t { none = 0, unusable = 1, expired = 2, in_grace = 3, live = 4 };
// One card on a day. A renewed certificate has a successor, which its holder carries.
[[nodiscard]] CardMeans judge_card(Instant not_after, cards::Grace grace, cards::CertificateStatus listed,
                                   bool suspended, Date day);

struct MeansFacts {
    bool blocked = false;  // self-information blocked: the card is no insurance card
    cards::UseState use = cards::UseState::none;
    CardMeans card = CardMeans::none;
    bool certificate_valid = false;  // a 資格確認書 in the post or at hand
};

enum class Means : std::uint8_t { card, paper, nothing };

struct MeansVerdict {
    Means means = Means::nothing;
    std::optional<PaperReason> owed;  // a certificate is to be sent, now or before the card stops working
};
// QC-1 (§1.10): at every instant an insured person has a usable means. A card in its three months of grace still
// works, and is the reason to send a certificate.
[[nodiscard]] MeansVerdict judge_means(const MeansFacts& facts);

// The records whose insurers owe a certificate to somebody without another means: those that cover the day.
[[nodiscard]] std::vector<Coverage> certificates_owed(std::span<const Coverage> records, Date day);

}  // namespace onshi::coverage
