#include "platform/settings/settings.h"

#include <cstdlib>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/settings/limits.h"
#include "platform/settings/nearest.h"

namespace onshi::settings {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view table_text = R"(
[name]
type = "text"
default = "hub-1"
ja = "名前"
en = "name"
[folder]
type = "path"
default = ""
ja = "場所"
en = "folder"
[level]
type = "word"
default = "info"
words = ["debug", "info"]
ja = "段階"
en = "level"
[port]
type = "integer"
default = 8443
min = 0
max = 65535
ja = "番号"
en = "port"
[rate]
type = "number"
default = 200.0
min = 1
max = 1000
ja = "速さ"
en = "rate"
[pinned]
type = "boolean"
default = false
ja = "固定"
en = "pinned"
[oids]
type = "texts"
default = []
ja = "一覧"
en = "list"
)";

class Settings : public testing::Test {
  protected:
    Settings() {
        std::string pattern = (fs::temp_directory_path() / "onshi-settings-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        sources_.environment = [this](const std::string& name) {
            const auto found = environment_.find(name);
            return found == environment_.end() ? std::nullopt : std::optional(found->second);
        };
        sources_.working_folder = "/srv";
    }
    ~Settings() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    fs::path write(const std::string& name, std::string_view text) {
        const fs::path path = folder_ / name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    void add_file(const std::string& name, std::string_view text, OriginKind kind) {
        sources_.files.push_back({write(name, text), kind, SettingsFile::Presence::required});
    }
    [[nodiscard]] Result<ResolvedSettings> resolved() const { return resolve(table_, sources_); }
    // The code of what a file with this text gives, or nullopt when it is accepted.
    [[nodiscard]] std::optional<Error> refused(std::string_view text) {
        sources_.files.clear();
        add_file("refused.toml", text, OriginKind::file);
        auto result = resolved();
        return result ? std::nullopt : std::optional(result.error());
    }

    SettingTable table_ = SettingTable::parse(table_text);
    Sources sources_;
    std::map<std::string, std::string> environment_;
    fs::path folder_;
};

TEST_F(Settings, without_any_source_every_setting_has_its_default_and_says_so) {
    const auto settings = resolved();
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->text("name"), "hub-1");
    EXPECT_EQ(settings->integer("port"), 8443);
    EXPECT_EQ(settings->number("rate"), 200.0);
    EXPECT_FALSE(settings->boolean("pinned"));
    EXPECT_TRUE(settings->texts("oids").empty());
    for (const auto& setting : settings->all()) EXPECT_EQ(setting.origin.kind, OriginKind::default_value);
}

TEST_F(Settings, a_flag_beats_the_environment_beats_the_user_file_beats_the_system_file_beats_the_default) {
    add_file("system.toml", "name = 'system'\nport = 1\nrate = 2\nlevel = 'debug'\n", OriginKind::system_file);
    add_file("user.toml", "name = 'user'\nport = 3\nrate = 4\n", OriginKind::user_file);
    environment_ = {{"ONSHI_NAME", "environment"}, {"ONSHI_PORT", "5"}};
    sources_.flags = {{"name", "flag"}};
    const auto settings = resolved();
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->text("name"), "flag");
    EXPECT_EQ(settings->integer("port"), 5);
    EXPECT_EQ(settings->number("rate"), 4.0);
    EXPECT_EQ(settings->text("level"), "debug");
    EXPECT_EQ(settings->at("name").origin.where, "--name");
    EXPECT_EQ(settings->at("port").origin.where, "ONSHI_PORT");
    EXPECT_EQ(settings->at("rate").origin.where, (folder_ / "user.toml").string() + ":3");
    EXPECT_EQ(settings->at("level").origin.kind, OriginKind::system_file);
}

TEST_F(Settings, a_relative_path_counts_from_where_it_was_written) {
    add_file("a.toml", "folder = 'store'\n", OriginKind::file);
    EXPECT_EQ(resolved()->text("folder"), (folder_ / "store").string());
    sources_.flags = {{"folder", "store"}};
    EXPECT_EQ(resolved()->text("folder"), "/srv/store");
    sources_.flags = {{"folder", "/var/../srv"}};
    EXPECT_EQ(resolved()->text("folder"), "/var/../srv");
}

TEST_F(Settings, an_unknown_key_is_refused_with_its_line_and_the_nearest_name) {
    const auto error = refused("name = 'a'\nprot = 1\n");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::config_unknown_key);
    EXPECT_NE(error->detail.find(":2: there is no setting prot; did you mean port?"), std::string::npos)
        << error->detail;
}

