#include "bench/intake_bench.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/intake_reference.h"
#include "bench/process_usage.h"
#include "domain/audit/chain.h"
#include "domain/identity/resident_register.h"
#include "exchange/insurer_files/member_import.h"
#include "hub/migrations.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::bench {

namespace {

namespace fs = std::filesystem;

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

Result<void> copy_stores(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::remove_all(to, error);
    fs::create_directories(to, error);
    for (const char* file : {"registry.db", "ledger.db"}) {
        if (!error) fs::copy_file(from / file, to / file, error);
    }
    // What is still to be written of a copy would be paid for by whoever is measured next.
    ::sync();
    if (error) return fail(ErrorCode::file_unwritable, to.string() + ": " + error.message());
    return {};
}

double seconds_since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

class IntakeBench {
  public:
    IntakeBench(const IntakeBenchOptions& options, const Clock& clock, Random& random,
                const std::function<void(std::string_view)>& tell)
        : options_(options), clock_(clock), random_(random), tell_(tell), layout_{options.installation} {}

    Result<IntakeBenchReport> run() {
        auto description = installation::read_demo_installation(options_.installation);
        if (!description) return fail(std::move(description));
        auto nation = installation::nation_of(*description);
        if (!nation) return fail(std::move(nation));
        auto vault = hub::load_number_vault(layout_.secrets());
        if (!vault) return fail(std::move(vault));
        report_.persons = description->persons;
        auto done = make_file(*nation, *description);
        if (done) done = measure_intake(*vault);
        const Before before{description->counts.known_seq, start_of_japan_day(description->as_of)};
        if (done) done = measure_bare(*vault, before);
        if (!done) return fail(std::move(done));
        return report_;
    }

  private:
    Result<void> make_file(const synth::Nation& nation, const installation::DemoInstallation& description) {
        tell_("writing the members' file");
        std::error_code error;
        fs::remove_all(options_.folder, error);
        fs::create_directories(options_.folder, error);
        auto truth = write_intake_file(
            nation, {file(), description.persons, description.counts.residents, options_.additions, options_.changes});
        if (!truth) return fail(std::move(truth));
        truth_ = std::move(*truth);
        report_.records = truth_.size();
        report_.file_bytes = fs::file_size(file(), error);
        return {};
    }
    Result<void> measure_intake(const identity::NumberVault& vault) {
        const fs::path store = options_.folder / "intake";
        auto copied = copy_stores(layout_.store(), store);
        if (!copied) return copied;
        tell_(fmt::format("intake of {} records", report_.records));
        sql::SqliteOptions stores;
        stores.folder = store;
        stores.cache_kib = sql::bulk_cache_kib;
        sql::CommitCounter counter;
        audit::ChainSequencer chain(hub::command_line_lane, "command-line");
        auto database = sql::open_database(stores, hub::all_migrations(), counter, chain);
        if (!database) return fail(std::move(database));
        identity::EmbeddedRegister residents(**database, vault);
        const coverage::IntakeParts parts{**database, clock_, random_, vault, residents};
        insurer_files::ImportOptions import;
        import.source = insurer_files::file_source(file());
        import.result_file = options_.folder / "members.result.csv";
        import.received_by = "bench";
        const auto cpu_before = cpu_use(getpid());
        MemoryPeak memory;
        const auto begun = std::chrono::steady_clock::now();
        auto imported = run_to_end(insurer_files::import_members(parts, import));
        report_.intake_seconds = seconds_since(begun);
        report_.peak_mb = memory.stop();
        const auto cpu_after = cpu_use(getpid());
        (*database)->close();
        database->reset();
        if (!imported) return fail(std::move(imported));
        if (cpu_before && cpu_after) {
            report_.intake_cpu_seconds = std::chrono::duration<double>((*cpu_after - *cpu_before).total()).count();
        }
        const auto refused = imported->file.progress.results[static_cast<std::size_t>(coverage::RowResult::refused)];
        if (imported->end != insurer_files::ImportEnd::done || imported->file.progress.rows != report_.records) {
            return fail(ErrorCode::bench_invalid, "the file did not end");
        }
        if (refused > 0) return fail(ErrorCode::bench_invalid, fmt::format("{} rows were refused", refused));
        std::error_code error;
        report_.registry_mb = (static_cast<double>(fs::file_size(store / "registry.db", error)) -
                               static_cast<double>(fs::file_size(fs::path(layout_.store()) / "registry.db", error))) /
                              bytes_per_mb;
        auto confusion = read_results(import.result_file, truth_);
        if (!confusion) return fail(std::move(confusion));
        report_.confusion = *confusion;
        return {};
    }
    Result<void> measure_bare(const identity::NumberVault& vault, const Before& before) {
        const fs::path store = options_.folder / "bare";
        auto copied = copy_stores(layout_.store(), store);
        if (!copied) return copied;
        tell_("the same rows by bare INSERT");
        // Commits that made the installation's terminals touch no person, so the load's own number tells them apart.
        auto bare = insert_bare(options_.folder / "intake", store, before, vault);
        if (!bare) return fail(std::move(bare));
        if (bare->rows < report_.records) return fail(ErrorCode::bench_invalid, "the reference wrote too little");
        report_.table_rows = bare->rows;
        report_.bare_seconds = std::chrono::duration<double>(bare->time).count();
        return {};
    }
    [[nodiscard]] fs::path file() const { return options_.folder / "members.csv"; }

