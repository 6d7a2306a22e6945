#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace onshi::cli {

// A completion script for `bash`, `zsh` or `fish`, made by walking the tree; empty for another shell.
[[nodiscard]] std::string completion_script(const CLI::App& root, std::string_view shell);

}  // namespace onshi::cli
