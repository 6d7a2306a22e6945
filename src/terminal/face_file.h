#pragma once

#include <array>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"
#include "platform/text_formats/json_view.h"
#include "terminal/answer_units.h"

// What appears in `face` after a check by card, without a request (oqs §1.6).
namespace onshi::terminal {

// What the patient agreed to; nobody asked is not agreed.
struct FaceConsents {
    bool checkups = false;
    bool medicines = false;
    bool visits = false;
    bool surgery = false;
    bool specified_disease = false;
};

struct FaceFile {
    std::string name;
    std::string bytes;
};

// `answer`: the hub's answer to a check by card. `recorded`: its answer to the consents, with what was agreed to be
// told; an item that does not exist where none were sent. `given_at`: when the answer was made and the consents were
// given; they are good for 24 hours. The limit is told without being asked for, as the law has it since 2024-10-07,
// unless the hub keeps it back for a consent. A result that is not valid makes a file too, with its reason. message.*.
[[nodiscard]] Result<FaceFile> make_face_file(JsonItem answer, const FaceConsents& consents, JsonItem recorded,
                                              Instant given_at, const AnswerStyle& style, Random& random);

// The subsidies that the patient chose: `chosen` is the hub's answer (`onshi.subsidies/1`), which is the file's
// content.
[[nodiscard]] FaceFile make_subsidy_file(JsonItem answer, std::string chosen, Instant given_at, Random& random);

}  // namespace onshi::terminal
