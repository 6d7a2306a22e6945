#include "platform/pdf/document.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>

namespace onshi::pdf::document_test {

class Pdf : public testing::Test {
  protected:
    Pdf() {
        std::string name = std::filesystem::temp_directory_path() / "onshi-pdf-XXXXXX";
        folder_ = mkdtemp(name.data());
        path_ = folder_ / "paper.pdf";
    }
    ~Pdf() override { std::filesystem::remove_all(folder_); }

    // What another program says of the file.
    static std::string output(const std::string& command) {
        std::string all;
        FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
        std::array<char, 4096> room;
        for (std::size_t got = 0; (got = std::fread(room.data(), 1, room.size(), pipe)) > 0;) {
            all.append(room.data(), got);
        }
        ::pclose(pipe);
        return all;
    }
    static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

    std::filesystem::path folder_;
    std::string path_;
};

TEST_F(Pdf, what_is_drawn_is_found_again_by_another_program) {
    auto document = Document::create(path_, {.title = "資格確認書"});
    ASSERT_TRUE(document) << document.error().detail;
    document->begin_page(148, 100);
    // 髙, 𠮷 (four bytes), a variation sequence (葛󠄀), half-width kana, a long vowel.
    const std::string names = "髙橋 𠮷田 葛󠄀城 ﾀｶﾊｼ サトー";
    document->text({10, 10, 128, 10}, names, {.points = 12, .part = Part::heading});
    document->frame({5, 5, 138, 90});
    document->begin_page(210, 297);
    document->text({10, 10, 100, 10}, "二枚目", {});
    EXPECT_EQ(document->pages(), 2U);
    ASSERT_TRUE(document->finish());
    const std::string text = output("pdftotext -enc UTF-8 " + path_ + " -");
    for (const char* part : {"髙橋", "𠮷田", "葛", "城", "サトー", "二枚目"})
        EXPECT_TRUE(has(text, part)) << part << text;
    const std::string about = output("pdfinfo -f 1 -l 2 " + path_);
    for (const char* part : {"Title:           資格確認書", "Tagged:          yes", "Pages:           2",
                             "Page    1 size:  419.5", "Page    2 size:  595.2"}) {
        EXPECT_TRUE(has(about, part)) << part << "\n" << about;
    }
    EXPECT_TRUE(has(output("pdffonts " + path_), "NotoSansCJK"));
    const std::string trailer = output("qpdf --show-object=$(qpdf --show-object=trailer " + path_ +
                                       " | sed 's/.*Root \\([0-9]*\\) 0 R.*/\\1/') " + path_);
    EXPECT_TRUE(has(trailer, "/Lang (ja-JP)")) << trailer;
    EXPECT_TRUE(has(trailer, "/DisplayDocTitle true")) << trailer;
    EXPECT_TRUE(has(output("qpdf --check " + path_), "No syntax or stream encoding errors"));
    EXPECT_EQ(std::filesystem::status(path_).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Pdf, text_becomes_smaller_until_it_fits_and_not_smaller_than_half) {
    auto document = Document::create(path_, {.title = "t"});
    ASSERT_TRUE(document);
    document->begin_page(100, 100);
    EXPECT_DOUBLE_EQ(document->text({0, 0, 50, 20}, "短い", {.points = 10}), 10);
    std::string longer;
    for (int i = 0; i < 30; ++i) longer += "長い名前";
    const double fitted = document->text({0, 0, 50, 30}, longer, {.points = 10});
    EXPECT_LT(fitted, 10);
    EXPECT_GE(fitted, 5);
    EXPECT_GE(document->text({0, 0, 10, 1}, longer, {.points = 10}), 5);
}

TEST_F(Pdf, nothing_appears_before_it_is_whole_and_nothing_is_left_behind) {
    {
        auto document = Document::create(path_, {.title = "t"});
        ASSERT_TRUE(document);
        document->begin_page(100, 100);
        EXPECT_FALSE(std::filesystem::exists(path_));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
    EXPECT_EQ(Document::create("/nonexistent/paper.pdf", {.title = "t"}).error().code, ErrorCode::file_unwritable);
}

}  // namespace onshi::pdf::document_test
