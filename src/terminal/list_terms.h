#pragma once

#include <optional>

#include "base/error.h"
#include "exchange/oqs/messages.h"

namespace onshi::terminal {

// Whether a message asks for a list without persons that this system does not keep: OQSmutic, OQSmuhvq, OQSmuonq.
[[nodiscard]] bool asks_for_unkept_list(oqs::Message message);

// What is wrong with the terms of such an inquiry (oqs §2.9, §2.10), so that it gets no number; nullopt for right ones,
// and for every other message. Pure.
//
// OQSmutic names a month of treatment. OQSmuhvq names a period of consents, OQSmuonq one of consents or of
// examinations, not both; a MedicalTreatmentFlag that is there agrees with the message (2 visit, 3 online).
// field.missing, field.value, date.*.
[[nodiscard]] std::optional<ErrorCode> wrong_list_terms(const oqs::Request& request);

}  // namespace onshi::terminal
