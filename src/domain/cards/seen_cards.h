#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "base/identifiers.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/intents.h"
#include "domain/cards/model.h"

namespace onshi::cards {

inline constexpr std::size_t seen_cards_waiting_max = 4096;

// A card whose certificate was seen and verified for the first time, with key and tag; and where it was seen.
struct SeenCard {
    Card card;
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
};

// Cards whose keys are to be stored, so that the first answer does not wait for that. When there are too many, the
// newest are dropped: such a card sends its certificate once more. Thread-safe.
class SeenCards {
  public:
    void push(SeenCard seen);
    // Everything that waits.
    [[nodiscard]] std::vector<SeenCard> take();

  private:
    std::mutex mutex_;
    std::vector<SeenCard> waiting_;
};

// Stores one of them with its audit record. store.conflict: another check was quicker.
[[nodiscard]] Task<Result<void>> store_seen(audit::AuditedChanges& changes, const SeenCard& seen, Deadline deadline);

}  // namespace onshi::cards
