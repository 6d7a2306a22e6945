// onshi errors list | show
#include <algorithm>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/display_width.h"
#include "cli/list_writer.h"
#include "platform/settings/nearest.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::size_t code_column = 34;

std::string entry_json(const Console& console, const ErrorEntry& entry) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.error_entry/1");
    writer.member("code", entry.name);
    writer.member("http_status", entry.http_status);
    writer.member("exit", static_cast<int>(exit_of(entry.code)));
    writer.member("retry", to_string(entry.retry));
    writer.member("after_ms", entry.retry_after_ms);
    writer.begin_object("sentences");
    writer.member("patient", console.sentence(entry.name, Audience::patient));
    writer.member("clerk", console.sentence(entry.name, Audience::clerk));
    writer.member("vendor", console.sentence(entry.name, Audience::vendor));
    const auto next = find_text(console.language(), entry.name, Audience::operator_);
    if (next) writer.member("operator", *next);
    writer.end_object();
    writer.end_object();
    return text;
}

class ErrorsList final : public Command {
  public:
    static constexpr CommandText text{
        "errors", "list", "List every failure that the system can name.",
        "  onshi errors list\n  onshi errors list --json | jq .code\n  onshi errors list --format csv > errors.csv"};
    void declare(Options&) override {}
    DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        ListWriter list(console, {"code", "http_status", "exit", "retry", "after_ms", "vendor"});
        for (std::uint16_t i = 0; i < error_code_count; ++i) {
            const auto& entry = catalogue_entry(static_cast<ErrorCode>(i));
            const std::string sentence = console.sentence(entry.name, Audience::vendor);
            if (list.wants_json()) {
                list.object(entry_json(console, entry));
            } else if (list.wants_cells()) {
                list.cells({std::string(entry.name), fmt::format("{}", entry.http_status),
                            fmt::format("{}", static_cast<int>(exit_of(entry.code))),
                            std::string(to_string(entry.retry)), fmt::format("{}", entry.retry_after_ms), sentence});
            } else {
                list.line(padded(entry.name, code_column) + sentence);
            }
        }
        list.finish();
        return Exit::done;
    }
};

class ErrorsShow final : public Command {
  public:
    static constexpr CommandText text{
        "errors", "show", "Explain one failure: its sentences, HTTP status, exit code and retry advice.",
        "  onshi errors show store.unavailable\n  onshi errors show card.pin_locked --json"};
    void declare(Options& options) override {
        options.text(code_, "code", "CODE", "such as store.unavailable").required();
    }
    Result<Exit> run(Session& session) override {
        const auto* entry = find_error(code_);
        if (entry == nullptr) return tl::unexpected(unknown());
        Console& console = session.console();
        if (console.json()) {
            console.line(entry_json(console, *entry));
            return Exit::done;
        }
        console.line(fmt::format("{}   HTTP {}   exit {}", entry->name, entry->http_status,
                                 static_cast<int>(exit_of(entry->code))));
        console.line("  vendor   " + console.sentence(entry->name, Audience::vendor));
        const auto next = find_text(console.language(), entry->name, Audience::operator_);
        if (next) console.line("  operator " + std::string(*next));
        console.line("  clerk    " + console.sentence(entry->name, Audience::clerk));
        console.line("  patient  " + console.sentence(entry->name, Audience::patient));
        const std::string after = entry->retry_after_ms > 0 ? fmt::format(", {} ms", entry->retry_after_ms) : "";
        console.line(fmt::format("  retry    {}{}", to_string(entry->retry), after));
        return Exit::done;
    }

  private:
    [[nodiscard]] Error unknown() const {
        std::vector<std::string_view> names;
        for (std::uint16_t i = 0; i < error_code_count; ++i) names.push_back(error_name(static_cast<ErrorCode>(i)));
        const auto nearest = settings::nearest_name(code_, names);
        std::string detail = "there is no such code";
        if (nearest) detail += fmt::format("; did you mean {}?", *nearest);
        return {ErrorCode::request_not_found, std::move(detail)};
    }
    std::string code_;
};

}  // namespace

void add_errors_commands(CommandTree& tree) {
    tree.noun("errors", "the catalogue of failures");
    tree.add<ErrorsList>();
    tree.add<ErrorsShow>();
}

}  // namespace onshi::cli
