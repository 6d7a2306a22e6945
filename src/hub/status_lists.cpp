#include "hub/status_lists.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <vector>

#include "domain/cards/status.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/limits.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view pem_begin = "-----BEGIN X509 CRL-----";
constexpr std::string_view pem_end = "-----END X509 CRL-----";
// Base64 with line ends is a third and a bit longer.
constexpr std::uintmax_t file_bytes_max = pki::crl_bytes_max * 3 / 2;

Result<std::string> from_pem(std::string_view pem) {
    const auto end = pem.find(pem_end);
    if (end == std::string_view::npos) return fail(ErrorCode::revocation_malformed, "PEM without an end");
    std::string base64;
    for (const char c : pem.substr(pem_begin.size(), end - pem_begin.size())) {
        if (c == '\n' || c == '\r' || c == '=') continue;
        base64.push_back(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    auto der = from_base64url(base64);
    if (!der) return fail(ErrorCode::revocation_malformed, "PEM");
    return std::move(*der);
}

// What another look at the same bytes would not change.
bool is_final(ErrorCode code) {
    return code == ErrorCode::revocation_malformed || code == ErrorCode::revocation_untrusted ||
           code == ErrorCode::revocation_stale;
}

}  // namespace

Result<std::string> read_status_list_file(const fs::path& file) {
    std::error_code error;
    const auto bytes = fs::is_regular_file(file, error) ? fs::file_size(file, error) : 0;
    if (error || bytes == 0 || bytes > file_bytes_max) return fail(ErrorCode::file_unreadable, file.string());
    std::string text(static_cast<std::size_t>(bytes), '\0');
    std::ifstream in(file, std::ios::binary);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in) return fail(ErrorCode::file_unreadable, file.string());
    if (text.starts_with(pem_begin)) return from_pem(text);
    return text;
}

StatusLists::StatusLists(sql::Database& database, audit::AuditedChanges& changes, const cards::Authorities& authorities,
                         const Clock& clock, fs::path folder, std::chrono::seconds every)
    : database_(database),
      changes_(changes),
      authorities_(authorities),
      clock_(clock),
      folder_(std::move(folder)),
      every_(every) {}

Result<void> StatusLists::take_over(const fs::path& file, std::stop_token stop) {
    auto der = read_status_list_file(file);
    if (!der) return fail(std::move(der));
    auto list = cards::read_status_list(as_bytes(*der), authorities_, clock_.now());
    if (!list) return fail(std::move(list));
    cards::StatusService service(database_, changes_);
    auto taken = run_to_end(service.take_over(*list, std::move(stop)));
    if (!taken) return fail(std::move(taken));
    if (taken->news == cards::ListNews::taken_over) {
        log_event(Level::info, "cards.status_list_taken_over",
                  {{"file", open_text(file.filename().string())}, {"rows", taken->changed + taken->released}});
    }
    return {};
}

void StatusLists::look(std::uintmax_t bytes_max, std::stop_token stop) {
    std::error_code error;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        std::error_code ignored;
        const bool is_list = entry.path().extension() == status_list_suffix && entry.is_regular_file(ignored);
        if (is_list && files.size() < status_list_files_max) files.push_back(entry.path());
    }
    // Said once, not at every look.
    const bool is_readable = !error;
    if (!is_readable && folder_readable_) {
        log_event(Level::warn, "cards.status_folder_unreadable", {{"code", ErrorCode::file_unreadable}});
    }
    folder_readable_ = is_readable;
    std::ranges::sort(files);
    for (const auto& file : files) {
        if (stop.stop_requested()) return;
        const Seen seen{fs::last_write_time(file, error), fs::file_size(file, error)};
        if (error || seen.bytes > bytes_max) continue;
        const std::string name = file.filename().string();
        const auto known = settled_.find(name);
        if (known != settled_.end() && known->second == seen) continue;
        auto taken = take_over(file, stop);
        if (!taken) {
            log_event(
                Level::warn, "cards.status_list_refused",
                {{"file", open_text(name)}, {"code", taken.error().code}, {"detail", open_text(taken.error().detail)}});
        }
        const bool is_settled = taken || is_final(taken.error().code);
        if (is_settled && (known != settled_.end() || settled_.size() < status_list_files_max)) settled_[name] = seen;
    }
}

void StatusLists::run(std::stop_token stop) {
    while (!stop.stop_requested()) {
        look(std::numeric_limits<std::uintmax_t>::max(), stop);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, every_, [] { return false; });
    }
}

void StatusLists::start() {
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void StatusLists::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

}  // namespace onshi::hub
