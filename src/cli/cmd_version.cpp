// onshi version
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::string_view compiler = "clang " __clang_version__;

class Version final : public Command {
  public:
    static constexpr CommandText text{"version", "", "Print the program's version.",
                                      "  onshi version\n  onshi version --json"};
    void declare(Options&) override {}
    Result<Exit> run(Session& session) override {
        if (!session.console().json()) {
            session.console().line("onshi " ONSHI_VERSION);
            return Exit::done;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.version/1");
        writer.member("version", ONSHI_VERSION);
        writer.member("compiler", compiler);
        writer.end_object();
        session.console().line(json);
        return Exit::done;
    }
};

}  // namespace

void add_version_command(CommandTree& tree) {
    tree.add<Version>();
}

}  // namespace onshi::cli
