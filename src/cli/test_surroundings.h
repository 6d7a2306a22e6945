#pragma once

// For tests of this folder: the world around a command, in memory.
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/app.h"

namespace onshi::cli {

// Runs commands as main does, but with streams and variables of its own.
struct TestSurroundings {
    std::ostringstream out;
    std::ostringstream err;
    std::map<std::string, std::string> variables{{"LANG", "en_US.UTF-8"}, {"HOME", "/nonexistent"}};
    bool out_is_terminal = false;

    [[nodiscard]] Surroundings get() {
        Surroundings surroundings{out, err, [this](const std::string& name) {
                                      const auto found = variables.find(name);
                                      return found == variables.end() ? std::nullopt : std::optional(found->second);
                                  }};
        surroundings.out_is_terminal = out_is_terminal;
        return surroundings;
    }
    int run(const std::vector<std::string>& arguments) { return run_program(arguments, get()); }
};

}  // namespace onshi::cli
