#include "platform/sql/migrations.h"

#include <map>

#include <fmt/format.h>

namespace onshi::sql {

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

Result<std::string> portable_ddl(const Migration& migration) {
    const std::string expected = fmt::format("-- from: {}\n", migration.to - 1);
    if (!migration.sql.starts_with(expected)) {
        return fail(ErrorCode::store_version, fmt::format("{}/{} does not begin with `{}`", migration.slice,
                                                          migration.name, expected.substr(0, expected.size() - 1)));
    }
    return std::string(migration.sql.substr(expected.size()));
}

}  // namespace

Result<void> check_versions(std::span<const Migration> migrations, Store store,
                            const std::function<Result<int>(std::string_view slice)>& version_of) {
    std::map<std::string_view, int> newest;
    for (const auto& migration : migrations) {
        if (migration.store == store) newest[migration.slice] = std::max(newest[migration.slice], migration.to);
    }
    auto unfinished = version_of(unfinished_copy);
    if (!unfinished) return fail(std::move(unfinished));
    if (*unfinished != 0) {
        return fail(ErrorCode::store_version,
                    fmt::format("{} is an unfinished copy; onshi db copy goes on with it", to_string(store)));
    }
    for (const auto& [slice, needed] : newest) {
        auto version = version_of(slice);
        if (!version) return fail(std::move(version));
        if (*version != needed) {
            return fail(ErrorCode::store_version, fmt::format("{} of {} is at version {}, this program needs {}",
                                                              to_string(store), slice, *version, needed));
        }
    }
    return {};
}

Result<std::string> sqlite_ddl(const Migration& migration) {
    auto ddl = portable_ddl(migration);
    if (!ddl) return ddl;
    replace_all(*ddl, "BIGINT", "INTEGER");
    replace_all(*ddl, ") /* clustered */;", ") STRICT, WITHOUT ROWID;");
    replace_all(*ddl, "\n);", "\n) STRICT;");
    return ddl;
}

Result<std::string> postgres_ddl(const Migration& migration) {
    auto ddl = portable_ddl(migration);
    if (!ddl) return ddl;
    replace_all(*ddl, "INTEGER", "BIGINT");
    replace_all(*ddl, " BLOB", " BYTEA");
    replace_all(*ddl, " TEXT", " TEXT COLLATE \"C\"");
    return ddl;
}

}  // namespace onshi::sql
