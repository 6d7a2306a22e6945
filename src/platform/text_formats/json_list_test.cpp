#include "platform/text_formats/json_list.h"

#include <gtest/gtest.h>

namespace onshi {
namespace {

using Members = std::vector<std::string>;

TEST(JsonList, each_elements_member_is_json_again) {
    EXPECT_EQ(
        json_list_members(R"({"answers":[ {"answer": {"a": 1, "名": "髙"}}, {"problem": {}}, {"answer": 7}, 8 ]})",
                          "answers", "answer"),
        (Members{R"({"a":1,"名":"髙"})", "", "", ""}));
}

TEST(JsonList, another_form_has_no_elements) {
    for (const auto* text : {"", "[]", "{}", R"({"answers":{}})", R"({"answers":[)", "7"}) {
        EXPECT_EQ(json_list_members(text, "answers", "answer"), Members()) << text;
    }
    std::string deep = R"({"answers":[{"answer":)";
    for (int i = 0; i < 40; ++i) deep += R"({"a":)";
    EXPECT_EQ(json_list_members(deep, "answers", "answer"), Members());
}

}  // namespace
}  // namespace onshi
