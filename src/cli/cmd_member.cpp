// onshi member import | release | files
#include <filesystem>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/instants.h"
#include "cli/list_writer.h"
#include "cli/member_parts.h"
#include "cli/progress.h"
#include "exchange/api/values.h"
#include "exchange/insurer_files/member_import.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;
using coverage::FileProgress;
using coverage::IntakeFile;
using insurer_files::ImportEnd;
using insurer_files::ImportReport;

constexpr std::chrono::milliseconds release_time{30'000};

std::string end_word(ImportEnd end) {
    switch (end) {
        case ImportEnd::done: return "done";
        case ImportEnd::done_before: return "done_before";
        case ImportEnd::held: return "held";
        case ImportEnd::stopped: return "stopped";
    }
    return "unknown";
}

// `added 3, withheld 1`: what is not zero.
std::string counts_text(const FileProgress& progress) {
    std::string text;
    for (std::size_t i = 0; i < coverage::row_results; ++i) {
        if (progress.results[i] == 0) continue;
        if (!text.empty()) text.append(", ");
        fmt::format_to(std::back_inserter(text), "{} {}", coverage::to_string(static_cast<coverage::RowResult>(i)),
                       progress.results[i]);
    }
    return text.empty() ? "no rows" : text;
}

void write_counts(JsonWriter& writer, const FileProgress& progress) {
    writer.begin_object("results");
    for (std::size_t i = 0; i < coverage::row_results; ++i) {
        writer.member(coverage::to_string(static_cast<coverage::RowResult>(i)), progress.results[i]);
    }
    writer.end_object();
}

void write_file(JsonWriter& writer, const IntakeFile& file) {
    writer.member("file", fmt::format("{}", file.id));
    writer.member("state", coverage::to_string(file.state));
    writer.member("rows", file.progress.rows);
    writer.member("received_at", api::to_rfc3339(file.received_at));
    writer.member("received_by", file.received_by);
    if (!file.released_by.empty()) writer.member("released_by", file.released_by);
    write_counts(writer, file.progress);
}

class MemberImportCommand final : public Command {
  public:
    static constexpr CommandText text{
        "member", "import", "Take over an insurer's file of members: additions, changes, losses, cancellations.",
        "  onshi member import members.csv --insurer 06139463 --operator sato --config hub.toml\n"
        "  onshi member import members.csv --all-insurers --operator sato --dry-run --config hub.toml"};
    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "CSV (UTF-8 or CP932) or NDJSON").required();
        auto insurer = options.text(insurer_, "--insurer", "NUMBER", "who sent it; rows of other insurers are refused");
        options.flag(all_insurers_, "--all-insurers", "the file may hold rows of every insurer").excludes(insurer);
        options.text(operator_, "--operator", "NAME", "who takes it over, for the record").required();
        options.text(result_, "--result", "FILE", "where the rows go with what became of them; else beside the file");
        options.flag(dry_run_, "--dry-run", "decide every row against the present registry and change nothing");
        options.integer(chunk_rows_, "--chunk-rows", "N", "rows of one commit")
            .range(1, static_cast<std::int64_t>(coverage::intake_chunk_rows_max));
        options.settings(
            {"store", "secrets_folder", "key_device", "hold_another_person", "hold_one_name", "hold_address"});
    }
    Result<Exit> run(Session& session) override {
        insurer_files::ImportOptions options;
        if (insurer_) {
            auto sender = InsurerNumber::parse(*insurer_);
            if (!sender) return fail(std::move(sender));
            options.sender = *sender;
        } else if (!all_insurers_) {
            return fail(ErrorCode::command_usage, "--insurer or --all-insurers");
        }
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto parts = MemberParts::open(*settings, session.clock(), session.random());
        if (!parts) return fail(std::move(parts));
        Progress progress(session.console());
        options.source = insurer_files::file_source(file_);
        options.result_file = result_path();
        options.received_by = operator_;
        options.commitment = dry_run_ ? insurer_files::Commitment::dry_run : insurer_files::Commitment::write;
        options.language = session.console().language();
        options.chunk_rows = static_cast<std::size_t>(chunk_rows_);
        options.progress = [&progress](std::string_view stage, std::uint64_t done, std::uint64_t total) {
            progress.show(stage, done, total);
        };
        auto report = run_to_end(insurer_files::import_members((*parts)->intake(), options));
        if (!report) return fail(std::move(report));
        show(session.console(), *report, options.result_file);
        if (report->end == ImportEnd::held) return fail(ErrorCode::intake_held, fmt::format("{}", report->file.id));
        const bool all_taken =
            report->file.progress.results[static_cast<std::size_t>(coverage::RowResult::refused)] == 0;
        return all_taken ? Exit::done : Exit::some_failed;
    }

  private:
    [[nodiscard]] std::string result_path() const {
        if (result_) return *result_;
        const fs::path file = file_;
        const std::string mark = dry_run_ ? ".dry-run" : ".result";
        return file.parent_path() / (file.stem().string() + mark + file.extension().string());
    }
    void show(Console& console, const ImportReport& report, const std::string& result_file) const {
        if (console.json()) return show_json(console, report, result_file);
        for (const auto& share : report.unusual) {
            if (share.blank_jump) {
                console.line(fmt::format("! {}: {} of {} records have no ratio, before {} of {}",
                                         share.insurer.issued(), share.ratios.blank_ratio, share.ratios.records,
                                         share.ratios_before.blank_ratio, share.ratios_before.records));
                console.line(fmt::format("! {}: {} of {} records have no limit category, before {} of {}",
                                         share.insurer.issued(), share.ratios.blank_limit, share.ratios.records,
                                         share.ratios_before.blank_limit, share.ratios_before.records));
            }
            if (share.taken.rows() == 0) continue;
            console.line(fmt::format("! {}: {} of {} members would end, {} would be blanked", share.insurer.issued(),
                                     share.taken.ended, share.members, share.taken.blanked));
        }
        if (report.end == ImportEnd::held) return;
        if (report.resumed_at_row > 0 && report.end != ImportEnd::done_before) {
            console.line(fmt::format("went on behind row {} of an earlier run", report.resumed_at_row));
        }
        const char* mark = report.end == ImportEnd::done_before ? "= " : "✔ ";
        console.line(fmt::format("{}{} {}: {} rows, {}", mark, end_word(report.end), report.file.id,
                                 report.file.progress.rows, counts_text(report.file.progress)));
        if (report.end != ImportEnd::done_before) {
            console.line(fmt::format("{}, {}   {}", insurer_files::to_string(report.format),
                                     insurer_files::to_string(report.encoding), result_file));
        }
    }
    void show_json(Console& console, const ImportReport& report, const std::string& result_file) const {
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.member_import/1");
        writer.member("end", end_word(report.end));
        writer.member("dry_run", dry_run_);
        write_file(writer, report.file);
        writer.member("format", insurer_files::to_string(report.format));
        writer.member("encoding", insurer_files::to_string(report.encoding));
        writer.member("resumed_at_row", report.resumed_at_row);
        writer.member("result_file", result_file);
        writer.begin_array("unusual");
        for (const auto& share : report.unusual) {
            writer.begin_object();
            writer.member("insurer", share.insurer.issued());
            writer.member("members", share.members);
            writer.member("ended", share.taken.ended);
            writer.member("blanked", share.taken.blanked);
            writer.member("blank_jump", share.blank_jump);
            if (share.blank_jump) {
                writer.member("records", share.ratios.records);
                writer.member("blank_ratios", share.ratios.blank_ratio);
                writer.member("blank_limits", share.ratios.blank_limit);
            }
            writer.end_object();
        }
        writer.end_array();
        writer.end_object();
        console.line(json);
    }

    std::string file_;
    std::optional<std::string> insurer_;
    bool all_insurers_ = false;
    std::string operator_;
    std::optional<std::string> result_;
    bool dry_run_ = false;
    std::int64_t chunk_rows_ = static_cast<std::int64_t>(coverage::intake_chunk_rows_max);
};