    const IntakeBenchOptions& options_;
    const Clock& clock_;
    Random& random_;
    const std::function<void(std::string_view)>& tell_;
    installation::Layout layout_;
    std::vector<Planted> truth_;
    IntakeBenchReport report_;
};

}  // namespace

double IntakeBenchReport::false_withhold_rate() const {
    const auto total = confusion.total(Planted::nothing);
    return total == 0 ? 0 : static_cast<double>(confusion.withheld(Planted::nothing)) / static_cast<double>(total);
}

Result<IntakeBenchReport> run_intake_bench(const IntakeBenchOptions& options, const Clock& clock, Random& random,
                                           const std::function<void(std::string_view)>& tell) {
    return IntakeBench(options, clock, random, tell).run();
}

std::string to_text(const IntakeBenchReport& report) {
    std::string text = fmt::format(
        "intake: {} records ({:.0f} MB) into {} persons: {:.1f} s, {:.0f} records/s (target 50,000)\n"
        "  CPU {:.1f} s ({:.1f} us a record), peak {:.0f} MB (target 500), registry grew by {:.0f} MB\n"
        "bare INSERT of the same {} rows: {:.1f} s, {:.0f} records/s; ratio {:.2f} (target 0.25)\n"
        "wrong links planted {}, withheld {}; false withholds {:.4f} % (target 0.1 %)\n",
        report.records, static_cast<double>(report.file_bytes) / bytes_per_mb, report.persons, report.intake_seconds,
        report.records_per_second(), report.intake_cpu_seconds,
        report.intake_cpu_seconds * 1e6 / static_cast<double>(report.records), report.peak_mb, report.registry_mb,
        report.table_rows, report.bare_seconds, report.bare_records_per_second(), report.ratio_to_bare_insert(),
        report.planted_wrong_links(), report.wrong_links_withheld(), report.false_withhold_rate() * 100);
    text += fmt::format("  {:14}", "planted");
    for (std::size_t s = 0; s < seen_kinds; ++s) text += fmt::format("{:>12}", to_string(static_cast<Seen>(s)));
    for (std::size_t p = 0; p < planted_kinds; ++p) {
        text += fmt::format("\n  {:14}", to_string(static_cast<Planted>(p)));
        for (const std::uint64_t count : report.confusion.rows[p]) text += fmt::format("{:>12}", count);
    }
    return text;
}

std::string to_json_line(const IntakeBenchReport& report) {
    std::string json = fmt::format(
        R"({{"records_per_second":{:.0f},"ratio_to_bare_insert":{:.3f},"peak_mb":{:.0f},"planted_wrong_links":{},)"
        R"("wrong_links_withheld":{},"false_withhold_rate":{:.6f},"persons":{},"records":{},"bare_records_per_second":{:.0f},)"
        R"("confusion":{{)",
        report.records_per_second(), report.ratio_to_bare_insert(), report.peak_mb, report.planted_wrong_links(),
        report.wrong_links_withheld(), report.false_withhold_rate(), report.persons, report.records,
        report.bare_records_per_second());
    for (std::size_t p = 0; p < planted_kinds; ++p) {
        json += fmt::format("{}\"{}\":{{", p == 0 ? "" : ",", to_string(static_cast<Planted>(p)));
        for (std::size_t s = 0; s < seen_kinds; ++s) {
            json += fmt::format("{}\"{}\":{}", s == 0 ? "" : ",", to_string(static_cast<Seen>(s)),
                                report.confusion.rows[p][s]);
        }
        json += "}";
    }
    return json + "}}";
}

}  // namespace onshi::bench
