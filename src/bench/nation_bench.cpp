#include "bench/nation_bench.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <tuple>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/hub_under_load.h"
#include "bench/intake_file.h"
#include "bench/intake_run.h"
#include "bench/page_cache.h"
#include "hub/secrets.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "platform/sql/limits.h"
#include "platform/sql/store_compact.h"

namespace onshi::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t additions_of = 10;  // one in so many
constexpr std::uint64_t changes_of = 20;
// Not everybody has a record that covers today and can be sent.
constexpr std::uint64_t residents_per_addition_percent = 130;
constexpr std::uint64_t residents_spare = 500;
// Of the files' pages after they were dropped: more would be a warm start.
constexpr double cached_share_max = 0.02;
constexpr double reserve_cold = 1.1;
constexpr std::uint64_t nation_of_japan = 125'000'000;
constexpr std::size_t tables_shown = 12;
constexpr std::string_view resident_table = "resident";
constexpr const char* taken_in_file = "nation-intake.json";
constexpr std::size_t note_bytes_max = 16 * 1024;

double per(double sum, double count) {
    return count > 0 ? sum / count : 0;
}

std::string tables_json(const NationSize& size) {
    std::string json = "{";
    for (const auto& table : size.tables) {
        json += fmt::format("{}\"{}\":{}", json.size() == 1 ? "" : ",", table.table, table.bytes);
    }
    return json + "}";
}

std::string note_of(const FilledNation& filled) {
    return fmt::format(
        R"({{"records":{},"milliseconds":{:.0f},"peak_mb":{:.0f},"persons":{},"registry_bytes":{},"ledger_bytes":{},)"
        R"("bytes_before_compacting":{},"tables":{}}})",
        filled.intake.records, filled.intake.seconds * 1e3, filled.intake.peak_mb, filled.size.persons,
        filled.size.registry_bytes, filled.size.ledger_bytes, filled.size.bytes_before_compacting,
        tables_json(filled.size));
}

