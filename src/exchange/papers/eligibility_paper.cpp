#include "exchange/papers/eligibility_paper.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace onshi::papers {

namespace {

using pdf::Align;
using pdf::Part;
using pdf::Weight;

constexpr double a4_width = 210;
constexpr double a4_height = 297;
constexpr double margin = 20;
constexpr double inner = a4_width - 2 * margin;

using Lines = std::vector<std::pair<std::string_view, std::string>>;

std::string day(Date date) {
    return to_era_text(date).value_or(to_iso(date));
}

Lines lines_of(const capsule::Capsule& capsule) {
    std::string number = capsule.symbol.empty() ? fmt::format("番号 {}", capsule.number)
                                                : fmt::format("記号 {}　番号 {}", capsule.symbol, capsule.number);
    if (!capsule.branch.empty()) number += fmt::format("　(枝番) {}", capsule.branch);
    Lines lines{{"氏名", capsule.kana.empty() ? capsule.name : fmt::format("{}（{}）", capsule.name, capsule.kana)},
                {"生年月日", day(capsule.birth)},
                {"保険者番号", capsule.insurer_number},
                {"記号・番号", std::move(number)}};
    if (capsule.copay_percent)
        lines.emplace_back("一部負担金の割合", fmt::format("{} 割", *capsule.copay_percent / 10));
    if (!capsule.limit_category.empty()) lines.emplace_back("限度額の適用区分", capsule.limit_category);
    if (capsule.valid_to) lines.emplace_back("資格の有効期限", day(*capsule.valid_to));
    lines.emplace_back("発行", day(japan_day(capsule.issued_at)));
    // The last day on which it counts: the moment itself is the first at which it does not.
    lines.emplace_back("この書面の有効期限", day(japan_day(capsule.expires_at - std::chrono::microseconds(1))));
    return lines;
}

double draw_rows(pdf::Document& document, const Lines& lines, double y, double height) {
    for (const auto& [label, value] : lines) {
        document.text({margin + 4, y, 45, height}, label, {.points = 10, .part = Part::label});
        document.text({margin + 50, y, inner - 54, height}, value, {.points = 12});
        y += height;
        document.line(margin, y - 1.5, margin + inner, y - 1.5, 0.3);
    }
    return y;
}

}  // namespace

Result<void> draw_eligibility(pdf::Document& document, const capsule::Capsule& capsule, const std::string& text) {
    document.begin_page(a4_width, a4_height);
    document.text({margin, 20, inner, 12}, "医療保険の資格情報",
                  {.points = 20, .weight = Weight::bold, .align = Align::centre, .part = Part::heading});
    document.text({margin, 36, inner, 12},
                  "医療機関・薬局で資格の確認ができないときに、マイナンバーカードと一緒に窓口でお見せください。",
                  {.points = 11});
    double y = draw_rows(document, lines_of(capsule), 54, 11);
    y += 6;
    document.text({margin, y, inner, 8}, "窓口で読み取る二次元コード", {.points = 12, .weight = Weight::bold});
    auto drawn = document.qr_code({(a4_width - 80) / 2, y + 8, 80, 80}, text);
    if (!drawn) return drawn;
    document.text({margin, y + 92, inner, 20},
                  "コードには上の内容と発行者の電子署名が入っています。住所や医療の情報は入っていません。カードを停止す"
                  "ると、このコードは使えなくなります。",
                  {.points = 10});
    return {};
}

void draw_declaration(pdf::Document& document, const Declaration& declaration) {
    document.begin_page(a4_width, a4_height);
    document.text({margin, 18, inner, 12}, "被保険者資格申立書",
                  {.points = 20, .weight = Weight::bold, .align = Align::centre, .part = Part::heading});
    document.text({margin, 33, inner, 16},
                  "有効な保険証またはマイナンバーカードによる資格確認ができなかったため、次のとおり申し立てます。わかる"
                  "範囲で記入してください。",
                  {.points = 11});
    document.text({margin, 51, inner, 7}, "１　資格確認ができなかった理由", {.points = 12, .weight = Weight::bold});
    document.text(
        {margin + 4, 59, inner - 4, 16},
        "□ カードの不具合・期限切れ　　□ 機器・回線の不具合、停電　　□ 資格の変更中で結果が出ない　　□ その他（"
        "　　　　　　　　　　　　）",
        {.points = 11});
    document.text({margin, 78, inner, 7}, "２　有効なカード・保険の資格", {.points = 12, .weight = Weight::bold});
    document.text({margin + 4, 86, inner - 4, 8}, "□ あります　　　　□ ありません　　　　□ わかりません",
                  {.points = 11});
    document.text({margin, 98, inner, 7}, "３　保険について", {.points = 12, .weight = Weight::bold});
    double y = draw_rows(document,
                         {{"保険の種類", "□ 社保　□ 国保　□ 後期高齢者医療　□ その他（　　　　　　）"},
                          {"保険者の名称", ""},
                          {"事業所の名称", ""},
                          {"加入した時期", "　　　　　年　　　月ごろ"},
                          {"一部負担金の割合", "□ １割　　□ ２割　　□ ３割　　□ わかりません"}},
                         107, 11);
    document.text({margin, y + 4, inner, 7}, "４　申し立てる人（患者）", {.points = 12, .weight = Weight::bold});
    y = draw_rows(document,
                  {{"氏名（カナ）", declaration.kana},
                   {"氏名", declaration.name},
                   {"生年月日", declaration.birth},
                   {"性別", declaration.sex},
                   {"住所", declaration.address},
                   {"電話番号", ""}},
                  y + 13, 11);
    document.text(
        {margin, y + 6, inner, 14},
        "申し立てた内容が事実と異なるときは、医療費を後日お支払いいただくことがあります。資格は、あとから医療機"
        "関などが確認します。",
        {.points = 10});
    document.text({margin, y + 22, inner / 2, 8}, day(declaration.day), {.points = 12});
    document.text({margin + inner / 2, y + 22, inner / 2, 8}, "署名　　　　　　　　　　　　　　", {.points = 12});
    document.line(margin + inner / 2, y + 31, margin + inner, y + 31, 0.5);
    document.text({margin, y + 36, inner, 8}, fmt::format("医療機関等コード　{}", declaration.facility),
                  {.points = 10});
}

}  // namespace onshi::papers
