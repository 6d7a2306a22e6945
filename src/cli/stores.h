#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "domain/audit/chain.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/database.h"

namespace onshi::cli {

// Both stores, opened for looking at them beside a running hub: with the command line's own audit lane, never a hub's.
// Owns the database and its sequencers. One thread.
class Stores {
  public:
    // `store`: as the setting of that name. `bulk`: with the page cache that bulk sets need. store.unavailable when a
    // file is missing (nothing is made), store.version when the schema is of another program.
    [[nodiscard]] static Result<std::unique_ptr<Stores>> open(const std::string& store,
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
};

}  // namespace onshi::cli
