#include "exchange/insurer_files/member_import.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "exchange/insurer_files/line_reader.h"
#include "exchange/insurer_files/result_file.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::insurer_files {

namespace {

using coverage::FileProgress;
using coverage::FileState;
using coverage::IntakeFile;
using coverage::IntakePlan;
using coverage::PreparedRow;
using coverage::RowOutcome;

constexpr std::chrono::milliseconds step_deadline{120'000};
constexpr std::chrono::milliseconds flight_look{1'000};
constexpr std::size_t byte_order_mark_bytes = 3;

// One row on its way: where it stands, what the result file repeats, and either the outcome of reading it or its place
// among the prepared ones.
struct ChunkRow {
    std::uint64_t line = 0;
    std::uint64_t end = 0;  // offset behind it
    std::string echo;
    std::optional<std::size_t> prepared;
    RowOutcome outcome;
};

struct ReadRow {
    ChunkRow row;
    std::optional<coverage::IntakeRow> typed;
};

struct Chunk {
    std::vector<ChunkRow> rows;
    std::vector<PreparedRow> prepared;
    std::uint64_t end = 0;    // offset behind the last row
    std::uint64_t lines = 0;  // up to there
};

// A chunk whose changes are with the committer.
struct Flight {
    Flight(Chunk in_flight, FileProgress before_it, const LoopExecutor& executor)
        : chunk(std::move(in_flight)), before(before_it), landed(executor) {
        for (const PreparedRow& row : chunk.prepared) {
            touched.insert(row.insured_hash);
            if (row.tag_hash != 0) touched.insert(row.tag_hash);
        }
    }
    Chunk chunk;
    FileProgress before;
    std::unordered_set<std::uint64_t> touched;
    Alarm landed;
    std::optional<Result<sql::CommitPosition>> outcome;
};

// Whether the chunk that was waited for was committed as it was planned. Repeated: the result file was cut back to
// before it, and holds its new lines as the last ones.
enum class Landing : std::uint8_t { as_planned, repeated };

Task<void> fly(sql::Database& database, sql::WriteSet set, Flight& flight) {
    auto committed = co_await database.commit(std::move(set), Deadline::in(step_deadline));
    flight.outcome.emplace(std::move(committed));
    flight.landed.ring();
}

std::string file_payload(const IntakeFile& file) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(file.id);
    writer.raw(Bytes(file.digest));
    writer.i64(file.scope);
    writer.u64(file.bytes);
    writer.u8(static_cast<std::uint8_t>(file.state));
    writer.text(coverage::pack(file.progress));
    return payload;
}

// The change of a file's own row, with its record in the audit chain.
Task<Result<void>> change_audited(const coverage::IntakeParts& parts, audit::Event event, const IntakeFile& file,
                                  const audit::Actor& actor, std::int64_t version, Deadline deadline,
                                  const std::function<void(sql::WriteSet&)>& more = {}) {
    audit::AuditedChanges changes(parts.database, parts.clock, parts.random);
    sql::WriteSet set(sql::Store::registry, more ? sql::SetVolume::bulk : sql::SetVolume::ordinary);
    if (more) more(set);
    if (version == 0) {
        coverage::add_file(set, file);
    } else {
        coverage::change_file(set, file, version);
    }
    const std::string payload = file_payload(file);
    auto done = co_await changes.apply(event, actor, payload, std::move(set), deadline);
    if (!done && done.error().code == ErrorCode::store_conflict) {
        co_return fail(ErrorCode::intake_busy, "the file's own row");
    }
    if (!done) co_return fail(std::move(done));
    co_return Result<void>();
}

class MemberImport {
  public:
    MemberImport(const coverage::IntakeParts& parts, const ImportOptions& options)
        : parts_(parts), options_(options), intake_(guarded(parts)) {}

    [[nodiscard]] Task<Result<ImportReport>> run();

  private:
    [[nodiscard]] Task<Result<void>> load_insurers();
    [[nodiscard]] Task<Result<void>> claim_file();
    [[nodiscard]] Task<Result<void>> weigh();
    [[nodiscard]] Task<Result<void>> weigh_ratios();
    [[nodiscard]] coverage::IntakeParts guarded(coverage::IntakeParts parts) const;
    void learn_ratios(sql::WriteSet& set) const;
    [[nodiscard]] Task<Result<void>> run_rows();
    [[nodiscard]] Task<Result<void>> run_chunks();
    [[nodiscard]] Result<Chunk> read_chunk();
    [[nodiscard]] Result<std::optional<ReadRow>> next_row();
    [[nodiscard]] ReadRow read_row(const Line& line);
    [[nodiscard]] std::optional<RowOutcome> refuse_insurer(const coverage::IntakeRow& row) const;
    [[nodiscard]] Task<Result<void>> process(Chunk chunk);
    [[nodiscard]] Task<Result<void>> process_halves(Chunk chunk);
    [[nodiscard]] Task<Result<void>> launch(Chunk chunk, IntakePlan plan);
    [[nodiscard]] Task<Result<Landing>> land();
    [[nodiscard]] Task<Result<void>> repeat(Flight& flight);
    void count(Chunk& chunk, const IntakePlan& plan);
    void report(std::string_view stage, std::uint64_t done, std::uint64_t total) const {
        if (options_.progress) options_.progress(stage, done, total);
    }
    [[nodiscard]] audit::Actor sender() const {
        return {options_.organisation, options_.terminal, options_.received_by};
    }
    [[nodiscard]] bool writes() const { return options_.commitment == Commitment::write; }
    [[nodiscard]] std::int64_t scope() const { return options_.sender ? options_.sender->to_key() : 0; }

    const coverage::IntakeParts& parts_;
    const ImportOptions& options_;
    std::unordered_map<InsurerNumber, payments::RatioHistory> ratios_before_;
    coverage::Intake intake_;
    Survey survey_;
    ImportReport report_;
    std::unordered_map<InsurerNumber, DateRange> insurers_;
    std::optional<LineReader> lines_;
    std::optional<RowParser> parser_;
    std::optional<ResultFile> results_;
    std::optional<LoopExecutor> executor_;
    std::unique_ptr<Flight> flight_;
    std::vector<coverage::IntakeRow> typed_;  // of the chunk that is being read
    std::optional<ReadRow> carried_;          // read, but of the next chunk
    bool header_comes_ = false;
    bool at_end_ = false;
};

Task<Result<void>> MemberImport::load_insurers() {
    sql::ReadBatch batch;
    const auto insurers = organisations::load_insurers(batch);
    auto read = co_await parts_.database.read(batch, Deadline::in(step_deadline));
    if (!read) co_return read;
    for (const auto& insurer : insurers) {
        const auto number = InsurerNumber::from_key(insurer.code);
        if (number) insurers_.emplace(*number, insurer.valid);
    }
    co_return Result<void>();
}

// The share of each insurer's members that the file would end or blank.
Task<Result<void>> MemberImport::weigh() {
    for (const auto& [insurer, taken] : survey_.taken_away) {
        // Rows of other insurers than the sender are refused one by one.
        const bool counts = !options_.sender || insurer == *options_.sender;
        if (!counts || taken.rows() < coverage::unusual_rows_min) continue;
        sql::ReadBatch batch;
        const auto members = coverage::load_members(batch, insurer);
        auto read = co_await parts_.database.read(batch, Deadline::in(step_deadline));
        if (!read) co_return read;
        const std::int64_t known = members ? *members : 0;
        if (coverage::is_unusual_share(taken.rows(), known)) report_.unusual.push_back({insurer, taken, known});
    }
    auto weighed = co_await weigh_ratios();
    std::ranges::sort(report_.unusual, {}, &UnusualShare::insurer);
    co_return weighed;
}

// How each insurer of the file sent its ratios so far, and whether their blanks jump.
Task<Result<void>> MemberImport::weigh_ratios() {
    const auto& tables = payments::builtin_tables();
    for (const auto& [insurer, told] : survey_.ratios) {
        // What a sender says of other insurers' members is refused, and teaches nothing about those insurers.
        if (options_.sender && insurer != *options_.sender) continue;
        sql::ReadBatch batch;
        const auto before = payments::load_ratio_history(batch, insurer);
        auto read = co_await parts_.database.read(batch, Deadline::in(step_deadline));
        if (!read) co_return read;
        payments::RatioHistory& known = ratios_before_[insurer];
        if (before) known = *before;
        if (payments::judge_blank_rate(known, told.blank, tables) == payments::BlankVerdict::accept) continue;
        auto share = std::ranges::find(report_.unusual, insurer, &UnusualShare::insurer);
        if (share == report_.unusual.end()) share = report_.unusual.insert(share, UnusualShare{insurer, {}});
        share->ratios = known.judged(told.blank, tables.plausibility);
        share->ratios_before = known.blank;
        share->blank_jump = true;
    }
    co_return Result<void>();
}

// The record stays as it was sent, whatever the law or the insurer's own pattern say of it: the insurer is told.
coverage::IntakeParts MemberImport::guarded(coverage::IntakeParts parts) const {
    parts.ratio_check = [this](const coverage::Coverage& record, Date birth, Date on) {
        const payments::RatioRecord told{birth, on, record.insurer.scheme(), record.copay_percent,
                                         record.limit_category};
        const auto before = ratios_before_.find(record.insurer);
        const auto* pattern = before == ratios_before_.end() ? nullptr : &before->second.pattern;
        return payments::is_ratio_suspect(payments::ratio_plausibility(told, payments::builtin_tables(), pattern));
    };
    return parts;
}

// The file is accepted: what it told is what its insurers' next ones are compared with.
void MemberImport::learn_ratios(sql::WriteSet& set) const {
    const auto& tables = payments::builtin_tables();
    for (const auto& [insurer, before] : ratios_before_) {
        payments::RatioHistory history = before;
        const auto& told = survey_.ratios.at(insurer);
        history.learn(told, payments::judge_blank_rate(before, told.blank, tables), tables.plausibility);
        payments::put_ratio_history(set, insurer, history);
    }
}

// The file's own row: the one it has already, or a new one. Two programs that begin with it at once get the same.
Task<Result<void>> MemberImport::claim_file() {
    const Deadline deadline = Deadline::in(step_deadline);
    const audit::Actor actor = sender();
    IntakeFile& file = report_.file;
    file.digest = survey_.digest;
    file.scope = scope();
    file.bytes = survey_.bytes;
    file.received_at = parts_.clock.now();
    file.received_by = options_.received_by;
    file.state = report_.unusual.empty() ? FileState::working : FileState::held;
    Result<void> added;
    for (int tries = 0; tries < coverage::intake_conflicts_max; ++tries) {
        sql::ReadBatch batch;
        const auto known = coverage::load_file_by_digest(batch, survey_.digest, scope());
        auto read = co_await parts_.database.read(batch, deadline);
        if (!read) co_return read;
        if (known) {
            file = *known;
            if (!writes()) file.progress = {};
            report_.resumed_at_row = file.progress.rows;
            co_return Result<void>();
        }
        // Numbered by the clock; another file of the same microsecond has taken the next one.
        file.id = file.received_at.us + tries;
        if (!writes()) co_return Result<void>();
        added = co_await change_audited(parts_, audit::Event::members_file_received, file, actor, 0, deadline);
        if (added || added.error().code != ErrorCode::intake_busy) co_return added;
    }
    co_return added;
}

std::optional<RowOutcome> MemberImport::refuse_insurer(const coverage::IntakeRow& row) const {
    if (options_.sender && row.insurer != *options_.sender) {
        return RowOutcome::refuse(ErrorCode::intake_other_insurer, field_name(Field::insurer_number));
    }
    const auto known = insurers_.find(row.insurer);
    // What an insurer that was closed says of records it has is still heard.
    const bool was_open = known != insurers_.end() && (!row.acquired_on || row.operation != coverage::Operation::add ||
                                                       known->second.contains(*row.acquired_on));
    if (was_open) return std::nullopt;
    return RowOutcome::refuse(ErrorCode::intake_unknown_insurer, field_name(Field::insurer_number));
}

ReadRow MemberImport::read_row(const Line& line) {
    ReadRow read;
    read.row.line = line.number;
    read.row.end = line.end;
    if (line.kind == LineKind::too_long) {
        read.row.outcome = RowOutcome::refuse(ErrorCode::intake_line_too_long);
        if (parser_->columns() > 1) read.row.echo.assign(parser_->columns() - 1, ',');
        return read;
    }
    auto parsed = parser_->parse(line.text);
    read.row.echo = parser_->echo();
    if (const auto* refused = std::get_if<RowOutcome>(&parsed)) {
        read.row.outcome = *refused;
        return read;
    }
    auto& typed = std::get<coverage::IntakeRow>(parsed);
    if (const auto wrong = refuse_insurer(typed)) {
        read.row.outcome = *wrong;
    } else {
        read.typed.emplace(std::move(typed));
    }
    return read;
}

// The next row that is not empty; nullopt at the end of the file.
Result<std::optional<ReadRow>> MemberImport::next_row() {
    if (carried_) return std::exchange(carried_, std::nullopt);
    for (;;) {
        auto line = lines_->next();
        if (!line) return fail(std::move(line));
        if (line->kind == LineKind::end) return std::optional<ReadRow>();
        if (line->number == 1 && survey_.has_mark) line->text.remove_prefix(byte_order_mark_bytes);
        if (line->text.empty() && line->kind == LineKind::line) continue;
        if (std::exchange(header_comes_, false)) continue;
        return std::optional<ReadRow>(read_row(*line));
    }
}

// Rows of one insured number stay together, so that chunks seldom wait for each other.
Result<Chunk> MemberImport::read_chunk() {
    Chunk chunk;
    typed_.clear();
    const std::size_t rows_max = std::clamp<std::size_t>(options_.chunk_rows, 1, coverage::intake_chunk_rows_max);
    for (;;) {
        auto row = next_row();
        if (!row) return fail(std::move(row));
        at_end_ = !row->has_value();
        if (at_end_) return chunk;
        ReadRow& read = **row;
        const bool same_family = read.typed && !typed_.empty() && read.typed->insurer == typed_.back().insurer &&
                                 read.typed->insured == typed_.back().insured;
        const std::size_t rows = chunk.rows.size();
        const bool full = rows >= rows_max && (!same_family || rows >= rows_max + coverage::intake_chunk_overhang_max);
        if (full) {
            carried_ = std::move(read);
            return chunk;
        }
        chunk.end = read.row.end;
        chunk.lines = read.row.line;
        if (read.typed) {
            read.row.prepared = typed_.size();
            typed_.push_back(std::move(*read.typed));
        }
        chunk.rows.push_back(std::move(read.row));
    }
}

void MemberImport::count(Chunk& chunk, const IntakePlan& plan) {
    FileProgress& progress = report_.file.progress;
    for (ChunkRow& row : chunk.rows) {
        if (row.prepared) row.outcome = plan.outcomes[*row.prepared];
        ++progress.results[static_cast<std::size_t>(row.outcome.result)];
        ++progress.rows;
        results_->add(row.line, row.echo, row.outcome);
    }
    progress.bytes_read = chunk.end;
    progress.lines = chunk.lines;
    progress.result_bytes = results_->size();
}

// Waits for the chunk that is being committed.
Task<Result<Landing>> MemberImport::land() {
    if (!flight_) co_return Landing::as_planned;
    while (!flight_->outcome) co_await flight_->landed.wait_until(std::chrono::steady_clock::now() + flight_look);
    const std::unique_ptr<Flight> flight = std::move(flight_);
    if (*flight->outcome) co_return Landing::as_planned;
    if (flight->outcome->error().code != ErrorCode::store_conflict) co_return fail(std::move(*flight->outcome));
    auto repeated = co_await repeat(*flight);
    if (!repeated) co_return fail(std::move(repeated));
    co_return Landing::repeated;
}

// Somebody else changed the same persons meanwhile: the chunk is decided again on what is known now.
Task<Result<void>> MemberImport::repeat(Flight& flight) {
    for (int tries = 0; tries < coverage::intake_conflicts_max; ++tries) {
        report_.file.progress = flight.before;
        auto cut = results_->cut(flight.before.result_bytes);
        if (!cut) co_return cut;
        const Deadline deadline = Deadline::in(step_deadline);
        auto plan = co_await intake_.plan(flight.chunk.prepared, deadline);
        if (!plan) co_return fail(std::move(plan));
        count(flight.chunk, *plan);
        auto flushed = results_->flush();
        if (!flushed) co_return flushed;
        coverage::change_file(plan->set, report_.file, report_.file.version - 1);
        auto committed = co_await parts_.database.commit(std::move(plan->set), deadline);
        if (committed) co_return Result<void>();
        if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    }
    co_return fail(ErrorCode::intake_busy, "a chunk of rows");
}

// Its lines are written while the chunk before it is still being committed, so that the committer need not wait for
// them; a run that is killed in between cuts them off again.
Task<Result<void>> MemberImport::launch(Chunk chunk, IntakePlan plan) {
    FileProgress before = report_.file.progress;
    count(chunk, plan);
    auto flushed = results_->flush();
    auto landed = co_await land();
    if (!landed) co_return fail(std::move(landed));
    if (flushed && *landed == Landing::repeated) {
        before = report_.file.progress;
        count(chunk, plan);
        flushed = results_->flush();
    }
    if (!flushed || !writes()) co_return flushed;
    coverage::change_file(plan.set, report_.file, report_.file.version);
    ++report_.file.version;
    flight_ = std::make_unique<Flight>(std::move(chunk), before, *executor_);
    spawn(*executor_, fly(parts_.database, std::move(plan.set), *flight_));
    co_await yield_to_others();
    co_return Result<void>();
}

// More changes than one commit may hold, as when a large employer's members leave with their families.
Task<Result<void>> MemberImport::process_halves(Chunk chunk) {
    const std::size_t middle = chunk.rows.size() / 2;
    Chunk first;
    Chunk second;
    second.end = chunk.end;
    second.lines = chunk.lines;
    for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
        Chunk& half = i < middle ? first : second;
        ChunkRow& row = chunk.rows[i];
        if (row.prepared) {
            half.prepared.push_back(std::move(chunk.prepared[*row.prepared]));
            row.prepared = half.prepared.size() - 1;
        }
        half.rows.push_back(std::move(row));
    }
    first.end = first.rows.back().end;
    first.lines = first.rows.back().line;
    auto done = co_await process(std::move(first));
    if (done) done = co_await process(std::move(second));
    co_return done;
}

Task<Result<void>> MemberImport::process(Chunk chunk) {
    const Deadline deadline = Deadline::in(step_deadline);
    const bool waits = flight_ && std::ranges::any_of(chunk.prepared, [this](const PreparedRow& row) {
                           return flight_->touched.contains(row.insured_hash) ||
                                  (row.tag_hash != 0 && flight_->touched.contains(row.tag_hash));
                       });
    if (waits) {
        auto landed = co_await land();
        if (!landed) co_return fail(std::move(landed));
    }
    auto plan = co_await intake_.plan(chunk.prepared, deadline);
    if (!plan) co_return fail(std::move(plan));
    Result<void> done;
    if (plan->set.too_large() && chunk.rows.size() > 1) {
        auto landed = co_await land();
        if (!landed) co_return fail(std::move(landed));
        done = co_await process_halves(std::move(chunk));
    } else {
        done = co_await launch(std::move(chunk), std::move(*plan));
    }
    co_return done;
}

Task<Result<void>> MemberImport::run_rows() {
    const FileProgress& progress = report_.file.progress;
    auto lines = LineReader::open(options_.source, progress.bytes_read, progress.lines);
    if (!lines) co_return fail(std::move(lines));
    lines_.emplace(std::move(*lines));
    const std::uint64_t result_bytes = writes() ? progress.result_bytes : 0;
    auto results = ResultFile::open(options_.result_file, survey_.format, options_.language, result_bytes);
    if (!results) co_return fail(std::move(results));
    results_.emplace(std::move(*results));
    if (result_bytes == 0) {
        // On disk before the first chunk, so that a first chunk that is decided again is cut back to behind it.
        results_->begin(survey_.header);
        auto flushed = results_->flush();
        if (!flushed) co_return flushed;
        report_.file.progress.result_bytes = results_->size();
    }
    header_comes_ = survey_.format == FileFormat::csv && progress.bytes_read == 0;
    auto done = co_await run_chunks();
    // What is with the committer refers to this run, whatever went wrong meanwhile.
    auto landed = co_await land();
    if (done && !landed) done = fail(std::move(landed));
    co_return done;
}

Task<Result<void>> MemberImport::run_chunks() {
    while (!at_end_) {
        if (options_.stop && options_.stop()) {
            report_.end = ImportEnd::stopped;
            break;
        }
        auto chunk = read_chunk();
        if (!chunk) co_return fail(std::move(chunk));
        if (chunk->rows.empty()) break;
        auto prepared = co_await intake_.prepare(std::move(typed_), Deadline::in(step_deadline));
        if (!prepared) co_return fail(std::move(prepared));
        typed_.clear();
        chunk->prepared = std::move(*prepared);
        auto done = co_await process(std::move(*chunk));
        if (!done) co_return done;
        report("rows", report_.file.progress.rows, survey_.rows);
    }
    co_return Result<void>();
}

Task<Result<ImportReport>> MemberImport::run() {
    executor_.emplace(co_await boost::asio::this_coro::executor);
    auto survey = survey_file(
        options_.source, [this](std::uint64_t bytes) { report("survey", bytes, 0); }, japan_day(parts_.clock.now()));
    if (!survey) co_return fail(std::move(survey));
    survey_ = std::move(*survey);
    report_.format = survey_.format;
    report_.encoding = survey_.encoding;
    auto done = co_await load_insurers();
    if (done) done = co_await weigh();
    if (done) done = co_await claim_file();
    if (!done) co_return fail(std::move(done));
    if (report_.file.state == FileState::done) report_.end = ImportEnd::done_before;
    if (report_.file.state == FileState::held) report_.end = ImportEnd::held;
    const bool is_over = report_.file.state == FileState::done || (report_.file.state == FileState::held && writes());
    if (is_over) co_return std::move(report_);
    if (survey_.format == FileFormat::csv) {
        auto parser = RowParser::csv(survey_.header, survey_.encoding);
        if (!parser) co_return fail(std::move(parser));
        parser_.emplace(std::move(*parser));
    } else {
        parser_.emplace(RowParser::ndjson());
    }
    done = co_await run_rows();
    if (!done) co_return fail(std::move(done));
    if (report_.end == ImportEnd::stopped || !writes()) co_return std::move(report_);
    report_.file.state = FileState::done;
    const std::function<void(sql::WriteSet&)> learn = [this](sql::WriteSet& set) { learn_ratios(set); };
    const audit::Actor actor = sender();
    done = co_await change_audited(parts_, audit::Event::members_file_done, report_.file, actor, report_.file.version,
                                   Deadline::in(step_deadline), learn);
    if (!done) co_return fail(std::move(done));
    ++report_.file.version;
    co_return std::move(report_);
}

}  // namespace

Task<Result<ImportReport>> import_members(const coverage::IntakeParts& parts, const ImportOptions& options) {
    MemberImport import(parts, options);
    co_return co_await import.run();
}

Task<Result<IntakeFile>> release_file(const coverage::IntakeParts& parts, std::int64_t id, audit::Actor actor,
                                      Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = coverage::load_file(batch, id);
    auto read = co_await parts.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!found) co_return fail(ErrorCode::intake_unknown_file, "no such file");
    IntakeFile file = *found;
    if (file.state != FileState::held) co_return fail(ErrorCode::intake_not_held, std::string(to_string(file.state)));
    if (file.received_by == actor.reference) co_return fail(ErrorCode::intake_second_person, "released by its sender");
    file.state = FileState::working;
    file.released_by = actor.reference;
    auto changed =
        co_await change_audited(parts, audit::Event::members_file_released, file, actor, file.version, deadline);
    if (!changed) co_return fail(std::move(changed));
    ++file.version;
    co_return file;
}

}  // namespace onshi::insurer_files
