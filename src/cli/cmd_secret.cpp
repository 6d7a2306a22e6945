// onshi secret wrap
#include <algorithm>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "hub/secrets.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

class SecretWrap final : public Command {
  public:
    static constexpr CommandText text{
        "secret", "wrap",
        "Seal keys of the secrets folder with the key of the device, and say what may be removed then.",
        "  onshi secret wrap --name number --name number_tag --config hub.toml\n"
        "  onshi secret wrap --name number --remove-open --config hub.toml"};
    void declare(Options& options) override {
        options.texts(names_, "--name", "NAME", "which key: number, number_tag or members_file; repeatable").required();
        options.flag(remove_, "--remove-open", "remove the open key files once their sealed copies were opened again");
        options.settings({"secrets_folder", "key_device"});
    }
    Result<Exit> run(Session& session) override {
        for (const std::string& name : names_) {
            if (std::ranges::find(hub::wrapped_names, name) == std::end(hub::wrapped_names)) {
                return fail(ErrorCode::command_usage, "--name " + name);
            }
        }
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const std::string& device = settings->text("key_device");
        const std::string& folder = settings->text("secrets_folder");
        if (device.empty()) return fail(ErrorCode::config_missing, "key_device");
        if (folder.empty()) return fail(ErrorCode::config_missing, "secrets_folder");
        const auto open_file = remove_ ? hub::OpenFile::remove : hub::OpenFile::keep;
        std::size_t sealed = 0;
        for (const std::string& name : names_) {
            auto wrapped = hub::wrap_secret(folder, device, name, open_file, session.random());
            if (!wrapped) return fail(std::move(wrapped));
            sealed += *wrapped;
        }
        show(session.console(), sealed, folder);
        return Exit::done;
    }

  private:
    void show(Console& console, std::size_t sealed, const std::string& folder) const {
        if (console.json()) {
            std::string json;
            JsonWriter writer(json);
            writer.begin_object();
            writer.member("schema", "onshi.secret_wrap/1");
            writer.member("sealed", sealed);
            writer.member("open_removed", remove_);
            writer.end_object();
            return console.line(json);
        }
        console.line(fmt::format("✔ {} sealed by the device", sealed));
        if (remove_) return;
        for (const std::string& name : names_) {
            console.line(
                fmt::format("  still open: {}/{}.*.key; the same with --remove-open removes it", folder, name));
        }
    }
    std::vector<std::string> names_;
    bool remove_ = false;
};

}  // namespace

void add_secret_commands(CommandTree& tree) {
    tree.noun("secret", "keys of this installation, by name and generation");
    tree.add<SecretWrap>();
}

}  // namespace onshi::cli
