#include "domain/coverage/store_intake.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/identity/store.h"

namespace onshi::coverage {

using sql::Blob;
using sql::Position;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_members("coverage.insert_members", Store::registry, ShardKey::none,
                               "INSERT INTO insurer_members (insurer_number, members) VALUES ($1, $2)");
const Statement insert_withheld("coverage.insert_withheld", Store::registry, ShardKey::person,
                                "INSERT INTO withheld_record (person_key, coverage_key, insurer_number, severity, "
                                "state, opened_at, version, cause, packed) "
                                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");

namespace {

constexpr std::uint8_t layout = 1;
constexpr int no_branch = -1;

const Statement close_version("coverage.close_version", Store::registry, ShardKey::person,
                              "UPDATE coverage SET known_to = $3 WHERE person_key = $1 AND coverage_key = $2 "
                              "AND known_to = $4");

#define ONSHI_WITHHELD_COLUMNS \
    "person_key, coverage_key, insurer_number, severity, state, opened_at, version, cause, packed"

const Statement select_withheld("coverage.select_withheld", Store::registry, ShardKey::person,
                                "SELECT " ONSHI_WITHHELD_COLUMNS
                                " FROM withheld_record WHERE person_key = $1 ORDER BY coverage_key LIMIT $2");
const Statement select_withheld_page("coverage.select_withheld_page", Store::registry, ShardKey::none,
                                     "SELECT " ONSHI_WITHHELD_COLUMNS
                                     " FROM withheld_record WHERE insurer_number = $1 AND state = $2 "
                                     "AND (person_key, coverage_key) > ($3, $4) "
                                     "ORDER BY insurer_number, state, person_key, coverage_key LIMIT $5");
const Statement select_withheld_record("coverage.select_withheld_record", Store::registry, ShardKey::none,
                                       "SELECT " ONSHI_WITHHELD_COLUMNS
                                       " FROM withheld_record WHERE insurer_number = $1 AND state = $2 "
                                       "AND coverage_key = $3 ORDER BY person_key, coverage_key LIMIT 1");
const Statement upsert_withheld("coverage.upsert_withheld", Store::registry, ShardKey::person,
                                "INSERT INTO withheld_record (" ONSHI_WITHHELD_COLUMNS
                                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (person_key, coverage_key) "
                                "DO UPDATE SET severity = excluded.severity, state = excluded.state, "
                                "version = withheld_record.version + 1, cause = excluded.cause, "
                                "packed = excluded.packed");
const Statement update_withheld("coverage.update_withheld", Store::registry, ShardKey::person,
                                "UPDATE withheld_record SET state = $3, packed = $4, version = version + 1 "
                                "WHERE person_key = $1 AND coverage_key = $2 AND version = $5");

#undef ONSHI_WITHHELD_COLUMNS

const Statement select_members("coverage.select_members", Store::registry, ShardKey::none,
                               "SELECT members FROM insurer_members WHERE insurer_number = $1");
const Statement upsert_members("coverage.upsert_members", Store::registry, ShardKey::none,
                               "INSERT INTO insurer_members (insurer_number, members) VALUES ($1, $2) "
                               "ON CONFLICT (insurer_number) DO UPDATE SET members = insurer_members.members + "
                               "excluded.members");

const Statement insert_change("coverage.insert_change", Store::registry, ShardKey::person,
                              "INSERT INTO coverage_change (known_seq, person_key, changed_at) VALUES ($1, $2, $3) "
                              "ON CONFLICT (known_seq, person_key) DO NOTHING");
const Statement select_changes("coverage.select_changes", Store::registry, ShardKey::none,
                               "SELECT known_seq, person_key, changed_at FROM coverage_change "
                               "WHERE (known_seq, person_key) > ($1, $2) ORDER BY known_seq, person_key LIMIT $3");

#define ONSHI_FILE_COLUMNS \
    "file_id, digest, scope, bytes, state, version, received_at, received_by, released_by, progress"

const Statement select_file("coverage.select_intake_file", Store::registry, ShardKey::none,
                            "SELECT " ONSHI_FILE_COLUMNS " FROM intake_file WHERE file_id = $1");
const Statement select_file_by_digest("coverage.select_intake_file_by_digest", Store::registry, ShardKey::none,
                                      "SELECT " ONSHI_FILE_COLUMNS
                                      " FROM intake_file WHERE digest = $1 AND scope = $2");
const Statement select_files("coverage.select_intake_files", Store::registry, ShardKey::none,
                             "SELECT " ONSHI_FILE_COLUMNS " FROM intake_file ORDER BY file_id DESC LIMIT $1");
const Statement insert_file("coverage.insert_intake_file", Store::registry, ShardKey::none,
                            "INSERT INTO intake_file (" ONSHI_FILE_COLUMNS
                            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING");
const Statement update_file("coverage.update_intake_file", Store::registry, ShardKey::none,
                            "UPDATE intake_file SET state = $2, released_by = $3, progress = $4, version = $5 + 1 "
                            "WHERE file_id = $1 AND version = $5");

#undef ONSHI_FILE_COLUMNS

WithheldCase decode_withheld(const Row& row) {
    const auto insurer = InsurerNumber::from_key(row.integer(2));
    if (!insurer) row.reject();
    WithheldCase withheld{.person = PersonKey(row.integer(0)),
                          .coverage = CoverageKey(row.integer(1)),
                          .insurer = insurer.value_or(*InsurerNumber::from_key(600138057)),
                          .severity = static_cast<identity::Severity>(row.integer(3)),
                          .state = static_cast<WithheldState>(row.integer(4)),
                          .opened_at = {row.integer(5)},
                          .version = row.integer(6),
                          .cause = std::string(row.text(7)),
                          .sent = {},
                          .evidence = {},
                          .confirmed_by = {},
                          .approved_by = {}};
    if (!unpack_details(row.blob(8), withheld)) row.reject();
    return withheld;
}

std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}

IntakeFile decode_file(const Row& row) {
    IntakeFile file;
    file.id = row.integer(0);
    const auto digest = row.blob(1);
    if (digest.size() == file.digest.size()) {
        std::ranges::copy(as_bytes(digest), file.digest.begin());
    } else {
        row.reject();
    }
    file.scope = row.integer(2);
    file.bytes = static_cast<std::uint64_t>(row.integer(3));
    file.state = static_cast<FileState>(row.integer(4));
    file.version = row.integer(5);
    file.received_at = {row.integer(6)};
    file.received_by = row.text(7);
    file.released_by = row.text(8);
    auto progress = unpack_progress(row.blob(9));
    if (!progress) row.reject();
    file.progress = progress.value_or(FileProgress{});
    return file;
}

}  // namespace

void add_record(sql::WriteSet& set, PersonKey person, const Coverage& record, const InsuredSymbolNumber& insured) {
    const std::string packed = pack(record);
    set.change(insert_coverage, person.value(), record.key.value(), Position::sequence, identity::known_open,
               Blob{packed});
    set.change(insert_coverage_number, record.insurer.to_key(), insured.number.comparison(),
               insured.symbol.comparison(), record.branch ? record.branch->value() : no_branch, person.value(),
               record.key.value());
}

void add_version(sql::WriteSet& set, PersonKey person, const Coverage& record) {
    const std::string packed = pack(record);
    set.change(close_version, person.value(), record.key.value(), Position::sequence, identity::known_open);
    set.change(insert_coverage, person.value(), record.key.value(), Position::sequence, identity::known_open,
               Blob{packed});
}

sql::Rows<WithheldCase> load_withheld_of(sql::ReadBatch& batch, PersonKey person) {
    return batch.many(select_withheld, coverages_per_person_max, decode_withheld, person.value(),
                      coverages_per_person_max);
}

sql::Rows<WithheldCase> load_withheld_page(sql::ReadBatch& batch, InsurerNumber insurer, WithheldState state,
                                           PersonKey after_person, CoverageKey after_coverage) {
    return batch.many(select_withheld_page, withheld_page_max, decode_withheld, insurer.to_key(), state,
                      after_person.value(), after_coverage.value(), withheld_page_max);
}

sql::Slot<WithheldCase> load_withheld_record(sql::ReadBatch& batch, InsurerNumber insurer, WithheldState state,
                                             CoverageKey record) {
    return batch.one(select_withheld_record, decode_withheld, insurer.to_key(), state, record.value());
}

void put_withheld(sql::WriteSet& set, const WithheldCase& withheld) {
    set.change(upsert_withheld, withheld.person.value(), withheld.coverage.value(), withheld.insurer.to_key(),
               withheld.severity, withheld.state, withheld.opened_at.us, 1, withheld.cause,
               Blob{pack_details(withheld)});
}

void change_withheld(sql::WriteSet& set, const WithheldCase& withheld, std::int64_t version) {
    set.guard(update_withheld, 1, withheld.person.value(), withheld.coverage.value(), withheld.state,
              Blob{pack_details(withheld)}, version);
}

sql::Slot<std::int64_t> load_members(sql::ReadBatch& batch, InsurerNumber insurer) {
    return batch.one(select_members, decode_integer, insurer.to_key());
}

void change_members(sql::WriteSet& set, InsurerNumber insurer, std::int64_t by) {
    set.change(upsert_members, insurer.to_key(), by);
}

void add_change(sql::WriteSet& set, PersonKey person, Instant at) {
    set.change(insert_change, Position::sequence, person.value(), at.us);
}

sql::Rows<RecordChange> load_changes(sql::ReadBatch& batch, std::int64_t known_seq, PersonKey person) {
    return batch.many(
        select_changes, changes_page_max,
        +[](const Row& row) { return RecordChange{row.integer(0), PersonKey(row.integer(1)), {row.integer(2)}}; },
        known_seq, person.value(), changes_page_max);
}

std::string_view to_string(FileState state) {
    switch (state) {
        case FileState::working: return "working";
        case FileState::held: return "held";
        case FileState::done: return "done";
        case FileState::declined: return "declined";
    }
    return "unknown";
}

std::string pack(const FileProgress& progress) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    for (const std::uint64_t value : {progress.bytes_read, progress.lines, progress.rows, progress.result_bytes}) {
        writer.varint(value);
    }
    for (const std::uint64_t count : progress.results) writer.varint(count);
    return bytes;
}

std::optional<FileProgress> unpack_progress(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    if (reader.u8() != layout) return std::nullopt;
    FileProgress progress;
    progress.bytes_read = reader.varint();
    progress.lines = reader.varint();
    progress.rows = reader.varint();
    progress.result_bytes = reader.varint();
    for (std::uint64_t& count : progress.results) count = reader.varint();
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    return progress;
}

sql::Slot<IntakeFile> load_file(sql::ReadBatch& batch, std::int64_t id) {
    return batch.one(select_file, decode_file, id);
}

sql::Slot<IntakeFile> load_file_by_digest(sql::ReadBatch& batch, const Sha256& digest, std::int64_t scope) {
    return batch.one(select_file_by_digest, decode_file, Blob{as_text(digest)}, scope);
}

sql::Rows<IntakeFile> load_files(sql::ReadBatch& batch) {
    return batch.many(select_files, files_page_max, decode_file, files_page_max);
}

void add_file(sql::WriteSet& set, const IntakeFile& file) {
    set.guard(insert_file, 1, file.id, Blob{as_text(file.digest)}, file.scope, static_cast<std::int64_t>(file.bytes),
              file.state, 1, file.received_at.us, file.received_by, file.released_by, Blob{pack(file.progress)});
}

void change_file(sql::WriteSet& set, const IntakeFile& file, std::int64_t version) {
    set.guard(update_file, 1, file.id, file.state, file.released_by, Blob{pack(file.progress)}, version);
}

}  // namespace onshi::coverage
