#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/terminal_profile.h"
#include "cli/witness_file.h"
#include "domain/audit/service.h"

namespace onshi::cli {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
  protected:
    Files() {
        std::string pattern = (fs::temp_directory_path() / "onshi-files-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Files() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    fs::path folder_;
};

TEST(HubAddress, is_read_from_its_url) {
    const std::tuple<std::string_view, std::string, int> good[] = {
        {"https://hub.example:9000", "hub.example", 9000},
        {"https://hub.example", "hub.example", 8443},
        {"https://127.0.0.1:1/", "127.0.0.1", 1},
        {"https://[::1]:8443", "::1", 8443},
        {"https://[::1]", "::1", 8443},
    };
    for (const auto& [url, host, port] : good) {
        const auto address = HubAddress::parse(url);
        ASSERT_TRUE(address) << url;
        EXPECT_EQ(address->host, host);
        EXPECT_EQ(address->port, port);
        EXPECT_EQ(HubAddress::parse(address->url())->host, host);
    }
    for (const char* url : {"", "http://hub", "https://", "https://hub:0", "https://hub:65536", "https://hub:x",
                            "https://hub/path", "https://a b", "https://user@hub", "hub:8443"}) {
        EXPECT_FALSE(HubAddress::parse(url)) << url;
    }
}

TEST_F(Files, a_terminal_profile_survives_writing_and_reading) {
    TerminalProfile profile;
    profile.folder = folder_;
    profile.hub = {"hub.example", 9000};
    profile.hub_id = "hub-1";
    profile.facility = "1310000001";
    profile.terminal = "T42";
    ASSERT_TRUE(write_new_file(TerminalProfile::description(folder_), profile.to_toml()));
    const auto read = load_terminal_profile(folder_);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->hub.url(), "https://hub.example:9000");
    EXPECT_EQ(read->terminal, "T42");
    EXPECT_EQ(read->file(read->key), folder_ / "terminal.key");
}

TEST_F(Files, a_terminal_profile_with_a_wrong_or_missing_entry_is_refused_by_name) {
    const std::pair<const char*, ErrorCode> cases[] = {
        {"hub_prot = 1", ErrorCode::config_unknown_key}, {"hub_port = 70000", ErrorCode::config_value},
        {"hub_id = 7", ErrorCode::config_value},         {"hub_id = ''", ErrorCode::config_value},
        {"hub_id = 'h'", ErrorCode::config_missing},     {"hub_id = ", ErrorCode::config_malformed},
    };
    for (const auto& [text, code] : cases) {
        ASSERT_TRUE(replace_file(TerminalProfile::description(folder_), text));
        const auto read = load_terminal_profile(folder_);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, code) << text;
    }
    EXPECT_EQ(load_terminal_profile("").error().code, ErrorCode::config_missing);
    EXPECT_EQ(load_terminal_profile(folder_ / "none").error().code, ErrorCode::config_missing);
}

TEST_F(Files, a_new_file_never_overwrites_and_a_replaced_one_leaves_nothing_beside_it) {
    const fs::path file = folder_ / "a";
    ASSERT_TRUE(write_new_file(file, "one"));
    EXPECT_EQ(write_new_file(file, "two").error().code, ErrorCode::file_exists);
    ASSERT_TRUE(replace_file(file, "three"));
    EXPECT_EQ(*read_text_file(file), "three");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
    EXPECT_EQ(replace_file(folder_ / "none" / "a", "x").error().code, ErrorCode::file_unwritable);
    EXPECT_EQ(read_text_file(folder_).error().code, ErrorCode::file_unreadable);
}

TEST_F(Files, a_text_file_is_bounded) {
    const fs::path file = folder_ / "large";
    std::ofstream(file) << std::string(text_file_bytes_max, 'x');
    EXPECT_TRUE(read_text_file(file));
    std::ofstream(file) << std::string(text_file_bytes_max + 1, 'x');
    EXPECT_EQ(read_text_file(file).error().code, ErrorCode::file_unreadable);
}

TEST(WitnessFile, is_read_as_it_was_printed) {
    WitnessFile file;
    audit::Witness head;
    head.lane = 63;
    head.sequence = 12;
    head.hash.fill(0xAB);
    file.heads.push_back(head);
    pki::Ed25519PublicKey key;
    key.fill(7);
    file.seal_keys.emplace_back(audit::seal_key_id(key), key);
    const auto read = parse_witness_file(to_json(file));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->heads.size(), 1U);
    EXPECT_EQ(read->heads.front().lane, 63);
    EXPECT_EQ(read->heads.front().sequence, 12);
    EXPECT_EQ(read->heads.front().hash, head.hash);
    EXPECT_EQ(read->seal_keys, file.seal_keys);
}

TEST(WitnessFile, of_another_form_is_refused) {
    const std::string hash(64, 'a');
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string(R"({"schema":"onshi.witness/1","heads":[{}]})"),
          R"({"schema":"onshi.witness/1","heads":[{"lane":64,"sequence":1,"hash":")" + hash + R"("}]})",
          R"({"schema":"onshi.witness/1","heads":[{"lane":0,"sequence":0,"hash":")" + hash + R"("}]})",
          R"({"schema":"onshi.witness/1","heads":[{"lane":0,"sequence":1,"hash":")" + hash + R"(aa"}]})",
          R"({"schema":"onshi.witness/1","seal_keys":[{"key_id":"0000000000000000","public_key":")" + hash +
              R"("}]})"}) {
        const auto read = parse_witness_file(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, ErrorCode::file_malformed);
    }
}

}  // namespace
}  // namespace onshi::cli
