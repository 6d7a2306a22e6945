#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace onshi::cli {

inline constexpr std::size_t typed_line_bytes_max = 256;

// Questions go to /dev/tty, so that data on stdin and stdout is not touched. command.secret_needed when there is no
// terminal, command.interrupted at end of input. Both block.
[[nodiscard]] Result<std::string> read_line_from_terminal(std::string_view prompt);
// Without echo; the terminal is set back also when the process is interrupted.
[[nodiscard]] Result<SecretBytes> read_secret_from_terminal(std::string_view prompt);

}  // namespace onshi::cli
