#pragma once

// Inside this folder only: what one use of a card has found out so far.
#include <optional>
#include <string>

#include "domain/eligibility/service.h"

namespace onshi::eligibility {

// What one try at a check has found out so far.
struct CheckService::Attempt {
    const organisations::Terminal& terminal;
    Instant now;
    OpenedChallenge challenge;
    std::string signed_text;
    CardKey card_key;
    std::optional<cards::Card> card;     // absent: nobody is on file for the serial; version 0: for a predecessor
    cards::ListedStatus listed;          // what the CA's list says; good when it is not listed
    std::optional<Instant> asked_as_of;  // when the CA's responder called it good
    PersonKey person{0};                 // the card's holder, after a merge under the current key
    std::optional<organisations::Account> account;
    std::optional<pki::CardPublicKey> key;
    Instant not_after;
    cards::Grace grace = cards::Grace::none;
    bool first_seen = false;  // by its certificate, which this check brought
    cards::UseRegistration use;
    std::int64_t visual_uses = 0;
    bool registers = false;
    bool alias_followed = false;
    cards::Validity validity = cards::Validity::expired;  // on the care day
};

}  // namespace onshi::eligibility
