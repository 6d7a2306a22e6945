#include "synth/places.h"

#include <array>

namespace onshi::synth {

namespace {

constexpr auto prefecture_table = std::to_array<Prefecture>({
    {"北海道", "北海道", 5090, 179, 6},  {"青森県", "青森", 1180, 40, 2},     {"岩手県", "岩手", 1160, 33, 2},
    {"宮城県", "宮城", 2260, 35, 3},     {"秋田県", "秋田", 910, 25, 2},      {"山形県", "山形", 1020, 35, 2},
    {"福島県", "福島", 1760, 59, 3},     {"茨城県", "茨城", 2820, 44, 3},     {"栃木県", "栃木", 1890, 25, 3},
    {"群馬県", "群馬", 1900, 35, 3},     {"埼玉県", "埼玉", 7330, 63, 8},     {"千葉県", "千葉", 6260, 54, 7},
    {"東京都", "東京", 14090, 62, 14},   {"神奈川県", "神奈川", 9220, 33, 9}, {"新潟県", "新潟", 2120, 30, 3},
    {"富山県", "富山", 1000, 15, 2},     {"石川県", "石川", 1100, 19, 2},     {"福井県", "福井", 740, 17, 2},
    {"山梨県", "山梨", 790, 27, 2},      {"長野県", "長野", 2000, 77, 3},     {"岐阜県", "岐阜", 1930, 42, 3},
    {"静岡県", "静岡", 3550, 35, 4},     {"愛知県", "愛知", 7470, 54, 8},     {"三重県", "三重", 1720, 29, 2},
    {"滋賀県", "滋賀", 1400, 19, 2},     {"京都府", "京都", 2530, 26, 3},     {"大阪府", "大阪", 8760, 43, 9},
    {"兵庫県", "兵庫", 5360, 41, 6},     {"奈良県", "奈良", 1290, 39, 2},     {"和歌山県", "和歌山", 890, 30, 2},
    {"鳥取県", "鳥取", 530, 19, 1},      {"島根県", "島根", 650, 19, 1},      {"岡山県", "岡山", 1840, 27, 3},
    {"広島県", "広島", 2730, 23, 3},     {"山口県", "山口", 1290, 19, 2},     {"徳島県", "徳島", 690, 24, 2},
    {"香川県", "香川", 920, 17, 2},      {"愛媛県", "愛媛", 1290, 20, 2},     {"高知県", "高知", 660, 34, 2},
    {"福岡県", "福岡", 5100, 60, 6},     {"佐賀県", "佐賀", 790, 20, 2},      {"長崎県", "長崎", 1260, 21, 2},
    {"熊本県", "熊本", 1700, 45, 2},     {"大分県", "大分", 1090, 18, 2},     {"宮崎県", "宮崎", 1040, 26, 2},
    {"鹿児島県", "鹿児島", 1540, 43, 2}, {"沖縄県", "沖縄", 1470, 41, 2},
});
static_assert(prefecture_table.size() == prefecture_count);

constexpr auto beginnings = std::to_array<std::string_view>(
    {"青", "赤", "白", "緑", "金", "銀", "星", "月", "雪", "花", "風", "雲", "霧", "虹", "泉", "光"});
constexpr auto endings = std::to_array<std::string_view>(
    {"原", "川", "山", "沢", "野", "浜", "島", "崎", "田", "森", "丘", "里", "瀬", "谷", "岡", "台"});
constexpr auto towns = std::to_array<std::string_view>(
    {"見本町",   "例示台",   "仮名町",   "夢見が丘", "幻町",     "空想町",   "試作町",   "雛形町",
     "模型町",   "霞見台",   "写し町",   "影法師町", "見立町",   "作り町",   "仮の宿",   "空色町",
     "絵空町",   "鏡町",     "蜃気楼台", "架け橋町", "物語町",   "昔話町",   "童話の森", "見本中央",
     "見本東町", "見本西町", "見本北町", "見本南町", "例示本町", "仮名新田", "字見本",   "大字例示"});
constexpr auto buildings =
    std::to_array<std::string_view>({"見本ハイツ", "架空荘", "メゾン・ド・サンプル", "例示マンション", "コーポ夢見",
                                     "仮名アパート", "グランド架空タワー", "見本団地"});

}  // namespace

std::span<const Prefecture> prefectures() {
    return prefecture_table;
}
std::uint32_t national_population() {
    std::uint32_t sum = 0;
    for (const Prefecture& prefecture : prefecture_table) sum += prefecture.population;
    return sum;
}

std::span<const std::string_view> place_name_beginnings() {
    return beginnings;
}
std::span<const std::string_view> place_name_endings() {
    return endings;
}
std::span<const std::string_view> town_names() {
    return towns;
}
std::span<const std::string_view> building_names() {
    return buildings;
}

}  // namespace onshi::synth
