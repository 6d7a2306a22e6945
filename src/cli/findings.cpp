#include "cli/findings.h"

#include <algorithm>

#include "cli/display_width.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

std::string to_json(const std::vector<Finding>& findings, bool good) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.findings/1");
    writer.member("ok", good);
    writer.begin_array("checks");
    for (const auto& finding : findings) {
        writer.begin_object();
        writer.member("name", finding.name);
        writer.member("ok", !finding.error.has_value());
        if (!finding.seen.empty()) writer.member("seen", finding.seen);
        if (finding.error) {
            writer.member("code", error_name(finding.error->code));
            writer.member("detail", finding.error->detail);
        }
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return text;
}

void show_text(Console& console, const std::vector<Finding>& findings) {
    std::size_t width = 0;
    for (const auto& finding : findings) width = std::max(width, display_width(finding.name));
    for (const auto& finding : findings) {
        const auto mark = finding.error ? console.marked(Mark::bad, "✘") : console.marked(Mark::good, "✔");
        console.line(mark + " " + padded(finding.name, width) + (finding.seen.empty() ? "" : "  " + finding.seen));
        if (!finding.error) continue;
        const auto code = error_name(finding.error->code);
        console.line("    " + std::string(code) + ": " + finding.error->detail);
        console.line("    " + console.sentence(code, Audience::vendor));
        console.line("    " + console.label("label.hint") + ": " + console.next_step(code));
    }
}

}  // namespace

Exit show_findings(Console& console, const std::vector<Finding>& findings) {
    const auto bad = std::ranges::find_if(findings, [](const Finding& f) { return f.error.has_value(); });
    if (console.json()) {
        console.line(to_json(findings, bad == findings.end()));
    } else {
        show_text(console, findings);
    }
    return bad == findings.end() ? Exit::done : exit_of(bad->error->code);
}

}  // namespace onshi::cli
