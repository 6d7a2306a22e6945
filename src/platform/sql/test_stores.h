#pragma once

// For tests of every folder: the stores of one test, on the engine that the suite runs on.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "base/ensure.h"
#include "platform/sql/stores.h"

namespace onshi::sql {

// Stores of their own, gone with the object: SQLite files in a temporary folder or, when ONSHI_TEST_POSTGRES holds the
// address of a cluster (tests/postgres/cluster.py), a database there. Outlives the databases opened on it.
class TestStores {
  public:
    TestStores() {
        std::array<char, 256> name{};
        std::snprintf(name.data(), name.size(), "%s/onshi-stores-XXXXXX",
                      std::filesystem::temp_directory_path().c_str());
        folder_ = mkdtemp(name.data());
        if (!on_postgres()) return;
        database_ = "t_" + folder_.substr(folder_.size() - 6) + "_" + std::to_string(getpid());
        ENSURE(psql("CREATE DATABASE \"" + database_ + "\""));
    }
    ~TestStores() {
        if (!database_.empty()) psql("DROP DATABASE IF EXISTS \"" + database_ + "\" WITH (FORCE)");
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    TestStores(const TestStores&) = delete;
    TestStores& operator=(const TestStores&) = delete;

    [[nodiscard]] static bool on_postgres() { return cluster() != nullptr; }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] StoreOptions options() const {
        if (!on_postgres()) {
            SqliteOptions options;
            options.folder = folder_;
            return options;
        }
        PostgresOptions options;
        const std::string address = cluster();
        options.address = address.substr(0, address.rfind('/') + 1) + database_;
        return options;
    }

  private:
    static const char* cluster() { return std::getenv("ONSHI_TEST_POSTGRES"); }
    static bool psql(const std::string& sql) {
        const std::string command =
            std::string("psql -XAtq -v ON_ERROR_STOP=1 '") + cluster() + "' -c '" + sql + "' >/dev/null 2>&1";
        return std::system(command.c_str()) == 0;
    }
    std::string folder_;
    std::string database_;
};

}  // namespace onshi::sql
