#include "platform/smartcard/virtual_card.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/sha256.h"
#include "platform/pki/certificate.h"
#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/tlv.h"

// Every command, status word and trap of jpki-card §3 and §9.1, as bytes.
namespace onshi::smartcard::virtual_card_test {

constexpr std::string_view select_jpki = "00a4040c0ad392f000260100000001";
constexpr std::string_view select_text = "00a4040c0ad3921000310001010408";
constexpr std::string_view select_surface = "00a4040c0ad3921000310001010402";
constexpr std::string_view select_registry = "00a4040c0ad3921000310001010401";
constexpr std::string_view select_common = "00a4040c0ad3921000310001010100";
constexpr std::string_view select_manager = "00a4040c07a0000001510000";

struct Turn {
    std::string_view command;
    std::string_view answer;  // whole, or `*SW` for any data
};

void expect_turns(FixtureCard& card, std::initializer_list<Turn> turns) {
    for (const Turn& turn : turns) {
        const auto answer = card.run(turn.command);
        if (turn.answer.starts_with('*')) {
            EXPECT_TRUE(answer.size() > 4 && answer.ends_with(turn.answer.substr(1)))
                << turn.command << " → " << answer;
        } else {
            EXPECT_EQ(answer, turn.answer) << turn.command;
        }
    }
}

std::string text_hex(std::string_view text) {
    return to_hex(as_bytes(text));
}

ByteVector data_of(const std::string& answer) {
    const auto packed = from_hex(std::string_view(answer).substr(0, answer.size() - 4));
    const Bytes bytes = as_bytes(*packed);
    return {bytes.begin(), bytes.end()};
}

TEST(VirtualCardSelect, finds_the_six_applications_by_whole_or_partial_aid) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {select_text, "9000"},
                        {select_surface, "9000"},
                        {select_registry, "9000"},
                        {select_common, "9000"},
                        {select_manager, "9000"},
                        {"00a4040c05d392f00026", "9000"},
                        {"00a4040006d392f000260100", "9000"},          // P2 00 with Le
                        {"00a4040c04d392f000", "6a82"},                // shorter than a provider id
                        {"00a4040c0bd392f00026010000000101", "6a82"},  // longer than the AID
                        {"00a4040c07a0000000031010", "6a82"},
                        {"00a4010c0ad392f000260100000001", "6a86"},
                        {"00a404010ad392f000260100000001", "6a86"}});
}

TEST(VirtualCardSelect, of_the_master_file_changes_nothing) {
    FixtureCard card;
    expect_turns(card, {{"00a40000", "6a86"},
                        {select_jpki, "9000"},
                        {"00a4020c020018", "9000"},
                        {"00a40000", "9000"},
                        {"00a40000023f00", "9000"},
                        {"00a40000023f01", "6a82"},
                        {"00200080", "63c3"}});
}

TEST(VirtualCardSelect, of_a_file_needs_an_application) {
    FixtureCard card;
    expect_turns(card, {{"00a4020c020006", "6a82"},
                        {select_jpki, "9000"},
                        {"00a4020c020006", "9000"},
                        {"00a4020c020099", "6a82"},
                        {"00a4020c0106", "6700"},
                        {"00b0000004", "4a504b499000"}});  // the failed SELECT left 0006 current
}

TEST(VirtualCardRead, gives_any_prefix_of_the_token_label) {
    FixtureCard card;
    const auto label = text_hex("JPKIAPICCTOKEN2                 ") + "9000";
    expect_turns(card, {{select_jpki, "9000"},
                        {"00b0000010", "6986"},
                        {"00a4020c020006", "9000"},
                        {"00b0000020", label},
                        {"00b000000f", text_hex("JPKIAPICCTOKEN2") + "9000"}});
    EXPECT_EQ(data_of(card.run("00b0000000")).size(), token_info_bytes);
}

