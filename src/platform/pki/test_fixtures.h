#pragma once

// For tests of any folder that depends on this one: fixed RSA keys, so that no test waits for key generation.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/ensure.h"
#include "platform/pki/test_ca.h"

namespace onshi::pki {

// The sixteen RSA-2048 keys of tests/fixtures/pki/test_keys.pem. The first six are those of fixture_jpki().
inline const KeyPool& fixture_keys() {
    static const KeyPool pool = [] {
        std::ifstream in(ONSHI_SOURCE_DIR "/tests/fixtures/pki/test_keys.pem", std::ios::binary);
        auto keys = KeyPool::from_pem(std::string(std::istreambuf_iterator<char>(in), {}));
        ENSURE(keys.has_value());
        return *std::move(keys);
    }();
    return pool;
}

// 2026-11-23 12:00:00 in Japan: the day of the fixtures.
inline constexpr Instant fixture_now{1'795'402'800'000'000};

inline const TestJpki& fixture_jpki() {
    static const TestJpki jpki = TestJpki::create(fixture_now, fixture_keys());
    return jpki;
}

// A fresh folder that is removed with its content.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "onshi-pki-XXXXXX").string();
        ENSURE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace onshi::pki
