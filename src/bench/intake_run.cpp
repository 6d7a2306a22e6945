#include "bench/intake_run.h"

#include <chrono>
#include <condition_variable>
#include <malloc.h>
#include <mutex>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/process_usage.h"
#include "domain/audit/chain.h"
#include "domain/identity/resident_register.h"
#include "hub/migrations.h"
#include "hub/settings.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"

namespace onshi::bench {

namespace {

constexpr std::chrono::milliseconds memory_look{20};
constexpr double bytes_per_mb = 1024.0 * 1024.0;

// The largest anonymous memory while it lives. Owns a thread.
class MemoryPeak {
  public:
    MemoryPeak() : thread_([this] { watch(); }) {}
    ~MemoryPeak() { stop(); }
    MemoryPeak(const MemoryPeak&) = delete;
    MemoryPeak& operator=(const MemoryPeak&) = delete;
    double stop() {
        {
            const std::scoped_lock lock(mutex_);
            over_ = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
        return static_cast<double>(peak_) / bytes_per_mb;
    }

  private:
    void watch() {
        std::unique_lock lock(mutex_);
        do {
            const auto use = memory_use(getpid());
            if (use) peak_ = std::max(peak_, use->anonymous_bytes);
        } while (!wake_.wait_for(lock, memory_look, [this] { return over_; }));
    }
    std::mutex mutex_;
    std::condition_variable wake_;
    bool over_ = false;
    std::uint64_t peak_ = 0;
    std::thread thread_;
};

double seconds_since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace

Result<IntakeRun> run_intake(const std::filesystem::path& store, const std::filesystem::path& file,
                             const std::filesystem::path& result_file, const identity::NumberVault& vault,
                             const Clock& clock, Random& random) {
    // What laying in a nation left on this process's heap is not the intake's.
    ::malloc_trim(0);
    sql::SqliteOptions stores;
    stores.folder = store;
    stores.cache_kib = sql::bulk_cache_kib;
    sql::CommitCounter counter;
    audit::ChainSequencer chain(hub::command_line_lane, "command-line");
    auto database = sql::open_database(stores, hub::all_migrations(), counter, chain);
    if (!database) return fail(std::move(database));
    identity::EmbeddedRegister residents(**database, vault);
    const coverage::IntakeParts parts{**database, clock, random, vault, residents};
    insurer_files::ImportOptions import;
    import.source = insurer_files::file_source(file);
    import.result_file = result_file;
    import.received_by = "bench";
    IntakeRun run;
    const auto cpu_before = cpu_use(getpid());
    MemoryPeak memory;
    const auto begun = std::chrono::steady_clock::now();
    auto imported = run_to_end(insurer_files::import_members(parts, import));
    // What the log still holds is written back before the command ends, so it counts.
    (*database)->close();
    database->reset();
    run.seconds = seconds_since(begun);
    run.peak_mb = memory.stop();
    const auto cpu_after = cpu_use(getpid());
    if (!imported) return fail(std::move(imported));
    run.report = std::move(*imported);
    if (cpu_before && cpu_after) {
        run.cpu_seconds = std::chrono::duration<double>((*cpu_after - *cpu_before).total()).count();
    }
    const auto refused = run.report.file.progress.results[static_cast<std::size_t>(coverage::RowResult::refused)];
    const bool ended = run.report.end == insurer_files::ImportEnd::done;
    if (!ended) return fail(ErrorCode::bench_invalid, "the file did not end");
    if (refused > 0) return fail(ErrorCode::bench_invalid, fmt::format("{} rows were refused", refused));
    return run;
}

}  // namespace onshi::bench