TEST(VirtualCardRead, ends_at_the_end_of_the_file) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {"00a4020c020008", "9000"},
                        {"00b0000000", "8f8f009000"},
                        {"00b0000100", "8f009000"},
                        {"00b0000201", "009000"},
                        {"00b0000300", "6b00"},
                        {"00b07fff00", "6b00"},
                        {"00b0000000ffff", "8f8f009000"},  // extended
                        {"00b00000", "6700"},
                        {"00b0000001aa", "6700"}});
}

TEST(VirtualCardRead, by_short_id_makes_the_file_current) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {"00b0880003", "8f8f009000"},
                        {"00b0000002", "8f8f9000"},
                        {"00b0880103", "8f009000"},
                        {"00b0930000", "6a82"},
                        {"00b0800000", "6a82"},
                        {"00b0c80000", "6a86"},
                        {"00b0980000", "6981"},    // a PIN has no bytes to read
                        {"00b0890000", "6982"}});  // purpose unknown, protected
}

TEST(VirtualCardRead, gives_certificates_with_filler_behind_the_der) {
    const CardImage image = fixture_image();
    FixtureCard card;
    for (const auto& [id, expected] :
         {std::pair{"000a", &image.authentication.certificate}, std::pair{"000b", &image.authentication.ca_certificate},
          std::pair{"0002", &image.signature_ca_certificate}}) {
        ASSERT_EQ(card.run(select_jpki), "9000");
        ASSERT_EQ(card.run(std::string("00a4020c02") + id), "9000");
        const auto file = data_of(card.run("00b00000000000"));
        ASSERT_GT(file.size(), expected->size());
        EXPECT_TRUE(std::equal(expected->begin(), expected->end(), file.begin())) << id;
        EXPECT_EQ(to_hex(Bytes(file).first(2)), "3082");
        EXPECT_TRUE(std::all_of(file.begin() + static_cast<std::ptrdiff_t>(expected->size()), file.end(),
                                [](std::uint8_t byte) { return byte == 0xFF; }));
    }
}

TEST(VirtualCardRead, of_the_signature_certificate_needs_its_password) {
    FixtureCard card;
    const auto verify = "0020008006" + text_hex("ABC123");
    expect_turns(card, {{select_jpki, "9000"},
                        {"00b0810000", "6982"},
                        {"00a4020c02001b", "9000"},
                        {verify, "9000"},
                        {"00b0810000", "*9000"}});
}

TEST(VirtualCardRead, of_a_record_gives_number_municipality_and_expiry) {
    FixtureCard card;
    const auto record = "011c" + text_hex("9999999999900001310120340412") + "9000";
    expect_turns(card, {{select_common, "9000"},
                        {"00b2010c00", record},
                        {"00b2010400", record},
                        {"00b2010c04", record.substr(0, 8) + "9000"},
                        {"00b2020c00", "6a83"},
                        {"00b2000c00", "6a86"},
                        {"00b2010d00", "6a86"},
                        {"00b2014400", "6a82"},
                        {"00b201e400", "6981"},  // 001C is a PIN
                        {"00b0810000", "6981"},  // and records are not bytes
                        {"00b2010c", "6700"},
                        {select_jpki, "9000"},
                        {"00b2010400", "6986"},
                        {"00b2013400", "6981"}});
}

TEST(VirtualCardVerify, counts_down_to_63c0_and_then_answers_6984) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {"00a4020c020018", "9000"},
                        {"00200080", "63c3"},
                        {"002000800430303030", "63c2"},
                        {"00200080", "63c2"},
                        {"002000800431323334", "9000"},
                        {"00200080", "63c3"},  // a right one restores all; asking while verified still counts
                        {"002000800430303030", "63c2"},
                        {"002000800430303030", "63c1"},
                        {"002000800430303030", "63c0"},
                        {"002000800431323334", "6984"},
                        {"00200080", "63c0"}});
    card.card().reset();
    expect_turns(card, {{select_jpki, "9000"},
                        {"00200098", "63c0"},
                        {"0020009804"
                         "31323334",
                         "6984"}});
}

