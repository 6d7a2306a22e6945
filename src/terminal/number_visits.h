#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "exchange/oqs/messages.h"
#include "platform/text_formats/json_view.h"
#include "terminal/answer_units.h"
#include "terminal/local_store.h"

// Look-ups by number while the hub is away (domain-rules §6.2, F5): the hub's valid answer of a visit here, by the
// terms that lead to it. It is the credentials of the last visit and no check: the billing system is told how old it
// is, the check follows, and what comes out otherwise is the staff's.
namespace onshi::terminal {

// What a billing system is told of it. The words of the setting `oqs_last_visit`.
enum class LastVisitUse : std::uint8_t {
    none,      // nothing: the inquiry failed
    marked,    // the inquiry failed, and its result carries the last visit's record with its age
    answered,  // the last visit's record as the answer, with its age as the message
};
// nullopt for another word.
[[nodiscard]] std::optional<LastVisitUse> parse_last_visit_use(std::string_view word);

struct NumberVisit {
    std::string answer;  // the hub's, valid
    Instant told_at;
};

// Terms that mean the same, however they are written, in one form: what a visit is found by. The branch is as asked:
// whoever asks without one is led only to what was told without one, since twins differ in nothing else. Empty for
// terms that are wrong.
[[nodiscard]] std::string visit_terms(const oqs::SearchTerms& terms);
// Those by which a billing system will ask for the person of an answer by card; empty for one without a coverage.
[[nodiscard]] std::string visit_terms(JsonItem answer);

// Errors of all: those of the store. Empty terms lead nowhere and are no error.
[[nodiscard]] Task<Result<void>> keep_number_visit(LocalStore& store, std::string terms, std::string answer,
                                                   Instant now);
[[nodiscard]] Task<Result<void>> forget_number_visit(LocalStore& store, std::string terms);
// nullopt when there is none after `since`, or one that cannot be opened.
[[nodiscard]] Task<Result<std::optional<NumberVisit>>> find_number_visit(LocalStore& store, std::string terms,
                                                                         Instant since);

// Whether the coverage that was told holds on a care day (`YYYYMMDD`) as far as was known then.
[[nodiscard]] bool covers(JsonItem answer, std::string_view care_day);
// The unit of a single inquiry that met no hub. Without the limit, for which a consent would have to be recorded, and
// without the address, which nobody is told by number. nullopt where the answer does not hold on the care day.
[[nodiscard]] std::optional<oqs::Unit> unit_of_last_visit(const NumberVisit& visit, std::string_view care_day,
                                                          LastVisitUse use, const AnswerStyle& style, Instant now);
// Names of what a later answer says otherwise. A limit that one of the two did not tell is no difference.
[[nodiscard]] std::vector<std::string> differences_by_number(std::string_view told, std::string_view later);

}  // namespace onshi::terminal
