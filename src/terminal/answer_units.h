#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"
#include "platform/text_formats/json_view.h"

// The hub's answers in the words of result files (oqs §2.4). Pure: no folder, no clock.
namespace onshi::terminal {

// How a date, a moment and an age look in a result file: `YYYYMMDD`, and 14 digits in Japan's time.
[[nodiscard]] std::string compact_day(std::string_view iso_date);
[[nodiscard]] std::string local_digits(Instant at);

// The number that this institution gave the insured; empty when it gave none.
using FindReference = std::function<std::string(const oqs::PersonRecord&)>;

struct AnswerStyle {
    const oqs::Profile& profile;
    const FindReference& reference;
    std::string now;  // 14 digits: when the request's consent arrived
    // The hub has said that what insurers tell comes late: who is not known may be insured all the same (F7).
    bool answers_late = false;
};

// One person's record from an answer with a person and a coverage that is shown; nullopt otherwise.
[[nodiscard]] std::optional<oqs::PersonRecord> record_of(JsonItem answer, const AnswerStyle& style);

// A single inquiry's unit. `limit_consent` is the request's flag; the limit's block is given only where it says `1` and
// the hub tells the limit.
[[nodiscard]] oqs::Unit unit_of_answer(JsonItem answer, std::string_view limit_consent, const AnswerStyle& style);
// What the patient agreed to after an answer by card: `recorded` is the hub's answer to the consents. The limit where
// the answer kept it back, and the certificates of specific diseases.
void take_consented(oqs::PersonRecord& record, JsonItem recorded, const std::string& given_at);
// A bulk inquiry's: without the limit's block, but with word of whether it may have changed.
[[nodiscard]] oqs::Unit bulk_unit_of_answer(JsonItem answer, const AnswerStyle& style);
// What could not be answered: status 2 with the failure's code and the clerk's sentence.
[[nodiscard]] oqs::Unit unit_of_failure(ErrorCode code, const oqs::Profile& profile);
[[nodiscard]] oqs::Unit unit_of_failure(std::string_view catalogue_name, const oqs::Profile& profile);

}  // namespace onshi::terminal
