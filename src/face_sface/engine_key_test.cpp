#include "face_sface/engine_key.h"

#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "face_sface/test_folder.h"

namespace onshi::sface {
namespace {

TEST(EngineKey, is_made_for_us_alone_with_its_public_half_beside_it) {
    const TestFolder folder;
    const auto file = folder.path() / "engine.key";
    const auto made = load_or_make_key(file);
    ASSERT_TRUE(made.has_value());
    struct stat found{};
    ASSERT_EQ(::stat(file.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    std::ifstream in(folder.path() / "engine.key.pub");
    const std::string pem{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(pem, public_pem(*made));
    EXPECT_TRUE(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMFkw"));
}

TEST(EngineKey, is_the_same_after_a_restart) {
    const TestFolder folder;
    const auto first = load_or_make_key(folder.path() / "engine.key");
    std::filesystem::remove(folder.path() / "engine.key.pub");
    const auto second = load_or_make_key(folder.path() / "engine.key");
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->public_point(), second->public_point());
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "engine.key.pub"));
}

TEST(EngineKey, that_others_can_read_is_refused) {
    const TestFolder folder;
    const auto file = folder.path() / "engine.key";
    ASSERT_TRUE(load_or_make_key(file).has_value());
    ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
    const auto refused = load_or_make_key(file);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::secret_permissions);
}

TEST(EngineKey, on_another_curve_is_refused) {
    const TestFolder folder;
    const auto file = folder.path() / "engine.key";
    ASSERT_TRUE(pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p384).save(file).has_value());
    const auto refused = load_or_make_key(file);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::key_malformed);
}

TEST(EngineKey, in_a_folder_that_is_missing_is_not_made) {
    EXPECT_FALSE(load_or_make_key("/nowhere/engine.key").has_value());
}

}  // namespace
}  // namespace onshi::sface
