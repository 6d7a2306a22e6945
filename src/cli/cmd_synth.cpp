// onshi synth
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/progress.h"
#include "cli/synth_lines.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t write_buffer_bytes = std::size_t{1} << 20U;
constexpr std::uint64_t progress_every = 1'000;

// A new text file that is filled piece by piece. Owns the file.
class OutputFile {
  public:
    static Result<OutputFile> create(const fs::path& path) {
        std::error_code error;
        if (fs::exists(path, error)) return fail(ErrorCode::file_exists, path.string());
        OutputFile file;
        file.path_ = path;
        file.stream_.open(path, std::ios::binary);
        if (!file.stream_) return fail(ErrorCode::file_unwritable, path.string());
        return file;
    }
    [[nodiscard]] std::string& buffer() { return buffer_; }
    Result<void> flush_if_full() { return buffer_.size() < write_buffer_bytes ? Result<void>() : flush(); }
    Result<void> flush() {
        stream_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
        buffer_.clear();
        stream_.flush();
        if (!stream_) return fail(ErrorCode::file_unwritable, path_.string());
        return {};
    }

  private:
    fs::path path_;
    std::ofstream stream_;
    std::string buffer_;
};

class Synth final : public Command {
  public:
    static constexpr CommandText text{
        "synth", "",
        "Write the synthetic nation as text: persons, insurers and the planted faults, one JSON object per line.",
        "  onshi synth --persons 10000 --seed 1 --out ./nation"};
    void declare(Options& options) override {
        options.integer(persons_, "--persons", "N", "how many people")
            .range(1, static_cast<std::int64_t>(synth::persons_max));
        options.integer(seed_, "--seed", "N", "another seed is another nation").range(0, INT64_MAX);
        options.text(as_of_, "--as-of", "DAY", "today in that nation; else today");
        options.text(out_, "--out", "DIR", "folder of persons.ndjson, insurers.ndjson and truth.ndjson").required();
    }
    Result<Exit> run(Session& session) override {
        synth::NationSettings settings;
        settings.seed = static_cast<std::uint64_t>(seed_);
        const auto as_of = as_of_.empty() ? Result<Date>(japan_day(session.clock().now())) : parse_iso_date(as_of_);
        if (!as_of) return fail(ErrorCode::command_usage, "--as-of is to be a day such as 2026-11-23");
        settings.as_of = *as_of;
        auto nation = synth::Nation::create(settings);
        if (!nation) return fail(std::move(nation));
        std::error_code error;
        fs::create_directories(out_, error);
        if (error) return fail(ErrorCode::file_unwritable, out_ + ": " + error.message());
        auto written = write_insurers(*nation);
        if (!written) return fail(std::move(written));
        auto faults = write_persons(*nation, session.console());
        if (!faults) return fail(std::move(faults));
        show(session.console(), *nation, *faults);
        return Exit::done;
    }

  private:
    Result<void> write_insurers(const synth::Nation& nation) const {
        auto file = OutputFile::create(fs::path(out_) / "insurers.ndjson");
        if (!file) return fail(std::move(file));
        for (const auto& insurer : nation.organisations().insurers()) append_insurer(insurer, file->buffer());
        return file->flush();
    }
    // Gives the number of planted faults.
    Result<std::uint64_t> write_persons(const synth::Nation& nation, Console& console) const {
        auto persons = OutputFile::create(fs::path(out_) / "persons.ndjson");
        if (!persons) return fail(std::move(persons));
        auto truth = OutputFile::create(fs::path(out_) / "truth.ndjson");
        if (!truth) return fail(std::move(truth));
        Progress progress(console);
        synth::PersonMaker maker(nation);
        std::uint64_t faults = 0;
        for (std::uint64_t index = 0; index < static_cast<std::uint64_t>(persons_); ++index) {
            const auto& person = maker.make(index);
            append_person(nation, person, persons->buffer());
            for (const auto& fault : person.faults) append_fault(person, fault, truth->buffer());
            faults += person.faults.size();
            auto flushed = persons->flush_if_full();
            if (flushed) flushed = truth->flush_if_full();
            if (!flushed) return fail(std::move(flushed));
            if (index % progress_every == 0) progress.show("persons", index, static_cast<std::uint64_t>(persons_));
        }
        auto flushed = persons->flush();
        if (flushed) flushed = truth->flush();
        if (!flushed) return fail(std::move(flushed));
        return faults;
    }
    void show(Console& console, const synth::Nation& nation, std::uint64_t faults) const {
        if (!console.json()) {
            return console.line(fmt::format("{}: {} persons, {} insurers, {} planted faults", out_, persons_,
                                            nation.organisations().insurers().size(), faults));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.synth/1");
        writer.member("folder", out_);
        writer.member("persons", persons_);
        writer.member("seed", seed_);
        writer.member("as_of", to_iso(nation.settings().as_of));
        writer.member("insurers", nation.organisations().insurers().size());
        writer.member("faults", faults);
        writer.end_object();
        console.line(json);
    }
    std::int64_t persons_ = 10'000;
    std::int64_t seed_ = 1;
    std::string as_of_;
    std::string out_;
};

}  // namespace

void add_synth_command(CommandTree& tree) {
    tree.add<Synth>();
}

}  // namespace onshi::cli
