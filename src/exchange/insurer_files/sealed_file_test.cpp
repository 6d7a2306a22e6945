#include "exchange/insurer_files/sealed_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace onshi::insurer_files::sealed_file_test {

class SealedFile : public testing::Test {
  protected:
    SealedFile() {
        std::string name = std::filesystem::temp_directory_path() / "onshi-sealed-XXXXXX";
        folder_ = mkdtemp(name.data());
        path_ = folder_ / "file";
    }
    ~SealedFile() override { std::filesystem::remove_all(folder_); }

    static pki::SealingKey key(std::uint8_t fill) {
        const std::array<std::uint8_t, 32> bytes = [fill] {
            std::array<std::uint8_t, 32> made{};
            made.fill(fill);
            return made;
        }();
        return std::move(*pki::SealingKey::create(Bytes(bytes)));
    }
    Sha256 write(std::string_view content, std::size_t piece) {
        std::filesystem::remove(path_);
        auto writer = SealedFileWriter::create(path_, "a", key_, random_);
        EXPECT_TRUE(writer);
        for (std::size_t at = 0; at < content.size(); at += piece) {
            EXPECT_TRUE(writer->add(content.substr(at, piece)));
        }
        EXPECT_EQ(writer->bytes(), content.size());
        return *writer->finish();
    }
    Result<std::string> read(std::uint64_t offset, const pki::SealingKey& with, const std::string& name = "a") {
        auto source = sealed_file_source(path_, name, with)(offset);
        if (!source) return fail(std::move(source));
        std::string all;
        std::array<char, 10'000> room;
        for (;;) {
            auto got = (*source)->read(room);
            if (!got) return fail(std::move(got));
            if (*got == 0) return all;
            all.append(room.data(), *got);
        }
    }
    static std::string content(std::size_t size) {
        std::string text(size, '\0');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
        return text;
    }

    std::filesystem::path folder_;
    std::string path_;
    SystemRandom random_;
    pki::SealingKey key_ = key(1);
};

TEST_F(SealedFile, files_of_every_size_are_read_again_from_every_offset) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, sealed_block_bytes - 1, sealed_block_bytes,
                                   sealed_block_bytes + 1, 2 * sealed_block_bytes, 3 * sealed_block_bytes + 77}) {
        const std::string text = content(size);
        const Sha256 digest = write(text, 9'973);
        EXPECT_EQ(write(text, 1'000'000), digest) << "the digest knows nothing of pieces";
        BlockDigest alone;
        for (std::size_t at = 0; at < size; at += 5'003) alone.add(std::string_view(text).substr(at, 5'003));
        EXPECT_EQ(alone.finish(), digest) << size;
        for (const std::size_t offset : {std::size_t{0}, size / 3, size / 2, size}) {
            const auto got = read(offset, key_);
            ASSERT_TRUE(got) << size << " from " << offset;
            EXPECT_EQ(*got, text.substr(offset)) << size << " from " << offset;
        }
    }
}

TEST_F(SealedFile, nothing_of_it_lies_open_and_only_its_owner_reads_it) {
    write(std::string(200'000, 'x'), 4'000);
    std::ifstream file(path_, std::ios::binary);
    const std::string stored((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(stored.find("xxxxxxxx"), std::string::npos);
    EXPECT_EQ(std::filesystem::status(path_).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(SealedFile, what_was_changed_moved_cut_or_belongs_elsewhere_is_refused) {
    const std::string text = content(3 * sealed_block_bytes);
    write(text, 50'000);
    const auto other = key(2);
    EXPECT_EQ(read(0, other).error().code, ErrorCode::secret_not_authentic);
    EXPECT_EQ(read(0, key_, "b").error().code, ErrorCode::secret_not_authentic);
    const std::size_t stored = sealed_block_bytes + pki::SealingKey::overhead_bytes;
    std::filesystem::resize_file(path_, 2 * stored);
    EXPECT_EQ(read(0, key_).error().code, ErrorCode::secret_not_authentic) << "the last block is gone";
    write(text, 50'000);
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    std::string first(stored, '\0');
    file.read(first.data(), static_cast<std::streamsize>(stored));
    file.seekp(static_cast<std::streamoff>(stored));
    file.write(first.data(), static_cast<std::streamsize>(stored));
    file.close();
    EXPECT_EQ(read(0, key_).error().code, ErrorCode::secret_not_authentic) << "a block at another's place";
}

TEST_F(SealedFile, a_writer_that_is_given_up_leaves_nothing_and_takes_nobodys_file) {
    {
        auto writer = SealedFileWriter::create(path_, "a", key_, random_);
        ASSERT_TRUE(writer->add("abc"));
        EXPECT_EQ(SealedFileWriter::create(path_, "a", key_, random_).error().code, ErrorCode::file_unwritable);
        auto moved = std::move(*writer);
        ASSERT_TRUE(moved.add("def"));
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(sealed_file_source(path_, "a", key_)(0).error().code, ErrorCode::file_unreadable);
}

}  // namespace onshi::insurer_files::sealed_file_test
