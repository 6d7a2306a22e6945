// onshi config show | check
#include <optional>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/display_width.h"
#include "cli/list_writer.h"
#include "hub/secrets.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::size_t key_column = 30;
constexpr std::size_t value_column = 70;

struct WriteValue {
    JsonWriter& writer;
    void operator()(const std::string& text) const { writer.text(text); }
    void operator()(std::int64_t value) const { writer.integer(value); }
    // Our JSON has no fractions, and so its writer has none: the one setting of this type is told as text.
    void operator()(double value) const { writer.text(settings::to_string(settings::Value(value))); }
    void operator()(bool value) const { writer.boolean(value); }
    void operator()(const std::vector<std::string>& texts) const {
        writer.begin_array();
        for (const auto& text : texts) writer.text(text);
        writer.end_array();
    }
};

void write_value(JsonWriter& writer, const char* name, const settings::Value& value) {
    writer.key(name);
    std::visit(WriteValue{writer}, value);
}

std::string setting_json(const settings::ResolvedSetting& resolved, Language language) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.setting/1");
    writer.member("key", resolved.setting->key);
    writer.member("type", settings::to_string(resolved.setting->type));
    write_value(writer, "value", resolved.value);
    write_value(writer, "default", resolved.setting->default_value);
    writer.member("origin", settings::to_string(resolved.origin.kind));
    if (!resolved.origin.where.empty()) writer.member("where", resolved.origin.where);
    writer.member("text", resolved.setting->text(language));
    writer.end_object();
    return text;
}

std::string origin_text(const settings::Origin& origin) {
    const std::string kind(settings::to_string(origin.kind));
    return origin.where.empty() ? kind : fmt::format("{} {}", kind, origin.where);
}

class ConfigShow final : public Command {
  public:
    static constexpr CommandText text{"config", "show",
                                      "Show every setting with its value, and where the value came from.",
                                      "  onshi config show\n"
                                      "  onshi config show --origin --config hub.toml\n"
                                      "  onshi config show --json"};
    void declare(Options& options) override {
        options.flag(origin_, "--origin", "say where each value came from");
        options.flag(explain_, "--explain", "say what each setting is for");
    }
    DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        Console& console = session.console();
        ListWriter list(console, {"key", "value", "default", "origin", "where"});
        for (const auto& setting : resolved->all()) {
            if (list.wants_json()) {
                list.object(setting_json(setting, console.language()));
            } else if (list.wants_cells()) {
                list.cells({setting.setting->key, settings::to_string(setting.value),
                            settings::to_string(setting.setting->default_value),
                            std::string(settings::to_string(setting.origin.kind)), setting.origin.where});
            } else {
                show_lines(list, setting, console.language());
            }
        }
        list.finish();
        return Exit::done;
    }

  private:
    void show_lines(ListWriter& list, const settings::ResolvedSetting& setting, Language language) const {
        const std::string line = padded(setting.setting->key, key_column) + settings::to_string(setting.value);
        list.line(origin_ ? beside(line, origin_text(setting.origin), value_column) : line);
        if (explain_) list.line("    " + setting.setting->text(language));
    }
    bool origin_ = false;
    bool explain_ = false;
};

class ConfigCheck final : public Command {
  public:
    static constexpr CommandText text{"config", "check",
                                      "Read the settings and say whether every key and value is right.",
                                      "  onshi config check --config hub.toml"};
    void declare(Options&) override {}
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        std::size_t set = 0;
        for (const auto& setting : resolved->all())
            set += setting.origin.kind == settings::OriginKind::default_value ? 0 : 1;
        // A right text that names no device is wrong too, and nothing else would say so before the next file arrives.
        const std::string& device = resolved->text("key_device");
        std::optional<hub::DeviceState> state;
        if (!device.empty()) {
            auto found = hub::check_key_device(resolved->text("secrets_folder"), device);
            if (!found) return fail(std::move(found));
            state = std::move(*found);
        }
        Console& console = session.console();
        if (console.json()) {
            std::string json;
            JsonWriter writer(json);
            writer.begin_object();
            writer.member("schema", "onshi.config_check/1");
            writer.member("ok", true);
            writer.member("settings", resolved->all().size());
            writer.member("set", set);
            if (state) {
                writer.begin_object("key_device");
                writer.member("token", state->token);
                writer.member("sealed_keys", state->sealed_keys);
                writer.end_object();
            }
            writer.end_object();
            console.line(json);
        } else {
            console.line(fmt::format("✔ {} settings, {} of them set", resolved->all().size(), set));
            if (state) console.line(fmt::format("✔ token {}, {} sealed key(s)", state->token, state->sealed_keys));
        }
        return Exit::done;
    }
};

}  // namespace

void add_config_commands(CommandTree& tree) {
    tree.noun("config", "settings: flag > environment > user file > system file > default");
    tree.add<ConfigShow>();
    tree.add<ConfigCheck>();
}

}  // namespace onshi::cli
