#include "platform/sql/migrations.h"

#include <fmt/format.h>

namespace onshi::sql {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

Result<std::string> sqlite_ddl(const Migration& migration) {
    const std::string expected = fmt::format("-- from: {}\n", migration.to - 1);
    if (!migration.sql.starts_with(expected)) {
        return fail(ErrorCode::store_version, fmt::format("{}/{} does not begin with `{}`", migration.slice,
                                                          migration.name, expected.substr(0, expected.size() - 1)));
    }
    std::string ddl(migration.sql.substr(expected.size()));
    replace_all(ddl, "BIGINT", "INTEGER");
    replace_all(ddl, ") /* clustered */;", ") STRICT, WITHOUT ROWID;");
    replace_all(ddl, "\n);", "\n) STRICT;");
    return ddl;
}

}  // namespace onshi::sql
