#pragma once

// For tests of every folder: the stores of one test, on the engine that the suite runs on.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "base/ensure.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/stores.h"

namespace onshi::sql {

// Stores of their own, gone with the object: SQLite files in a temporary folder or, when ONSHI_TEST_POSTGRES names the
// folder of a running cluster (tests/postgres/cluster.py), a database there. Outlives the databases opened on it.
class TestStores {
  public:
    TestStores() {
        std::array<char, 256> name{};
        std::snprintf(name.data(), name.size(), "%s/onshi-stores-XXXXXX",
                      std::filesystem::temp_directory_path().c_str());
        folder_ = mkdtemp(name.data());
        if (!on_postgres()) return;
        database_ = "t_" + folder_.substr(folder_.size() - 6) + "_" + std::to_string(getpid());
        ENSURE(psql(cluster(), "CREATE DATABASE \"" + database_ + "\""));
    }
    ~TestStores() {
        FaultVfs::instance().set(FaultVfs::Fault::none);
        if (!database_.empty()) psql(cluster(), "DROP DATABASE IF EXISTS \"" + database_ + "\" WITH (FORCE)");
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    TestStores(const TestStores&) = delete;
    TestStores& operator=(const TestStores&) = delete;

    [[nodiscard]] static bool on_postgres() { return !cluster().empty(); }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] StoreOptions options() const {
        if (!on_postgres()) {
            SqliteOptions options;
            options.folder = folder_;
            options.vfs = FaultVfs::instance().name();
            return options;
        }
        PostgresOptions options;
        options.address = setting();
        return options;
    }
    // As the setting `store` has it.
    [[nodiscard]] std::string setting() const {
        if (!on_postgres()) return folder_;
        const std::string& address = cluster();
        return address.substr(0, address.rfind('/') + 1) + database_;
    }
    // From now on every write fails as on a full disk, until there is space again; what is committed can be read.
    void fill_disk() {
        if (!on_postgres()) return FaultVfs::instance().set(FaultVfs::Fault::disk_full);
        run_sql(
            "CREATE FUNCTION public.no_space() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN "
            "RAISE disk_full; END $f$; "
            "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT c.oid FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname IN ($s$registry$s$, $s$ledger$s$) AND c.relkind = $s$r$s$ LOOP "
            "EXECUTE format($s$CREATE TRIGGER no_space BEFORE INSERT OR UPDATE OR DELETE ON %s "
            "EXECUTE FUNCTION public.no_space()$s$, t); END LOOP; END $$");
    }
    void make_space() {
        if (!on_postgres()) return FaultVfs::instance().set(FaultVfs::Fault::none);
        run_sql("DROP FUNCTION IF EXISTS public.no_space() CASCADE");
    }

  private:
    static const std::string& cluster() {
        static const std::string address = [] {
            const char* folder = std::getenv("ONSHI_TEST_POSTGRES");
            if (folder == nullptr) return std::string();
            std::string line;
            std::getline(std::ifstream(std::string(folder) + "/address") >> std::ws, line);
            ENSURE(!line.empty());
            return line;
        }();
        return address;
    }
    static bool psql(const std::string& address, const std::string& sql) {
        const std::string command = "psql -XAtq -v ON_ERROR_STOP=1 '" + address + "' -c '" + sql + "' >/dev/null 2>&1";
        return std::system(command.c_str()) == 0;
    }
    void run_sql(const std::string& sql) const { ENSURE(psql(setting(), sql)); }
    std::string folder_;
    std::string database_;
};

}  // namespace onshi::sql
