#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "terminal/local_store.h"

// What a terminal does for a card while the hub is away (domain-rules §6.2, F5 and F6): it shows what it knows from the
// last visit, keeps the card's signature, and looks at the two when the hub is back.
namespace onshi::terminal {

// What the counter could go by. The numbers are stored.
enum class OfflineRow : std::uint8_t {
    last_visit = 1,   // F5: the credentials of the last visit, if the patient says that nothing has changed
    declaration = 2,  // F6: nothing is known here; the patient declares
};
[[nodiscard]] std::string_view to_string(OfflineRow row);

// A visit whose check met no hub.
struct OfflineVisit {
    std::string check_id;
    Instant asked_at;
    OfflineRow row = OfflineRow::declaration;
    std::string body;     // the signed check as it is to be sent
    std::string told;     // the hub's answer of the last visit; empty without one
    std::string refused;  // the catalogue's name of why the hub did not answer it; empty while it may
    // The check that was sent while the patient was there and whose answer nobody heard: the hub may have recorded it.
    // Empty: none was.
    std::string first{};
};

// A visit that was answered afterwards otherwise than the counter had gone by: for the staff to put right.
struct VisitDifference {
    std::string check_id;
    Instant asked_at;  // of the visit
    OfflineRow row = OfflineRow::declaration;
    std::vector<std::string> members;  // names of what differs
    std::string receipt;               // of the hub's answer
};

[[nodiscard]] std::string pack(const OfflineVisit& visit);
[[nodiscard]] std::optional<OfflineVisit> unpack_visit(std::string_view key, std::string_view bytes);
[[nodiscard]] std::string pack(const VisitDifference& difference);
[[nodiscard]] std::optional<VisitDifference> unpack_difference(std::string_view key, std::string_view bytes);

// Errors of all: those of the store.
[[nodiscard]] Task<Result<void>> keep_visit(LocalStore& store, const OfflineVisit& visit);
// Oldest first. What cannot be read stands for a visit as well: whoever lists says so.
[[nodiscard]] Task<Result<Readable<OfflineVisit>>> list_visits(LocalStore& store);
[[nodiscard]] Task<Result<Readable<VisitDifference>>> list_differences(LocalStore& store);
[[nodiscard]] Task<Result<void>> keep_difference(LocalStore& store, const VisitDifference& difference);
// The answer came: what differs is kept before the visit is forgotten, so that a terminal that dies between asks again
// and is answered the same way.
[[nodiscard]] Task<Result<void>> close_visit(LocalStore& store, const OfflineVisit& visit,
                                             const std::optional<VisitDifference>& difference);
// Staff have seen to it: the visit or its difference is forgotten, and a deferred look-up that cannot be read. false
// when there is none of that id.
[[nodiscard]] Task<Result<bool>> forget_visit(LocalStore& store, std::string check_id);

// The answer of a patient's last visit, by a tag of the card.
[[nodiscard]] Task<Result<void>> keep_last_visit(LocalStore& store, std::string_view card, std::string answer,
                                                 Instant now);
[[nodiscard]] Task<Result<void>> forget_last_visit(LocalStore& store, std::string_view card);
// nullopt when there is none after `since`.
[[nodiscard]] Task<Result<std::optional<std::string>>> find_last_visit(LocalStore& store, std::string_view card,
                                                                       Instant since);

}  // namespace onshi::terminal
