#include "cli/render_answer.h"

#include <array>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/date.h"
#include "cli/display_width.h"
#include "cli/instants.h"
#include "platform/text_formats/json_view.h"

namespace onshi::cli {

namespace {

constexpr std::size_t receipt_column = 55;
constexpr std::size_t freshness_column = 42;

constexpr std::string_view answer_schema = "onshi.eligibility/1";

// 適用区分, domain-rules §1.5.
constexpr std::array limit_names{
    std::pair<std::string_view, std::string_view>{"A01", "ア"},
    std::pair<std::string_view, std::string_view>{"A02", "イ"},
    std::pair<std::string_view, std::string_view>{"A03", "ウ"},
    std::pair<std::string_view, std::string_view>{"A04", "エ"},
    std::pair<std::string_view, std::string_view>{"A05", "オ"},
    std::pair<std::string_view, std::string_view>{"A06", "オ(境)"},
    std::pair<std::string_view, std::string_view>{"B01", "現役並みⅢ"},
    std::pair<std::string_view, std::string_view>{"B02", "現役並みⅡ"},
    std::pair<std::string_view, std::string_view>{"B03", "現役並みⅠ"},
    std::pair<std::string_view, std::string_view>{"B04", "一般"},
    std::pair<std::string_view, std::string_view>{"B05", "低所得Ⅱ"},
    std::pair<std::string_view, std::string_view>{"B06", "低所得Ⅰ"},
    std::pair<std::string_view, std::string_view>{"B07", "低所得Ⅰ(老福)"},
    std::pair<std::string_view, std::string_view>{"B08", "低所得Ⅰ(境)"},
    std::pair<std::string_view, std::string_view>{"B09", "一般Ⅱ"},
    std::pair<std::string_view, std::string_view>{"B10", "一般Ⅰ"},
};

// A category that this program does not know yet is shown by its code: the list grows with the law.
std::string limit_text(const Console& console, std::string_view code) {
    std::string_view category = code;
    for (const auto& [known, name] : limit_names) {
        if (known == code) category = name;
    }
    return console.label("label.limit", {{"category", category}});
}

Result<JsonView> parse_answer(std::string_view body) {
    auto document = JsonView::parse(body);
    if (!document) return document;
    if (document->root().text("schema") != answer_schema) return fail(ErrorCode::peer_protocol, "not an answer");
    return document;
}

Mark mark_of(std::int64_t code) {
    if (code == 1) return Mark::good;
    return code == 4 || code == 5 ? Mark::attention : Mark::bad;
}

std::string verdict_line(const Console& console, const JsonItem& answer) {
    const auto result = answer.object("result");
    const auto code = result.integer("code").value_or(0);
    const std::string key = "label.verdict_" + std::string(result.text("name"));
    const std::string sign = code == 1 ? "✔ " : (code == 4 || code == 5 ? "● " : "✘ ");
    const std::string verdict = sign + console.label(key, {{"day", answer.text("care_day")}});
    const std::string receipt = console.label("label.receipt") + " " + std::string(answer.text("receipt"));
    // Padded before colours come in: they take no columns.
    const std::string line = beside(verdict, receipt, receipt_column);
    return console.marked(mark_of(code), line.substr(0, verdict.size())) + line.substr(verdict.size());
}

std::string person_line(const Console& console, const JsonItem& person) {
    std::string line = "  " + std::string(person.text("name"));
    if (!person.text("kana").empty()) line += fmt::format(" ({})", person.text("kana"));
    line += "  " + std::string(person.text("birth_date"));
    const auto age = person.integer("age");
    if (age) line += ", " + console.label("label.age", {{"age", fmt::format("{}", *age)}});
    return line;
}

void add_labelled(const Console& console, std::string& line, const char* label, std::string_view value,
                  std::string_view gap) {
    if (value.empty()) return;
    line += fmt::format("{}{} {}", gap, console.label(label), value);
}

std::string insurer_line(const Console& console, const JsonItem& coverage) {
    const auto insurer = coverage.object("insurer");
    std::string line = "  ";
    if (!insurer.text("name").empty()) line += std::string(insurer.text("name")) + " ";
    line += insurer.text("number");
    const bool symbol = !coverage.text("symbol").empty();
    add_labelled(console, line, "label.symbol", coverage.text("symbol"), "   ");
    add_labelled(console, line, "label.number", coverage.text("number"), symbol ? "  " : "   ");
    add_labelled(console, line, "label.branch", coverage.text("branch"), "  ");
    add_labelled(console, line, "label.since", coverage.text("acquired_on"), "   ");
    add_labelled(console, line, "label.until", coverage.text("valid_to"), "  ");
    return line;
}

std::string freshness_text(const Console& console, const JsonItem& freshness) {
    const auto as_of = parse_rfc3339(freshness.text("as_of"));
    const std::string time = as_of ? japan_time(*as_of) : std::string(freshness.text("as_of"));
    const auto file_day = freshness.text("insurer_file_of");
    if (file_day.empty()) return console.label("label.as_known_now", {{"time", time}});
    return console.label("label.as_known", {{"time", time}, {"file_day", file_day}});
}

std::string pay_line(const Console& console, const JsonItem& answer, bool valid) {
    const auto coverage = answer.object("coverage");
    std::string line = "  ";
    const auto copay = coverage.integer("copay_percent");
    // What a person pays follows from coverage that counts on the day, and from no other.
    if (valid && copay) line += fmt::format("{} %", *copay);
    if (valid && !coverage.text("limit_category").empty()) {
        if (copay) line += "   ";
        line += limit_text(console, coverage.text("limit_category"));
    }
    const std::string freshness = freshness_text(console, answer.object("freshness"));
    return line.size() == 2 ? line + freshness : beside(line, freshness, freshness_column);
}

// What the sentences of an answer speak of: the parameters that came with a note, and what the answer itself says.
std::string fill(const Console& console, const JsonItem& answer, std::string_view code, Audience audience,
                 const JsonItem& own = {}) {
    const auto coverage = answer.object("coverage");
    const auto insurer = coverage.object("insurer");
    const std::string_view name = insurer.text("name").empty() ? insurer.text("number") : insurer.text("name");
    const std::string no_phone = console.label("label.no_phone");
    const std::string_view phone = insurer.text("phone").empty() ? std::string_view(no_phone) : insurer.text("phone");
    std::string text = console.sentence(
        code, audience, {{"last_day", coverage.text("valid_to")}, {"insurer_name", name}, {"insurer_phone", phone}});
    for (const auto& [key, value] : own.texts()) text = fill_text(text, {{key, value}});
    return text;
}

void add_next(const Console& console, const JsonItem& answer, std::vector<std::string>& lines) {
    bool first = true;
    const std::string label = "  " + console.label("label.next") + ": ";
    for (const auto& step : answer.objects("next")) {
        if (step.text("audience") != "clerk") continue;
        const std::string indent = first ? label : std::string(display_width(label), ' ');
        lines.push_back(indent + fill(console, answer, step.text("code"), Audience::clerk));
        first = false;
    }
}

// What a kiosk would offer, and that a limit is kept back, which is not the same as none.
void add_entitlements(const Console& console, const JsonItem& answer, std::vector<std::string>& lines) {
    if (answer.object("coverage").text("limit_category_state") == "not_shown") {
        lines.push_back("  " + console.label("label.limit_not_shown"));
    }
    if (answer.object("coverage").boolean("half_limit").value_or(false))
        lines.push_back("  " + console.label("label.half_limit"));
    const auto subsidies = answer.object("subsidies");
    std::string names;
    for (const auto& offer : subsidies.objects("offered")) {
        if (!names.empty()) names += ", ";
        names += offer.text("name");
    }
    if (!names.empty()) lines.push_back("  " + console.label("label.subsidies") + ": " + names);
    if (subsidies.text("state") == "unknown") lines.push_back("  " + console.label("label.subsidies_unknown"));
}

std::vector<std::string> render(const Console& console, const JsonItem& answer) {
    const bool valid = answer.object("result").integer("code") == 1;
    std::vector<std::string> lines{verdict_line(console, answer)};
    if (answer.object("person").exists()) lines.push_back(person_line(console, answer.object("person")));
    if (answer.object("coverage").exists()) lines.push_back(insurer_line(console, answer.object("coverage")));
    for (const auto& overlap : answer.objects("overlaps")) {
        lines.push_back("  " + console.label("label.overlap") + ":" + insurer_line(console, overlap).substr(1));
    }
    lines.push_back(pay_line(console, answer, valid));
    if (valid) add_entitlements(console, answer, lines);
    const auto cause = answer.object("result").text("cause");
    if (!cause.empty()) {
        lines.push_back("  " + console.label("label.because") + ": " + fill(console, answer, cause, Audience::clerk));
    }
    for (const auto& note : answer.objects("notes")) {
        lines.push_back("  " + console.label("label.note") + ": " +
                        fill(console, answer, note.text("code"), Audience::clerk, note.object("parameters")));
    }
    add_next(console, answer, lines);
    return lines;
}

}  // namespace

Result<std::vector<std::string>> render_answer(const Console& console, std::string_view body) {
    auto document = parse_answer(body);
    if (!document) return fail(std::move(document));
    return render(console, document->root());
}

Result<Exit> exit_of_answer(std::string_view body) {
    auto document = parse_answer(body);
    if (!document) return fail(std::move(document));
    const auto code = document->root().object("result").integer("code");
    if (!code || *code < 1 || *code > 5) return fail(ErrorCode::peer_protocol, "result.code");
    if (*code == 4) return Exit::not_found;
    return *code == 5 ? Exit::conflict : Exit::done;
}

Result<bool> offers_registration(std::string_view body) {
    auto document = parse_answer(body);
    if (!document) return fail(std::move(document));
    for (const auto& step : document->root().objects("next")) {
        if (step.text("code") == "next.register_card") return true;
    }
    return false;
}

Result<std::string> next_challenge(std::string_view body) {
    auto document = parse_answer(body);
    if (!document) return fail(std::move(document));
    return std::string(document->root().object("next_challenge").text("challenge"));
}

}  // namespace onshi::cli
