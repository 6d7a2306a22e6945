#pragma once

#include "base/error.h"

namespace onshi::cli {

// What a command tells its caller (ux §15.2 rule 5). The numbers never change meaning.
enum class Exit : int {
    done = 0,
    failed = 1,
    usage = 2,
    not_found = 3,    // 該当なし
    not_allowed = 4,  // role, consent
    conflict = 5,     // 複数該当 too
    try_again = 6,    // network or peer failed
    configuration = 7,
    some_failed = 8,  // batch finished, some rows failed
    interrupted = 130,
    terminated = 143,
};

// By the code's area and its HTTP status, so that a new code needs no line here.
[[nodiscard]] Exit exit_of(ErrorCode code);

}  // namespace onshi::cli
