#include "platform/sql/store_copy.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ensure.h"
#include "platform/sql/limits.h"
#include "platform/sql/store_reader.h"
#include "platform/sql/stores.h"

namespace onshi::sql {

namespace {

// How far a copy is, as the version of its mark among the slices of each store.
constexpr int mark_migrated = 1;  // the migrations put rows of their own into it
constexpr int mark_cleared = 2;   // what is in it came from the source

// Statements are for the life of the program, and each copy asks the same.
const Statement& statement_for(Store store, const std::string& text) {
    struct Made {
        std::string text;
        std::unique_ptr<Statement> statement;
    };
    static std::map<std::pair<Store, std::string>, Made> made;
    Made& found = made[{store, text}];
    if (!found.statement) {
        found.text = text;
        found.statement = std::make_unique<Statement>("sql.copy", store, ShardKey::none, found.text);
    }
    return *found.statement;
}

template <class T>
std::string numbered(const std::vector<T>& names, std::size_t from = 1) {
    std::vector<std::string> marks;
    for (std::size_t i = 0; i < names.size(); ++i) marks.push_back(fmt::format("${}", from + i));
    return fmt::format("{}", fmt::join(marks, ", "));
}

// A row outside of its reader: as parameters of an INSERT, and as bytes that tell two rows apart.
ParameterBuffer to_parameters(const Row& row, std::size_t columns) {
    ParameterBuffer values;
    for (std::size_t i = 0; i < columns; ++i) {
        const Column& column = row.column(static_cast<int>(i));
        switch (column.kind) {
            case ColumnKind::null: values.add(Null{}); break;
            case ColumnKind::integer: values.add(column.integer); break;
            case ColumnKind::text: values.add(column.bytes); break;
            case ColumnKind::blob: values.add(Blob{column.bytes}); break;
        }
    }
    return values;
}

void append_encoded(const ParameterBuffer& values, std::string& out) {
    for (std::size_t i = 0; i < values.count(); ++i) {
        const Parameter& value = values.at(i);
        const bool has_bytes = value.kind == ParameterKind::text || value.kind == ParameterKind::blob;
        const std::int64_t number = has_bytes ? value.size : value.value;
        out.push_back(static_cast<char>(value.kind));
        out.append(reinterpret_cast<const char*>(&number), sizeof(number));
        if (has_bytes) out.append(values.bytes_of(value));
    }
}

void add_value(const ParameterBuffer& from, std::size_t index, ParameterBuffer& to) {
    const Parameter& value = from.at(index);
    switch (value.kind) {
        case ParameterKind::text: to.add(from.bytes_of(value)); break;
        case ParameterKind::blob: to.add(Blob{from.bytes_of(value)}); break;
        case ParameterKind::integer: to.add(value.value); break;
        default: ENSURE(false && "a key has no NULL");
    }
}

// The SQL of one table. Rows come in the order of the primary key, which is the same on both engines: texts are ordered
// by their bytes.
class Table {
  public:
    Table(Store store, TableShape shape) : store_(store), shape_(std::move(shape)) {
        for (const auto& name : shape_.key) {
            const auto found = std::ranges::find(shape_.columns, name);
            ENSURE(found != shape_.columns.end());
            key_columns_.push_back(static_cast<std::size_t>(found - shape_.columns.begin()));
        }
    }
    [[nodiscard]] Store store() const { return store_; }
    [[nodiscard]] const std::string& name() const { return shape_.name; }
    [[nodiscard]] std::size_t columns() const { return shape_.columns.size(); }

    [[nodiscard]] const Statement& insert() const {
        return statement_for(store_, fmt::format("INSERT INTO {} ({}) VALUES ({})", shape_.name,
                                                 fmt::join(shape_.columns, ", "), numbered(shape_.columns)));
    }
    [[nodiscard]] const Statement& remove_all() const {
        return statement_for(store_, fmt::format("DELETE FROM {}", shape_.name));
    }
    [[nodiscard]] Result<std::uint64_t> count(StoreReader& reader) const {
        std::uint64_t rows = 0;
        auto read = reader.each(statement_for(store_, fmt::format("SELECT count(*) FROM {}", shape_.name)), {},
                                [&](const Row& row) { rows = static_cast<std::uint64_t>(row.integer(0)); });
        if (!read) return fail(std::move(read));
        return rows;
    }
    // The next rows behind a key; from the first one when there is none.
    [[nodiscard]] Result<std::vector<ParameterBuffer>> rows_behind(StoreReader& reader,
                                                                   const std::optional<ParameterBuffer>& key) const {
        const std::string where =
            key ? fmt::format("WHERE ({}) > ({}) ", fmt::join(shape_.key, ", "), numbered(shape_.key)) : std::string();
        const auto& statement = statement_for(
            store_, fmt::format("SELECT {} FROM {} {}ORDER BY {} LIMIT {}", fmt::join(shape_.columns, ", "),
                                shape_.name, where, fmt::join(shape_.key, ", "), copy_rows_per_step));
        std::vector<ParameterBuffer> rows;
        auto read = reader.each(statement, key ? *key : ParameterBuffer(),
                                [&](const Row& row) { rows.push_back(to_parameters(row, columns())); });
        if (!read) return fail(std::move(read));
        return rows;
    }
    [[nodiscard]] ParameterBuffer key_of(const ParameterBuffer& row) const {
        ParameterBuffer key;
        for (const std::size_t column : key_columns_) add_value(row, column, key);
        return key;
    }
    [[nodiscard]] Result<std::optional<ParameterBuffer>> last_key(StoreReader& reader) const {
        const auto& statement =
            statement_for(store_, fmt::format("SELECT {} FROM {} ORDER BY {} DESC LIMIT 1", fmt::join(shape_.key, ", "),
                                              shape_.name, fmt::join(shape_.key, " DESC, ")));
        std::optional<ParameterBuffer> last;
        auto read = reader.each(statement, {}, [&](const Row& row) { last = to_parameters(row, shape_.key.size()); });
        if (!read) return fail(std::move(read));
        return last;
    }

