#pragma once

#include <filesystem>
#include <vector>

#include "cli/findings.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"

namespace onshi::cli {

// Every hop between the shared folder and the hub's stores, in this order, each with what to do when it is broken:
// folder, the terminal's own records, pcscd, reader, card, certificate, address, TLS, hub, database, and which of its
// parts the hub itself calls away. What lies behind a broken hop is not looked at. `folder` empty: none is looked at;
// `store` is the folder of the terminal's records, looked at where it exists. Asks the hub three times; records nothing
// about anybody.
[[nodiscard]] std::vector<Finding> check_terminal(const TerminalProfile& profile, const std::filesystem::path& folder,
                                                  const std::filesystem::path& store, Session& session);

}  // namespace onshi::cli
