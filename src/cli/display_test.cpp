#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "cli/display_width.h"
#include "cli/instants.h"
#include "cli/progress.h"

namespace onshi::cli {
namespace {

TEST(DisplayWidth, counts_columns_and_not_bytes) {
    const std::pair<std::string_view, std::size_t> cases[] = {
        {"", 0},
        {"abc", 3},
        {"有効", 4},
        {"髙橋 美咲", 9},
        {"ﾀｶﾊｼ", 4},          // half-width kana
        {"ＡＢ", 4},          // full-width letters
        {"葛\U000E0100", 2},  // a variation selector takes no column
        {"か\u3099", 2},      // a combining voiced mark
        {"✔ x", 3},
        {"\xFFz", 2},  // a byte that is not UTF-8
    };
    for (const auto& [text, width] : cases) EXPECT_EQ(display_width(text), width) << text;
}

TEST(DisplayWidth, padding_and_columns_line_up_whatever_the_script) {
    EXPECT_EQ(padded("有効", 6), "有効  ");
    EXPECT_EQ(padded("有効", 3), "有効");
    EXPECT_EQ(beside("有効", "右", 8), "有効    右");
    EXPECT_EQ(beside("有効", "右", 5), "有効   右");
    EXPECT_EQ(beside("有効", "", 8), "有効");
}

TEST(DisplayWidth, cutting_never_splits_a_character_and_never_exceeds_the_width) {
    EXPECT_EQ(cut_to_width("有効です", 8), "有効です");
    EXPECT_EQ(cut_to_width("有効です", 7), "有効で…");
    EXPECT_EQ(cut_to_width("有効です", 6), "有効…");
    EXPECT_EQ(cut_to_width("有効です", 0), "");
    rc::check("what is cut fits", [](const std::string& text, std::uint8_t width) {
        RC_ASSERT(display_width(cut_to_width(text, width)) <= width);
    });
}

TEST(Progress, a_bar_shows_share_rate_and_time_left_and_fits_its_width) {
    const ProgressState state{"cards", 5'000, 10'000, std::chrono::milliseconds(2'000)};
    EXPECT_EQ(progress_bar(state, 48), "cards  ███████░░░░░░░░   50 %  2,500/s  2 s left");
    EXPECT_EQ(progress_line(state), "cards: 5,000 of 10,000 (50 %), 2,500/s, 2 s left");
    EXPECT_EQ(progress_json(state), R"({"progress":{"stage":"cards","done":5000,"total":10000}})");
    for (std::size_t width = 0; width < 100; ++width) EXPECT_LE(display_width(progress_bar(state, width)), width);
}

TEST(Progress, promises_no_time_before_it_can_know) {
    EXPECT_EQ(progress_line({"cards", 5, 0, std::chrono::milliseconds(0)}), "cards: 5");
    EXPECT_EQ(progress_line({"cards", 5, 10, std::chrono::milliseconds(500)}), "cards: 5 of 10 (50 %), 10/s");
    EXPECT_EQ(progress_line({"カード", 1, 1000, std::chrono::milliseconds(1'000)}),
              "カード: 1 of 1,000 (0 %), 1/s, 17 min left");
}

TEST(Instants, are_read_as_the_hub_writes_them_and_shown_in_japan) {
    const auto at = parse_rfc3339("2026-11-22T15:00:02.123456Z");
    ASSERT_TRUE(at);
    EXPECT_EQ(japan_time(*at), "00:00:02");
    EXPECT_EQ(japan_date_time(*at), "2026-11-23T00:00:02+09:00");
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z")->us, 1'000'000);
    EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.5Z")->us, 500'000);
    for (const char* text : {"", "2026-11-22", "2026-11-22T15:00:02", "2026-11-22T24:00:00Z", "2026-02-30T00:00:00Z",
                             "2026-11-22T15:00:02.Z", "2026-11-22T15:00:02.1234567Z", "2026-11-22T15:00:02+09:00"}) {
        EXPECT_FALSE(parse_rfc3339(text)) << text;
    }
}

}  // namespace
}  // namespace onshi::cli