  private:
    Store store_;
    TableShape shape_;
    std::vector<std::size_t> key_columns_;
};

class StoreCopy {
  public:
    StoreCopy(const StoreOptions& from, const StoreOptions& to, Store store, const CopyProgress& progress)
        : from_(from), to_(to), store_(store), progress_(progress) {}

    Result<void> prepare(std::span<const Migration> migrations);
    Result<void> copy();
    Result<void> compare(std::vector<CopiedTable>& done);
    Result<void> finish();

  private:
    Result<void> clear();
    Result<void> copy_table(const Table& table, StoreReader& source, BulkWriter& writer);
    Result<std::uint64_t> compare_table(const Table& table, StoreReader& source, StoreReader& copy);
    void tell(CopyStage stage, const Table& table, std::uint64_t done, std::uint64_t total) const {
        if (progress_) progress_(stage, table.name(), done, total);
    }

    const StoreOptions& from_;
    const StoreOptions& to_;
    Store store_;
    const CopyProgress& progress_;
    std::unique_ptr<StoreReader> source_;
    std::vector<Table> tables_;
};

Result<void> StoreCopy::prepare(std::span<const Migration> migrations) {
    auto source = StoreReader::open(from_, store_);
    if (!source) return fail(std::move(source));
    source_ = std::move(*source);
    auto current =
        check_versions(migrations, store_, [this](std::string_view slice) { return source_->version_of(slice); });
    if (!current) return current;
    auto shapes = source_->tables();
    if (!shapes) return fail(std::move(shapes));
    auto target = StoreReader::open(to_, store_);
    if (!target) return fail(std::move(target));
    auto copied_shapes = (*target)->tables();
    if (!copied_shapes) return fail(std::move(copied_shapes));
    if (*copied_shapes != *shapes) return fail(ErrorCode::store_version, "the two sides have different tables");
    for (auto& shape : *shapes) {
        if (shape.key.empty() || shape.columns.size() > static_cast<std::size_t>(row_columns_max)) {
            return fail(ErrorCode::store_version, shape.name + " is no table of this program");
        }
        tables_.emplace_back(store_, std::move(shape));
    }
    auto mark = (*target)->version_of(unfinished_copy);
    if (!mark) return fail(std::move(mark));
    target->reset();
    return *mark == mark_migrated ? clear() : Result<void>();
}

Result<void> StoreCopy::clear() {
    auto writer = BulkWriter::open(to_, store_);
    if (!writer) return fail(std::move(writer));
    ParameterBuffer mark;
    mark.add(unfinished_copy);
    mark.add(mark_cleared);
    auto done =
        (*writer)->execute(statement_for(store_, "UPDATE schema_version SET version = $2 WHERE slice = $1"), mark);
    for (const Table& table : tables_) {
        if (done) done = (*writer)->execute(table.remove_all(), {});
    }
    if (done) done = (*writer)->commit();
    return done;
}

Result<void> StoreCopy::copy() {
    auto writer = BulkWriter::open(to_, store_);
    if (!writer) return fail(std::move(writer));
    for (const Table& table : tables_) {
        auto copied = copy_table(table, *source_, **writer);
        if (!copied) return copied;
    }
    return (*writer)->make_durable();
}

Result<void> StoreCopy::copy_table(const Table& table, StoreReader& source, BulkWriter& writer) {
    auto total = table.count(source);
    if (!total) return fail(std::move(total));
    std::optional<ParameterBuffer> key;
    std::uint64_t done = 0;
    {
        auto target = StoreReader::open(to_, store_);
        if (!target) return fail(std::move(target));
        auto last = table.last_key(**target);
        auto there = table.count(**target);
        if (!last) return fail(std::move(last));
        if (!there) return fail(std::move(there));
        key = std::move(*last);
        done = *there;
    }
    while (true) {
        tell(CopyStage::copying, table, done, *total);
        auto rows = table.rows_behind(source, key);
        if (!rows) return fail(std::move(rows));
        if (rows->empty()) return {};
        for (const auto& row : *rows) {
            auto written = writer.execute(table.insert(), row);
            if (!written) return written;
        }
        auto committed = writer.commit();
        if (!committed) return committed;
        key = table.key_of(rows->back());
        done += rows->size();
    }
}

Result<void> StoreCopy::compare(std::vector<CopiedTable>& done) {
    auto copy = StoreReader::open(to_, store_);
    if (!copy) return fail(std::move(copy));
    // A new snapshot of the source too: what a hub wrote during the copy shows as a difference.
    auto source = StoreReader::open(from_, store_);
    if (!source) return fail(std::move(source));
    for (const Table& table : tables_) {
        auto rows = compare_table(table, **source, **copy);
        if (!rows) return fail(std::move(rows));
        done.push_back({store_, table.name(), *rows});
    }
    return {};
}

Result<std::uint64_t> StoreCopy::compare_table(const Table& table, StoreReader& source, StoreReader& copy) {
    auto total = table.count(source);
    if (!total) return fail(std::move(total));
    std::optional<ParameterBuffer> key;
    std::uint64_t done = 0;
    while (true) {
        tell(CopyStage::comparing, table, done, *total);
        auto here = table.rows_behind(source, key);
        if (!here) return fail(std::move(here));
        auto there = table.rows_behind(copy, key);
        if (!there) return fail(std::move(there));
        std::string one;
        std::string other;
        for (const auto& row : *here) append_encoded(row, one);
        for (const auto& row : *there) append_encoded(row, other);
        if (one != other) {
            return fail(ErrorCode::store_copy_differs,
                        fmt::format("{}: the copy differs behind row {}", table.name(), done));
        }
        if (here->empty()) return done;
        key = table.key_of(here->back());
        done += here->size();
    }
}

Result<void> StoreCopy::finish() {
    auto writer = BulkWriter::open(to_, store_);
    if (!writer) return fail(std::move(writer));
    ParameterBuffer mark;
    mark.add(unfinished_copy);
    auto done = (*writer)->execute(statement_for(store_, "DELETE FROM schema_version WHERE slice = $1"), mark);
    if (done) done = (*writer)->commit();
    if (done) done = (*writer)->make_durable();
    return done;
}

struct Destination {
    bool has_tables = false;
    bool is_marked = false;
};

Result<Destination> look_at(const StoreOptions& options, Store store) {
    Destination found;
    if (const auto* embedded = std::get_if<SqliteOptions>(&options)) {
        std::error_code error;
        const auto file = std::filesystem::path(embedded->folder) / fmt::format("{}.db", to_string(store));
        if (!std::filesystem::exists(file, error) && !error) return found;
    }
    auto reader = StoreReader::open(options, store);
    if (!reader) return fail(std::move(reader));
    auto tables = (*reader)->tables();
    if (!tables) return fail(std::move(tables));
    found.has_tables = !tables->empty();
    if (!found.has_tables) return found;
    auto mark = (*reader)->version_of(unfinished_copy);
    if (!mark) return fail(std::move(mark));
    found.is_marked = *mark != 0;
    return found;
}

// The mark comes before everything else, so that a copy that is cut short is known as one.
std::vector<Migration> with_marks(std::span<const Migration> migrations) {
    std::vector<Migration> all;
    for (const Store store : {Store::registry, Store::ledger}) {
        all.push_back({unfinished_copy, store, mark_migrated, "unfinished_copy", "-- from: 0\n"});
    }
    all.insert(all.end(), migrations.begin(), migrations.end());
    return all;
}

Result<void> make_place(const StoreOptions& to, std::span<const Migration> migrations) {
    auto registry = look_at(to, Store::registry);
    if (!registry) return fail(std::move(registry));
    auto ledger = look_at(to, Store::ledger);
    if (!ledger) return fail(std::move(ledger));
    const bool goes_on = registry->is_marked || ledger->is_marked;
    if ((registry->has_tables || ledger->has_tables) && !goes_on) {
        return fail(ErrorCode::store_not_empty, describe(to));
    }
    return migrate(to, with_marks(migrations));
}

}  // namespace

Result<std::vector<CopiedTable>> copy_stores(const StoreOptions& from, const StoreOptions& to,
                                             std::span<const Migration> migrations, const CopyProgress& progress) {
    auto place = make_place(to, migrations);
    if (!place) return fail(std::move(place));
    std::vector<CopiedTable> copied;
    StoreCopy registry(from, to, Store::registry, progress);
    StoreCopy ledger(from, to, Store::ledger, progress);
    auto done = registry.prepare(migrations);
    if (done) done = ledger.prepare(migrations);
    for (StoreCopy* store : {&registry, &ledger}) {
        if (done) done = store->copy();
    }
    for (StoreCopy* store : {&registry, &ledger}) {
        if (done) done = store->compare(copied);
    }
    if (done) done = registry.finish();
    if (done) done = ledger.finish();
    if (!done) return fail(std::move(done));
    return copied;
}

}  // namespace onshi::sql