TEST(VirtualCardVerify, knows_five_tries_for_the_password_and_ten_for_what_is_printed) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {"0020009b", "63c5"},
                        {select_text, "9000"},
                        {"00200091", "63c3"},
                        {"00200094", "63ca"},
                        {"00200095", "63ca"},
                        {select_surface, "9000"},
                        {"00200091", "63ca"},
                        {"00200092", "63ca"},
                        {"00200093", "63ca"},
                        {select_registry, "9000"},
                        {"0020009c", "63c3"},
                        {select_common, "9000"},
                        {"0020009c", "63c3"}});
}

TEST(VirtualCardVerify, keeps_one_counter_per_credential) {
    FixtureCard card;
    expect_turns(card, {{select_registry, "9000"},
                        {"0020009c0430303030", "63c2"},
                        {select_common, "9000"},
                        {"0020009c", "63c3"},
                        {select_jpki, "9000"},
                        {"00200098", "63c3"}});
}

TEST(VirtualCardVerify, refuses_other_parameters_files_and_lengths_without_spending_a_try) {
    FixtureCard card;
    expect_turns(card, {{"00200080", "6986"},
                        {"002000800431323334", "6986"},
                        {select_jpki, "9000"},
                        {"00200080", "6986"},
                        {"0020018004"
                         "30303030",
                         "6a86"},
                        {"0020001804"
                         "30303030",
                         "6a86"},
                        {"0020009904"
                         "30303030",
                         "6a82"},
                        {"0020008804"
                         "30303030",
                         "6981"},
                        {"00a4020c020018", "9000"},
                        {"002000801130303030303030303030303030303030", "6700"},
                        {"002000801130303030303030303030303030303030"
                         "30",
                         "6700"},
                        {"00200080043030303000", "6700"},
                        {"0020008000", "6700"},
                        {"00200080", "63c3"}});
}

TEST(VirtualCardSecurity, is_lost_on_reset_and_on_any_select_of_an_application) {
    FixtureCard card;
    const auto open = [&card] {
        expect_turns(card, {{select_jpki, "9000"},
                            {"0020009804"
                             "31323334",
                             "9000"},
                            {"802a029720" + std::string(64, '0') + "00", "*9000"}});
    };
    const std::string sign = "802a029720" + std::string(64, '0') + "00";
    open();
    expect_turns(card, {{select_jpki, "9000"}, {sign, "6982"}});
    open();
    expect_turns(card, {{select_text, "9000"}, {select_jpki, "9000"}, {sign, "6982"}});
    open();
    expect_turns(card, {{"00a4040c07a0000000031010", "6a82"}, {sign, "*9000"}});  // a failed SELECT keeps it
    open();
    card.card().reset();
    expect_turns(card, {{sign, "6986"}, {select_jpki, "9000"}, {sign, "6982"}});
    open();
    expect_turns(card, {{"0020009804"
                         "30303030",
                         "63c2"},
                        {sign, "6982"}});  // a wrong PIN closes again
}

