#include "cli/postgres_tools.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "platform/sql/store_reader.h"
#include "platform/sql/stores.h"

namespace onshi::cli {

namespace {

Result<void> run_tool(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // Its standard output is not ours: that is for answers.
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t child = 0;
    const int started = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (started != 0) return fail(ErrorCode::tool_failed, words[0] + " cannot be started");
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return fail(ErrorCode::tool_failed, words[0]);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(ErrorCode::tool_failed, words[0]);
    return {};
}

}  // namespace

Result<void> dump_postgres(const std::string& address, const std::string& file) {
    return run_tool({"pg_dump", "--format=custom", "--schema=registry", "--schema=ledger", "--no-owner",
                     "--no-privileges", "--file=" + file, "--dbname=" + address});
}

Result<void> restore_postgres(const std::string& file, const std::string& address) {
    auto options = sql::parse_store(address);
    if (!options) return fail(std::move(options));
    for (const sql::Store store : {sql::Store::registry, sql::Store::ledger}) {
        auto reader = sql::StoreReader::open(*options, store);
        if (!reader) return fail(std::move(reader));
        auto tables = (*reader)->tables();
        if (!tables) return fail(std::move(tables));
        if (!tables->empty()) return fail(ErrorCode::store_not_empty, std::string(sql::to_string(store)));
    }
    return run_tool({"pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
                     "--dbname=" + address, file});
}

}  // namespace onshi::cli
