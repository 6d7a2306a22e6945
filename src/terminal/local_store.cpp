#include "terminal/local_store.h"

#include <array>
#include <limits>

#include "base/bytes.h"
#include "platform/pki/secret_file.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/telemetry/log.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using sql::Blob;
using sql::Store;

constexpr std::size_t key_file_bytes = 32;
constexpr std::size_t rows_per_read = 500;

const std::array migrations{sql::Migration{"terminal", Store::ledger, 1, "ledger_0001_local_record.sql",
                                           R"sql(-- from: 0
CREATE TABLE local_record (
    kind BIGINT NOT NULL,
    record_key TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (kind, record_key)
) /* clustered */;
CREATE INDEX local_record_age ON local_record (kind, written_at, record_key);
)sql"}};

const sql::Statement put_record(
    "terminal.put_record", Store::ledger, sql::ShardKey::none,
    "INSERT INTO local_record (kind, record_key, written_at, content) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (kind, record_key) DO UPDATE SET written_at = excluded.written_at, content = excluded.content");
const sql::Statement remove_record("terminal.remove_record", Store::ledger, sql::ShardKey::none,
                                   "DELETE FROM local_record WHERE kind = $1 AND record_key = $2");
const sql::Statement remove_older_records("terminal.remove_older_records", Store::ledger, sql::ShardKey::none,
                                          "DELETE FROM local_record WHERE kind = $1 AND written_at < $2");
const sql::Statement find_record("terminal.find_record", Store::ledger, sql::ShardKey::none,
                                 "SELECT record_key, written_at, content FROM local_record "
                                 "WHERE kind = $1 AND record_key = $2");
const sql::Statement list_records("terminal.list_records", Store::ledger, sql::ShardKey::none,
                                  "SELECT record_key, written_at, content FROM local_record WHERE kind = $1 AND "
                                  "(written_at, record_key) > ($2, $3) ORDER BY written_at, record_key LIMIT $4");

LocalRecord decode(const sql::Row& row) {
    return {std::string(row.text(0)), Instant{row.integer(1)}, std::string(row.blob(2))};
}

// A terminal's writes have no order that anybody asks for; the store wants one all the same.
class PlainSequencer final : public sql::Sequencer {
  public:
    Result<void> open(sql::Transaction&) override { return {}; }
    Result<void> find_again(sql::Transaction&) override { return {}; }
    Result<void> begin(sql::Transaction&) override { return {}; }
    sql::CommitPosition next() const override { return {0, current_ + 1, {}, 0}; }
    Result<sql::CommitPosition> accept(sql::Transaction&, const sql::WriteSet&) override {
        ++current_;
        return sql::CommitPosition{0, current_, {}, 0};
    }
    Result<void> end(sql::Transaction&) override { return {}; }
    void committed() override { durable_ = current_; }
    void rolled_back() override { current_ = durable_; }

  private:
    std::int64_t current_ = 0;
    std::int64_t durable_ = 0;
};

std::string association(LocalKind kind, std::string_view key) {
    std::string text = "onshi-local-v1";
    ByteWriter writer(text);
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.text(key);
    return text;
}

Result<SecretBytes> load_key(const std::filesystem::path& file, Random& random) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return pki::read_secret_file(file);
    return pki::create_random_secret(file, key_file_bytes, random);
}

Deadline soon() {
    return Deadline::in(local_deadline);
}

}  // namespace

std::string_view to_string(LocalKind kind) {
    switch (kind) {
        case LocalKind::reference: return "reference";
        case LocalKind::reception: return "reception";
        case LocalKind::deferred: return "deferred";
        case LocalKind::face_failures: return "face_failures";
        case LocalKind::last_visit: return "last_visit";
        case LocalKind::challenge: return "challenge";
        case LocalKind::offline_visit: return "offline_visit";
        case LocalKind::difference: return "difference";
        case LocalKind::trust: return "trust";
        case LocalKind::number_visit: return "number_visit";
    }
    return "unknown";
}

struct LocalStore::Parts {
    pki::SealingKey seal;
    pki::HmacKey tags;
    Random& random;
    PlainSequencer registry_order;
    PlainSequencer ledger_order;
    std::unique_ptr<sql::Database> database;
};

LocalStore::LocalStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

LocalStore::~LocalStore() {
    close();
}