TEST(VirtualCardSign, has_the_six_forms) {
    FixtureCard card;
    const auto key = pki::fixture_keys().public_key(9);
    const std::string message = "onshi-check-v1\nx\n";
    const auto digest = sha256(as_bytes(message));
    ASSERT_EQ(card.run(select_jpki), "9000");
    ASSERT_EQ(card.run("00200098"
                       "0431323334"),
              "9000");
    const auto sign = [&](std::string_view p1, Bytes data) {
        const auto length = static_cast<std::uint8_t>(data.size());
        return data_of(card.run("802a" + std::string(p1) + "97" + to_hex(Bytes(&length, 1)) + to_hex(data) + "00"));
    };
    ByteVector info(digest_info_sha256.begin(), digest_info_sha256.end());
    info.insert(info.end(), digest.begin(), digest.end());
    const auto holds = [&](pki::SignatureAlgorithm algorithm, const ByteVector& signature) {
        return pki::verify_message(key, algorithm, as_bytes(message), signature).has_value();
    };
    EXPECT_TRUE(holds(pki::SignatureAlgorithm::rsa_pkcs1_sha256, sign("00", info)));
    EXPECT_TRUE(holds(pki::SignatureAlgorithm::rsa_pkcs1_sha256, sign("02", digest)));
    EXPECT_TRUE(holds(pki::SignatureAlgorithm::rsa_pkcs1_sha256, sign("03", as_bytes(message))));
    EXPECT_TRUE(holds(pki::SignatureAlgorithm::rsa_pss_sha256, sign("04", digest)));
    EXPECT_TRUE(holds(pki::SignatureAlgorithm::rsa_pss_sha256, sign("05", as_bytes(message))));
    EXPECT_NE(sign("04", digest), sign("04", digest));             // the salt is random
    EXPECT_EQ(sign("01", as_bytes(message)), sign("00", digest));  // a bare hash
    EXPECT_FALSE(holds(pki::SignatureAlgorithm::rsa_pkcs1_sha256, sign("01", as_bytes(message))));
}

TEST(VirtualCardSign, refuses_other_forms_lengths_and_keys) {
    FixtureCard card;
    const std::string digest(64, '0');
    expect_turns(card, {{"802a028020" + digest + "00", "6986"},
                        {select_jpki, "9000"},
                        {"802a028020" + digest + "00", "6986"},
                        {"802a029720" + digest + "00", "6982"},
                        {"0020009804"
                         "31323334",
                         "9000"},
                        {"802a069720" + digest + "00", "6a86"},
                        {"802aff9720" + digest + "00", "6a86"},
                        {"802a02971f" + digest.substr(2) + "00", "6700"},
                        {"802a049721" + digest + "0000", "6700"},
                        {"802a0097f5" + std::string(490, '1') + "00", "*9000"},
                        {"802a0097f6" + std::string(492, '1') + "00", "6700"},
                        {"802a0397ff" + std::string(510, '1') + "00", "*9000"},
                        {"802a0397000100" + std::string(512, '1') + "0000", "6700"},
                        {"802a009700", "6700"},
                        {"802a029720" + digest, "6700"},
                        {"802a021720" + digest + "00", "6a86"},
                        {"802a020020" + digest + "00", "6a86"},  // no key of its own here
                        {"802a029820" + digest + "00", "6981"},
                        {"802a029d20" + digest + "00", "6a82"},
                        {"802a029a20" + digest + "00", "6982"},  // the other key has a password of its own
                        {"00a4020c020017", "9000"},
                        {"802a028020" + digest + "00", "*9000"}});
}

TEST(VirtualCardSign, with_the_signature_key_many_times_after_one_password) {
    FixtureCard card;
    const auto sign = "802a028020" + std::string(64, '0') + "00";
    expect_turns(card, {{select_jpki, "9000"},
                        {"00a4020c02001b", "9000"},
                        {"0020008006" + text_hex("ABC123"), "9000"},
                        {"00a4020c02001a", "9000"},
                        {sign, "*9000"},
                        {sign, "*9000"},
                        {"802a029720" + std::string(64, '0') + "00", "6982"}});
}

TEST(VirtualCardSign, without_pin_with_the_keys_of_the_printed_records) {
    FixtureCard card;
    const auto sign = "802a020020" + std::string(64, '0') + "00";
    expect_turns(card, {{select_surface, "9000"},
                        {sign, "*9000"},
                        {select_text, "9000"},
                        {sign, "*9000"},
                        {select_common, "9000"},
                        {sign, "6a86"},
                        {select_registry, "9000"},
                        {sign, "6a86"}});
}

