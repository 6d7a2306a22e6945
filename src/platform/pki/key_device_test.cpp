#include "platform/pki/key_device.h"

#include <cstdlib>
#include <fstream>
#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "platform/pki/test_fixtures.h"

namespace onshi::pki::key_device_test {

// SoftHSM in a folder of its own, with one token and its keys.
class KeyDeviceTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directory(folder_.path() / "tokens");
        std::ofstream(folder_.path() / "softhsm2.conf")
            << "directories.tokendir = " << (folder_.path() / "tokens").string() << "\nobjectstore.backend = file\n"
            << "log.level = ERROR\n";
        ASSERT_EQ(::setenv("SOFTHSM2_CONF", (folder_.path() / "softhsm2.conf").c_str(), 1), 0);
        ASSERT_TRUE(run("softhsm2-util --init-token --free --label onshi --pin 4711 --so-pin 0815"));
        ASSERT_TRUE(keygen("numbers", 32));
        write_pin("4711\n", 0600);
    }
    static bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }
    static bool keygen(const char* label, int bytes) {
        return run(
            fmt::format("pkcs11-tool --module {} --token-label onshi --login --pin 4711 --keygen --key-type AES:{} "
                        "--label {} --sensitive",
                        module, bytes, label));
    }
    void write_pin(std::string_view pin, mode_t mode) {
        std::ofstream(pin_file(), std::ios::trunc) << pin;
        ASSERT_EQ(::chmod(pin_file().c_str(), mode), 0);
    }
    [[nodiscard]] std::filesystem::path pin_file() const { return folder_.path() / "pin"; }
    [[nodiscard]] std::string uri(std::string_view token = "onshi", std::string_view object = "numbers") const {
        return fmt::format("pkcs11:token={};object={}?module-path={}&pin-source=file:{}", token, object, module,
                           pin_file().string());
    }
    static ErrorCode refused(const std::string& uri) {
        const auto device = KeyDevice::open(uri);
        EXPECT_FALSE(device) << uri;
        return device ? ErrorCode::internal_unexpected : device.error().code;
    }

    static constexpr const char* module = "/usr/lib/softhsm/libsofthsm2.so";
    TemporaryFolder folder_;
    SystemRandom random_;
};

TEST_F(KeyDeviceTest, seals_and_opens_and_the_key_stays_inside) {
    const std::string secret(32, 's');
    std::string sealed;
    {
        const auto device = KeyDevice::open(uri());
        ASSERT_TRUE(device) << device.error().detail;
        EXPECT_EQ((*device)->token(), "onshi");
        const auto made = (*device)->seal(as_bytes(secret), as_bytes("number.1"), random_);
        ASSERT_TRUE(made) << made.error().detail;
        sealed = *made;
    }
    EXPECT_EQ(sealed.size(), 12U + 32 + 16);
    EXPECT_EQ(sealed.find("ssss"), std::string::npos);
    // Another session: the key is the token's.
    const auto again = KeyDevice::open(uri());
    ASSERT_TRUE(again) << again.error().detail;
    const auto opened = (*again)->open_sealed(as_bytes(sealed), as_bytes("number.1"));
    ASSERT_TRUE(opened) << opened.error().detail;
    EXPECT_EQ(as_text(opened->bytes()), secret);
    const auto second = (*again)->seal(as_bytes(secret), as_bytes("number.1"), random_);
    EXPECT_NE(*second, sealed) << "a nonce of its own";
}

TEST_F(KeyDeviceTest, what_was_changed_or_sealed_for_something_else_does_not_open) {
    ASSERT_TRUE(keygen("other", 32));
    const auto device = KeyDevice::open(uri());
    ASSERT_TRUE(device);
    const auto sealed = (*device)->seal(as_bytes("secret"), as_bytes("number.1"), random_);
    ASSERT_TRUE(sealed);
    const auto open = [&](const std::string& bytes, std::string_view what) {
        return (*device)->open_sealed(as_bytes(bytes), as_bytes(what)).error().code;
    };
    EXPECT_EQ(open(*sealed, "number.2"), ErrorCode::secret_not_authentic);
    for (std::size_t i = 0; i < sealed->size(); ++i) {
        std::string changed = *sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_EQ(open(changed, "number.1"), ErrorCode::secret_not_authentic) << i;
    }
    EXPECT_EQ(open(sealed->substr(0, 28), "number.1"), ErrorCode::secret_not_authentic);
    EXPECT_EQ(open("", "number.1"), ErrorCode::secret_not_authentic);
    const auto other = KeyDevice::open(uri("onshi", "other"));
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->open_sealed(as_bytes(*sealed), as_bytes("number.1")).error().code,
              ErrorCode::secret_not_authentic);
    EXPECT_EQ((*device)->seal({}, {}, random_).error().code, ErrorCode::secret_malformed);
    const std::string most(device_sealed_bytes_max, 'x');
    EXPECT_TRUE((*device)->seal(as_bytes(most), {}, random_));
    EXPECT_EQ((*device)->seal(as_bytes(most + "x"), {}, random_).error().code, ErrorCode::secret_malformed);
}

TEST_F(KeyDeviceTest, each_fault_has_its_code) {
    EXPECT_EQ(refused(uri("nobody")), ErrorCode::device_unavailable);
    EXPECT_EQ(
        refused("pkcs11:token=onshi;object=numbers?module-path=/nowhere.so&pin-source=file:" + pin_file().string()),
        ErrorCode::device_unavailable);
    EXPECT_EQ(refused(uri("onshi", "nothing")), ErrorCode::device_key);
    ASSERT_TRUE(keygen("short", 16));
    EXPECT_EQ(refused(uri("onshi", "short")), ErrorCode::device_key);
    ASSERT_TRUE(keygen("numbers", 32));
    EXPECT_EQ(refused(uri()), ErrorCode::device_key) << "two of one name";
    write_pin("0000", 0600);
    EXPECT_EQ(refused(uri()), ErrorCode::device_pin);
    write_pin("4711", 0644);
    EXPECT_EQ(refused(uri()), ErrorCode::secret_permissions);
    write_pin("\n", 0600);
    EXPECT_EQ(refused(uri()), ErrorCode::secret_malformed);
    ASSERT_TRUE(std::filesystem::remove(pin_file()));
    EXPECT_EQ(refused(uri()), ErrorCode::secret_missing);
}

TEST_F(KeyDeviceTest, two_tokens_of_one_name_are_told_apart_or_refused) {
    ASSERT_TRUE(run("softhsm2-util --init-token --free --label onshi --pin 4711 --so-pin 0815"));
    EXPECT_EQ(refused(uri()), ErrorCode::device_unavailable);
}

TEST_F(KeyDeviceTest, a_setting_of_another_form_is_refused) {
    const std::string rest = "?module-path=" + std::string(module) + "&pin-source=file:" + pin_file().string();
    for (const std::string& wrong :
         {std::string("softhsm"), std::string("pkcs11:"), "pkcs11:token=onshi" + rest,
          std::string("pkcs11:token=onshi;object=numbers"),
          "pkcs11:token=onshi;object=numbers?module-path=" + std::string(module),
          "pkcs11:token=onshi;object=numbers" + rest + "&pin-value=4711", "pkcs11:token=onshi;colour=red" + rest,
          "pkcs11:object=" + std::string(device_uri_bytes_max, 'x') + rest}) {
        EXPECT_EQ(refused(wrong), ErrorCode::config_value) << wrong;
    }
}

}  // namespace onshi::pki::key_device_test
