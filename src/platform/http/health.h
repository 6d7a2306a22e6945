#pragma once

#include <functional>

#include "platform/http/server.h"
#include "platform/telemetry/metrics.h"

namespace onshi::http {

// GET /healthz → 200 while the process answers at all; GET /metrics → Prometheus text. For a plain listener on loopback
// (ux §16). Both are exempt from admission and need no certificate. `metrics` outlives the server.
void add_health_routes(Server& server, const Metrics& metrics);

}  // namespace onshi::http