TEST(VirtualCardChange, replaces_a_pin_after_it_was_verified) {
    FixtureCard card;
    expect_turns(card, {{select_jpki, "9000"},
                        {"0024018004"
                         "35363738",
                         "6986"},
                        {"00a4020c020018", "9000"},
                        {"0024018004"
                         "35363738",
                         "6982"},
                        {"0020008004"
                         "31323334",
                         "9000"},
                        {"0024008004"
                         "35363738",
                         "6a86"},
                        {"0024018003"
                         "353637",
                         "6a80"},
                        {"0024018004"
                         "35363741",
                         "6a80"},
                        {"00240180", "6700"},
                        {"0024018004"
                         "35363738",
                         "9000"},
                        {select_jpki, "9000"},
                        {"0020009804"
                         "31323334",
                         "63c2"},
                        {"0020009804"
                         "35363738",
                         "9000"},
                        {"8032008004"
                         "31323334",
                         "6985"}});
}

TEST(VirtualCardChange, of_the_signature_password_asks_for_letters_and_digits) {
    FixtureCard card;
    expect_turns(card,
                 {{select_jpki, "9000"}, {"00a4020c02001b", "9000"}, {"0020008006" + text_hex("ABC123"), "9000"}});
    for (const std::string_view bad : {"ABCDEF", "123456", "ABC12", "abc123", "ABC 123"}) {
        const auto length = static_cast<std::uint8_t>(bad.size());
        EXPECT_EQ(card.run("00240180" + to_hex(Bytes(&length, 1)) + text_hex(bad)), "6a80") << bad;
    }
    expect_turns(card, {{"0024018010" + text_hex("ABCDEFGHIJKLMN01"), "9000"},
                        {"0024018011" + text_hex("ABCDEFGHIJKLMN012"), "6700"},
                        {"0020008010" + text_hex("ABCDEFGHIJKLMN01"), "9000"}});
}

TEST(VirtualCardChange, in_the_registry_and_common_applications_is_another_command) {
    FixtureCard card;
    expect_turns(card, {{select_registry, "9000"},
                        {"00a4020c02001c", "9000"},
                        {"8032008004"
                         "35363738",
                         "6982"},
                        {"0020008004"
                         "31323334",
                         "9000"},
                        {"0024018004"
                         "35363738",
                         "6985"},
                        {"8032018004"
                         "35363738",
                         "6a86"},
                        {"8032008004"
                         "35363738",
                         "9000"},
                        {"0020008004"
                         "35363738",
                         "9000"},
                        {select_common, "9000"},
                        {"0020009c04"
                         "31323334",
                         "9000"}});  // the other counter, the other PIN
}

TEST(VirtualCardChange, never_of_what_is_printed) {
    FixtureCard card;
    expect_turns(card, {{select_surface, "9000"},
                        {"00a4020c020012", "9000"},
                        {"002000800e" + text_hex(fixture_number_b), "9000"},
                        {"0024018004"
                         "35363738",
                         "6985"}});
}

TEST(VirtualCardChallenge, has_1_to_256_bytes) {
    FixtureCard card;
    EXPECT_EQ(data_of(card.run("0084000001")).size(), 1U);
    EXPECT_EQ(data_of(card.run("0084000000")).size(), 256U);
    EXPECT_NE(card.run("0084000010"), card.run("0084000010"));
    expect_turns(card,
                 {{"00840000000101", "6985"}, {"00840000", "6700"}, {"0084010010", "6a86"}, {"008400000101", "6700"}});
}

TEST(VirtualCardInternalAuthenticate, signs_with_the_common_key) {
    FixtureCard card;
    const std::string challenge(32, '5');
    ASSERT_EQ(card.run(select_common), "9000");
    const auto signature = data_of(card.run("0088009910" + challenge + "00"));
    const auto message = from_hex(challenge);
    EXPECT_TRUE(pki::verify_message(pki::fixture_keys().public_key(13), pki::SignatureAlgorithm::rsa_pkcs1_sha256,
                                    as_bytes(*message), signature));
    expect_turns(card, {{"0088009810" + challenge + "00", "6a86"},
                        {"0088009910" + challenge, "6700"},
                        {"802a029920" + std::string(64, '0') + "00", "6981"},
                        {select_jpki, "9000"},
                        {"0088009910" + challenge + "00", "6a82"}});
}

