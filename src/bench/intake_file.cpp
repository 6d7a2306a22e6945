#include "bench/intake_file.h"

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "base/bytes.h"
#include "exchange/insurer_files/line_reader.h"
#include "exchange/insurer_files/row_parser.h"
#include "installation/external_sorter.h"
#include "installation/limits.h"
#include "installation/members_file.h"
#include "synth/text.h"

namespace onshi::bench {

namespace {

constexpr std::array<std::string_view, planted_kinds> planted_names{"nothing",    "address",      "one_name",
                                                                    "both_names", "birth_or_sex", "wrong_link"};
constexpr std::array<std::string_view, seen_kinds> seen_names{"seen", "severity_3", "severity_2", "severity_1",
                                                              "refused"};
constexpr std::size_t write_buffer_bytes = std::size_t{4} << 20U;

Planted truth_of(const synth::Nation& nation, const synth::SyntheticPerson& person, std::size_t record) {
    const synth::SyntheticCoverage& told = person.coverages[record];
    if (told.number_owner != person.index) return Planted::wrong_link;
    const bool birth = told.sent_birth_date != Date() && told.sent_birth_date != person.birth_date;
    const bool sex = told.sent_sex != Sex::unset && told.sent_sex != person.sex;
    if (birth || sex) return Planted::birth_or_sex;
    const bool name = told.sent_name == synth::SentName::other_family;
    const bool kana = told.sent_kana == synth::SentKana::other_family;
    if (name && kana) return Planted::both_names;
    if (name || kana) return Planted::one_name;
    std::string sent;
    std::string registered;
    synth::append_sent_address(nation.organisations(), person, told, sent);
    synth::append_address(nation.organisations(), person.address, registered);
    return sent.empty() || sent == registered ? Planted::nothing : Planted::address;
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

// Entries: insurer, place, truth, line.
class FileMaker {
  public:
    FileMaker(const synth::Nation& nation, const IntakeFileOptions& options)
        : nation_(nation),
          options_(options),
          writer_(nation),
          sorter_(options.file.parent_path(), {installation::number_sorter_bytes_max, installation::sorter_runs_max}) {}

    Result<std::vector<Planted>> make() {
        auto done = collect(options_.persons, options_.residents, options_.additions, true);
        if (done) done = collect(0, options_.persons, options_.changes, false);
        if (!done) return fail(std::move(done));
        return write();
    }

  private:
    Result<void> collect(std::uint64_t first, std::uint64_t last, std::uint64_t wanted, bool additions) {
        synth::PersonMaker maker(nation_);
        std::uint64_t found = 0;
        for (std::uint64_t index = first; index < last && found < wanted; ++index) {
            const auto& person = maker.make(index);
            const auto record = installation::current_record(nation_, person);
            // An active record of its own, so that a change finds it where it was sent from.
            const bool fits =
                record && (additions || (person.coverages[*record].is_known(nation_.settings().as_of) &&
                                         person.coverages[*record].state == synth::CoverageState::active));
            if (!fits) continue;
            ++found;
            auto added = add(person, *record, additions);
            if (!added) return added;
        }
        if (found < wanted) return fail(ErrorCode::bench_invalid, fmt::format("{} rows of {}", found, wanted));
        return {};
    }
    Result<void> add(const synth::SyntheticPerson& person, std::size_t record, bool addition) {
        entry_.clear();
        ByteWriter bytes(entry_);
        bytes.u32(person.coverages[record].insurer);
        bytes.u64(rows_++);
        bytes.u8(static_cast<std::uint8_t>(truth_of(nation_, person, record)));
        if (addition) writer_.add(person, record, entry_);
        if (!addition) writer_.change(person, record, entry_);
        return sorter_.add(entry_);
    }
    Result<std::vector<Planted>> write() {
        std::unique_ptr<std::FILE, CloseFile> file(std::fopen(options_.file.c_str(), "wbe"));
        if (!file) return fail(ErrorCode::file_unwritable, options_.file.string());
        std::vector<Planted> truth;
        truth.reserve(rows_);
        std::string buffer = installation::MembersFileWriter::header() + "\n";
        const auto flush = [&]() -> Result<void> {
            const bool whole = std::fwrite(buffer.data(), 1, buffer.size(), file.get()) == buffer.size();
            buffer.clear();
            return whole ? Result<void>() : fail(ErrorCode::file_unwritable, options_.file.string());
        };
        auto drained = sorter_.drain([&](std::string_view entry) -> Result<void> {
            truth.push_back(static_cast<Planted>(entry[place_bytes - 1]));
            buffer.append(entry.substr(place_bytes));
            return buffer.size() < write_buffer_bytes ? Result<void>() : flush();
        });
        if (drained) drained = flush();
        if (!drained) return fail(std::move(drained));
        return truth;
    }

    static constexpr std::size_t place_bytes = 4 + 8 + 1;
    const synth::Nation& nation_;
    const IntakeFileOptions& options_;
    installation::MembersFileWriter writer_;
    installation::ExternalSorter sorter_;
    std::uint64_t rows_ = 0;
    std::string entry_;
};

Seen seen_of(std::string_view result, std::string_view code) {
    if (result == "refused") return Seen::refused;
    if (result != "withheld") return Seen::seen;
    if (code.starts_with("cause.match_address")) return Seen::severity_3;
    if (code.starts_with("cause.match_name_and_kana")) return Seen::severity_1;
    const bool one = code.starts_with("cause.match_name") || code.starts_with("cause.match_kana");
    return one ? Seen::severity_2 : Seen::severity_1;
}

// The fields behind the input's own: row, result, code. No field of a synthetic row holds a comma.
std::optional<Seen> seen_in(std::string_view line) {
    for (std::size_t i = 0; i < insurer_files::field_count + 1; ++i) {
        const std::size_t comma = line.find(',');
        if (comma == std::string_view::npos) return std::nullopt;
        line.remove_prefix(comma + 1);
    }
    const std::string_view result = line.substr(0, line.find(','));
    if (result.size() == line.size()) return std::nullopt;
    line.remove_prefix(result.size() + 1);
    return seen_of(result, line.substr(0, line.find(',')));
}

}  // namespace

std::string_view to_string(Planted planted) {
    return planted_names[static_cast<std::size_t>(planted)];
}
std::string_view to_string(Seen seen) {
    return seen_names[static_cast<std::size_t>(seen)];
}

Result<std::vector<Planted>> write_intake_file(const synth::Nation& nation, const IntakeFileOptions& options) {
    return FileMaker(nation, options).make();
}

std::uint64_t Confusion::total(Planted planted) const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : rows[static_cast<std::size_t>(planted)]) sum += count;
    return sum;
}

std::uint64_t Confusion::withheld(Planted planted) const {
    return at(planted, Seen::severity_1) + at(planted, Seen::severity_2) + at(planted, Seen::severity_3);
}

Result<Confusion> read_results(const std::filesystem::path& result_file, const std::vector<Planted>& truth) {
    auto reader = insurer_files::LineReader::open(insurer_files::file_source(result_file));
    if (!reader) return fail(std::move(reader));
    Confusion confusion;
    std::size_t rows = 0;
    for (;;) {
        auto line = reader->next();
        if (!line) return fail(std::move(line));
        if (line->kind == insurer_files::LineKind::end) break;
        if (line->number == 1) continue;
        const auto seen = seen_in(line->text);
        if (!seen || rows == truth.size()) return fail(ErrorCode::bench_invalid, "the result file");
        ++confusion.rows[static_cast<std::size_t>(truth[rows++])][static_cast<std::size_t>(*seen)];
    }
    if (rows != truth.size()) return fail(ErrorCode::bench_invalid, "rows are missing in the result file");
    return confusion;
}

}  // namespace onshi::bench
