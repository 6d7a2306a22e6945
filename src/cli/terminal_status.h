#pragma once

#include <filesystem>
#include <vector>

#include "cli/findings.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"
#include "terminal/face_engine.h"

namespace onshi::cli {

// Every hop between the shared folder and the hub's stores, in this order, each with what to do when it is broken:
// folder, the terminal's own records, pcscd, reader, card, the engine that compares faces where there is one,
// certificate, address, TLS, hub, database, and which of its parts the hub itself calls away. What lies behind a broken
// hop is not looked at. `folder` empty: none is looked at; `store` is the folder of the terminal's records, looked at
// where it exists. Asks the hub three times; records nothing about anybody.
struct TerminalPlaces {
    std::filesystem::path folder;
    std::filesystem::path store;
};
[[nodiscard]] std::vector<Finding> check_terminal(const TerminalProfile& profile, const TerminalPlaces& places,
                                                  const terminal::FaceSettings& face, Session& session);

}  // namespace onshi::cli
