#pragma once

#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "terminal/local_store.h"

namespace onshi::terminal {

// A record that stands for something a patient was told or is owed, and that this terminal cannot read.
struct UnreadableRecord {
    LocalKind kind = LocalKind::deferred;
    std::string key;  // a check id, or a digest; never personal data
    Instant at;       // when it was written
};

// Every such record of deferred look-ups, visits without the hub, and differences; and of the other kinds those that do
// not open at all. Errors: those of the store.
[[nodiscard]] Task<Result<std::vector<UnreadableRecord>>> unreadable_records(LocalStore& store);

}  // namespace onshi::terminal
