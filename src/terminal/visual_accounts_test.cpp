#include "terminal/visual_accounts.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace onshi::terminal {
namespace {

namespace fs = std::filesystem;

SecretBytes secret(std::string_view text) {
    return SecretBytes(as_bytes(text));
}

class VisualAccountsTest : public testing::Test {
  protected:
    VisualAccountsTest() {
        std::string name = (fs::temp_directory_path() / "onshi-visual-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        file_ = folder_ / "visual.accounts";
    }
    ~VisualAccountsTest() override { fs::remove_all(folder_); }
    fs::path folder_;
    fs::path file_;
    SystemRandom random_;
};

TEST_F(VisualAccountsTest, each_member_of_staff_has_a_password_of_their_own) {
    ASSERT_TRUE(set_visual_password(file_, "staff-1", secret("first password"), random_));
    ASSERT_TRUE(set_visual_password(file_, "staff-2", secret("second password"), random_));
    EXPECT_TRUE(is_visual_password(file_, "staff-1", secret("first password")));
    EXPECT_TRUE(is_visual_password(file_, "staff-2", secret("second password")));
    EXPECT_FALSE(is_visual_password(file_, "staff-1", secret("second password")));
    EXPECT_FALSE(is_visual_password(file_, "staff-3", secret("first password")));
    EXPECT_EQ(fs::status(file_).permissions() & fs::perms(077), fs::perms::none);
}

TEST_F(VisualAccountsTest, a_new_password_replaces_the_old_and_an_account_can_go) {
    ASSERT_TRUE(set_visual_password(file_, "staff-1", secret("first password"), random_));
    ASSERT_TRUE(set_visual_password(file_, "staff-1", secret("another password"), random_));
    EXPECT_FALSE(is_visual_password(file_, "staff-1", secret("first password")));
    EXPECT_TRUE(is_visual_password(file_, "staff-1", secret("another password")));
    EXPECT_TRUE(*remove_visual_account(file_, "staff-1"));
    EXPECT_FALSE(*remove_visual_account(file_, "staff-1"));
    EXPECT_FALSE(is_visual_password(file_, "staff-1", secret("another password")));
}

TEST_F(VisualAccountsTest, references_and_passwords_have_their_bounds) {
    const auto code = [&](std::string_view account, std::string_view password) {
        auto set = set_visual_password(file_, account, secret(password), random_);
        return set ? ErrorCode::internal_unexpected : set.error().code;
    };
    EXPECT_EQ(code("", "long enough"), ErrorCode::field_value);
    EXPECT_EQ(code("two words", "long enough"), ErrorCode::field_value);
    EXPECT_EQ(code("line\nbreak", "long enough"), ErrorCode::field_value);
    EXPECT_EQ(code("staff-1", "1234567"), ErrorCode::field_length);
    EXPECT_EQ(code("staff-1", std::string(129, 'x')), ErrorCode::field_length);
    EXPECT_TRUE(set_visual_password(file_, "staff-1", secret("12345678"), random_));
    EXPECT_TRUE(set_visual_password(file_, "staff-1", secret(std::string(128, 'x')), random_));
}

TEST_F(VisualAccountsTest, without_the_file_nobody_is_known) {
    EXPECT_FALSE(is_visual_password(file_, "staff-1", secret("password")));
}

}  // namespace
}  // namespace onshi::terminal
