// onshi db copy | backup | restore
#include <filesystem>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/chain_heads.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/postgres_tools.h"
#include "cli/progress.h"
#include "cli/stores.h"
#include "hub/migrations.h"
#include "installation/demo_installation.h"
#include "platform/sql/store_backup.h"
#include "platform/sql/store_copy.h"
#include "platform/sql/stores.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view manifest_format = "onshi.backup/1";
constexpr std::size_t manifest_text_max = 64;

// What lies in a backup's folder, besides registry.db and ledger.db with SQLite.
struct BackupFolder {
    fs::path root;
    [[nodiscard]] fs::path manifest() const { return root / "backup.json"; }  // written last: else it is incomplete
    [[nodiscard]] fs::path heads() const { return root / "heads.json"; }      // what the chain must still hold
    [[nodiscard]] fs::path dump() const { return root / "onshi.dump"; }       // with PostgreSQL
};

struct Manifest {
    std::string engine;
    std::string schema;
};

std::string engine_of(const sql::StoreOptions& options) {
    return std::holds_alternative<sql::SqliteOptions>(options) ? "sqlite" : "postgresql";
}

std::string to_json(const Manifest& manifest) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", manifest_format);
    writer.member("engine", manifest.engine);
    writer.member("tables", manifest.schema);
    writer.end_object();
    return text + "\n";
}

Result<Manifest> read_manifest(const BackupFolder& folder) {
    auto text = read_text_file(folder.manifest());
    if (!text) return fail(std::move(text));
    auto document = JsonDocument::parse(*text);
    if (!document) return fail(ErrorCode::file_malformed, folder.manifest().string());
    Manifest manifest;
    auto read = document->read([&manifest](JsonObject& object) {
        if (object.text("schema", manifest_text_max) != manifest_format) {
            object.reject("schema", ErrorCode::field_value);
        }
        manifest.engine = object.text("engine", manifest_text_max);
        manifest.schema = object.text("tables", manifest_text_max);
    });
    if (!read) return fail(ErrorCode::file_malformed, folder.manifest().string());
    return manifest;
}

// Opens what was just made and walks its chain; `heads` says what it must hold at least.
Result<audit::VerifyReport> check_chain(const std::string& store, const WitnessFile& heads, Console& console) {
    auto stores = Stores::open(store);
    if (!stores) return fail(std::move(stores));
    audit::VerifyOptions options;
    options.witnesses = heads.heads;
    options.seal_keys = heads.seal_keys;
    auto report = verify_chain((*stores)->database(), std::move(options), console);
    if (!report) return report;
    auto sound = without_finding(*report);
    if (!sound) return fail(std::move(sound));
    return report;
}

class DbCopy final : public Command {
  public:
    static constexpr CommandText text{
        "db", "copy",
        "Bring the stores to another place or engine, and compare every row; hubs stand still, a cut copy goes on.",
        "  onshi db copy --from ./store --to postgresql://hub@db.example/onshi\n"
        "  onshi db copy --from postgresql:///onshi --to ./store --json"};
    void declare(Options& options) override {
        options.text(from_, "--from", "STORE", "a folder or postgresql://…, as the setting store").required();
        options.text(to_, "--to", "STORE", "an empty folder or database").required();
    }
    Result<Exit> run(Session& session) override {
        auto from = sql::parse_store(from_);
        if (!from) return fail(std::move(from));
        auto to = sql::parse_store(to_);
        if (!to) return fail(std::move(to));
        WitnessFile heads;
        {
            auto source = Stores::open(from_);
            if (!source) return fail(std::move(source));
            auto read = read_heads((*source)->database(), "");
            if (!read) return fail(std::move(read));
            heads = std::move(*read);
        }
        auto copied = copy(*from, *to, session);
        if (!copied) return fail(std::move(copied));
        auto report = check_chain(to_, heads, session.console());
        if (!report) return fail(std::move(report));
        show(session.console(), *copied, *report);
        return Exit::done;
    }

