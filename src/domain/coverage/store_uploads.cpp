#include "domain/coverage/store_uploads.h"

#include <algorithm>

#include "base/bytes.h"

namespace onshi::coverage {

using sql::Blob;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

namespace {

constexpr std::uint8_t layout = 2;
constexpr std::uint8_t layout_without_blanks = 1;

#define ONSHI_UPLOAD_COLUMNS "insurer_number, upload_id, lane, state, received_at, version, packed"

const Statement select_upload("coverage.select_upload", Store::registry, ShardKey::none,
                              "SELECT " ONSHI_UPLOAD_COLUMNS
                              " FROM members_upload WHERE insurer_number = $1 AND upload_id = $2");
const Statement select_uploads("coverage.select_uploads", Store::registry, ShardKey::none,
                               "SELECT " ONSHI_UPLOAD_COLUMNS
                               " FROM members_upload WHERE insurer_number = $1 "
                               "ORDER BY received_at DESC, upload_id DESC LIMIT $2");
const Statement select_uploads_in("coverage.select_uploads_in", Store::registry, ShardKey::none,
                                  "SELECT " ONSHI_UPLOAD_COLUMNS
                                  " FROM members_upload WHERE lane = $1 AND state = $2 AND received_at >= $3 "
                                  "ORDER BY received_at, insurer_number, upload_id LIMIT $4");
const Statement insert_upload("coverage.insert_upload", Store::registry, ShardKey::none,
                              "INSERT INTO members_upload (" ONSHI_UPLOAD_COLUMNS
                              ") VALUES ($1, $2, $3, $4, $5, $6, $7) "
                              "ON CONFLICT (insurer_number, upload_id) DO NOTHING");
const Statement update_upload("coverage.update_upload", Store::registry, ShardKey::none,
                              "UPDATE members_upload SET state = $3, packed = $4, version = version + 1 "
                              "WHERE insurer_number = $1 AND upload_id = $2 AND version = $5");

#undef ONSHI_UPLOAD_COLUMNS

std::string pack(const Upload& upload) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    writer.u8(static_cast<std::uint8_t>(upload.use));
    writer.u8(static_cast<std::uint8_t>(upload.language));
    writer.u8(upload.ndjson ? 1 : 0);
    writer.u64(upload.bytes);
    writer.raw(Bytes(upload.digest));
    writer.i64(upload.organisation.value());
    writer.i64(upload.terminal.value());
    writer.text(upload.received_by);
    writer.i64(upload.file);
    writer.text(upload.failure);
    writer.text(pack(upload.progress));
    writer.i64(upload.members);
    writer.i64(upload.ended);
    writer.i64(upload.blanked);
    writer.i64(upload.records);
    writer.i64(upload.blank_ratios);
    writer.i64(upload.blank_limits);
    return bytes;
}

bool unpack(std::string_view bytes, Upload& into) {
    ByteReader reader(as_bytes(bytes));
    const std::uint8_t form = reader.u8();
    if (form != layout && form != layout_without_blanks) return false;
    into.use = static_cast<UploadUse>(reader.u8());
    into.language = static_cast<Language>(reader.u8());
    into.ndjson = reader.u8() != 0;
    into.bytes = reader.u64();
    const auto digest = reader.raw(into.digest.size());
    if (!reader.ok()) return false;
    std::ranges::copy(digest, into.digest.begin());
    into.organisation = OrganisationKey(reader.i64());
    into.terminal = TerminalKey(reader.i64());
    into.received_by = reader.text();
    into.file = reader.i64();
    into.failure = reader.text();
    auto progress = unpack_progress(reader.text());
    into.members = reader.i64();
    into.ended = reader.i64();
    into.blanked = reader.i64();
    if (form > layout_without_blanks) {
        into.records = reader.i64();
        into.blank_ratios = reader.i64();
        into.blank_limits = reader.i64();
    }
    if (progress) into.progress = *progress;
    return progress && reader.ok() && reader.at_end() && into.use <= UploadUse::dry_run &&
           into.language <= Language::en;
}

Upload decode_upload(const Row& row) {
    const auto insurer = InsurerNumber::from_key(row.integer(0));
    const auto id = CheckId::from_bytes(as_bytes(row.blob(1)));
    if (!insurer || !id) row.reject();
    Upload upload{.insurer = insurer.value_or(*InsurerNumber::from_key(600138057)),
                  .id = id ? *id : *CheckId::parse("00000000-0000-4000-8000-000000000001"),
                  .lane = row.integer(2),
                  .state = static_cast<UploadState>(row.integer(3)),
                  .received_at = {row.integer(4)},
                  .version = row.integer(5),
                  .received_by = {},
                  .failure = {},
                  .progress = {}};
    if (upload.state < UploadState::waiting || upload.state > UploadState::failed) row.reject();
    if (!unpack(row.blob(6), upload)) row.reject();
    return upload;
}

}  // namespace

std::string_view to_string(UploadState state) {
    switch (state) {
        case UploadState::waiting: return "waiting";
        case UploadState::held: return "held";
        case UploadState::done: return "done";
        case UploadState::failed: return "failed";
    }
    return "unknown";
}

sql::Slot<Upload> load_upload(sql::ReadBatch& batch, InsurerNumber insurer, const CheckId& id) {
    return batch.one(select_upload, decode_upload, insurer.to_key(), Blob{as_text(id.bytes())});
}

sql::Rows<Upload> load_uploads(sql::ReadBatch& batch, InsurerNumber insurer) {
    return batch.many(select_uploads, uploads_page_max, decode_upload, insurer.to_key(), uploads_page_max);
}

sql::Rows<Upload> load_uploads_in(sql::ReadBatch& batch, std::int64_t lane, UploadState state, Instant from) {
    return batch.many(select_uploads_in, uploads_page_max, decode_upload, lane, state, from.us, uploads_page_max);
}

void add_upload(sql::WriteSet& set, const Upload& upload) {
    set.guard(insert_upload, 1, upload.insurer.to_key(), Blob{as_text(upload.id.bytes())}, upload.lane, upload.state,
              upload.received_at.us, upload.version, Blob{pack(upload)});
}

void change_upload(sql::WriteSet& set, const Upload& upload, std::int64_t version) {
    set.guard(update_upload, 1, upload.insurer.to_key(), Blob{as_text(upload.id.bytes())}, upload.state,
              Blob{pack(upload)}, version);
}

}  // namespace onshi::coverage
