#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/sha256.h"
#include "exchange/insurer_files/byte_source.h"
#include "platform/pki/keys.h"

namespace onshi::insurer_files {

// What one sealed block holds, but the last.
inline constexpr std::size_t sealed_block_bytes = std::size_t{64} * 1024;

// A members' file on its way from the wire to the intake. It holds individual numbers, so no byte of it lies open on
// the disk: blocks of AES-256-GCM, each bound to the file's name, to its place and to whether it is the last, so that
// blocks can be neither moved nor cut off. Owns the file (0600), which is removed again unless finish() was reached.
// Not thread-safe; the key outlives it.
class SealedFileWriter {
  public:
    // `name` is what the blocks are bound to. file.unwritable, also when the file is there already.
    [[nodiscard]] static Result<SealedFileWriter> create(std::string path, std::string name, const pki::SealingKey& key,
                                                         Random& random);
    SealedFileWriter(SealedFileWriter&&) = default;
    SealedFileWriter& operator=(SealedFileWriter&&) = delete;
    ~SealedFileWriter();

    // file.unwritable when the disk is full or fails.
    [[nodiscard]] Result<void> add(std::string_view bytes);
    // Everything is on the disk. Gives the digest of the plain bytes, made block by block.
    [[nodiscard]] Result<Sha256> finish();
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    SealedFileWriter(std::unique_ptr<std::FILE, CloseFile> file, std::string path, std::string name,
                     const pki::SealingKey& key, Random& random)
        : file_(std::move(file)), path_(std::move(path)), name_(std::move(name)), key_(&key), random_(&random) {}
    [[nodiscard]] Result<void> write_block(bool last);

    std::unique_ptr<std::FILE, CloseFile> file_;
    std::string path_;
    std::string name_;
    const pki::SealingKey* key_;
    Random* random_;
    std::string block_;
    std::uint64_t blocks_ = 0;
    std::uint64_t bytes_ = 0;
    Sha256 digest_{};
    bool finished_ = false;
};

// The digest that finish() gives, without a file: what is sent again is compared and not stored.
class BlockDigest {
  public:
    void add(std::string_view bytes);
    [[nodiscard]] Sha256 finish();

  private:
    std::string block_;
    Sha256 digest_{};
};

// The plain bytes again. The key outlives the opener and its sources. file.unreadable; secret.not_authentic for other
// bytes than were written.
[[nodiscard]] SourceOpener sealed_file_source(std::string path, std::string name, const pki::SealingKey& key);

}  // namespace onshi::insurer_files
