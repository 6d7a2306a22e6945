#pragma once

#include <string>
#include <variant>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/task.h"
#include "cli/hub_connection.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"
#include "domain/eligibility/service.h"
#include "platform/pki/certificate.h"
#include "platform/smartcard/my_number_card.h"
#include "platform/smartcard/pinless_use.h"

namespace onshi::cli {

// A check that asks for a fresh challenge because the last one was refused does so this often.
inline constexpr int challenge_rounds_max = 2;

// The card as it stands before a PIN is asked for: its certificate, and whether the PIN can be used.
struct KnownCard {
    smartcard::ByteVector certificate_der;
    pki::Certificate certificate;
    smartcard::CardOverview overview;
};
// Reads what needs no PIN. card.*, certificate.malformed.
[[nodiscard]] Result<KnownCard> read_known_card(smartcard::MyNumberCard& card);

// Whether the PIN may be asked for, and whether the last try may be spent: only when a person said so.
// card.pin_locked, card.pin_missing, card.pin_last_try.
[[nodiscard]] Result<smartcard::LastTry> may_use_pin(const smartcard::CardOverview& overview, Console& console,
                                                     bool spend_last_try);

// The patient types the PIN.
struct ByPin {
    const SecretBytes& pin;
    smartcard::LastTry last_try;
};
// A member of staff compares face and photo; the card signs without its PIN, for a terminal that it knows (design
// §9.8).
struct ByEye {
    smartcard::PinlessUse& use;
    std::string operator_reference;  // that person's own account
    std::string reason;
};

// What a check by card needs. References outlive the call.
struct CardCheckParts {
    HubConnection& hub;
    const TerminalProfile& profile;
    smartcard::MyNumberCard& card;
    const KnownCard& known;
    std::variant<ByPin, ByEye> opening;
    Session& session;
    // `capsule`: the answer is wanted as a signed token, and goes to its own route.
    eligibility::Purpose purpose = eligibility::Purpose::check;
};

// One check (design §9.7): challenge → the card signs, opened by its PIN or without → POST /v1/checks, again with the
// certificate when the hub asks for it, and again with the same check id when it is not known whether it arrived. Gives
// the answer's body. `challenge` may come from the answer before; empty: one is fetched. Errors: those of the card, the
// hub and the wire; card.pin_wrong and its like with the tries left in the detail and remembered for the sentence.
[[nodiscard]] Task<Result<std::string>> check_by_card(const CardCheckParts& parts, std::string challenge,
                                                      eligibility::Registration registration);

}  // namespace onshi::cli
