#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/result.h"
#include "domain/consent/model.h"
#include "domain/eligibility/model.h"
#include "domain/organisations/model.h"
#include "platform/pki/public_key.h"
#include "platform/text_formats/json_view.h"
#include "terminal/kiosk_machine.h"

// What a terminal sends to the hub for a patient's card, and what the hub's answers mean at a counter. Pure.
namespace onshi::terminal {

// A check by card as the card has signed it (design §9.7). A value: it may be kept and sent again, and the same check
// is answered the same way.
struct SignedCheck {
    CheckId id;
    eligibility::Purpose purpose = eligibility::Purpose::check;
    organisations::Method method = organisations::Method::pin;
    Date care_day{};
    std::string challenge;
    std::string operator_reference;  // visual only
    std::string visual_reason;       // visual only
    std::string face_engine;         // face only: who compared
    std::string authority_key_id;    // raw bytes
    std::string serial_hex;
    pki::SignatureAlgorithm algorithm = pki::SignatureAlgorithm::rsa_pkcs1_sha256;
    std::string signature;   // raw bytes
    bool registers = false;  // the patient wants the card to be used as insurance card
};
// The request's body; with the certificate (DER) where the hub asks for it.
[[nodiscard]] std::string check_body(const SignedCheck& check, std::string_view certificate);

[[nodiscard]] std::string challenge_body(eligibility::Purpose purpose, std::size_t count);
// peer.protocol when the answer holds none.
[[nodiscard]] Result<std::vector<std::string>> read_challenges(std::string_view answer);

// The kiosk's questions, answered: exactly what was on the screen, agreed to or not (ux I5), each under the names of
// domain-rules §5.1; one of the kiosk's items may stand for two of them.
[[nodiscard]] std::vector<consent::ItemChoice> choices_of(const kiosk::Session& session);

// What the machine needs to know of a hub's answer.
[[nodiscard]] kiosk::Input checked_input(JsonItem answer);
// The same of a refusal; nullopt for one that only means that the hub is away.
[[nodiscard]] std::optional<kiosk::Input> refused_input(ErrorCode code);

// In what a later answer differs from what the counter was told while the hub was away: names of members, for people to
// look at both. Empty: in nothing that counts. `told` may be nothing at all.
[[nodiscard]] std::vector<std::string> differences(JsonItem told, JsonItem later);

}  // namespace onshi::terminal