std::optional<FilledNation> read_note(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(note_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    boost::system::error_code error;
    const auto document = boost::json::parse(text, error);
    const auto* object = error ? nullptr : document.if_object();
    const auto* tables = object == nullptr ? nullptr : object->if_contains("tables");
    if (tables == nullptr || !tables->is_object()) return std::nullopt;
    const auto number = [&](const char* name) -> std::uint64_t {
        const auto* value = object->if_contains(name);
        const auto* integer = value == nullptr ? nullptr : value->if_int64();
        return integer == nullptr ? 0 : static_cast<std::uint64_t>(*integer);
    };
    FilledNation filled;
    filled.intake = {number("records"), static_cast<double>(number("milliseconds")) / 1e3,
                     static_cast<double>(number("peak_mb"))};
    filled.size.persons = number("persons");
    filled.size.registry_bytes = number("registry_bytes");
    filled.size.ledger_bytes = number("ledger_bytes");
    filled.size.bytes_before_compacting = number("bytes_before_compacting");
    for (const auto& [name, bytes] : tables->as_object()) {
        const auto* integer = bytes.if_int64();
        filled.size.tables.push_back({std::string(name), integer == nullptr ? 0 : *integer});
    }
    return filled;
}

Result<void> write_note(const fs::path& path, const FilledNation& filled) {
    std::ofstream file(path, std::ios::binary);
    file << note_of(filled) << "\n";
    file.close();
    if (!file) return fail(ErrorCode::file_unwritable, path.string());
    return {};
}

// As the files are; no hub runs on them.
Result<NationSize> measure_size(const fs::path& store, std::uint64_t persons) {
    NationSize size;
    size.persons = persons;
    sql::SqliteOptions options;
    options.folder = store;
    const std::tuple<sql::Store, const char*, std::uint64_t*> stores[]{
        {sql::Store::registry, "registry.db", &size.registry_bytes},
        {sql::Store::ledger, "ledger.db", &size.ledger_bytes}};
    for (const auto& [which, file, bytes] : stores) {
        auto tables = sql::table_sizes(options, which);
        if (!tables) return fail(std::move(tables));
        size.tables.insert(size.tables.end(), tables->begin(), tables->end());
        std::error_code error;
        *bytes = fs::file_size(store / file, error);
        if (error) return fail(ErrorCode::bench_machine, (store / file).string());
    }
    std::ranges::sort(size.tables, [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    return size;
}

// Nobody but a rehearsal has just laid ten million people in; an operator does the same by `onshi db compact`.
Result<std::uint64_t> compact_stores(const fs::path& store, const BenchProgress& progress) {
    sql::SqliteOptions options;
    options.folder = store;
    std::uint64_t before = 0;
    for (const auto& [which, file] :
         {std::pair(sql::Store::registry, "registry.db"), {sql::Store::ledger, "ledger.db"}}) {
        std::error_code error;
        before += fs::file_size(store / file, error);
        if (error) return fail(ErrorCode::bench_machine, (store / file).string());
        progress(fmt::format("compacting {}", file));
        auto done = sql::compact(options, which, {});
        if (!done) return fail(std::move(done));
    }
    return before;
}

Result<NationSide> measure_warm(const NationGround& ground, const Clock& clock, const BenchProgress& progress,
                                std::string_view what) {
    progress(fmt::format("{}: {} persons, warm", what, ground.filled.size.persons));
    HubUnderLoad hub(ground.checks, ground.cards, clock, progress);
    auto started = hub.start();
    if (!started) return fail(std::move(started));
    read_through(ground.checks.store_folder / "registry.db");
    auto warm = hub.full_load();
    if (!warm) return fail(std::move(warm));
    return NationSide{ground.filled.size, ground.filled.intake, std::move(*warm)};
}

Result<void> measure_cold(const NationGround& ground, const NationBenchOptions& options, const Clock& clock,
                          const BenchProgress& progress, NationBenchReport& report) {
    HubUnderLoad hub(ground.checks, ground.cards, clock, progress);
    auto done = hub.start();
    const double seconds = std::chrono::duration<double>(options.cold_duration).count();
    // No more than a warm hub would do; signed by a hub that ends again, for the keys of challenges are the same.
    if (done) done = hub.prepare(report.nation.warm.load.good_per_second() * seconds * reserve_cold, "cold");
    if (!done) return done;
    hub.stop();
    for (const char* file : {"registry.db", "ledger.db", "registry.db-wal", "ledger.db-wal"}) {
        const fs::path path = ground.checks.store_folder / file;
        std::error_code error;
        if (!fs::exists(path, error)) continue;
        auto cached = drop_from_cache(path);
        if (!cached) return fail(std::move(cached));
        if (path.filename() == "registry.db") report.cached_share_before_cold = *cached;
    }
    if (report.cached_share_before_cold > cached_share_max) {
        return fail(ErrorCode::bench_invalid, fmt::format("{:.1f} % of the registry stayed in the page cache",
                                                          report.cached_share_before_cold * 100));
    }
    done = hub.start();
    if (!done) return done;
    progress(fmt::format("cold, {} in flight", options.cold_in_flight));
    auto cold = hub.load(ClosedLoop{options.cold_duration}, options.cold_in_flight, "cold", refused_share_max_cold);
    if (!cold) return fail(std::move(cold));
    report.cold = std::move(*cold);
    report.in_flight = options.cold_in_flight;
    return {};
}

void append_side(std::string& out, std::string_view name, const NationSide& side) {
    out += fmt::format("{:<7} {:>11} persons  {:>8.0f} checks/s  {:>6.1f} us CPU  {:>6.0f} bytes a person", name,
                       side.size.persons, side.warm.load.good_per_second(), side.warm.cpu_us_per_check(),
                       side.size.bytes_per_person());
    if (side.intake.records > 0) {
        out += fmt::format("  intake of {} rows: {:.0f}/s, {:.0f} MB", side.intake.records,
                           per(static_cast<double>(side.intake.records), side.intake.seconds), side.intake.peak_mb);
    }
    out += "\n";
}

}  // namespace

NationShares shares_of(std::uint64_t persons) {
    NationShares shares;
    shares.additions = persons / additions_of;
    shares.changes = persons / changes_of;
    shares.loaded = persons - shares.additions;
    shares.residents = shares.loaded + shares.additions * residents_per_addition_percent / 100 + residents_spare;
    return shares;
}

double NationSize::resident_register_bytes_per_person() const {
    const auto found = std::ranges::find(tables, resident_table, &sql::TableSize::table);
    return found == tables.end() ? 0 : per(static_cast<double>(found->bytes), static_cast<double>(persons));
}
double NationSize::bytes_per_person() const {
    return per(static_cast<double>(registry_bytes + ledger_bytes), static_cast<double>(persons)) -
           resident_register_bytes_per_person();
}
double NationSize::bytes_per_person_before_compacting() const {
    // The register is as large as it was, but for the same room between its rows.
    const double share =
        per(static_cast<double>(bytes_before_compacting), static_cast<double>(registry_bytes + ledger_bytes));
    return bytes_per_person() * share;
}

double NationBenchReport::ratio_warm() const {
    return per(nation.warm.load.good_per_second(), base.warm.load.good_per_second());
}
double NationBenchReport::ratio_cold() const {
    return per(cold.load.good_per_second(), base.warm.load.good_per_second());
}
double NationBenchReport::pages_per_check_cold() const {
    return per(static_cast<double>(cold.disk.read_bytes) / sql::registry_page_bytes,
               static_cast<double>(cold.load.good));
}
bool NationBenchReport::reaches(const NationTargets& targets) const {
    return ratio_warm() >= targets.ratio_warm && ratio_cold() >= targets.ratio_cold &&
           pages_per_check_cold() <= targets.pages_per_check_cold &&
           nation.size.bytes_per_person() <= targets.bytes_per_person;
}

Result<FilledNation> take_nation_in(const fs::path& folder, const NationShares& shares, const Clock& clock,
                                    Random& random, const BenchProgress& progress) {
    const fs::path note = folder / taken_in_file;
    if (const auto before = read_note(note)) return *before;
    auto description = installation::read_demo_installation(folder);
    if (!description) return fail(std::move(description));
    auto nation = installation::nation_of(*description);
    if (!nation) return fail(std::move(nation));
    const installation::Layout layout{folder};
    auto vault = hub::load_number_vault(layout.secrets());
    if (!vault) return fail(std::move(vault));
    const fs::path file = folder / "nation.csv";
    const fs::path result = folder / "nation.result.csv";
    std::error_code error;
    // A file that a killed run left is the same file: the intake goes on where it was.
    if (!fs::exists(file, error)) {
        progress("writing the members' file");
        const fs::path part = folder / "nation.csv.part";
        auto truth =
            write_intake_file(*nation, {part, shares.loaded, shares.residents, shares.additions, shares.changes});
        if (!truth) return fail(std::move(truth));
        fs::rename(part, file, error);
        if (error) return fail(ErrorCode::file_unwritable, file.string() + ": " + error.message());
    }
    progress(fmt::format("intake of {} records", shares.additions + shares.changes));
    auto run = run_intake(layout.store(), file, result, *vault, clock, random);
    if (!run) return fail(std::move(run));
    // What an earlier run had done does not count for the speed.
    const std::uint64_t rows = run->report.file.progress.rows - run->report.resumed_at_row;
    auto before = compact_stores(layout.store(), progress);
    if (!before) return fail(std::move(before));
    auto size = measure_size(layout.store(), shares.loaded + shares.additions);
    if (!size) return fail(std::move(size));
    size->bytes_before_compacting = *before;
    FilledNation filled{{rows, run->seconds, run->peak_mb}, std::move(*size)};
    auto written = write_note(note, filled);
    if (!written) return fail(std::move(written));
    fs::remove(file, error);
    fs::remove(result, error);
    return filled;
}

Result<NationBenchReport> run_nation_bench(const NationGround& base, const NationGround& nation,
                                           const NationBenchOptions& options, const Clock& clock,
                                           const BenchProgress& progress) {
    NationBenchReport report;
    auto machine = describe_machine();
    if (!machine) return fail(std::move(machine));
    report.machine = std::move(*machine);
    if (base.checks.server_cpu == base.checks.load_cpu || report.machine.cores < 2) {
        return fail(ErrorCode::bench_machine, "one core for the server and another for the load are needed");
    }
    for (const auto* ground : {&base, &nation}) {
        std::error_code error;
        fs::create_directories(ground->checks.folder, error);
    }
    auto measured = measure_warm(base, clock, progress, "base");
    if (!measured) return fail(std::move(measured));
    report.base = std::move(*measured);
    if (&base == &nation) {
        report.nation = report.base;
    } else {
        measured = measure_warm(nation, clock, progress, "nation");
        if (!measured) return fail(std::move(measured));
        report.nation = std::move(*measured);
    }
    auto cold = measure_cold(nation, options, clock, progress, report);
    if (!cold) return fail(std::move(cold));
    return report;
}

std::string to_text(const NationBenchReport& report, const NationTargets& targets) {
    std::string out = fmt::format("{}, {} cores, {:.0f} GB; the hub has one core\n", report.machine.cpu_model,
                                  report.machine.cores, static_cast<double>(report.machine.memory_bytes) / 1e9);
    append_side(out, "base", report.base);
    append_side(out, "nation", report.nation);
    out += fmt::format(
        "cold    {:>8.0f} checks/s, {} in flight, p99 {:.1f} ms, {:.2f} pages a check, {:.1f} % cached before\n",
        report.cold.load.good_per_second(), report.in_flight,
        std::chrono::duration<double, std::milli>(report.cold.load.latency.percentile(99)).count(),
        report.pages_per_check_cold(), report.cached_share_before_cold * 100);
    out += fmt::format(
        "to reach: warm {:.2f} of the base (here {:.2f}), cold {:.2f} (here {:.2f}), {:.1f} pages (here {:.2f}), "
        "{:.0f} bytes a person (here {:.0f}): {}\n",
        targets.ratio_warm, report.ratio_warm(), targets.ratio_cold, report.ratio_cold(), targets.pages_per_check_cold,
        report.pages_per_check_cold(), targets.bytes_per_person, report.nation.size.bytes_per_person(),
        report.reaches(targets) ? "reached" : "NOT REACHED");
    const double persons = static_cast<double>(report.nation.size.persons);
    for (std::size_t i = 0; i < std::min(tables_shown, report.nation.size.tables.size()); ++i) {
        const auto& table = report.nation.size.tables[i];
        out += fmt::format("  {:<24} {:>8.1f} bytes a person\n", table.table,
                           per(static_cast<double>(table.bytes), persons));
    }
    out += fmt::format(
        "the resident register, another system's, takes {:.0f} bytes a person more; before compacting {:.0f}\n",
        report.nation.size.resident_register_bytes_per_person(),
        report.nation.size.bytes_per_person_before_compacting());
    return out + fmt::format("125 million persons would be {:.0f} GB",
                             report.nation.size.bytes_per_person() * static_cast<double>(nation_of_japan) / 1e9);
}

std::string to_json_line(const NationBenchReport& report) {
    const NationSide& nation = report.nation;
    const double persons = static_cast<double>(nation.size.persons);
    std::string json = fmt::format(
        R"({{"bench":"nation","persons":{},"checks_per_second_per_core":{:.1f},"ratio_warm":{:.3f},"ratio_cold":{:.3f},)"
        R"("pages_per_check_cold":{:.3f},"bytes_per_person":{:.1f},)"
        R"("bytes_per_person_before_compacting":{:.1f},"resident_register_bytes_per_person":{:.1f},"base_persons":{},"base_checks_per_second":{:.1f},)"
        R"("cold_checks_per_second":{:.1f},"cold_p99_ms":{:.2f},"cold_major_faults_per_check":{:.3f},)"
        R"("intake_records":{},"intake_records_per_second":{:.0f},"intake_peak_mb":{:.0f},"registry_bytes":{},)"
        R"("ledger_bytes":{},"bytes_per_person_by_table":{{)",
        nation.size.persons, report.checks_per_second_per_core(), report.ratio_warm(), report.ratio_cold(),
        report.pages_per_check_cold(), nation.size.bytes_per_person(), nation.size.bytes_per_person_before_compacting(),
        nation.size.resident_register_bytes_per_person(), report.base.size.persons,
        report.base.warm.load.good_per_second(), report.cold.load.good_per_second(),
        std::chrono::duration<double, std::milli>(report.cold.load.latency.percentile(99)).count(),
        per(static_cast<double>(report.cold.server.major_faults), static_cast<double>(report.cold.load.good)),
        nation.intake.records, per(static_cast<double>(nation.intake.records), nation.intake.seconds),
        nation.intake.peak_mb, nation.size.registry_bytes, nation.size.ledger_bytes);
    bool first = true;
    for (const auto& table : nation.size.tables) {
        json += fmt::format("{}\"{}\":{:.1f}", first ? "" : ",", table.table,
                            per(static_cast<double>(table.bytes), persons));
        first = false;
    }
    return json + "}}";
}

}  // namespace onshi::bench