TEST(VirtualCardGetData, answers_at_card_manager_level_only) {
    FixtureCard card;
    expect_turns(card, {{"00cadf3000", "6a88"},
                        {"00cb3fff00", "6d00"},
                        {select_manager, "9000"},
                        {"00ca004500", "450f" + text_hex("999999999990000") + "9000"},
                        {"00ca00f000", "f005" + text_hex("13101") + "9000"},
                        {"00ca00f200", "f208" + text_hex("20340412") + "9000"},
                        {"00ca5f5100", "5f510d" + to_hex(VirtualCard::atr()) + "9000"},
                        {"00ca7f2100", "*9000"},
                        {"00ca00f800", "*9000"},
                        {"00cadf3000", "6a88"},
                        {select_jpki, "9000"},
                        {"00ca004500", "6a88"}});
}

TEST(VirtualCardClass, refuses_channels_secure_messaging_and_what_it_does_not_know) {
    FixtureCard card;
    expect_turns(card, {{"01a4040c0ad392f000260100000001", "6881"},
                        {"0ca4040c0ad392f000260100000001", "69fc"},
                        {"04b0000000", "69fc"},
                        {"90b0000000", "6e00"},
                        {"ffca000000", "6e00"},
                        {"80b0000000", "6e00"},
                        {"002a008000", "6e00"},
                        {"00fe0000", "6d00"},
                        {"80fe0000", "6d00"},
                        {"80fc0000", "6700"},
                        {"00", "6700"},
                        {"00a40400"
                         "ff",
                         "6a82"}});
}

TEST(VirtualCardText, opens_each_file_with_its_own_credentials) {
    struct Row {
        std::string_view file;
        bool by_pin, by_number_a, by_number_b, free;
    };
    // The table of jpki-card §4.1.
    const Row rows[] = {{"81", true, true, false, false}, {"82", true, false, true, false},
                        {"83", true, true, true, false},  {"84", true, true, true, true},
                        {"85", true, true, true, true},   {"86", true, true, true, false},
                        {"87", true, true, true, false}};
    const std::pair<std::string, int> keys[] = {{"", 3},
                                                {"0020009104"
                                                 "31323334",
                                                 0},
                                                {"002000940c" + text_hex(fixture_number_a), 1},
                                                {"002000950e" + text_hex(fixture_number_b), 2}};
    FixtureCard card;
    for (const Row& row : rows) {
        for (const auto& [key, which] : keys) {
            ASSERT_EQ(card.run(select_text), "9000");
            if (!key.empty()) ASSERT_EQ(card.run(key), "9000");
            const std::array open{row.by_pin, row.by_number_a, row.by_number_b, row.free};
            const auto answer = card.run("00b0" + std::string(row.file) + "0010");
            EXPECT_EQ(answer.ends_with("9000"), open[static_cast<std::size_t>(which)]) << row.file << ' ' << which;
        }
    }
}

TEST(VirtualCardSurface, opens_each_file_with_its_own_credentials) {
    struct Row {
        std::string_view file;
        bool by_birth, by_number_b, by_number_a, free;
    };
    // The table of jpki-card §4.2.
    const Row rows[] = {{"81", true, false, false, false},
                        {"82", false, true, true, false},
                        {"83", true, true, true, true},
                        {"84", true, true, true, true},
                        {"85", false, false, true, false}};
    const std::pair<std::string, int> keys[] = {{"", 3},
                                                {"0020009106" + text_hex(fixture_birth_code), 0},
                                                {"002000920e" + text_hex(fixture_number_b), 1},
                                                {"002000930c" + text_hex(fixture_number_a), 2}};
    FixtureCard card;
    for (const Row& row : rows) {
        for (const auto& [key, which] : keys) {
            ASSERT_EQ(card.run(select_surface), "9000");
            if (!key.empty()) ASSERT_EQ(card.run(key), "9000");
            const std::array open{row.by_birth, row.by_number_b, row.by_number_a, row.free};
            const auto answer = card.run("00b0" + std::string(row.file) + "0010");
            EXPECT_EQ(answer.ends_with("9000"), open[static_cast<std::size_t>(which)]) << row.file << ' ' << which;
        }
    }
}

