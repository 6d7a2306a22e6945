#include "cli/synth_lines.h"

#include "platform/text_formats/json_writer.h"
#include "synth/text.h"

namespace onshi::cli {

namespace {

using synth::SyntheticCoverage;
using synth::SyntheticPerson;

template <class Append>
std::string text_of(Append append) {
    std::string text;
    append(text);
    return text;
}

void write_coverage(JsonWriter& writer, const synth::Nation& nation, const SyntheticCoverage& coverage) {
    writer.begin_object();
    writer.member("insurer_number", nation.organisations().insurers()[coverage.insurer].number.issued());
    const auto symbol = text_of([&](std::string& out) { synth::append_symbol(coverage.identity, out); });
    if (!symbol.empty()) writer.member("symbol", symbol);
    writer.member("number", text_of([&](std::string& out) { synth::append_number(coverage.identity, out); }));
    if (coverage.identity.branch) writer.member("branch", coverage.identity.branch->text());
    writer.member("acquired_on", to_iso(coverage.valid.first));
    if (!coverage.valid.is_open_ended()) writer.member("valid_to", to_iso(coverage.valid.last));
    writer.member("known_on", to_iso(coverage.known_on));
    writer.member("copay_percent", static_cast<int>(coverage.copay_percent));
    writer.end_object();
}

}  // namespace

void append_person(const synth::Nation& nation, const SyntheticPerson& person, std::string& out) {
    JsonWriter writer(out);
    writer.begin_object();
    writer.member("index", person.index);
    writer.member("name", text_of([&](std::string& text) { synth::append_name(person.name, text); }));
    const auto kana = text_of([&](std::string& text) { synth::append_kana(person.name, text); });
    if (!kana.empty()) writer.member("kana", kana);
    writer.member("birth_date", to_iso(person.birth_date));
    writer.member("sex", static_cast<int>(person.sex));
    writer.member("address", text_of([&](std::string& text) {
                      synth::append_address(nation.organisations(), person.address, text);
                  }));
    if (person.is_deceased()) writer.member("deceased_on", to_iso(person.deceased_on));
    writer.begin_array("coverages");
    for (const auto& coverage : person.coverages) write_coverage(writer, nation, coverage);
    writer.end_array();
    writer.member("card", person.card.has_value());
    writer.end_object();
    out.push_back('\n');
}

void append_insurer(const synth::SyntheticInsurer& insurer, std::string& out) {
    JsonWriter writer(out);
    writer.begin_object();
    writer.member("number", insurer.number.issued());
    writer.member("name", insurer.name);
    writer.member("phone", text_of([&](std::string& text) { synth::append_insurer_telephone(insurer, text); }));
    writer.end_object();
    out.push_back('\n');
}

void append_fault(const SyntheticPerson& person, const synth::Fault& fault, std::string& out) {
    JsonWriter writer(out);
    writer.begin_object();
    writer.member("person", person.index);
    writer.member("fault", synth::fault_name(fault.kind));
    if (fault.record != synth::no_record) writer.member("record", static_cast<int>(fault.record));
    if (fault.fields != 0) writer.member("fields", static_cast<int>(fault.fields));
    if (fault.day != Date()) writer.member("day", to_iso(fault.day));
    if (fault.days != 0) writer.member("days", fault.days);
    if (fault.other != 0) writer.member("other", fault.other);
    writer.end_object();
    out.push_back('\n');
}

}  // namespace onshi::cli
