#pragma once

#include <span>

#include "base/result.h"
#include "hub/settings.h"
#include "platform/pki/certificate.h"
#include "platform/pki/trust_store.h"

namespace onshi::hub {

// What the `production` profile refuses (design §9.15): everything that a demo makes, whose keys lie open in its
// folder. Each gives config.test_parts in that profile, and nothing in the other. Shared with `onshi server check`.

// `setting` names the roots in the failure's detail.
[[nodiscard]] Result<void> refuse_test_roots(const Settings& settings, std::string_view setting,
                                             const pki::TrustStore& roots);
// The server's own certificate, and the chain that it sends.
[[nodiscard]] Result<void> refuse_test_server(const Settings& settings, std::span<const pki::Certificate> chain);
// Keys of a folder that mark_demo_secrets marked.
[[nodiscard]] Result<void> refuse_demo_secrets(const Settings& settings);
// The engine of face comparison that looks at nobody (ux §13.3).
[[nodiscard]] Result<void> refuse_simulated_faces(const Settings& settings);

}  // namespace onshi::hub
