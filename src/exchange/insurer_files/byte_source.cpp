#include "exchange/insurer_files/byte_source.h"

#include <cstdio>

namespace onshi::insurer_files {

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

class FileSource final : public ByteSource {
  public:
    explicit FileSource(std::unique_ptr<std::FILE, CloseFile> file) : file_(std::move(file)) {}
    Result<std::size_t> read(std::span<char> room) override {
        const std::size_t got = std::fread(room.data(), 1, room.size(), file_.get());
        if (std::ferror(file_.get()) != 0) return fail(ErrorCode::file_unreadable, "reading the members' file");
        return got;
    }

  private:
    std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace

SourceOpener file_source(std::string path) {
    return [path = std::move(path)](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
        std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
        if (!file) return fail(ErrorCode::file_unreadable, path);
        std::setvbuf(file.get(), nullptr, _IONBF, 0);
        if (fseeko(file.get(), static_cast<off_t>(offset), SEEK_SET) != 0) {
            return fail(ErrorCode::file_unreadable, path);
        }
        return std::make_unique<FileSource>(std::move(file));
    };
}

}  // namespace onshi::insurer_files
