#include "platform/pki/secret_file.h"

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "platform/pki/test_fixtures.h"

namespace onshi::pki::secret_file_test {

void write(const std::filesystem::path& file, std::string_view text, mode_t mode) {
    std::ofstream(file, std::ios::binary) << text;
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
}

TEST(SecretFile, only_its_owner_may_be_able_to_read_it) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "key";
    struct Row {
        mode_t mode;
        bool accepted;
    };
    const Row rows[] = {{0600, true},  {0400, true},  {0700, true},  {0640, false}, {0660, false},
                        {0604, false}, {0602, false}, {0610, false}, {0644, false}, {0777, false}};
    for (const auto& row : rows) {
        write(file, "secret", row.mode);
        const auto secret = read_secret_file(file);
        EXPECT_EQ(secret.has_value(), row.accepted) << std::oct << row.mode;
        if (!secret) EXPECT_EQ(secret.error().code, ErrorCode::secret_permissions) << std::oct << row.mode;
        if (secret) EXPECT_EQ(as_text(secret->bytes()), "secret");
    }
}

TEST(SecretFile, is_refused_empty_and_above_its_limit) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "key";
    struct Row {
        std::size_t size;
        bool accepted;
    };
    for (const auto& row : {Row{0, false}, Row{1, true}, Row{63, true}, Row{64, true}, Row{65, false}}) {
        write(file, std::string(row.size, 'x'), 0600);
        const auto secret = read_secret_file(file, 64);
        EXPECT_EQ(secret.has_value(), row.accepted) << row.size;
        if (!secret) EXPECT_EQ(secret.error().code, ErrorCode::secret_malformed) << row.size;
    }
    write(file, std::string(secret_file_bytes_max, 'x'), 0600);
    EXPECT_TRUE(read_secret_file(file));
    write(file, std::string(secret_file_bytes_max + 1, 'x'), 0600);
    EXPECT_FALSE(read_secret_file(file));
}

TEST(SecretFile, is_a_regular_file) {
    const TemporaryFolder folder;
    EXPECT_EQ(read_secret_file(folder.path()).error().code, ErrorCode::secret_permissions);
    const auto fifo = folder.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(read_secret_file(fifo).error().code, ErrorCode::secret_permissions);
    EXPECT_EQ(read_secret_file(folder.path() / "absent").error().code, ErrorCode::secret_missing);
}

TEST(SecretFile, is_written_once_and_for_its_owner_whatever_the_umask) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "key";
    const auto before = ::umask(0);
    const auto written = write_secret_file(file, as_bytes("one"));
    ::umask(before);
    ASSERT_TRUE(written);
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(write_secret_file(file, as_bytes("two")).error().code, ErrorCode::secret_exists);
    EXPECT_EQ(as_text(read_secret_file(file)->bytes()), "one");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no draft is left behind";
}

TEST(SecretFile, cannot_be_written_into_a_folder_that_is_not_there) {
    const TemporaryFolder folder;
    EXPECT_EQ(write_secret_file(folder.path() / "no" / "key", as_bytes("x")).error().code, ErrorCode::secret_missing);
    EXPECT_EQ(write_secret_file(folder.path() / "key", {}).error().code, ErrorCode::secret_malformed);
}

TEST(SecretFile, a_symbolic_link_is_not_written_through) {
    const TemporaryFolder folder;
    const auto target = folder.path() / "target";
    std::filesystem::create_symlink(target, folder.path() / "key");
    EXPECT_EQ(write_secret_file(folder.path() / "key", as_bytes("x")).error().code, ErrorCode::secret_exists);
    EXPECT_FALSE(std::filesystem::exists(target));
}

TEST(SecretFile, new_random_secrets_have_the_size_asked_for_and_differ) {
    const TemporaryFolder folder;
    SystemRandom random;
    const auto first = create_random_secret(folder.path() / "a", 32, random);
    const auto second = create_random_secret(folder.path() / "b", 32, random);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->size(), 32U);
    EXPECT_FALSE(first->equals(second->bytes()));
    EXPECT_TRUE(read_secret_file(folder.path() / "a")->equals(first->bytes()));
    EXPECT_EQ(create_random_secret(folder.path() / "a", 32, random).error().code, ErrorCode::secret_exists);
    for (const std::size_t size : {std::size_t{0}, secret_file_bytes_max + 1}) {
        EXPECT_EQ(create_random_secret(folder.path() / "c", size, random).error().code, ErrorCode::secret_malformed);
    }
}

TEST(SecretReference, names_a_file_or_a_credential) {
    const TemporaryFolder folder;
    write(folder.path() / "seal", "secret", 0600);
    ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
    EXPECT_EQ(as_text(load_secret("file:" + (folder.path() / "seal").string())->bytes()), "secret");
    EXPECT_EQ(as_text(load_secret("cred:seal")->bytes()), "secret");
    EXPECT_EQ(load_secret("cred:absent").error().code, ErrorCode::secret_missing);
    for (const auto* reference : {"", "seal", "file:", "file:seal", "file:../seal", "cred:", "cred:..", "cred:a/b",
                                  "cred:/etc/shadow", "pkcs11:token", "http://x", "FILE:/x"}) {
        EXPECT_EQ(load_secret(reference).error().code, ErrorCode::secret_malformed) << reference;
    }
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(load_secret("cred:seal").error().code, ErrorCode::secret_missing);
}

}  // namespace onshi::pki::secret_file_test
