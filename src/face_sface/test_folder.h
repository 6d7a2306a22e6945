#pragma once

// Inside this folder only: for tests.
#include <cstdlib>
#include <filesystem>
#include <string>

namespace onshi::sface {

// A folder of mode 0700 that goes with the test.
class TestFolder {
  public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "onshi-sface-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace onshi::sface
