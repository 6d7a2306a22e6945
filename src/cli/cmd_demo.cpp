// onshi demo init
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "installation/limits.h"
#include "installation/status_lists.h"
#include "platform/text_formats/json_writer.h"
#include "synth/limits.h"

namespace onshi::cli {

namespace {

using installation::DemoInstallation;
using installation::DemoOptions;
using installation::DemoOutcome;
using installation::Layout;

std::string to_json(const Layout& layout, const DemoInstallation& made, DemoOutcome outcome) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.demo/1");
    writer.member("made", outcome == DemoOutcome::made);
    writer.member("folder", layout.root.string());
    writer.member("settings", layout.hub_settings().string());
    writer.member("as_of", to_iso(made.as_of));
    writer.member("persons", made.persons);
    writer.member("seed", made.seed);
    writer.begin_array("terminals");
    for (const auto& terminal : made.terminals) {
        writer.begin_object();
        writer.member("name", terminal.name);
        writer.member("id", terminal.id);
        writer.member("organisation", terminal.organisation);
        writer.member("folder", layout.terminal(terminal.name).string());
        writer.end_object();
    }
    writer.end_array();
    writer.begin_array("cards");
    for (const auto& card : made.cards) {
        writer.begin_object();
        writer.member("kind", card.kind);
        writer.member("file", (layout.cards() / card.file).string());
        writer.member("person", card.person);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return text;
}

void show(Console& console, const Layout& layout, const DemoInstallation& made, DemoOutcome outcome) {
    if (console.json()) return console.line(to_json(layout, made, outcome));
    console.line(fmt::format("{} {}: {} persons, seed {}, as of {}", outcome == DemoOutcome::made ? "made" : "found",
                             layout.root.string(), made.persons, made.seed, to_iso(made.as_of)));
    for (const auto& terminal : made.terminals) {
        console.line(fmt::format("  terminal {:<12} {}", terminal.name, layout.terminal(terminal.name).string()));
    }
    for (const auto& card : made.cards) {
        console.line(fmt::format("  card {:<16} {}", card.kind, (layout.cards() / card.file).string()));
    }
    console.line(fmt::format("next: onshi server run --config {}", layout.hub_settings().string()));
}

class DemoInit final : public Command {
  public:
    static constexpr CommandText text{
        "demo", "init",
        "Make a complete installation of synthetic data in one folder: keys, CAs, stores, terminals, cards.",
        "  onshi demo init ./demo\n"
        "  onshi demo init ./demo --persons 1000000 --port 0 --json"};

    void declare(Options& options) override {
        options.text(folder_, "folder", "DIR", "where to make it; a finished one is only read").required();
        options.integer(persons_, "--persons", "N", "how many people live there")
            .range(1, static_cast<std::int64_t>(synth::persons_max));
        options.integer(seed_, "--seed", "N", "another seed is another nation").range(0, INT64_MAX);
        options.integer(facilities_, "--facilities", "N", "how many facilities").range(100, synth::facilities_max);
        options.integer(desks_, "--desks", "N", "terminals of as many clinics").range(1, installation::desks_max);
        options.text(face_engine_, "--face-engine", "NAME",
                     "an engine of face comparison that the hub admits: simulated, or a real one's name");
        options.integer(card_keys_, "--card-keys", "N", "RSA keys that cards share; fewer are quicker to make")
            .range(1, synth::key_pool_size);
        options.text(store_, "--store", "STORE",
                     "an empty PostgreSQL database, postgresql://…; else SQLite in the folder");
        options.integer(port_, "--port", "PORT", "the hub's port").range(0, 65535);
        options.integer(metrics_port_, "--metrics-port", "PORT", "the port of health and metrics").range(0, 65535);
    }

    Result<Exit> run(Session& session) override {
        DemoOptions options;
        options.folder = folder_;
        options.persons = static_cast<std::uint64_t>(persons_);
        options.seed = static_cast<std::uint64_t>(seed_);
        options.facilities = static_cast<std::uint32_t>(facilities_);
        options.desks = static_cast<std::uint32_t>(desks_);
        options.card_keys = static_cast<std::uint32_t>(card_keys_);
        options.store = store_;
        options.face_engine = face_engine_;
        options.port = static_cast<std::uint16_t>(port_);
        options.metrics_port = static_cast<std::uint16_t>(metrics_port_);
        auto made = make(options, session);
        if (!made) return fail(std::move(made));
        if (made->outcome == DemoOutcome::was_there) {
            auto issued = installation::issue_status_lists(Layout{std::filesystem::absolute(folder_)}, session.clock());
            if (!issued) return fail(std::move(issued));
        }
        show(session.console(), Layout{folder_}, made->installation, made->outcome);
        return Exit::done;
    }

  private:
    static Result<installation::DemoResult> make(const DemoOptions& options, Session& session) {
        Progress progress(session.console());
        const auto tell = [&progress](std::string_view stage, std::uint64_t done, std::uint64_t total) {
            progress.show(stage, done, total);
        };
        return installation::make_demo_installation(options, session.clock(), session.random(), tell);
    }

    DemoOptions defaults_;
    std::string folder_;
    std::string store_;
    std::string face_engine_;
    std::int64_t persons_ = static_cast<std::int64_t>(defaults_.persons);
    std::int64_t seed_ = static_cast<std::int64_t>(defaults_.seed);
    std::int64_t facilities_ = defaults_.facilities;
    std::int64_t desks_ = defaults_.desks;
    std::int64_t card_keys_ = defaults_.card_keys;
    std::int64_t port_ = defaults_.port;
    std::int64_t metrics_port_ = defaults_.metrics_port;
};

}  // namespace

void add_demo_commands(CommandTree& tree) {
    tree.noun("demo", "a whole synthetic installation");
    tree.add<DemoInit>();
    add_demo_reader_command(tree);
    add_demo_members_command(tree);
}

}  // namespace onshi::cli
