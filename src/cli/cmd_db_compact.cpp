// onshi db compact
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "platform/sql/store_compact.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

class DbCompact final : public Command {
  public:
    static constexpr CommandText text{
        "db", "compact",
        "Write both stores anew without the room between their rows, after a large intake; not while a hub runs.",
        "  onshi db compact --config hub.toml\n"
        "  onshi db compact --store ./store --json"};
    void declare(Options& options) override { options.setting("store", "--store"); }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto options = sql::parse_store(settings->text("store"));
        if (!options) return fail(std::move(options));
        auto before = bytes_of(*options);
        if (!before) return fail(std::move(before));
        Progress progress(session.console());
        const auto tell = [&progress](std::string_view store, std::uint64_t done, std::uint64_t total) {
            progress.show(store, done, total);
        };
        for (const auto store : {sql::Store::registry, sql::Store::ledger}) {
            auto done = sql::compact(*options, store, tell);
            if (!done) return fail(std::move(done));
        }
        auto after = bytes_of(*options);
        if (!after) return fail(std::move(after));
        show(session.console(), *before, *after);
        return Exit::done;
    }

  private:
    static Result<std::int64_t> bytes_of(const sql::StoreOptions& options) {
        std::int64_t bytes = 0;
        for (const auto store : {sql::Store::registry, sql::Store::ledger}) {
            auto tables = sql::table_sizes(options, store);
            if (!tables) return fail(std::move(tables));
            for (const auto& table : *tables) bytes += table.bytes;
        }
        return bytes;
    }
    static void show(Console& console, std::int64_t before, std::int64_t after) {
        if (!console.json()) {
            constexpr double mb = 1e6;
            return console.line(fmt::format("✔ {:.1f} MB → {:.1f} MB", static_cast<double>(before) / mb,
                                            static_cast<double>(after) / mb));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.db_compact/1");
        writer.member("bytes_before", before);
        writer.member("bytes_after", after);
        writer.end_object();
        console.line(json);
    }
};

}  // namespace

void add_db_compact_command(CommandTree& tree) {
    tree.add<DbCompact>();
}

}  // namespace onshi::cli
