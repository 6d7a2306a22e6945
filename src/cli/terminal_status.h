#pragma once

#include <filesystem>
#include <vector>

#include "cli/findings.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"

namespace onshi::cli {

// Every hop between the shared folder and the hub's stores, in this order, each with what to do when it is broken:
// folder, pcscd, reader, card, certificate, address, TLS, hub, database. What lies behind a broken hop is not looked
// at. `folder` empty: none is looked at. Asks the hub twice; records nothing about anybody.
[[nodiscard]] std::vector<Finding> check_terminal(const TerminalProfile& profile, const std::filesystem::path& folder,
                                                  Session& session);

}  // namespace onshi::cli
