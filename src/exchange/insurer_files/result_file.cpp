#include "exchange/insurer_files/result_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "platform/text_formats/json_writer.h"

namespace onshi::insurer_files {

Result<ResultFile> ResultFile::open(const std::string& path, FileFormat format, Language language, std::uint64_t size) {
    // It repeats names and birth dates: for nobody but its owner.
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (size == 0 ? O_CREAT : 0), 0600);
    if (descriptor < 0) return fail(ErrorCode::file_unwritable, path);
    std::unique_ptr<std::FILE, CloseFile> file(::fdopen(descriptor, "r+b"));
    if (!file) return fail(ErrorCode::file_unwritable, path);
    // Two runs of one file would write over each other's lines. Ends with the process, however that ends.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return fail(ErrorCode::intake_busy, path);
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    ResultFile result(std::move(file), path, format, language, size);
    auto cut = result.cut(size);
    if (!cut) return fail(std::move(cut));
    return result;
}

void ResultFile::begin(std::string_view columns) {
    if (format_ == FileFormat::csv)
        fmt::format_to(std::back_inserter(buffer_), "{},row,result,code,message\n", columns);
}

void ResultFile::explain(const coverage::RowOutcome& outcome) {
    codes_.clear();
    message_.clear();
    const auto say = [this](std::string_view code, Audience audience) {
        if (!codes_.empty()) codes_.push_back(' ');
        codes_.append(code);
        const auto sentence = find_text(language_, code, audience);
        if (!sentence) return;
        if (!message_.empty()) message_.push_back(' ');
        message_.append(*sentence);
    };
    if (outcome.result == coverage::RowResult::refused) {
        say(error_name(outcome.refusal), Audience::clerk);
        if (!outcome.column.empty()) fmt::format_to(std::back_inserter(message_), " ({})", outcome.column);
    }
    for (std::uint8_t i = 0; i < outcome.note_count; ++i) say(to_string(outcome.notes[i]), Audience::insurer);
}

void ResultFile::add(std::uint64_t row, std::string_view echo, const coverage::RowOutcome& outcome) {
    explain(outcome);
    if (format_ == FileFormat::csv) {
        fmt::format_to(std::back_inserter(buffer_), "{},{},{},{},", echo, row, to_string(outcome.result), codes_);
        append_csv_field(buffer_, message_);
    } else {
        JsonWriter writer(buffer_);
        writer.begin_object();
        writer.member("row", row);
        writer.member("result", to_string(outcome.result));
        writer.member("code", codes_);
        writer.member("message", message_);
        writer.end_object();
    }
    buffer_.push_back('\n');
}

Result<void> ResultFile::flush() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) {
        return fail(ErrorCode::file_unwritable, path_);
    }
    size_ += buffer_.size();
    buffer_.clear();
    if (::fdatasync(::fileno(file_.get())) != 0) return fail(ErrorCode::file_unwritable, path_);
    return {};
}

Result<void> ResultFile::cut(std::uint64_t size) {
    buffer_.clear();
    const bool cut = ::ftruncate(::fileno(file_.get()), static_cast<off_t>(size)) == 0 &&
                     fseeko(file_.get(), static_cast<off_t>(size), SEEK_SET) == 0;
    if (!cut) return fail(ErrorCode::file_unwritable, path_);
    size_ = size;
    return {};
}

}  // namespace onshi::insurer_files
