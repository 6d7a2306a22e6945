#include "installation/members_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "exchange/insurer_files/row_parser.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

using synth::SyntheticCoverage;

std::string limit_text(synth::LimitCategory category) {
    const auto value = static_cast<int>(category);
    const auto first_b = static_cast<int>(synth::LimitCategory::b01);
    return value < first_b ? fmt::format("A{:02}", value) : fmt::format("B{:02}", value - first_b + 1);
}

// Another category of the same age group.
synth::LimitCategory other_limit_of(synth::LimitCategory category) {
    return category == synth::LimitCategory::a04   ? synth::LimitCategory::a03
           : category < synth::LimitCategory::b01  ? synth::LimitCategory::a04
           : category == synth::LimitCategory::b05 ? synth::LimitCategory::b06
                                                   : synth::LimitCategory::b05;
}

}  // namespace

std::string MembersFileWriter::header() {
    return insurer_files::full_header();
}

void MembersFileWriter::add(const synth::SyntheticPerson& person, std::size_t record, std::string& out) const {
    row("add", person, record, std::nullopt, false, out);
}

void MembersFileWriter::change(const synth::SyntheticPerson& person, std::size_t record, std::string& out) const {
    row("change", person, record, std::nullopt, true, out);
}

void MembersFileWriter::lose(const synth::SyntheticPerson& person, std::size_t record, Date lost_on,
                             std::string& out) const {
    row("lose", person, record, lost_on, false, out);
}

void MembersFileWriter::row(std::string_view operation, const synth::SyntheticPerson& person, std::size_t record,
                            const std::optional<Date>& lost_on, bool other_limit, std::string& out) const {
    const SyntheticCoverage& told = person.coverages[record];
    std::string text;
    const auto field = [&](auto append) {
        text.clear();
        append(text);
        out.push_back(',');
        insurer_files::append_csv_field(out, text);
    };
    out.append(operation);
    field([&](std::string& t) { t = nation_.organisations().insurers()[told.insurer].number.issued(); });
    field([&](std::string& t) { synth::append_symbol(told.identity, t); });
    field([&](std::string& t) { synth::append_number(told.identity, t); });
    field([&](std::string& t) { t = told.identity.branch ? told.identity.branch->text() : std::string(); });
    field([&](std::string& t) { t = told.relation == synth::Relation::family ? "2" : "1"; });
    field([&](std::string& t) { t = fmt::format("{:012}", nation_.individual_number(told.number_owner)); });
    field([&](std::string& t) { synth::append_sent_name(person, told, t); });
    field([&](std::string& t) { synth::append_sent_kana(person, told, t); });
    field(
        [&](std::string& t) { t = to_iso(told.sent_birth_date == Date() ? person.birth_date : told.sent_birth_date); });
    field([&](std::string& t) { t = sex_code(told.sent_sex == Sex::unset ? person.sex : told.sent_sex); });
    field([&](std::string& t) { synth::append_sent_address(nation_.organisations(), person, told, t); });
    field([&](std::string& t) { t = to_iso(told.valid.first); });
    field([&](std::string& t) {
        if (lost_on) t = to_iso(*lost_on);
    });
    field([&](std::string& t) {
        if (lost_on) t = "99";
    });
    field([&](std::string& t) { t = fmt::format("{}", told.copay_percent); });
    field([&](std::string& t) { t = limit_text(other_limit ? other_limit_of(told.limit) : told.limit); });
    field([&](std::string& t) { t = fmt::format("{:02}", static_cast<int>(told.certificate)); });
    // Employers take up to a week; nobody is notified of what lies ahead.
    field([&](std::string& t) {
        const Date heard = told.valid.first.plus_days(static_cast<int>(person.index % 7));
        if (operation == "add") t = to_iso(std::min(heard, nation_.settings().as_of));
    });
    out.push_back('\n');
}

std::optional<std::size_t> current_record(const synth::Nation& nation, const synth::SyntheticPerson& person) {
    const Date as_of = nation.settings().as_of;
    for (std::size_t i = person.coverages.size(); i-- > 0;) {
        const SyntheticCoverage& told = person.coverages[i];
        if (told.state != synth::CoverageState::cancelled && told.valid.contains(as_of)) return i;
    }
    return std::nullopt;
}

}  // namespace onshi::installation
