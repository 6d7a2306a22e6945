#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/texts.h"
#include "domain/coverage/model_intake.h"
#include "exchange/insurer_files/row_parser.h"

namespace onshi::insurer_files {

// The rows of a file with what became of them (ux §15.3): the input's columns, row number, word, codes, sentences. CSV
// in UTF-8, or NDJSON for an NDJSON file. Owns the file, 0600; not thread-safe. Errors: file.unwritable.
class ResultFile {
  public:
    // A new file when `size` is 0, else what has been written of it before: it is cut to that size. intake.busy:
    // another run writes it.
    [[nodiscard]] static Result<ResultFile> open(const std::string& path, FileFormat format, Language language,
                                                 std::uint64_t size);
    // The header of a CSV; only at the beginning.
    void begin(std::string_view columns);
    void add(std::uint64_t row, std::string_view echo, const coverage::RowOutcome& outcome);
    // Everything that was added is on the disk.
    [[nodiscard]] Result<void> flush();
    // Takes back what was added since the file had that size.
    [[nodiscard]] Result<void> cut(std::uint64_t size);
    [[nodiscard]] std::uint64_t size() const { return size_ + buffer_.size(); }

  private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    ResultFile(std::unique_ptr<std::FILE, CloseFile> file, std::string path, FileFormat format, Language language,
               std::uint64_t size)
        : file_(std::move(file)), path_(std::move(path)), format_(format), language_(language), size_(size) {}
    void explain(const coverage::RowOutcome& outcome);
    std::unique_ptr<std::FILE, CloseFile> file_;
    std::string path_;
    FileFormat format_;
    Language language_;
    std::uint64_t size_;  // on the disk
    std::string buffer_;
    std::string codes_;
    std::string message_;
};

}  // namespace onshi::insurer_files
