#include "bench/intake_reference.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/identifiers.h"
#include "domain/audit/chain.h"
#include "domain/coverage/store_intake.h"
#include "domain/identity/store_numbers.h"
#include "hub/migrations.h"
#include "hub/settings.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"

namespace onshi::bench {

namespace {

using sql::Blob;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr std::int64_t page_rows = 2'000;
constexpr std::uint64_t rows_per_commit = 500'000;
constexpr std::chrono::milliseconds read_deadline{60'000};

// Every page continues behind the last key of the one before.
const Statement select_new_persons(
    "bench.select_new_persons", Store::registry, ShardKey::none,
    "SELECT person_key, known_from, known_to, packed FROM person "
    "WHERE person_key > $1 AND known_from > $2 ORDER BY person_key, known_from LIMIT $3");
const Statement select_new_numbers(
    "bench.select_new_numbers", Store::registry, ShardKey::none,
    "SELECT person_key, known_from, key_id, sealed FROM individual_number "
    "WHERE person_key > $1 AND known_from > $2 ORDER BY person_key, known_from LIMIT $3");
const Statement select_new_coverages("bench.select_new_coverages", Store::registry, ShardKey::none,
                                     "SELECT person_key, coverage_key, known_from, known_to, packed FROM coverage "
                                     "WHERE person_key > $1 AND known_from > $2 "
                                     "ORDER BY person_key, coverage_key, known_from LIMIT $3");
const Statement select_new_sections("bench.select_new_sections", Store::registry, ShardKey::none,
                                    "SELECT person_key, section, version, bytes FROM person_now "
                                    "WHERE person_key > $1 AND version > $2 ORDER BY person_key, section LIMIT $3");
const Statement select_withheld("bench.select_withheld", Store::registry, ShardKey::none,
                                "SELECT person_key, coverage_key, insurer_number, severity, state, opened_at, version, "
                                "cause, packed FROM withheld_record WHERE person_key > $1 "
                                "AND opened_at > $2 ORDER BY person_key, coverage_key LIMIT $3");
const Statement put_section("bench.put_section", Store::registry, ShardKey::person,
                            "INSERT INTO person_now (person_key, section, version, bytes) VALUES ($1, $2, $3, $4) "
                            "ON CONFLICT (person_key, section) DO UPDATE SET version = excluded.version, "
                            "bytes = excluded.bytes");
const Statement close_version("bench.close_version", Store::registry, ShardKey::person,
                              "UPDATE coverage SET known_to = $3 WHERE person_key = $1 AND coverage_key = $2 "
                              "AND known_to = $4");
// A row as the store holds it: integers first, then bytes.
struct Found {
    std::vector<std::int64_t> integers;
    std::string text;
    std::string bytes;
    [[nodiscard]] std::int64_t person() const { return integers[0]; }
};

template <int Integers>
Found decode(const Row& row) {
    Found found;
    for (int i = 0; i < Integers; ++i) found.integers.push_back(row.integer(i));
    found.bytes = row.blob(Integers);
    return found;
}
Found decode_withheld(const Row& row) {
    Found found;
    for (int i = 0; i < 7; ++i) found.integers.push_back(row.integer(i));
    found.text = row.text(7);
    found.bytes = row.blob(8);
    return found;
}

// One table's new rows in the order of persons, read in pages.
class Source {
  public:
    // `since`: what the statement tells new rows by is greater.
    Source(sql::Database& database, const Statement& statement, sql::Decode<Found> decode, std::int64_t since)
        : database_(database), statement_(statement), decode_(decode), since_(since) {}

    Result<const Found*> peek() {
        if (at_ == rows_.size() && !over_) {
            auto read = read_page();
            if (!read) return fail(std::move(read));
        }
        return at_ == rows_.size() ? nullptr : &rows_[at_];
    }
    void pop() { ++at_; }

  private:
    // A page may end inside a person: its last person is read again with the next one, unless it is the only one.
    Result<void> read_page() {
        sql::ReadBatch batch;
        const auto page = batch.many(statement_, page_rows, decode_, after_, since_, page_rows);
        auto read = run_to_end(database_.read(batch, Deadline::in(read_deadline)));
        if (!read) return read;
        rows_ = page.get();
        at_ = 0;
        over_ = rows_.size() < static_cast<std::size_t>(page_rows);
        if (over_) return {};
        const std::int64_t last = rows_.back().person();
        while (!rows_.empty() && rows_.back().person() == last) rows_.pop_back();
        if (rows_.empty()) return fail(ErrorCode::bench_invalid, "one person fills a page");
        after_ = rows_.back().person();
        return {};
    }
    sql::Database& database_;
    const Statement& statement_;
    sql::Decode<Found> decode_;
    std::int64_t since_;
    std::vector<Found> rows_;
    std::size_t at_ = 0;
    std::int64_t after_ = 0;
    bool over_ = false;
};

// Statements with their parameters, gathered before the clock starts.
class Timed {
  public:
    explicit Timed(std::unique_ptr<sql::BulkWriter> writer) : writer_(std::move(writer)) {}
    template <class... P>
    void add(const Statement& statement, const P&... parameters) {
        sql::ParameterBuffer values;
        values.reserve(sizeof...(parameters), 512);
        (values.add(parameters), ...);
        waiting_.emplace_back(&statement, std::move(values));
    }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    Result<void> run() {
        const auto begun = std::chrono::steady_clock::now();
        for (const auto& [statement, values] : waiting_) {
            auto done = writer_->execute(*statement, values);
            if (done && ++bare_.rows % rows_per_commit == 0) done = writer_->commit();
            if (!done) return done;
        }
        bare_.time += std::chrono::steady_clock::now() - begun;
        waiting_.clear();
        return {};
    }
    Result<BareInsert> finish() {
        auto done = run();
        if (!done) return fail(std::move(done));
        const auto begun = std::chrono::steady_clock::now();
        done = writer_->commit();
        if (!done) return fail(std::move(done));
        bare_.time += std::chrono::steady_clock::now() - begun;
        return bare_;
    }

  private:
    std::unique_ptr<sql::BulkWriter> writer_;
    std::vector<std::pair<const Statement*, sql::ParameterBuffer>> waiting_;
    BareInsert bare_;
};

class Reference {
  public:
    Reference(sql::Database& after, Timed& timed, const Before& before, const identity::NumberVault& vault)
        : timed_(timed),
          vault_(vault),
          persons_(after, select_new_persons, decode<3>, before.known_seq),
          numbers_(after, select_new_numbers, decode<3>, before.known_seq),
          coverages_(after, select_new_coverages, decode<4>, before.known_seq),
          sections_(after, select_new_sections, decode<3>, before.known_seq),
          withheld_(after, select_withheld, decode_withheld, before.withheld_since.us) {}

    Result<void> run() {
        for (;;) {
            std::optional<std::int64_t> person;
            for (Source* source : {&persons_, &coverages_, &sections_}) {
                auto row = source->peek();
                if (!row) return fail(std::move(row));
                if (*row != nullptr && (!person || (*row)->person() < *person)) person = (*row)->person();
            }
            if (!person) return {};
            auto done = add_person(*person);
            if (done && timed_.waiting() >= batch_steps) done = timed_.run();
            if (!done) return done;
        }
    }

  private:
    static constexpr std::size_t batch_steps = 50'000;

    template <class Take>
    Result<void> each(Source& source, std::int64_t person, Take take) {
        for (;;) {
            auto row = source.peek();
            if (!row) return fail(std::move(row));
            if (*row == nullptr || (*row)->person() != person) return {};
            auto taken = take(**row);
            if (!taken) return taken;
            source.pop();
        }
    }
    Result<void> add_person(std::int64_t person) {
        auto done = each(persons_, person, [&](const Found& row) -> Result<void> {
            timed_.add(identity::insert_person, person, row.integers[1], row.integers[2], Blob{row.bytes});
            return {};
        });
        if (done) done = each(numbers_, person, [&](const Found& row) { return add_number(row); });
        if (done) done = each(coverages_, person, [&](const Found& row) { return add_coverage(row); });
        if (done) {
            done = each(sections_, person, [&](const Found& row) -> Result<void> {
                timed_.add(put_section, person, row.integers[1], row.integers[2], Blob{row.bytes});
                return {};
            });
        }
        if (!done) return done;
        return each(withheld_, person, [&](const Found& row) -> Result<void> {
            const auto& n = row.integers;
            timed_.add(coverage::insert_withheld, n[0], n[1], n[2], n[3], n[4], n[5], n[6], row.text, Blob{row.bytes});
            return {};
        });
    }
    Result<void> add_number(const Found& row) {
        auto number = vault_.open(PersonKey(row.person()), row.bytes);
        if (!number) return fail(std::move(number));
        const auto tag = vault_.tag(*number);
        timed_.add(identity::insert_number_tag, Blob{as_text(tag)}, row.person());
        timed_.add(identity::insert_individual_number, row.person(), row.integers[1], row.integers[2], Blob{row.bytes});
        return {};
    }
    Result<void> add_coverage(const Found& row) {
        const bool is_new = row.integers[1] >= identity::KeyBlocks::first_counted_key;
        if (!is_new) timed_.add(close_version, row.person(), row.integers[1], row.integers[2], identity::known_open);
        timed_.add(coverage::insert_coverage, row.person(), row.integers[1], row.integers[2], row.integers[3],
                   Blob{row.bytes});
        if (!is_new) return {};
        const auto record = coverage::unpack(row.bytes);
        if (!record) return fail(ErrorCode::bench_invalid, "a record cannot be read");
        const auto insured = InsuredSymbolNumber::parse(record->symbol, record->number);
        if (!insured) return fail(ErrorCode::bench_invalid, "a record's number cannot be read");
        timed_.add(coverage::insert_coverage_number, record->insurer.to_key(), insured->number.comparison(),
                   insured->symbol.comparison(), record->branch ? record->branch->value() : -1, row.person(),
                   row.integers[1]);
        return {};
    }

    Timed& timed_;
    const identity::NumberVault& vault_;
    Source persons_;
    Source numbers_;
    Source coverages_;
    Source sections_;
    Source withheld_;
};

}  // namespace

Result<BareInsert> insert_bare(const std::filesystem::path& after, const std::filesystem::path& before,
                               const Before& known, const identity::NumberVault& vault) {
    sql::SqliteOptions from;
    from.folder = after;
    sql::CommitCounter counter;
    audit::ChainSequencer chain(hub::command_line_lane, "command-line");
    auto database = sql::open_database(from, hub::all_migrations(), counter, chain);
    if (!database) return fail(std::move(database));
    sql::SqliteOptions into;
    into.folder = before;
    auto writer = sql::BulkWriter::open(into, Store::registry);
    if (!writer) return fail(std::move(writer));
    Timed timed(std::move(*writer));
    auto done = Reference(**database, timed, known, vault).run();
    (*database)->close();
    if (!done) return fail(std::move(done));
    return timed.finish();
}

}  // namespace onshi::bench