TEST(VirtualCardPinless, a_face_authentication_card_has_both_pins_blocked) {
    FixtureCard card(fixture_order(CardPins::face_authentication));
    expect_turns(card, {{select_jpki, "9000"},
                        {"00b0880000", "008f009000"},
                        {"00a4020c020001", "6a82"},
                        {"00200098", "63c0"},
                        {"0020009b", "63c0"},
                        {"0020009804"
                         "31323334",
                         "6984"},
                        {"00b08a0010", "*9000"},
                        {select_surface, "9000"},
                        {"00200092", "63ca"}});
}

TEST(VirtualCardPinless, a_childs_card_has_a_pin_and_no_signature_certificate) {
    FixtureCard card(fixture_order(CardPins::set_without_signature));
    expect_turns(card, {{select_jpki, "9000"},
                        {"00b0880000", "008f009000"},
                        {"00a4020c020001", "6a82"},
                        {"00a4020c02001a", "6a82"},
                        {"00200098", "63c3"},
                        {"0020009b", "63c0"}});
}

TEST(VirtualCardPhone, an_android_phone_gives_its_certificate_after_the_pin_only) {
    FixtureCard card(fixture_order(CardPins::set, TokenKind::android_phone));
    expect_turns(card, {{select_text, "6a82"},
                        {select_surface, "6a82"},
                        {select_manager, "6a82"},
                        {select_jpki, "9000"},
                        {"00b086000f", text_hex("JPKIAPGPSETOKEN") + "9000"},
                        {"00b08a0010", "6982"},
                        {"0020009804"
                         "31323334",
                         "9000"},
                        {"00b08a0010", "*9000"},
                        {"80fc0000", "6700"}});
}

TEST(VirtualCardPhone, an_iphone_tells_its_last_command_and_its_key_is_open) {
    FixtureCard card(fixture_order(CardPins::set, TokenKind::iphone));
    expect_turns(card, {{select_jpki, "9000"},
                        {"80fc000000", "a49000"},
                        {"80fc010000", "6a86"},
                        {"00b086000f", text_hex("JPKIAPIOSTOKEN ") + "9000"},
                        {"802a029720" + std::string(64, '0') + "00", "*9000"}});
}

// Our stand-in for 特定機関認証.
class TerminalAuthentication : public ::testing::Test {
  protected:
    ByteVector certificate_ = *fixture_issuer().issue_terminal_certificate(pki::fixture_keys().public_key(15));
    FixtureCard card_;
    std::string sign_ = "802a029720" + std::string(64, '0') + "00";

    std::string set_key(const ByteVector& certificate) {
        const ByteVector length{static_cast<std::uint8_t>(certificate.size() >> 8U),
                                static_cast<std::uint8_t>(certificate.size())};
        return card_.run("80a200c100" + to_hex(length) + to_hex(certificate));
    }
    std::string authenticate(std::uint64_t key) {
        const auto challenge = data_of(card_.run("0084000010"));
        return authenticate_over(key, challenge);
    }
    std::string authenticate_over(std::uint64_t key, Bytes challenge) {
        return card_.run("00820096000100" + to_hex(*pki::fixture_keys().key(key).sign_pkcs1(sha256(challenge))));
    }
    void enter() { expect_turns(card_, {{select_jpki, "9000"}, {"00a4020c020016", "9000"}}); }
};

