// onshi db index
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/stores.h"
#include "domain/identity/reading_index.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds step_time{60'000};

class DbIndex final : public Command {
  public:
    static constexpr CommandText text{
        "db", "index",
        "Make the persons of an older registry findable by birth date and reading; goes on where it was stopped.",
        "  onshi db index --config hub.toml\n"
        "  onshi db index --store ./store --json"};
    void declare(Options& options) override { options.setting("store", "--store"); }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        Progress progress(session.console());
        identity::ReadingPass pass;
        std::int64_t unreadable = 0;
        while (!pass.done) {
            auto step = run_to_end(identity::index_older_persons((*stores)->database(), Deadline::in(step_time)));
            if (!step) return fail(std::move(step));
            pass = *step;
            unreadable += pass.unreadable;
            progress.show("persons", static_cast<std::uint64_t>(pass.indexed), 0);
        }
        show(session.console(), pass.indexed, unreadable);
        return Exit::done;
    }

  private:
    static void show(Console& console, std::int64_t indexed, std::int64_t unreadable) {
        if (!console.json()) {
            return console.line(fmt::format("✔ {} versions of persons, {} unreadable", indexed, unreadable));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.db_index/1");
        writer.member("indexed", indexed);
        writer.member("unreadable", unreadable);
        writer.end_object();
        console.line(json);
    }
};

}  // namespace

void add_db_index_command(CommandTree& tree) {
    tree.add<DbIndex>();
}

}  // namespace onshi::cli
