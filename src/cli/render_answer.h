#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/console.h"
#include "cli/exit.h"

namespace onshi::cli {

// The hub's answer for people, in the order of design §9.17: verdict and receipt, who, insurer, pay and freshness, why,
// what else, next. One line each without a line end. peer.protocol for a body that is not such an answer.
[[nodiscard]] Result<std::vector<std::string>> render_answer(const Console& console, std::string_view body);

// What an answer means for a script: none → not_found, several → conflict, everything else → done.
[[nodiscard]] Result<Exit> exit_of_answer(std::string_view body);
// Whether the answer offers to register the card now.
[[nodiscard]] Result<bool> offers_registration(std::string_view body);
// The challenge that came with an answer, for the next check; empty when there was none.
[[nodiscard]] Result<std::string> next_challenge(std::string_view body);

}  // namespace onshi::cli
