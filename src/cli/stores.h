#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "domain/audit/chain.h"
#include "domain/audit/service.h"
#include "platform/pki/keys.h"
#include "platform/settings/settings.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/database.h"

namespace onshi::cli {

// Both stores, opened beside a running hub: with the command line's own audit lane, never a hub's.
// Owns the database and its sequencers. One thread.
class Stores {
  public:
    // `store`: as the setting of that name. `bulk`: with the page cache that bulk sets need. store.unavailable when a
    // file is missing (nothing is made), store.version when the schema is of another program.
    [[nodiscard]] static Result<std::unique_ptr<Stores>> open(const std::string& store,
                                                              sql::SetVolume volume = sql::SetVolume::ordinary);
    // For commands that write. What they record in the command line's lane is sealed when they end, with what a program
    // before them left open. Settings: store, secrets_folder; config.missing and secret.* for the latter, audit.broken
    // where somebody else has written behind the lane's last seal.
    [[nodiscard]] static Result<std::unique_ptr<Stores>> open_to_write(
        const settings::ResolvedSettings& settings, const Clock& clock,
        sql::SetVolume volume = sql::SetVolume::ordinary);
    ~Stores();
    Stores(const Stores&) = delete;
    Stores& operator=(const Stores&) = delete;
    [[nodiscard]] sql::Database& database() { return *database_; }

  private:
    Stores();
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
    std::optional<pki::SigningKey> seal_key_;
    std::optional<audit::Sealer> sealer_;
};

}  // namespace onshi::cli
