#include "platform/sql/statement.h"

#include <array>

#include "base/ensure.h"
#include "platform/sql/limits.h"

namespace onshi::sql {

namespace {

struct StatementList {
    std::array<const Statement*, statements_max> items{};
    std::size_t count = 0;
};

// A function-local static, because statements of other files register during static initialisation.
StatementList& list() {
    static StatementList statements;
    return statements;
}

}  // namespace

Statement::Statement(std::string_view name, Store store, ShardKey shard_key, std::string_view text)
    : name_(name), text_(text), store_(store), shard_key_(shard_key), index_(list().count) {
    ENSURE(index_ < statements_max);
    list().items[list().count++] = this;
}

std::span<const Statement* const> Statement::all() {
    return {list().items.data(), list().count};
}

std::string_view to_string(Store store) {
    return store == Store::registry ? "registry" : "ledger";
}

std::string_view to_string(ShardKey key) {
    switch (key) {
        case ShardKey::none: return "none";
        case ShardKey::person: return "person";
        case ShardKey::card: return "card";
        case ShardKey::insured_number: return "insured_number";
        case ShardKey::organisation: return "organisation";
        case ShardKey::lane: return "lane";
        case ShardKey::number_tag: return "number_tag";
    }
    return "none";
}

}  // namespace onshi::sql