Result<std::unique_ptr<LocalStore>> LocalStore::open(const std::filesystem::path& folder,
                                                     const std::filesystem::path& key_file, Random& random) {
    auto key = load_key(key_file, random);
    if (!key) return fail(std::move(key));
    auto seal_key = pki::hkdf_sha256(key->bytes(), {}, "onshi terminal store seal", pki::SealingKey::key_bytes);
    if (!seal_key) return fail(std::move(seal_key));
    auto tag_key = pki::hkdf_sha256(key->bytes(), {}, "onshi terminal store tags", key_file_bytes);
    if (!tag_key) return fail(std::move(tag_key));
    auto seal = pki::SealingKey::create(seal_key->bytes());
    if (!seal) return fail(std::move(seal));
    auto tags = pki::HmacKey::create(tag_key->bytes());
    if (!tags) return fail(std::move(tags));
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::store_unavailable, folder.string() + ": " + error.message());
    sql::SqliteOptions options;
    options.folder = folder.string();
    auto migrated = sql::migrate(options, migrations);
    if (!migrated) return fail(std::move(migrated));
    auto parts = std::make_unique<Parts>(Parts{std::move(*seal), std::move(*tags), random, {}, {}, nullptr});
    auto database = sql::open_database(options, migrations, parts->registry_order, parts->ledger_order);
    if (!database) return fail(std::move(database));
    parts->database = std::move(*database);
    return std::unique_ptr<LocalStore>(new LocalStore(std::move(parts)));
}

void LocalStore::close() {
    parts_->database->close();
}

std::string LocalStore::tag(LocalKind kind, std::string_view text) const {
    const auto mac = parts_->tags.mac(as_bytes(association(kind, text)));
    return to_base64url(mac);
}

Task<Result<void>> LocalStore::put(LocalKind kind, std::string key, std::string content, Instant now) {
    auto sealed = parts_->seal.seal(as_bytes(content), as_bytes(association(kind, key)), parts_->random);
    if (!sealed) co_return fail(std::move(sealed));
    sql::WriteSet set(Store::ledger);
    set.change(put_record, kind, key, now.us, Blob{*sealed});
    auto committed = co_await parts_->database->commit(std::move(set), soon());
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<void>> LocalStore::remove(LocalKind kind, std::string key) {
    sql::WriteSet set(Store::ledger);
    set.change(remove_record, kind, key);
    auto committed = co_await parts_->database->commit(std::move(set), soon());
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<void>> LocalStore::remove_older(LocalKind kind, Instant before) {
    sql::WriteSet set(Store::ledger);
    set.change(remove_older_records, kind, before.us);
    auto committed = co_await parts_->database->commit(std::move(set), soon());
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<std::optional<LocalRecord>>> LocalStore::find(LocalKind kind, std::string key) {
    sql::ReadBatch batch;
    const auto found = batch.one<LocalRecord>(find_record, decode, kind, key);
    auto read = co_await parts_->database->read(batch, soon());
    if (!read) co_return fail(std::move(read));
    if (!found) co_return std::optional<LocalRecord>();
    LocalRecord record = *found;
    auto content = parts_->seal.open(as_bytes(record.content), as_bytes(association(kind, record.key)));
    if (!content) co_return fail(std::move(content));
    record.content = as_text(content->bytes());
    co_return std::optional<LocalRecord>(std::move(record));
}

Task<Result<std::vector<LocalRecord>>> LocalStore::list(LocalKind kind) {
    auto records = co_await read_all(kind);
    if (!records) co_return fail(std::move(records));
    co_return std::move(records->items);
}

Task<Result<Readable<LocalRecord>>> LocalStore::read_all(LocalKind kind) {
    Readable<LocalRecord> records;
    Instant after{std::numeric_limits<std::int64_t>::min()};
    std::string after_key;
    while (records.items.size() + records.unreadable.size() < local_records_max) {
        sql::ReadBatch batch;
        const auto rows =
            batch.many<LocalRecord>(list_records, rows_per_read, decode, kind, after.us, after_key, rows_per_read);
        auto read = co_await parts_->database->read(batch, soon());
        if (!read) co_return fail(std::move(read));
        for (const auto& row : rows) {
            auto content = parts_->seal.open(as_bytes(row.content), as_bytes(association(kind, row.key)));
            if (!content) records.unreadable.push_back({row.key, row.at, {}});
            if (content) records.items.push_back({row.key, row.at, std::string(as_text(content->bytes()))});
        }
        if (rows.size() < rows_per_read) break;
        after = rows[rows.size() - 1].at;
        after_key = rows[rows.size() - 1].key;
    }
    co_return records;
}

}  // namespace onshi::terminal
