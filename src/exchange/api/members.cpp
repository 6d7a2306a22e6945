#include "exchange/api/members.h"

#include <charconv>

#include <fmt/format.h>

#include "domain/coverage/service_withheld.h"
#include "domain/organisations/model.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

using coverage::Upload;
using coverage::UploadState;
using coverage::WithheldState;

void write_counts(JsonWriter& writer, const coverage::FileProgress& progress) {
    writer.begin_object("results");
    for (std::size_t i = 0; i < coverage::row_results; ++i) {
        writer.member(coverage::to_string(static_cast<coverage::RowResult>(i)), progress.results[i]);
    }
    writer.end_object();
}

void write_members(JsonWriter& writer, const Upload& upload) {
    writer.member("upload", upload.id.text());
    writer.member("state", coverage::to_string(upload.state));
    writer.member("dry_run", upload.use == coverage::UploadUse::dry_run);
    writer.member("bytes", upload.bytes);
    writer.member("received_at", to_rfc3339(upload.received_at));
    writer.member("received_by", upload.received_by);
    if (!upload.failure.empty()) writer.member("failure", upload.failure);
    if (upload.state == UploadState::done) {
        writer.member("rows", upload.progress.rows);
        write_counts(writer, upload.progress);
    }
    const bool unusual = upload.members > 0 || upload.records > 0;
    if (upload.state == UploadState::held || (upload.state == UploadState::done && unusual)) {
        writer.begin_object("unusual");
        writer.member("members", upload.members);
        writer.member("ended", upload.ended);
        writer.member("blanked", upload.blanked);
        if (upload.records > 0) {
            writer.member("records", upload.records);
            writer.member("blank_ratios", upload.blank_ratios);
            writer.member("blank_limits", upload.blank_limits);
        }
        writer.end_object();
    }
}

std::string_view state_word(WithheldState state) {
    switch (state) {
        case WithheldState::open: return "open";
        case WithheldState::waiting: return "waiting";
        case WithheldState::confirmed: return "confirmed";
        case WithheldState::corrected: return "corrected";
    }
    return "unknown";
}

void write_case(JsonWriter& writer, const coverage::WithheldCase& withheld) {
    writer.begin_object();
    writer.member("record", fmt::format("{}", withheld.coverage.value()));
    writer.member("state", state_word(withheld.state));
    writer.member("severity", static_cast<int>(withheld.severity));
    writer.member("cause", withheld.cause);
    writer.member("since", to_rfc3339(withheld.opened_at));
    writer.end_object();
}

Result<identity::ConfirmReason> parse_reason(std::string_view text) {
    const auto reason = identity::parse_confirm_reason(text);
    if (!reason) return fail(ErrorCode::field_value, "reason");
    return *reason;
}

}  // namespace

std::string write_member_file(const Upload& upload, const std::optional<FileWork>& work) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    write_members(writer, upload);
    if (work) {
        writer.begin_object("working");
        writer.member("stage", work->stage);
        writer.member("done", work->done);
        writer.member("total", work->total);
        writer.end_object();
    }
    writer.end_object();
    return json;
}

std::string write_member_files(const std::vector<Upload>& uploads) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("files");
    for (const Upload& upload : uploads) {
        writer.begin_object();
        write_members(writer, upload);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return json;
}

Result<std::string> parse_decision(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::string reference;
    auto read = document->read(
        [&](JsonObject& object) { reference = object.text("operator", organisations::account_reference_max); });
    if (!read) return fail(std::move(read));
    return reference;
}

Result<ConfirmRequest> parse_confirmation(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    ConfirmRequest request;
    auto read = document->read([&](JsonObject& object) {
        request.operator_reference = object.text("operator", organisations::account_reference_max);
        request.reason = object.parsed("reason", 32, &parse_reason).value_or(identity::ConfirmReason::other);
        request.evidence = object.text("evidence", coverage::evidence_bytes_max);
    });
    if (!read) return fail(std::move(read));
    return request;
}

Result<CoverageKey> parse_record(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size() && value > 0;
    if (!whole) return fail(ErrorCode::request_not_found, "no record has this number");
    return CoverageKey(value);
}

std::string write_withheld(const coverage::WithheldCase& withheld) {
    std::string json;
    JsonWriter writer(json);
    write_case(writer, withheld);
    return json;
}

std::string write_withheld_list(const std::vector<coverage::WithheldCase>& cases) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("records");
    for (const auto& withheld : cases) write_case(writer, withheld);
    writer.end_array();
    writer.end_object();
    return json;
}

}  // namespace onshi::api
