#include "installation/installation_files.h"

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include "installation/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::installation {

namespace {

DemoInstallation sample() {
    DemoInstallation made;
    made.made_at = pki::fixture_now;
    made.as_of = Date::of(2026, 11, 23);
    made.persons = 300;
    made.seed = 7;
    made.facilities = 100;
    made.desks = 2;
    made.card_keys = 3;
    made.store = "postgresql://hub@db-1,db-2/onshi?target_session_attrs=read-write";
    made.counts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    made.terminals = {{"desk", "T5", "1312345670"}, {"operator", "T9", "1"}};
    made.cards = {{"001.json", "eligible", 12}};
    return made;
}

TEST(installation_files, a_description_reads_as_it_was_written) {
    const DemoInstallation made = sample();
    const std::string text = to_json(made);
    const auto read = parse_installation(text);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(to_json(*read), text);
    EXPECT_EQ(read->as_of, made.as_of);
    EXPECT_EQ(read->seed, 7U);
    EXPECT_EQ(read->counts, made.counts);
    ASSERT_EQ(read->terminals.size(), 2U);
    EXPECT_EQ(read->terminals[1].id, "T9");
    ASSERT_EQ(read->cards.size(), 1U);
    EXPECT_EQ(read->cards[0].person, 12U);
}

TEST(installation_files, a_description_of_another_form_or_version_is_refused) {
    const std::string text = to_json(sample());
    std::string version = text;
    version.replace(version.find("installation-2"), 14, "installation-1");
    std::string without_seed = text;
    without_seed.replace(without_seed.find("\"seed\""), 6, "\"need\"");
    for (const std::string& other : {std::string(), std::string("[]"), text.substr(0, 100), version, without_seed}) {
        const auto read = parse_installation(other);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, ErrorCode::installation_not_ours);
    }
}

TEST(installation_files, hub_settings_keep_every_value_under_their_own_name) {
    hub::Settings s;
    s.profile = hub::Profile::demo;
    s.hub_id = "a \"quoted\" hub\\";
    s.lane = 5;
    s.listen_address = "127.0.0.2";
    s.port = 1;
    s.metrics_port = 2;
    s.store = "/店/store";
    s.secrets_folder = "/s";
    s.server_certificate = "/c";
    s.server_key = "/k";
    s.organisation_ca_certificate = "/o";
    s.organisation_ca_key = "/ok";
    s.card_roots = "/r";
    s.card_policies = {"1.2.3", "1.2.4"};
    s.trust_epoch = 6;
    s.card_status_lists = "/l";
    s.card_status_seconds = 7;
    s.ocsp_responder = "http://ocsp.test/";
    s.face_engines = {"a", "b"};
    s.loops = 3;
    s.pin_cpus = true;
    s.key_device = "pkcs11:token=k";
    s.ordinances_file = "/m";
    s.intake_folder = "/i";
    s.hold_another_person = "health_data_only";
    s.hold_one_name = "health_data_only";
    s.hold_address = "health_data_only";
    s.webhook_roots = "/w";
    s.proof_hour = 4;
    s.misses_per_hour = 9;
    s.requests_per_second = 12.5;
    s.connections_per_address = 77;
    s.log_level = Level::debug;
    s.log_access = "all";
    const toml::table read = toml::parse(to_toml(s));
    EXPECT_EQ(read.size(), 34U);
    EXPECT_EQ(read["profile"].value<std::string>(), "demo");
    for (const auto& [name, value] : {std::pair<const char*, std::string>{"hub_id", s.hub_id},
                                      {"listen_address", s.listen_address},
                                      {"store", s.store},
                                      {"secrets_folder", s.secrets_folder},
                                      {"key_device", s.key_device},
                                      {"ordinances_file", s.ordinances_file},
                                      {"hold_another_person", s.hold_another_person},
                                      {"hold_one_name", s.hold_one_name},
                                      {"hold_address", s.hold_address},
                                      {"server_certificate", s.server_certificate},
                                      {"server_key", s.server_key},
                                      {"organisation_ca_certificate", s.organisation_ca_certificate},
                                      {"organisation_ca_key", s.organisation_ca_key},
                                      {"card_roots", s.card_roots},
                                      {"card_status_lists", s.card_status_lists},
                                      {"ocsp_responder", s.ocsp_responder},
                                      {"intake_folder", s.intake_folder},
                                      {"webhook_roots", s.webhook_roots},
                                      {"log_level", "debug"},
                                      {"log_access", s.log_access}}) {
        EXPECT_EQ(read[name].value<std::string>(), value) << name;
    }
    for (const auto& [name, value] : {std::pair<const char*, std::int64_t>{"lane", 5},
                                      {"port", 1},
                                      {"metrics_port", 2},
                                      {"trust_epoch", 6},
                                      {"card_status_seconds", 7},
                                      {"loops", 3},
                                      {"proof_hour", 4},
                                      {"misses_per_hour", 9}}) {
        EXPECT_EQ(read[name].value<std::int64_t>(), value) << name;
    }
    EXPECT_EQ(read["requests_per_second"].value<double>(), 12.5);
    EXPECT_EQ(read["connections_per_address"].value<int>(), 77);
    EXPECT_EQ(read["pin_cpus"].value<bool>(), true);
    EXPECT_EQ(read["card_policies"][1].value<std::string>(), "1.2.4");
    EXPECT_EQ(read["face_engines"][1].value<std::string>(), "b");
}

TEST(installation_files, a_truth_line_names_what_the_fault_has_and_nothing_else) {
    using synth::FaultKind;
    struct Row {
        synth::Fault fault;
        const char* line;
    };
    const Row rows[]{
        {{FaultKind::withheld, 1, synth::field_name | synth::field_address, 0, Date::of(2026, 4, 1), 0},
         R"({"person":7,"fault":"withheld","record":1,"fields":["name","address"],"day":"2026-04-01"})"},
        {{FaultKind::late_loss, 0, 0, 12, Date::of(2025, 1, 2), 0},
         R"({"person":7,"fault":"late_loss","record":0,"day":"2025-01-02","days":12})"},
        {{FaultKind::protection_flagged, synth::no_record, 0, 0, Date(), 8},
         R"({"person":7,"fault":"protection_flagged","other":8})"},
    };
    for (const Row& row : rows) EXPECT_EQ(truth_line(7, row.fault), std::string(row.line) + "\n");
}

TEST(installation_files, a_file_is_never_overwritten) {
    const pki::TemporaryFolder folder;
    const auto file = folder.path() / "once";
    ASSERT_TRUE(write_text_file(file, "first"));
    for (const auto& result :
         {write_text_file(file, "second"), write_text_file(folder.path() / "no" / "folder", "x")}) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::installation_folder);
    }
    EXPECT_EQ(std::filesystem::file_size(file), 5U);
    EXPECT_EQ(TruthFile::create(file).error().code, ErrorCode::installation_folder);
}

}  // namespace

}  // namespace onshi::installation
