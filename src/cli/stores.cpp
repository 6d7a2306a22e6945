#include "cli/stores.h"

#include <filesystem>

#include "hub/migrations.h"
#include "hub/settings.h"
#include "platform/sql/stores.h"

namespace onshi::cli {

Stores::Stores() : chain_(hub::command_line_lane, "command-line", audit::LaneClaim::per_commit) {}

Stores::~Stores() {
    if (database_) database_->close();
}

Result<std::unique_ptr<Stores>> Stores::open(const std::string& store, sql::SetVolume volume) {
    auto options = sql::parse_store(store);
    if (!options) return fail(std::move(options));
    if (auto* embedded = std::get_if<sql::SqliteOptions>(&*options)) {
        for (const char* file : {"registry.db", "ledger.db"}) {
            std::error_code error;
            const auto path = std::filesystem::path(embedded->folder) / file;
            if (!std::filesystem::is_regular_file(path, error)) {
                return fail(ErrorCode::store_unavailable, path.string() + " does not exist; see onshi db migrate");
            }
        }
        if (volume == sql::SetVolume::bulk) embedded->cache_kib = sql::bulk_cache_kib;
    }
    std::unique_ptr<Stores> stores(new Stores());
    auto opened = sql::open_database(*options, hub::all_migrations(), stores->counter_, stores->chain_);
    if (!opened) return fail(std::move(opened));
    stores->database_ = std::move(*opened);
    return stores;
}

}  // namespace onshi::cli