TEST_F(Settings, values_of_a_wrong_type_range_or_word_are_refused) {
    for (const char* text : {"port = '1'", "port = 65536", "port = -1", "port = 1.5", "rate = 0.5", "rate = 'fast'",
                             "level = 'loud'", "pinned = 1", "pinned = 'true'", "oids = 'a'", "oids = [1]", "name = 3",
                             "name = \"a\\nb\"", "[name]\nx = 1"}) {
        const auto error = refused(text);
        ASSERT_TRUE(error) << text;
        EXPECT_EQ(error->code, ErrorCode::config_value) << text;
    }
}

TEST_F(Settings, values_at_the_ends_of_their_range_are_accepted) {
    for (const char* text :
         {"port = 0", "port = 65535", "rate = 1", "rate = 1000.0", "rate = 7", "oids = ['a', 'b']", ""}) {
        EXPECT_FALSE(refused(text)) << text;
    }
}

TEST_F(Settings, a_refused_value_is_not_repeated_in_the_error) {
    environment_ = {{"ONSHI_PORT", "swordfish"}};
    const auto settings = resolved();
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().detail.find("swordfish"), std::string::npos);
    EXPECT_NE(settings.error().detail.find("ONSHI_PORT"), std::string::npos);
}

TEST_F(Settings, lists_and_texts_are_bounded) {
    std::string many = "oids = [";
    for (std::size_t i = 0; i < setting_list_max; ++i) many += "'x',";
    EXPECT_FALSE(refused(many + "]"));
    EXPECT_EQ(refused(many + "'x']")->code, ErrorCode::config_value);
    EXPECT_FALSE(refused("name = '" + std::string(setting_text_bytes_max, 'x') + "'"));
    EXPECT_EQ(refused("name = '" + std::string(setting_text_bytes_max + 1, 'x') + "'")->code, ErrorCode::config_value);
}

TEST_F(Settings, a_file_is_bounded_and_must_be_toml) {
    EXPECT_FALSE(refused(std::string(settings_file_bytes_max - 1, '\n')));
    EXPECT_FALSE(refused(std::string(settings_file_bytes_max, '\n')));
    EXPECT_EQ(refused(std::string(settings_file_bytes_max + 1, '\n'))->code, ErrorCode::config_malformed);
    EXPECT_EQ(refused("name = ")->code, ErrorCode::config_malformed);
    EXPECT_EQ(refused("name = 'a'\nname = 'b'")->code, ErrorCode::config_malformed);
}

TEST_F(Settings, a_missing_file_is_passed_over_only_when_nobody_named_it) {
    sources_.files = {{folder_ / "none.toml", OriginKind::user_file, SettingsFile::Presence::optional}};
    EXPECT_TRUE(resolved());
    sources_.files = {{folder_ / "none.toml", OriginKind::file, SettingsFile::Presence::required}};
    EXPECT_EQ(resolved().error().code, ErrorCode::config_malformed);
}

TEST_F(Settings, values_are_shown_as_a_file_would_hold_them) {
    EXPECT_EQ(to_string(Value(std::string("a\"b"))), "\"a\\\"b\"");
    EXPECT_EQ(to_string(Value(200.0)), "200.0");
    EXPECT_EQ(to_string(Value(std::int64_t{8443})), "8443");
    EXPECT_EQ(to_string(Value(std::vector<std::string>{"a", "b"})), "[\"a\", \"b\"]");
}

TEST(NearestName, finds_what_was_probably_meant_and_nothing_else) {
    const std::array<std::string_view, 4> names{"port", "profile", "store_folder", "lane"};
    const std::pair<std::string_view, std::optional<std::string_view>> cases[] = {
        {"prot", "port"},     {"pot", "port"},  {"sotre_folder", "store_folder"}, {"store_folders", "store_folder"},
        {"line", "lane"},     {"tort", "port"}, {"metrics", std::nullopt},        {"", std::nullopt},
        {"pt", std::nullopt},
    };
    for (const auto& [typed, expected] : cases) EXPECT_EQ(nearest_name(typed, names), expected) << typed;
}

TEST(NearestName, takes_any_bytes) {
    rc::check("any text gives a name of the list or none", [](const std::string& typed) {
        const std::array<std::string_view, 2> names{"port", "lane"};
        const auto nearest = nearest_name(typed, names);
        RC_ASSERT(!nearest || *nearest == "port" || *nearest == "lane");
    });
}

}  // namespace
}  // namespace onshi::settings
