// Every message of tests/vectors/oqs, read and written again.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"

namespace onshi::oqs::golden_test {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<fs::path> vectors(std::string_view kind) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(fs::path(ONSHI_SOURCE_DIR) / "tests/vectors/oqs")) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".xml") && name.substr(10, 3) == kind) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

Message message_of(const fs::path& file) {
    return message_of_prefix(file.filename().string().substr(0, 10)).value();
}

TEST(Golden, there_is_a_request_and_a_result_of_every_message) {
    for (const auto* kind : {"req", "res"}) {
        std::set<Message> seen;
        for (const auto& file : vectors(kind)) seen.insert(message_of(file));
        EXPECT_EQ(seen.size(), message_count) << kind;
    }
}

TEST(Golden, results_are_written_as_they_were_read) {
    for (const auto& file : vectors("res")) {
        const std::string bytes = bytes_of(file);
        const auto document = read_document(bytes);
        ASSERT_TRUE(document) << file;
        const Layout layout = layout_of(message_of(file));
        const auto result = read_result(layout, document->root);
        ASSERT_TRUE(result) << file;
        const bool real_order = file.filename().string().find("090512") != std::string::npos;
        const auto order = real_order ? ElementOrder::hash_map : ElementOrder::documented;
        const auto written = write_document(result_element(layout, *result), document->encoding, order);
        ASSERT_TRUE(written) << file;
        EXPECT_EQ(written->bytes, bytes) << file;
        EXPECT_EQ(written->substitutions, 0U);
    }
}

TEST(Golden, requests_are_read_and_written_again) {
    for (const auto& file : vectors("req")) {
        const std::string bytes = bytes_of(file);
        const auto name = parse_request_name(file.filename().string());
        ASSERT_TRUE(name) << file;
        const auto document = read_document(bytes);
        ASSERT_TRUE(document) << file;
        auto request = read_request(name->message, document->root);
        ASSERT_TRUE(request) << file;
        EXPECT_EQ(request->institution_code, "1319999999");
        for (const bool with_echo : {true, false}) {
            // Without its echo a person is written from the values.
            if (!with_echo) {
                for (auto& person : request->persons) person.echo = Element();
                for (auto& reference : request->references) reference.echo = Element();
            }
            const auto written =
                write_document(request_element(*request), document->encoding, ElementOrder::documented);
            ASSERT_TRUE(written) << file;
            EXPECT_EQ(written->bytes, bytes) << file;
        }
    }
}

TEST(Golden, values_of_a_result_stand_in_their_fields) {
    const fs::path folder = fs::path(ONSHI_SOURCE_DIR) / "tests/vectors/oqs";
    const auto document = read_document(bytes_of(folder / "OQSsiquc01res_diseases.xml"));
    ASSERT_TRUE(document);
    const auto result = read_result(Layout::eligibility, document->root);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->units.size(), 1U);
    const Unit& unit = result->units[0];
    EXPECT_EQ(unit.outcome, (Outcome{"1", "", "", "1"}));
    ASSERT_EQ(unit.records.size(), 1U);
    const PersonRecord& record = unit.records[0];
    EXPECT_EQ(record.insurer_number, "  139998");
    EXPECT_EQ(record.kana, "ﾐﾎﾝ ｲﾁﾛｳ");
    EXPECT_EQ(record.elderly.ratio, "020");
    EXPECT_EQ(record.limit.category, "B05");
    ASSERT_EQ(record.diseases.size(), 1U);
    EXPECT_EQ(record.diseases[0].self_pay, "10000");
    EXPECT_EQ(record.reference_number, "42");
}

}  // namespace onshi::oqs::golden_test
