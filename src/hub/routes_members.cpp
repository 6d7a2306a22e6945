// PUT, GET /v1/member-files…: insurers' files of members; GET, POST /v1/withheld-records…: what their difference to the
// resident register withholds.
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "domain/coverage/service_withheld.h"
#include "exchange/api/members.h"
#include "hub/senders.h"
#include "platform/http/query.h"

namespace onshi::hub {

namespace {

using ResponseResult = Result<http::Response>;
using coverage::Upload;
using insurer_files::Uploads;

constexpr std::size_t body_bytes_max = 4 * 1024;
// A file of the largest insurer over a slow line.
constexpr std::chrono::milliseconds upload_time{6L * 3600 * 1000};
constexpr std::size_t result_piece_bytes = 64 * 1024;
constexpr std::string_view operator_header = "onshi-operator";

// An insurer's terminal, and what this hub takes its files with.
struct FileSender : Sender {
    MemberIntake& intake;
};

Task<Result<FileSender>> file_sender(const Context& context, const http::Request& request, Deadline deadline) {
    auto from = co_await sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    if (context.member_intake == nullptr) co_return fail(ErrorCode::intake_not_here, "intake_folder is not set");
    co_return FileSender{std::move(*from), *context.member_intake};
}

// How far the work on a file is. The worker may not have noticed yet that one is done.
std::optional<api::FileWork> work_on(const Uploads& uploads, const Upload& upload) {
    if (upload.state != coverage::UploadState::waiting) return std::nullopt;
    const auto progress = uploads.progress();
    if (!progress || progress->insurer != upload.insurer || progress->id != upload.id) return std::nullopt;
    return api::FileWork{progress->stage, progress->done, progress->total};
}

http::Response file_response(const Uploads& uploads, const Upload& upload, std::uint16_t status = 200) {
    return http::json_response(api::write_member_file(upload, work_on(uploads, upload)), status);
}

// The same id again: the same bytes change nothing, other bytes are another file.
Task<ResponseResult> compare(const Uploads& uploads, Upload known, http::Request& request) {
    insurer_files::BlockDigest digest;
    for (;;) {
        auto piece = co_await request.pieces->next_piece();
        if (!piece) co_return fail(std::move(piece));
        if (piece->empty()) break;
        digest.add(*piece);
    }
    if (digest.finish() != known.digest) co_return fail(ErrorCode::intake_file_changed, "the id names another file");
    co_return file_response(uploads, known);
}

Task<ResponseResult> receive_file(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto id = CheckId::parse(request.parameters[0]);
    if (!id) co_return fail(std::move(id));
    const auto use = http::query_value(request.query, "use");
    if (use && *use != "take_over" && *use != "dry_run") co_return fail(ErrorCode::field_value, "use");
    const std::string person(request.header(operator_header).value_or(""));
    auto known_person = co_await known_operator(context, *from, person, deadline);
    if (!known_person) co_return fail(std::move(known_person));
    Uploads& uploads = from->intake.uploads();
    auto known = co_await uploads.find(from->insurer, *id, deadline);
    if (!known) co_return fail(std::move(known));
    if (*known) co_return co_await compare(uploads, std::move(**known), request);
    auto file = co_await uploads.receive(from->insurer, *id, deadline);
    if (!file) co_return fail(std::move(file));
    for (;;) {
        auto piece = co_await request.pieces->next_piece();
        if (!piece) co_return fail(std::move(piece));
        if (piece->empty()) break;
        auto added = file->add(*piece);
        if (!added) co_return fail(std::move(added));
    }
    Upload upload{
        .insurer = from->insurer, .id = *id, .received_at = {}, .received_by = person, .failure = {}, .progress = {}};
    if (use && *use == "dry_run") upload.use = coverage::UploadUse::dry_run;
    upload.language = request.language;
    upload.organisation = from->terminal->organisation.key;
    upload.terminal = from->terminal->key;
    auto added = co_await uploads.add(std::move(upload), std::move(*file), deadline);
    if (!added) co_return fail(std::move(added));
    from->intake.wake();
    co_return file_response(uploads, *added, 202);
}

Task<ResponseResult> list_files(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto uploads = co_await from->intake.uploads().list(from->insurer, deadline);
    if (!uploads) co_return fail(std::move(uploads));
    co_return http::json_response(api::write_member_files(*uploads));
}

Task<Result<Upload>> named_upload(const FileSender& from, const http::Request& request, Deadline deadline) {
    auto id = CheckId::parse(request.parameters[0]);
    if (!id) co_return fail(std::move(id));
    auto upload = co_await from.intake.uploads().find(from.insurer, *id, deadline);
    if (!upload) co_return fail(std::move(upload));
    if (!*upload) co_return fail(ErrorCode::intake_unknown_file, "no such upload");
    co_return std::move(**upload);
}

Task<ResponseResult> show_file(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto upload = co_await named_upload(*from, request, deadline);
    if (!upload) co_return fail(std::move(upload));
    co_return file_response(from->intake.uploads(), *upload);
}

// Sends what the file holds from its beginning, in pieces.
Task<void> send_file(std::shared_ptr<int> file, http::ResponseStream& out) {
    std::string piece(result_piece_bytes, '\0');
    for (;;) {
        const ::ssize_t got = ::read(*file, piece.data(), piece.size());
        if (got <= 0) co_return;
        const bool sent = co_await out.write(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
        if (!sent) co_return;
    }
}

http::StreamBody stream_of(int descriptor) {
    auto file = std::shared_ptr<int>(new int(descriptor), [](int* held) {
        ::close(*held);
        delete held;
    });
    return [file](http::ResponseStream& out) { return send_file(file, out); };
}

Task<ResponseResult> show_result(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto upload = co_await named_upload(*from, request, deadline);
    if (!upload) co_return fail(std::move(upload));
    if (upload->state != coverage::UploadState::done) co_return fail(ErrorCode::intake_unknown_file, "not done yet");
    auto path = from->intake.uploads().result_file(*upload);
    if (!path) co_return fail(std::move(path));
    const int descriptor = ::open(path->c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) co_return fail(ErrorCode::intake_unknown_file, "no result is here");
    http::Response response;
    response.content_type = "application/octet-stream";
    response.headers.push_back({"content-disposition", upload->ndjson ? "attachment; filename=\"result.ndjson\""
                                                                      : "attachment; filename=\"result.csv\""});
    response.stream = stream_of(descriptor);
    co_return response;
}

Task<ResponseResult> release_upload(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto person = api::parse_decision(request.body);
    if (!person) co_return fail(std::move(person));
    auto known_person = co_await known_operator(context, *from, *person, deadline);
    if (!known_person) co_return fail(std::move(known_person));
    auto id = CheckId::parse(request.parameters[0]);
    if (!id) co_return fail(std::move(id));
    auto released = co_await from->intake.uploads().release(from->insurer, *id, from->actor(*person), deadline);
    if (!released) co_return fail(std::move(released));
    from->intake.wake();
    co_return file_response(from->intake.uploads(), *released);
}

coverage::WithheldRecords withheld_records(const FileSender& from) {
    const auto& parts = from.intake.parts();
    return {parts.database, parts.clock, parts.random, parts.vault};
}

Task<ResponseResult> list_withheld(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto records = withheld_records(*from);
    auto cases = co_await records.list(from->insurer, deadline);
    if (!cases) co_return fail(std::move(cases));
    co_return http::json_response(api::write_withheld_list(*cases));
}

Task<ResponseResult> confirm_withheld(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto record = api::parse_record(request.parameters[0]);
    if (!record) co_return fail(std::move(record));
    auto wanted = api::parse_confirmation(request.body);
    if (!wanted) co_return fail(std::move(wanted));
    auto known_person = co_await known_operator(context, *from, wanted->operator_reference, deadline);
    if (!known_person) co_return fail(std::move(known_person));
    auto records = withheld_records(*from);
    coverage::Confirmation confirmation{
        from->insurer, *record, wanted->reason, wanted->evidence, wanted->operator_reference, from->actor("-")};
    auto decided = co_await records.confirm(std::move(confirmation), deadline);
    if (!decided) co_return fail(std::move(decided));
    co_return http::json_response(api::write_withheld(*decided));
}

Task<ResponseResult> approve_withheld(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await file_sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto record = api::parse_record(request.parameters[0]);
    if (!record) co_return fail(std::move(record));
    auto person = api::parse_decision(request.body);
    if (!person) co_return fail(std::move(person));
    auto known_person = co_await known_operator(context, *from, *person, deadline);
    if (!known_person) co_return fail(std::move(known_person));
    auto records = withheld_records(*from);
    auto decided = co_await records.approve(from->insurer, *record, from->actor(*person), deadline);
    if (!decided) co_return fail(std::move(decided));
    co_return http::json_response(api::write_withheld(*decided));
}

using MemberHandler = Task<ResponseResult> (*)(const Context&, http::Request&, Deadline);

}  // namespace

void add_member_routes(http::Server& server, const Context& context) {
    http::RouteOptions upload;
    upload.body = http::BodyDelivery::in_pieces;
    upload.body_bytes_max = insurer_files::upload_bytes_max;
    upload.deadline = upload_time;
    upload.admission = http::AdmissionClass::bulk;
    http::RouteOptions small;
    small.body_bytes_max = body_bytes_max;
    const auto add = [&](http::Method method, std::string_view path, const http::RouteOptions& options,
                         MemberHandler handler) {
        server.route(method, path, options, [&context, handler](http::Request& request, Deadline deadline) {
            return handler(context, request, deadline);
        });
    };
    add(http::Method::put, "/v1/member-files/{upload}", upload, &receive_file);
    add(http::Method::get, "/v1/member-files", small, &list_files);
    add(http::Method::get, "/v1/member-files/{upload}", small, &show_file);
    add(http::Method::get, "/v1/member-files/{upload}/result", small, &show_result);
    add(http::Method::post, "/v1/member-files/{upload}/release", small, &release_upload);
    add(http::Method::get, "/v1/withheld-records", small, &list_withheld);
    add(http::Method::post, "/v1/withheld-records/{record}/confirm", small, &confirm_withheld);
    add(http::Method::post, "/v1/withheld-records/{record}/approve", small, &approve_withheld);
}

}  // namespace onshi::hub
