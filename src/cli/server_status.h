#pragma once

#include <cstdint>

#include "cli/exit.h"
#include "cli/session.h"

namespace onshi::cli {

// Asks a hub's loopback port whether it is ready and what it counted, and shows it. Exit 1 when it answers but is not
// ready, peer.* when it does not answer.
[[nodiscard]] Result<Exit> show_server_status(Session& session, std::uint16_t metrics_port);

}  // namespace onshi::cli
