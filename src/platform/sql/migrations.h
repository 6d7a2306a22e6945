#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/sql/statement.h"

namespace onshi::sql {

// One step of a slice's schema in one store, from `src/domain/<slice>/migrations/<store>_NNNN_<what>.sql`. The file's
// first line is `-- from: N`, the version it asserts; it leads to NNNN = N + 1. Written with BIGINT, TEXT and BLOB; a
// table whose CREATE ends with `) /* clustered */;` is stored in the order of its primary key where the engine can.
struct Migration {
    std::string_view slice;
    Store store;
    int to;
    std::string_view name;
    std::string_view sql;
};

// Stands among the slices' versions while a copy of a store is not complete.
inline constexpr std::string_view unfinished_copy = "unfinished copy";

// Says which slices are not at the newest version of `migrations`, or that the store is an unfinished copy:
// store.version.
[[nodiscard]] Result<void> check_versions(std::span<const Migration> migrations, Store store,
                                          const std::function<Result<int>(std::string_view slice)>& version_of);

// The DDL of one migration for SQLite: BIGINT becomes INTEGER, tables become STRICT and, when clustered, WITHOUT ROWID.
// Fails with store.version when the first line does not state the version before `to`.
[[nodiscard]] Result<std::string> sqlite_ddl(const Migration& migration);
// The same for PostgreSQL: BLOB becomes BYTEA, INTEGER is 64 bits as well, TEXT is ordered by its bytes.
[[nodiscard]] Result<std::string> postgres_ddl(const Migration& migration);

}  // namespace onshi::sql
