#include "cli/stores.h"

#include <filesystem>

#include "hub/migrations.h"
#include "hub/settings.h"
#include "platform/sql/stores.h"

namespace onshi::cli {

Stores::Stores() : chain_(hub::command_line_lane, "command-line") {}

Stores::~Stores() {
    if (database_) database_->close();
}

Result<std::unique_ptr<Stores>> Stores::open(const std::string& folder, sql::SetVolume volume) {
    if (folder.empty()) return fail(ErrorCode::config_missing, "store_folder");
    for (const char* file : {"registry.db", "ledger.db"}) {
        std::error_code error;
        const auto path = std::filesystem::path(folder) / file;
        if (!std::filesystem::is_regular_file(path, error)) {
            return fail(ErrorCode::store_unavailable, path.string() + " does not exist; see onshi db migrate");
        }
    }
    std::unique_ptr<Stores> stores(new Stores());
    sql::SqliteOptions options;
    options.folder = folder;
    if (volume == sql::SetVolume::bulk) options.cache_kib = sql::bulk_cache_kib;
    auto opened = sql::open_database(options, hub::all_migrations(), stores->counter_, stores->chain_);
    if (!opened) return fail(std::move(opened));
    stores->database_ = std::move(*opened);
    return stores;
}

}  // namespace onshi::cli
