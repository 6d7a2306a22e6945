#include "exchange/insurer_files/uploads.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "exchange/insurer_files/member_import.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::insurer_files {

namespace {

namespace fs = std::filesystem;
using coverage::FileState;
using coverage::Upload;
using coverage::UploadState;
using coverage::UploadUse;

constexpr std::chrono::milliseconds store_deadline{30'000};
constexpr std::chrono::milliseconds disk_look{1'000};
constexpr std::string_view part_suffix = ".part";
constexpr std::string_view sealed_suffix = ".sealed";

// What another try with the same bytes would not change.
bool is_final(ErrorCode code) {
    const Retry retry = catalogue_entry(code).retry;
    return retry == Retry::never || retry == Retry::after_change;
}

// A large file takes its time to be durable; no event loop waits for the disk.
Task<Result<Sha256>> finish_aside(SealedFileWriter& file) {
    const LoopExecutor executor = co_await boost::asio::this_coro::executor;
    Alarm landed(executor);
    std::optional<Result<Sha256>> digest;
    std::atomic<bool> is_there = false;
    std::jthread disk([&] {
        digest.emplace(file.finish());
        is_there = true;
        landed.ring();
    });
    while (!is_there) co_await landed.wait_until(std::chrono::steady_clock::now() + disk_look);
    disk.join();
    co_return std::move(*digest);
}

}  // namespace

std::string Uploads::name_of(InsurerNumber insurer, const CheckId& id) const {
    return fmt::format("{}-{}", insurer.to_key(), id.text());
}

fs::path Uploads::sealed_path(InsurerNumber insurer, const CheckId& id) const {
    return parts_.folder / (name_of(insurer, id) + std::string(sealed_suffix));
}

fs::path Uploads::result_path(const Upload& upload) const {
    return parts_.folder / (name_of(upload.insurer, upload.id) + ".result");
}

Task<Result<SealedFileWriter>> Uploads::receive(InsurerNumber insurer, const CheckId& id, Deadline deadline) {
    auto listed = co_await list(insurer, deadline);
    if (!listed) co_return fail(std::move(listed));
    const auto open = std::ranges::count_if(*listed, [](const Upload& upload) {
        return upload.state == UploadState::waiting || upload.state == UploadState::held;
    });
    if (static_cast<std::size_t>(open) >= coverage::uploads_open_max) {
        co_return fail(ErrorCode::intake_busy, "too many files of this insurer wait");
    }
    const fs::path path = parts_.folder / (name_of(insurer, id) + std::string(part_suffix));
    auto file = SealedFileWriter::create(path, name_of(insurer, id), parts_.key, parts_.intake.random);
    std::error_code error;
    if (!file && fs::exists(path, error)) co_return fail(ErrorCode::intake_busy, "the same file is being received");
    co_return file;
}

// The file has its final name before its row says that it waits; what a crash leaves between the two, clean() removes.
Task<Result<Upload>> Uploads::add(Upload upload, SealedFileWriter file, Deadline deadline) {
    auto digest = co_await finish_aside(file);
    if (!digest) co_return fail(std::move(digest));
    upload.bytes = file.bytes();
    upload.digest = *digest;
    upload.lane = parts_.lane;
    upload.received_at = parts_.intake.clock.now();
    upload.state = UploadState::waiting;
    upload.version = 1;
    const fs::path sealed = sealed_path(upload.insurer, upload.id);
    fs::path part = sealed;
    part.replace_extension(part_suffix);
    // A link, unlike a rename, never takes the place of a file that waits already.
    std::error_code error;
    fs::create_hard_link(part, sealed, error);
    std::error_code ignored;
    fs::remove(part, ignored);
    if (error == std::errc::file_exists) co_return fail(ErrorCode::intake_busy, "the id was taken meanwhile");
    if (error) co_return fail(ErrorCode::file_unwritable, error.message());
    sql::WriteSet set(sql::Store::registry);
    coverage::add_upload(set, upload);
    auto committed = co_await parts_.intake.database.commit(std::move(set), deadline);
    if (!committed && committed.error().code == ErrorCode::store_conflict) {
        // Whoever was quicker is done with it, or its file would have stood in the way.
        fs::remove(sealed, ignored);
        co_return fail(ErrorCode::intake_busy, "the id was taken meanwhile");
    }
    if (!committed) co_return fail(std::move(committed));
    co_return upload;
}

Task<Result<std::optional<Upload>>> Uploads::find(InsurerNumber insurer, const CheckId& id, Deadline deadline) {
    sql::ReadBatch batch;
    const auto upload = coverage::load_upload(batch, insurer, id);
    auto read = co_await parts_.intake.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return upload.get();
}

Task<Result<std::vector<Upload>>> Uploads::list(InsurerNumber insurer, Deadline deadline) {
    sql::ReadBatch batch;
    const auto uploads = coverage::load_uploads(batch, insurer);
    auto read = co_await parts_.intake.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return uploads.get();
}

Task<Result<void>> Uploads::change(Upload upload, Deadline deadline) {
    sql::WriteSet set(sql::Store::registry);
    coverage::change_upload(set, upload, upload.version);
    auto committed = co_await parts_.intake.database.commit(std::move(set), deadline);
    if (!committed && committed.error().code == ErrorCode::store_conflict) {
        co_return fail(ErrorCode::intake_busy, "the upload's row");
    }
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<Upload>> Uploads::release(InsurerNumber insurer, const CheckId& id, audit::Actor actor, Deadline deadline) {
    auto found = co_await find(insurer, id, deadline);
    if (!found) co_return fail(std::move(found));
    if (!*found) co_return fail(ErrorCode::intake_unknown_file, "no such upload");
    Upload upload = std::move(**found);
    if (upload.state != UploadState::held) {
        co_return fail(ErrorCode::intake_not_held, std::string(coverage::to_string(upload.state)));
    }
    sql::ReadBatch batch;
    const auto file = coverage::load_file(batch, upload.file);
    auto read = co_await parts_.intake.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    // Released by a call that died before it could say so here.
    const bool released_before = file && file->state == FileState::working && !file->released_by.empty();
    if (!released_before) {
        auto released = co_await release_file(parts_.intake, upload.file, actor, deadline);
        if (!released) co_return fail(std::move(released));
    }
    upload.state = UploadState::waiting;
    auto changed = co_await change(upload, deadline);
    if (!changed) co_return fail(std::move(changed));
    ++upload.version;
    co_return upload;
}

Result<fs::path> Uploads::result_file(const Upload& upload) const {
    const fs::path path = result_path(upload);
    std::error_code error;
    const bool is_there = upload.lane == parts_.lane && fs::is_regular_file(path, error);
    if (!is_there) return fail(ErrorCode::intake_unknown_file, "no result is here");
    return path;
}

std::optional<UploadProgress> Uploads::progress() const {
    const std::scoped_lock lock(mutex_);
    return progress_;
}

void Uploads::tell(const Upload& upload, std::string_view stage, std::uint64_t done, std::uint64_t total) {
    const std::scoped_lock lock(mutex_);
    progress_.emplace(UploadProgress{upload.insurer, upload.id, stage == "survey" ? "survey" : "rows", done, total});
}

Task<Result<std::optional<Upload>>> Uploads::next(Deadline deadline) {
    sql::ReadBatch batch;
    const auto waiting = coverage::load_uploads_in(batch, parts_.lane, UploadState::waiting, Instant());
    auto read = co_await parts_.intake.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (waiting.empty()) co_return std::optional<Upload>();
    co_return std::optional<Upload>(waiting.get().front());
}

Result<void> Uploads::fail_upload(Upload upload, ErrorCode code) {
    upload.state = UploadState::failed;
    upload.failure = error_name(code);
    auto changed = run_to_end(change(upload, Deadline::in(store_deadline)));
    std::error_code ignored;
    if (changed) fs::remove(sealed_path(upload.insurer, upload.id), ignored);
    return changed;
}

Result<void> Uploads::take_over(Upload upload, const std::function<bool()>& stop) {
    ImportOptions options;
    options.source =
        sealed_file_source(sealed_path(upload.insurer, upload.id), name_of(upload.insurer, upload.id), parts_.key);
    options.result_file = result_path(upload);
    options.sender = upload.insurer;
    options.received_by = upload.received_by;
    options.organisation = upload.organisation;
    options.terminal = upload.terminal;
    options.language = upload.language;
    if (upload.use == UploadUse::dry_run) options.commitment = Commitment::dry_run;
    options.stop = stop;
    options.progress = [this, &upload](std::string_view stage, std::uint64_t done, std::uint64_t total) {
        tell(upload, stage, done, total);
    };
    tell(upload, "survey", 0, upload.bytes);
    auto report = run_to_end(import_members(parts_.intake, options));
    if (!report && is_final(report.error().code)) return fail_upload(std::move(upload), report.error().code);
    if (!report) return fail(std::move(report));
    if (report->end == ImportEnd::stopped) return {};
    upload.ndjson = report->format == FileFormat::ndjson;
    upload.progress = report->file.progress;
    if (upload.use == UploadUse::take_over) upload.file = report->file.id;
    upload.members = upload.ended = upload.blanked = 0;
    upload.records = upload.blank_ratios = upload.blank_limits = 0;
    for (const UnusualShare& share : report->unusual) {
        upload.members = share.members;
        upload.ended = share.taken.ended;
        upload.blanked = share.taken.blanked;
        if (!share.blank_jump) continue;
        upload.records = static_cast<std::int64_t>(share.ratios.records);
        upload.blank_ratios = static_cast<std::int64_t>(share.ratios.blank_ratio);
        upload.blank_limits = static_cast<std::int64_t>(share.ratios.blank_limit);
    }
    upload.state =
        report->end == ImportEnd::held && upload.use == UploadUse::take_over ? UploadState::held : UploadState::done;
    auto changed = run_to_end(change(upload, Deadline::in(store_deadline)));
    if (!changed) return changed;
    std::error_code ignored;
    if (upload.state == UploadState::done) fs::remove(sealed_path(upload.insurer, upload.id), ignored);
    return {};
}

Result<bool> Uploads::work_one(const std::function<bool()>& stop) {
    auto waiting = run_to_end(next(Deadline::in(store_deadline)));
    if (!waiting) return fail(std::move(waiting));
    if (!*waiting) return false;
    auto done = take_over(std::move(**waiting), stop);
    const std::scoped_lock lock(mutex_);
    progress_.reset();
    if (!done) return fail(std::move(done));
    return true;
}

Result<void> Uploads::clean() {
    std::vector<std::string> open;
    bool all_seen = true;
    for (const UploadState state : {UploadState::waiting, UploadState::held}) {
        Instant from;
        for (bool more = true; more;) {
            sql::ReadBatch batch;
            const auto page = coverage::load_uploads_in(batch, parts_.lane, state, from);
            auto read = run_to_end(parts_.intake.database.read(batch, Deadline::in(store_deadline)));
            if (!read) return read;
            for (const Upload& upload : page) open.push_back(name_of(upload.insurer, upload.id));
            more = page.size() == coverage::uploads_page_max;
            if (!more) continue;
            // A page of one single microsecond hides what is behind it: then nothing that waits is taken for a rest.
            if (page.get().back().received_at == from) {
                all_seen = false;
                break;
            }
            from = page.get().back().received_at;
        }
    }
    std::ranges::sort(open);
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    for (const auto& entry : fs::directory_iterator(parts_.folder, error)) {
        const fs::path& path = entry.path();
        const bool waits = path.extension() == sealed_suffix && std::ranges::binary_search(open, path.stem().string());
        std::error_code ignored;
        const bool is_old_result =
            path.extension() == ".result" && now - fs::last_write_time(path, ignored) > result_kept;
        const bool is_rest =
            path.extension() == part_suffix || (all_seen && path.extension() == sealed_suffix && !waits);
        if (is_rest || is_old_result) fs::remove(path, ignored);
    }
    if (error) return fail(ErrorCode::file_unreadable, parts_.folder.string());
    return {};
}

}  // namespace onshi::insurer_files
