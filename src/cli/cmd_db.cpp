// onshi db migrate | check
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/db_check.h"
#include "cli/progress.h"
#include "cli/stores.h"
#include "hub/migrations.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/stores.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

class DbMigrate final : public Command {
  public:
    static constexpr CommandText text{"db", "migrate",
                                      "Make the stores, or bring them to this program's version; not while a hub runs.",
                                      "  onshi db migrate --config hub.toml\n  onshi db migrate --store ./store --yes"};
    void declare(Options& options) override { options.setting("store", "--store"); }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto options = sql::parse_store(settings->text("store"));
        if (!options) return fail(std::move(options));
        const std::string where = sql::describe(*options);
        auto agreed = session.confirm(session.console().label("label.ask_migrate", {{"folder", where}}));
        if (!agreed) return fail(std::move(agreed));
        auto migrated = sql::migrate(*options, hub::all_migrations());
        if (!migrated) return fail(std::move(migrated));
        show(session.console(), where);
        return Exit::done;
    }

  private:
    static void show(Console& console, const std::string& store) {
        const auto count = hub::all_migrations().size();
        if (!console.json()) return console.line(fmt::format("✔ {}: {} migrations applied", store, count));
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.migrated/1");
        writer.member("store", store);
        writer.member("migrations", count);
        writer.end_object();
        console.line(json);
    }
};

class DbCheck final : public Command {
  public:
    static constexpr CommandText text{"db", "check",
                                      "Recompute what is held as current of each person from the history, and compare.",
                                      "  onshi db check --config hub.toml --sample 10000\n"
                                      "  onshi db check --store ./store --json"};
    void declare(Options& options) override {
        options.setting("store", "--store");
        options.integer(sample_, "--sample", "N", "so many persons drawn by chance; else all").range(1, INT64_MAX);
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        Progress progress(session.console());
        StoreCheckOptions options;
        if (sample_) options.sample = static_cast<std::uint64_t>(*sample_);
        options.progress = [&progress](std::uint64_t done, std::uint64_t total) {
            progress.show("persons", done, total);
        };
        auto report = run_to_end(check_person_now((*stores)->database(), options, session.random()));
        if (!report) return fail(std::move(report));
        show(session.console(), *report);
        if (report->finding) return fail(ErrorCode::store_inconsistent, *report->finding);
        return Exit::done;
    }

  private:
    static void show(Console& console, const StoreCheckReport& report) {
        if (!console.json()) {
            return console.line(fmt::format("{} {} persons, {} coverage records", report.finding ? "✘" : "✔",
                                            report.persons, report.coverages));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.db_check/1");
        writer.member("ok", !report.finding.has_value());
        writer.member("persons", report.persons);
        writer.member("coverages", report.coverages);
        if (report.finding) writer.member("finding", *report.finding);
        writer.end_object();
        console.line(json);
    }
    std::optional<std::int64_t> sample_;
};

}  // namespace

void add_db_commands(CommandTree& tree) {
    tree.noun("db", "the stores: migrate, check, copy, back up, restore");
    tree.add<DbMigrate>();
    tree.add<DbCheck>();
}

}  // namespace onshi::cli
