#include "exchange/papers/member_papers.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

namespace onshi::papers {

namespace {

using pdf::Align;
using pdf::Box;
using pdf::Document;
using pdf::Part;
using pdf::Weight;

constexpr double postcard_width = 148;
constexpr double postcard_height = 100;
constexpr double a4_width = 210;
constexpr double a4_height = 297;

std::string day(Date date) {
    return to_era_text(date).value_or(to_iso(date));
}

std::string_view sex_word(Sex sex) {
    if (sex == Sex::male) return "男";
    return sex == Sex::female ? "女" : "";
}

// 法令の様式に並ぶ順: 記号・番号・枝番、氏名、性別、生年月日、資格取得、負担割合、発行、有効期限、保険者。
std::vector<std::pair<std::string_view, std::string>> lines_of(const MemberPaper& paper) {
    const coverage::Coverage& coverage = paper.coverage;
    std::string number = coverage.symbol.empty() ? fmt::format("番号 {}", coverage.number)
                                                 : fmt::format("記号 {}　番号 {}", coverage.symbol, coverage.number);
    if (coverage.branch) number += fmt::format("　(枝番) {:02}", coverage.branch->value());
    std::vector<std::pair<std::string_view, std::string>> lines{
        {"記号・番号", std::move(number)},
        {"氏名",
         paper.person.kana.empty() ? paper.person.name : fmt::format("{}（{}）", paper.person.name, paper.person.kana)},
        {"性別・生年月日", fmt::format("{}　{}", sex_word(paper.person.sex), day(paper.person.birth))},
        {"区分", coverage.relation == coverage::Relation::insured ? "被保険者（本人）" : "被扶養者（家族）"},
        {"資格取得年月日", day(coverage.acquired_on)}};
    if (coverage.copay_percent)
        lines.emplace_back("一部負担金の割合", fmt::format("{} 割", *coverage.copay_percent / 10));
    lines.emplace_back("保険者番号・名称", fmt::format("{}　{}", coverage.insurer.issued(), paper.issuer.name));
    lines.emplace_back("保険者の電話", paper.issuer.phone);
    return lines;
}

struct Grid {
    double x;
    double y;
    double label_width;
    double value_width;
    double row_height;
    double points;
};

double draw_lines(Document& document, const MemberPaper& paper, const Grid& grid) {
    double y = grid.y;
    for (const auto& [label, value] : lines_of(paper)) {
        document.text({grid.x, y, grid.label_width, grid.row_height}, label,
                      {.points = grid.points * 0.8, .part = Part::label});
        document.text({grid.x + grid.label_width, y, grid.value_width, grid.row_height}, value,
                      {.points = grid.points});
        y += grid.row_height;
        document.line(grid.x, y - 1, grid.x + grid.label_width + grid.value_width, y - 1, 0.3);
    }
    return y;
}

}  // namespace

void draw_certificate(Document& document, const MemberPaper& paper) {
    document.begin_page(postcard_width, postcard_height);
    document.frame({5, 5, postcard_width - 10, postcard_height - 10}, 0.8);
    document.text({10, 8, postcard_width - 20, 9}, "健康保険 資格確認書",
                  {.points = 15, .weight = Weight::bold, .align = Align::centre, .part = Part::heading});
    const double y = draw_lines(document, paper, {10, 19, 34, 94, 7.6, 10});
    document.text({10, y + 1, 64, 7}, fmt::format("交付　{}", day(paper.issued_on)), {.points = 9});
    document.text({74, y + 1, 64, 7}, fmt::format("有効期限　{}", day(paper.valid_to)),
                  {.points = 10, .weight = Weight::bold, .align = Align::right});
}

void draw_notice(Document& document, const MemberPaper& paper) {
    document.begin_page(a4_width, a4_height);
    document.text({20, 22, a4_width - 40, 12}, "資格情報のお知らせ",
                  {.points = 20, .weight = Weight::bold, .align = Align::centre, .part = Part::heading});
    document.text({20, 40, a4_width - 40, 8}, day(paper.issued_on), {.points = 11, .align = Align::right});
    document.text({20, 52, a4_width - 40, 16},
                  "あなたの医療保険の資格情報は、次のとおり登録されています。内容に誤りがあるときは、下記の保険者へご連"
                  "絡ください。",
                  {.points = 11});
    const double y = draw_lines(document, paper, {25, 76, 45, 115, 11, 12});
    document.frame({20, y + 6, a4_width - 40, 30});
    document.text({25, y + 9, a4_width - 50, 24},
                  "このお知らせだけでは受診できません。カードリーダーが使えないときなどに、マイナンバーカードと一緒に窓"
                  "口でお見せください。",
                  {.points = 12, .weight = Weight::bold});
}

}  // namespace onshi::papers