class MemberRelease final : public Command {
  public:
    static constexpr CommandText text{
        "member", "release", "Release a file that is held for its unusual share; by another person than its sender.",
        "  onshi member release 1795400000000000 --operator suzuki --config hub.toml"};
    void declare(Options& options) override {
        options.integer(file_, "file", "ID", "the file's number, as member import or member files told it").required();
        options.text(operator_, "--operator", "NAME", "who releases it, for the record").required();
        options.settings({"store", "secrets_folder", "key_device"});
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto parts = MemberParts::open(*settings, session.clock(), session.random());
        if (!parts) return fail(std::move(parts));
        auto agreed = session.confirm(session.console().label("label.ask_release", {{"file", std::to_string(file_)}}));
        if (!agreed) return fail(std::move(agreed));
        auto released = run_to_end(insurer_files::release_file((*parts)->intake(), file_, {.reference = operator_},
                                                               Deadline::in(release_time)));
        if (!released) return fail(std::move(released));
        if (!session.console().json()) {
            session.console().line(fmt::format("✔ {} released", released->id));
            return Exit::done;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.member_file/1");
        write_file(writer, *released);
        writer.end_object();
        session.console().line(json);
        return Exit::done;
    }

  private:
    std::int64_t file_ = 0;
    std::string operator_;
};

class MemberFiles final : public Command {
  public:
    static constexpr CommandText text{"member", "files",
                                      "List the members' files that were received, the newest first.",
                                      "  onshi member files --config hub.toml --format csv"};
    void declare(Options& options) override { options.setting("store", "--store"); }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        auto files = run_to_end(load((*stores)->database()));
        if (!files) return fail(std::move(files));
        ListWriter list(session.console(), {"file", "state", "rows", "received_by", "released_by", "received_at"});
        for (const IntakeFile& file : *files) show(list, file);
        list.finish();
        return Exit::done;
    }

  private:
    static Task<Result<std::vector<IntakeFile>>> load(sql::Database& database) {
        sql::ReadBatch batch;
        const auto files = coverage::load_files(batch);
        auto read = co_await database.read(batch, Deadline::in(release_time));
        if (!read) co_return fail(std::move(read));
        co_return files.get();
    }
    static void show(ListWriter& list, const IntakeFile& file) {
        if (list.wants_cells()) {
            return list.cells({std::to_string(file.id), std::string(coverage::to_string(file.state)),
                               std::to_string(file.progress.rows), file.received_by, file.released_by,
                               api::to_rfc3339(file.received_at)});
        }
        if (list.wants_json()) {
            std::string json;
            JsonWriter writer(json);
            writer.begin_object();
            writer.member("schema", "onshi.member_file/1");
            write_file(writer, file);
            writer.end_object();
            return list.object(json);
        }
        list.line(fmt::format("{}  {:8}  {:>9} rows  {}  {}", file.id, coverage::to_string(file.state),
                              file.progress.rows, japan_date_time(file.received_at), counts_text(file.progress)));
    }
};

}  // namespace

void add_member_commands(CommandTree& tree) {
    tree.noun("member", "what insurers send: files, withheld records");
    tree.add<MemberImportCommand>();
    tree.add<MemberRelease>();
    tree.add<MemberFiles>();
    add_withheld_commands(tree);
}

}  // namespace onshi::cli
