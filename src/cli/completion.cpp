#include "cli/completion.h"

#include <CLI/App.hpp>
namespace onshi::cli {
std::string completion_script(const CLI::App&, std::string_view) { return {}; }
}
