#include "cli/stores.h"

#include <filesystem>

#include <fmt/format.h>

#include "hub/migrations.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/stores.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds seal_time{30'000};

}  // namespace

Stores::Stores() : chain_(hub::command_line_lane, "command-line", audit::LaneClaim::per_commit) {}

// What is not sealed now is sealed by the next command that writes.
Stores::~Stores() {
    if (sealer_) static_cast<void>(run_to_end(sealer_->seal_now(Deadline::in(seal_time))));
    if (database_) database_->close();
}

Result<std::unique_ptr<Stores>> Stores::open_to_write(const settings::ResolvedSettings& settings, const Clock& clock,
                                                      sql::SetVolume volume) {
    const std::string& secrets = settings.text("secrets_folder");
    if (secrets.empty()) return fail(ErrorCode::config_missing, "secrets_folder");
    auto keys = hub::load_seal_keys(secrets);
    if (!keys) return fail(std::move(keys));
    auto key = hub::load_seal_key(secrets);
    if (!key) return fail(std::move(key));
    auto stores = open(settings.text("store"), volume);
    if (!stores) return stores;
    sql::Database& database = (*stores)->database();
    auto finding = run_to_end(audit::verify_since_last_seal(database, hub::command_line_lane, *keys));
    if (!finding) return fail(std::move(finding));
    // A program that was killed leaves records without a seal.
    if (*finding && (*finding)->flaw != audit::Flaw::unsealed) {
        return fail(ErrorCode::audit_broken, fmt::format("lane {}, record {}: {}", (*finding)->lane,
                                                         (*finding)->sequence, to_string((*finding)->flaw)));
    }
    (*stores)->seal_key_.emplace(std::move(*key));
    (*stores)->sealer_.emplace(database, clock, *(*stores)->seal_key_, hub::command_line_lane);
    return stores;
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
