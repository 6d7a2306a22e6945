#include "exchange/insurer_files/sealed_file.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "base/bytes.h"

namespace onshi::insurer_files {

namespace {

constexpr std::uint64_t stored_block_bytes = sealed_block_bytes + pki::SealingKey::overhead_bytes;

std::string associated(std::string_view name, std::uint64_t block, bool last) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.text("members_file");
    writer.text(name);
    writer.u64(block);
    writer.u8(last ? 1 : 0);
    return bytes;
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

class SealedSource final : public ByteSource {
  public:
    SealedSource(std::unique_ptr<std::FILE, CloseFile> file, std::string name, const pki::SealingKey& key,
                 std::uint64_t blocks, std::uint64_t offset)
        : file_(std::move(file)),
          name_(std::move(name)),
          key_(key),
          blocks_(blocks),
          next_(offset / sealed_block_bytes),
          skip_(offset % sealed_block_bytes) {}

    Result<std::size_t> read(std::span<char> room) override {
        if (begin_ == plain_.size()) {
            if (next_ >= blocks_) return std::size_t{0};
            auto opened = open_block();
            if (!opened) return fail(std::move(opened));
        }
        const std::size_t count = std::min(room.size(), plain_.size() - begin_);
        std::memcpy(room.data(), plain_.data() + begin_, count);
        begin_ += count;
        return count;
    }

  private:
    Result<void> open_block() {
        stored_.resize(stored_block_bytes);
        const std::size_t got = std::fread(stored_.data(), 1, stored_.size(), file_.get());
        if (std::ferror(file_.get()) != 0) return fail(ErrorCode::file_unreadable, "reading a sealed file");
        const bool last = next_ + 1 == blocks_;
        auto plain =
            key_.open(as_bytes(std::string_view(stored_).substr(0, got)), as_bytes(associated(name_, next_, last)));
        if (!plain) return fail(std::move(plain));
        plain_.assign(as_text(plain->bytes()));
        begin_ = std::min<std::size_t>(skip_, plain_.size());
        skip_ = 0;
        ++next_;
        return {};
    }

    std::unique_ptr<std::FILE, CloseFile> file_;
    std::string name_;
    const pki::SealingKey& key_;
    std::uint64_t blocks_;
    std::uint64_t next_;
    std::uint64_t skip_;
    std::string stored_;
    std::string plain_;
    std::size_t begin_ = 0;
};

}  // namespace

Result<SealedFileWriter> SealedFileWriter::create(std::string path, std::string name, const pki::SealingKey& key,
                                                  Random& random) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(ErrorCode::file_unwritable, path);
    std::unique_ptr<std::FILE, CloseFile> file(::fdopen(descriptor, "wb"));
    if (!file) {
        ::close(descriptor);
        return fail(ErrorCode::file_unwritable, path);
    }
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    return SealedFileWriter(std::move(file), std::move(path), std::move(name), key, random);
}

SealedFileWriter::~SealedFileWriter() {
    if (file_ && !finished_) ::unlink(path_.c_str());
}

Result<void> SealedFileWriter::write_block(bool last) {
    digest_ = sha256({Bytes(digest_), as_bytes(block_)});
    auto sealed = key_->seal(as_bytes(block_), as_bytes(associated(name_, blocks_, last)), *random_);
    if (!sealed) return fail(std::move(sealed));
    if (std::fwrite(sealed->data(), 1, sealed->size(), file_.get()) != sealed->size()) {
        return fail(ErrorCode::file_unwritable, path_);
    }
    ++blocks_;
    block_.clear();
    return {};
}

// A block is written when the next byte shows that it is not the last.
Result<void> SealedFileWriter::add(std::string_view bytes) {
    bytes_ += bytes.size();
    while (!bytes.empty()) {
        if (block_.size() == sealed_block_bytes) {
            auto written = write_block(false);
            if (!written) return written;
        }
        const std::size_t count = std::min(bytes.size(), sealed_block_bytes - block_.size());
        block_.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
    }
    return {};
}

Result<Sha256> SealedFileWriter::finish() {
    auto written = write_block(true);
    if (!written) return fail(std::move(written));
    if (::fdatasync(::fileno(file_.get())) != 0) return fail(ErrorCode::file_unwritable, path_);
    finished_ = true;
    return digest_;
}

void BlockDigest::add(std::string_view bytes) {
    while (!bytes.empty()) {
        if (block_.size() == sealed_block_bytes) {
            digest_ = sha256({Bytes(digest_), as_bytes(block_)});
            block_.clear();
        }
        const std::size_t count = std::min(bytes.size(), sealed_block_bytes - block_.size());
        block_.append(bytes.substr(0, count));
        bytes.remove_prefix(count);
    }
}

Sha256 BlockDigest::finish() {
    digest_ = sha256({Bytes(digest_), as_bytes(block_)});
    block_.clear();
    return digest_;
}

SourceOpener sealed_file_source(std::string path, std::string name, const pki::SealingKey& key) {
    return [path = std::move(path), name = std::move(name),
            &key](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
        std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
        if (!file || fseeko(file.get(), 0, SEEK_END) != 0) return fail(ErrorCode::file_unreadable, path);
        const auto stored = static_cast<std::uint64_t>(ftello(file.get()));
        const std::uint64_t blocks = (stored + stored_block_bytes - 1) / stored_block_bytes;
        const std::uint64_t first = offset / sealed_block_bytes;
        if (fseeko(file.get(), static_cast<off_t>(first * stored_block_bytes), SEEK_SET) != 0) {
            return fail(ErrorCode::file_unreadable, path);
        }
        return std::make_unique<SealedSource>(std::move(file), name, key, blocks, offset);
    };
}

}  // namespace onshi::insurer_files
