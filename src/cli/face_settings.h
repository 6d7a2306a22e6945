#pragma once

#include "base/result.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"
#include "terminal/face_engine.h"

namespace onshi::cli {

// How a terminal compares faces (docs/face-engine.md): not at all by default.
void declare_face_settings(Options& options);
// config.missing, config.value, key.malformed, file.unreadable.
[[nodiscard]] Result<terminal::FaceSettings> load_face_settings(const settings::ResolvedSettings& settings,
                                                                const TerminalProfile& profile);

}  // namespace onshi::cli