  private:
    static Result<std::vector<sql::CopiedTable>> copy(const sql::StoreOptions& from, const sql::StoreOptions& to,
                                                      Session& session) {
        Progress progress(session.console());
        const auto tell = [&progress](sql::CopyStage stage, std::string_view table, std::uint64_t done,
                                      std::uint64_t total) {
            progress.show(fmt::format("{} {}", stage == sql::CopyStage::copying ? "copying" : "comparing", table), done,
                          total);
        };
        return sql::copy_stores(from, to, hub::all_migrations(), tell);
    }
    static void show(Console& console, const std::vector<sql::CopiedTable>& copied, const audit::VerifyReport& report) {
        std::uint64_t rows = 0;
        for (const auto& table : copied) rows += table.rows;
        if (!console.json()) {
            for (const auto& table : copied) {
                console.line(
                    fmt::format("  {:<10} {:<28} {:>12}", sql::to_string(table.store), table.table, table.rows));
            }
            return console.line(fmt::format("✔ {} rows, {} audit records", rows, report.records));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.db_copy/1");
        writer.member("rows", rows);
        writer.member("audit_records", report.records);
        writer.begin_array("tables");
        for (const auto& table : copied) {
            writer.begin_object();
            writer.member("store", sql::to_string(table.store));
            writer.member("table", table.table);
            writer.member("rows", table.rows);
            writer.end_object();
        }
        writer.end_array();
        writer.end_object();
        console.line(json);
    }
    std::string from_;
    std::string to_;
};

class DbBackup final : public Command {
  public:
    static constexpr CommandText text{"db", "backup",
                                      "Save both stores as they are at one instant, beside working hubs.",
                                      "  onshi db backup /backup/2026-11-23 --config hub.toml"};
    void declare(Options& options) override {
        options.text(folder_, "folder", "DIR", "made new; moved away from this machine by you").required();
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const std::string& store = settings->text("store");
        auto options = sql::parse_store(store);
        if (!options) return fail(std::move(options));
        const BackupFolder folder{fs::absolute(folder_)};
        std::error_code error;
        if (fs::exists(folder.root, error)) return fail(ErrorCode::file_exists, folder.root.string());
        // The heads come first: what they name is in the copy, which may hold more.
        auto heads = [&]() -> Result<WitnessFile> {
            auto stores = Stores::open(store);
            if (!stores) return fail(std::move(stores));
            return read_heads((*stores)->database(), settings->text("secrets_folder"));
        }();
        if (!heads) return fail(std::move(heads));
        auto done = make_private_folder(folder.root);
        if (done) done = write_new_file(folder.heads(), cli::to_json(*heads) + "\n");
        if (done) done = save(*options, folder, session);
        if (done) {
            done = write_new_file(folder.manifest(),
                                  to_json(Manifest{engine_of(*options), installation::schema_digest()}));
        }
        if (!done) return fail(std::move(done));
        show(session.console(), folder, engine_of(*options));
        return Exit::done;
    }

  private:
    static Result<void> save(const sql::StoreOptions& options, const BackupFolder& folder, Session& session) {
        const auto* embedded = std::get_if<sql::SqliteOptions>(&options);
        if (embedded == nullptr) {
            return dump_postgres(std::get<sql::PostgresOptions>(options).address, folder.dump().string());
        }
        Progress progress(session.console());
        return sql::back_up_sqlite(*embedded, folder.root.string(),
                                   [&](std::string_view store, std::uint64_t done, std::uint64_t total) {
                                       progress.show(store, done, total);
                                   });
    }
    static void show(Console& console, const BackupFolder& folder, const std::string& engine) {
        if (!console.json()) return console.line(fmt::format("✔ {} ({})", folder.root.string(), engine));
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", manifest_format);
        writer.member("engine", engine);
        writer.member("folder", folder.root.string());
        writer.end_object();
        console.line(json);
    }
    std::string folder_;
};

class DbRestore final : public Command {
  public:
    static constexpr CommandText text{"db", "restore", "Put a backup into an empty place, and walk its audit chain.",
                                      "  onshi db restore /backup/2026-11-23 --store ./store\n"
                                      "  onshi db restore /backup/2026-11-23 --store postgresql:///onshi"};
    void declare(Options& options) override {
        options.text(folder_, "folder", "DIR", "what onshi db backup made").required();
        options.setting("store", "--store");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const std::string& store = settings->text("store");
        auto options = sql::parse_store(store);
        if (!options) return fail(std::move(options));
        const BackupFolder folder{fs::absolute(folder_)};
        auto manifest = read_manifest(folder);
        if (!manifest) return fail(std::move(manifest));
        if (manifest->engine != engine_of(*options)) {
            return fail(ErrorCode::file_malformed, fmt::format("a backup of {} goes back to {}; then see onshi db copy",
                                                               manifest->engine, manifest->engine));
        }
        auto written = read_text_file(folder.heads());
        if (!written) return fail(std::move(written));
        auto heads = parse_witness_file(*written);
        if (!heads) return fail(std::move(heads));
        const auto* embedded = std::get_if<sql::SqliteOptions>(&*options);
        auto done = embedded != nullptr ? sql::restore_sqlite(folder.root.string(), *embedded)
                                        : restore_postgres(folder.dump().string(), store);
        // A backup of an older program is brought to this one's version.
        if (done) done = sql::migrate(*options, hub::all_migrations());
        if (!done) return fail(std::move(done));
        auto report = check_chain(store, *heads, session.console());
        if (!report) return fail(std::move(report));
        show(session.console(), *report);
        return Exit::done;
    }

  private:
    static void show(Console& console, const audit::VerifyReport& report) {
        if (!console.json()) {
            return console.line(
                fmt::format("✔ {} audit records, {} heads of the backup found", report.records, report.witnesses));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.restored/1");
        writer.member("audit_records", report.records);
        writer.member("witnesses", report.witnesses);
        writer.end_object();
        console.line(json);
    }
    std::string folder_;
};

}  // namespace

void add_db_move_commands(CommandTree& tree) {
    tree.add<DbCopy>();
    tree.add<DbBackup>();
    tree.add<DbRestore>();
}

}  // namespace onshi::cli
