#include "cli/render_answer.h"

#include <gtest/gtest.h>

#include "cli/test_surroundings.h"

namespace onshi::cli {
namespace {

constexpr std::string_view eligible =
    R"({"schema":"onshi.eligibility/1","receipt":"7Q4M-2XKD-9","care_day":"2026-11-23",
"result":{"code":1,"name":"valid"},"notes":[],"next":[{"audience":"patient","code":"next.nothing"},
{"audience":"clerk","code":"next.nothing"}],
"person":{"name":"髙橋 美咲","kana":"タカハシ ミサキ","birth_date":"1985-04-12","age":41,"sex":2},
"coverage":{"insurer":{"number":"06139463","name":"架空健康保険組合","phone":"03-0000-0001"},"symbol":"12","number":"3456",
"branch":"01","acquired_on":"2024-04-01","copay_percent":30,"limit_category":"A03","insurer_file_of":"2026-11-22"},
"freshness":{"as_of":"2026-11-23T00:00:02.000001Z","insurer_file_of":"2026-11-22"},
"next_challenge":{"challenge":"abc"},"a_field_of_tomorrow":{"x":[1]}})";

constexpr std::string_view lapsed = R"({"schema":"onshi.eligibility/1","receipt":"7Q4M-2XKD-9","care_day":"2026-11-23",
"result":{"code":2,"name":"invalid","cause":"cause.lapsed"},
"notes":[{"code":"note.certificate_grace","parameters":{"usable_until":"2027-02-28"}}],
"next":[{"audience":"clerk","code":"next.ask_insurer"},{"audience":"clerk","code":"next.declaration"}],
"coverage":{"insurer":{"number":"138057"},"number":"7","acquired_on":"2020-01-01","valid_to":"2026-03-31",
"copay_percent":30},"freshness":{"as_of":"2026-11-23T00:00:02Z","insurer_file_of":"2026-04-02"}})";

constexpr std::string_view unregistered =
    R"({"schema":"onshi.eligibility/1","receipt":"7Q4M-2XKD-9","care_day":"2026-11-23",
"result":{"code":4,"name":"none","cause":"cause.card_not_registered"},"notes":[],
"next":[{"audience":"clerk","code":"next.register_card"}],"freshness":{"as_of":"2026-11-23T00:00:02Z"}})";

std::string rendered(std::string_view body, const char* language) {
    TestSurroundings s;
    s.variables["ONSHI_LANG"] = language;
    const Console console(s.get());
    const auto lines = render_answer(console, body);
    if (!lines) return std::string(error_name(lines.error().code));
    std::string text;
    for (const auto& line : *lines) text += line + "\n";
    return text;
}

TEST(RenderedAnswer, subsidies_and_a_limit_that_is_kept_back) {
    std::string body(eligible);
    const std::string_view category = R"("limit_category":"A03")";
    body.replace(body.find(category), category.size(), R"("limit_category_state":"not_shown")");
    body.replace(
        body.find(R"("freshness")"), 0,
        R"("subsidies":{"state":"unknown","offered":[{"offer":1,"name":"架空助成"},{"offer":2,"name":"架空医療"}]},)");
    const std::string told = rendered(body, "en");
    EXPECT_NE(
        told.find("  limit category: not shown without the patient's consent (--limit-consent)\n"
                  "  subsidies: 架空助成, 架空医療\n"
                  "  subsidies of the municipality: unknown, it is not connected; look at the paper certificate\n"),
        std::string::npos)
        << told;
}

TEST(RenderedAnswer, eligible_in_english) {
    EXPECT_EQ(rendered(eligible, "en"),
              "✔ 有効  eligible on 2026-11-23                         receipt 7Q4M-2XKD-9\n"
              "  髙橋 美咲 (タカハシ ミサキ)  1985-04-12, 41\n"
              "  架空健康保険組合 06139463   symbol 12  number 3456  branch 01   since 2024-04-01\n"
              "  30 %   区分ウ                           as known 09:00:02, insurer file of 2026-11-22\n"
              "  next: nothing to do\n");
}

TEST(RenderedAnswer, eligible_in_japanese) {
    EXPECT_EQ(rendered(eligible, "ja"),
              "✔ 有効  2026-11-23                                     受付番号 7Q4M-2XKD-9\n"
              "  髙橋 美咲 (タカハシ ミサキ)  1985-04-12, 41歳\n"
              "  架空健康保険組合 06139463   記号 12  番号 3456  枝番 01   取得日 2024-04-01\n"
              "  30 %   区分ウ                           09:00:02 現在、保険者データ 2026-11-22\n"
              "  次にすること: 手続きはありません\n");
}

TEST(RenderedAnswer, what_ended_shows_no_share_to_pay_and_fills_its_sentences) {
    EXPECT_EQ(rendered(lapsed, "en"),
              "✘ 無効  not eligible on 2026-11-23                     receipt 7Q4M-2XKD-9\n"
              "  138057   number 7   since 2020-01-01  until 2026-03-31\n"
              "  as known 09:00:02, insurer file of 2026-04-02\n"
              "  because: The last coverage on file ended on 2026-03-31. Ask about a change of job, a move or a new "
              "insurer.\n"
              "  note: The certificate has expired; the card works until 2027-02-28, without medical data.\n"
              "  next: Ask the insurer 138057, no telephone number on file.\n"
              "        If the person says they are insured, take a declaration and collect the normal share, not the "
              "full cost.\n");
}

TEST(RenderedAnswer, an_unregistered_card_says_why_and_what_to_do) {
    EXPECT_EQ(rendered(unregistered, "ja"),
              "● 該当資格なし  2026-11-23                             受付番号 7Q4M-2XKD-9\n"
              "  09:00:02 現在\n"
              "  理由: 健康保険証としての利用登録がありません。\n"
              "  次にすること: カードリーダーで利用登録をご案内ください。登録後は自動で再確認します。\n");
    EXPECT_TRUE(*offers_registration(unregistered));
    EXPECT_FALSE(*offers_registration(eligible));
}

TEST(RenderedAnswer, a_code_of_tomorrow_is_shown_as_it_is) {
    std::string body(eligible);
    body.replace(body.find("A03"), 3, "A13");
    body.replace(body.find("next.nothing\"}]"), 12, "next.rest");
    const std::string text = rendered(body, "en");
    EXPECT_NE(text.find("区分A13"), std::string::npos) << text;
    EXPECT_NE(text.find("next: next.rest"), std::string::npos) << text;
}

TEST(RenderedAnswer, another_body_is_refused) {
    for (const char* body : {"", "[]", "{}", R"({"schema":"onshi.eligibility/2"})", R"({"schema":7})"}) {
        EXPECT_EQ(rendered(body, "en"), "peer.protocol") << body;
    }
}

TEST(RenderedAnswer, tells_scripts_by_exit_code_what_was_found) {
    const std::pair<int, Exit> cases[] = {
        {1, Exit::done}, {2, Exit::done}, {3, Exit::done}, {4, Exit::not_found}, {5, Exit::conflict}};
    for (const auto& [code, exit] : cases) {
        const std::string body = R"({"schema":"onshi.eligibility/1","result":{"code":)" + std::to_string(code) + "}}";
        ASSERT_TRUE(exit_of_answer(body));
        EXPECT_EQ(*exit_of_answer(body), exit);
    }
    EXPECT_FALSE(exit_of_answer(R"({"schema":"onshi.eligibility/1","result":{"code":6}})"));
    EXPECT_EQ(*next_challenge(eligible), "abc");
}

}  // namespace
}  // namespace onshi::cli