TEST_F(TerminalAuthentication, opens_the_auth_key_until_the_next_select) {
    enter();
    EXPECT_EQ(set_key(certificate_), "9000");
    EXPECT_EQ(authenticate(15), "9000");
    expect_turns(card_, {{sign_, "*9000"},
                         {"802a029a20" + std::string(64, '0') + "00", "6982"},
                         {"00b0810000", "6982"},
                         {select_jpki, "9000"},
                         {sign_, "6982"}});
}

TEST_F(TerminalAuthentication, refuses_foreign_broken_and_misplaced_certificates) {
    EXPECT_EQ(set_key(certificate_), "6986");
    ASSERT_EQ(card_.run(select_jpki), "9000");
    ASSERT_EQ(card_.run("00a4020c020018"), "9000");
    EXPECT_EQ(set_key(certificate_), "6981");
    enter();
    EXPECT_EQ(card_.run("80a200c1000100" + std::string(512, '0')), "6700");
    for (const std::string_view p1p2 : {"0000", "00ae", "8000", "00b6"}) {
        EXPECT_EQ(card_.run("80a2" + std::string(p1p2) + "01aa"), "6a86") << p1p2;
    }
    EXPECT_EQ(set_key(ByteVector(cv_terminal_certificate_bytes)), "6a80");
    auto forged = certificate_;
    forged.back() ^= 1U;
    EXPECT_EQ(set_key(forged), "6982");
    const auto other = issue_cv_certificate({}, pki::fixture_keys().key(8), {}, pki::fixture_keys().public_key(15),
                                            CvPurpose::terminal);
    EXPECT_EQ(set_key(*other), "6982");
    EXPECT_EQ(card_.run(sign_), "6982");
}

TEST_F(TerminalAuthentication, refuses_another_key_and_a_challenge_twice) {
    enter();
    EXPECT_EQ(authenticate(15), "6985");  // no certificate yet
    EXPECT_EQ(set_key(certificate_), "9000");
    EXPECT_EQ(authenticate(14), "6300");
    EXPECT_EQ(card_.run(sign_), "6982");
    const auto challenge = data_of(card_.run("0084000010"));
    EXPECT_EQ(authenticate_over(15, challenge), "9000");
    EXPECT_EQ(authenticate_over(15, challenge), "6985");
    EXPECT_EQ(card_.run("008400000f").substr(30), "9000");
    EXPECT_EQ(authenticate_over(15, challenge), "6985");  // 15 bytes are too few
    EXPECT_EQ(card_.run("00820097"
                        "01aa"),
              "6a86");
    EXPECT_EQ(card_.run("00820096"), "6700");
}

TEST_F(TerminalAuthentication, of_a_new_terminal_ends_the_old_ones) {
    enter();
    EXPECT_EQ(set_key(certificate_), "9000");
    EXPECT_EQ(authenticate(15), "9000");
    EXPECT_EQ(set_key(ByteVector(cv_terminal_certificate_bytes)), "6a80");
    EXPECT_EQ(card_.run(sign_), "6982");
}

TEST(VirtualCardP384, our_stand_in_signs_a_sha384_digest) {
    auto order = fixture_order();
    order.generation = CardGeneration::p384_stand_in;
    FixtureCard card(order);
    const std::string digest(96, '7');
    expect_turns(card, {{select_jpki, "9000"},
                        {"802a009730" + digest + "00", "6982"},
                        {"0020009804"
                         "31323334",
                         "9000"},
                        {"802a009730" + digest + "00", "*9000"},
                        {"802a00972f" + digest.substr(2) + "00", "6700"},
                        {"802a029730" + digest + "00", "6a86"}});
}

TEST(VirtualCard, answers_any_bytes_with_a_status_word) {
    FixtureCard card;
    const auto held = rc::check([&card] {
        const auto bytes = *rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>());
        const auto answer = card.card().transmit(bytes);
        RC_ASSERT(answer.size() >= 2);
        RC_ASSERT(answer.size() <= answer_bytes_max);
    });
    EXPECT_TRUE(held);
}

}  // namespace onshi::smartcard::virtual_card_test
