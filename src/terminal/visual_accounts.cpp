#include "terminal/visual_accounts.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "platform/pki/keys.h"
#include "platform/pki/password.h"
#include "platform/pki/secret_file.h"
#include "platform/telemetry/log.h"

namespace onshi::terminal {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

struct Line {
    std::string account;
    std::string hash;
};

Result<std::vector<Line>> read_lines(const std::filesystem::path& file) {
    std::vector<Line> lines;
    std::error_code error;
    if (!std::filesystem::exists(file, error)) return lines;
    auto bytes = pki::read_secret_file(file, file_bytes_max);
    if (!bytes) return fail(std::move(bytes));
    std::string_view rest = as_text(bytes->bytes());
    while (!rest.empty() && lines.size() < visual_accounts_max) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto blank = line.find(' ');
        if (blank == std::string_view::npos) continue;
        lines.push_back({std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))});
    }
    return lines;
}

// The new file stands beside the old one until it takes its name: no moment leaves half of it.
Result<void> write_lines(const std::filesystem::path& file, const std::vector<Line>& lines) {
    std::string text;
    for (const auto& line : lines) text.append(line.account).append(" ").append(line.hash).append("\n");
    std::error_code error;
    if (lines.empty()) {
        std::filesystem::remove(file, error);
        return {};
    }
    const std::filesystem::path next = file.string() + ".new";
    std::filesystem::remove(next, error);
    auto written = pki::write_secret_file(next, as_bytes(text));
    if (!written) return written;
    std::filesystem::rename(next, file, error);
    if (error) return fail(ErrorCode::file_unwritable, file.string() + ": " + error.message());
    return {};
}

}  // namespace

Result<void> set_visual_password(const std::filesystem::path& file, std::string_view account,
                                 const SecretBytes& password, Random& random) {
    const bool named = !account.empty() && account.size() <= 64 &&
                       std::ranges::none_of(account, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
    if (!named) return fail(ErrorCode::field_value, "the account's reference");
    if (password.size() < visual_password_bytes_min || password.size() > visual_password_bytes_max) {
        return fail(ErrorCode::field_length, "the password: 8 to 128 bytes");
    }
    auto lines = read_lines(file);
    if (!lines) return fail(std::move(lines));
    std::erase_if(*lines, [&](const Line& line) { return line.account == account; });
    if (lines->size() >= visual_accounts_max) return fail(ErrorCode::field_range, "accounts of one terminal");
    lines->push_back({std::string(account), pki::hash_password(password, random)});
    return write_lines(file, *lines);
}

Result<bool> remove_visual_account(const std::filesystem::path& file, std::string_view account) {
    auto lines = read_lines(file);
    if (!lines) return fail(std::move(lines));
    const bool there = std::erase_if(*lines, [&](const Line& line) { return line.account == account; }) > 0;
    if (!there) return false;
    auto written = write_lines(file, *lines);
    if (!written) return fail(std::move(written));
    return true;
}

bool is_visual_password(const std::filesystem::path& file, std::string_view account, const SecretBytes& password) {
    auto lines = read_lines(file);
    if (!lines) {
        log_failure(Level::warn, "kiosk.visual_accounts", lines.error());
        return false;
    }
    const auto found = std::ranges::find(*lines, account, &Line::account);
    // Who is not there takes as long as who is.
    const bool there = found != lines->end();
    return pki::is_password(password, there ? found->hash : std::string_view()) && there;
}

}  // namespace onshi::terminal
