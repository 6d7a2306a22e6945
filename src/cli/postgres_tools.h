#pragma once

#include <string>

#include "base/result.h"

namespace onshi::cli {

// Debian's postgresql-client does what it does best: a dump of one database in one snapshot, beside working hubs, and
// its return. Both show their own messages on stderr. Blocks.

// Writes the dump to a new file. tool.failed when pg_dump is missing or fails.
[[nodiscard]] Result<void> dump_postgres(const std::string& address, const std::string& file);
// Puts it into a database without the stores' schemas, as a whole or not at all. store.not_empty, tool.failed.
[[nodiscard]] Result<void> restore_postgres(const std::string& file, const std::string& address);

}  // namespace onshi::cli
