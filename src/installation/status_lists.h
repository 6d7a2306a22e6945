#pragma once

#include "base/result.h"
#include "base/time.h"
#include "installation/layout.h"

namespace onshi::installation {

// A finished demo's own card CAs issue a fresh list each, which says of the certificates what the registry holds of
// them now, into the folder that its hub looks into: so a demo made last week is not told that its lists are old.
// Beside a running hub too. Errors: secret.*, installation.folder, those of the store.
[[nodiscard]] Result<void> issue_status_lists(const Layout& layout, const Clock& clock);

}  // namespace onshi::installation
