#include "domain/coverage/store_protection.h"

namespace onshi::coverage {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr std::int64_t ended = 0;

const Statement select_wishes("coverage.select_void_wishes", Store::registry, ShardKey::person,
                              "SELECT flag, asked_at, asked_by FROM protection_wish WHERE person_key = $1 "
                              "ORDER BY flag LIMIT $2");
const Statement upsert_wish(
    "coverage.put_void_wish", Store::registry, ShardKey::person,
    "INSERT INTO protection_wish (person_key, flag, asked_at, asked_by) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (person_key, flag) DO UPDATE SET asked_at = excluded.asked_at, "
    "asked_by = excluded.asked_by");
const Statement end_wish("coverage.end_void_wish", Store::registry, ShardKey::person,
                         "UPDATE protection_wish SET asked_at = $3 WHERE person_key = $1 AND flag = $2 "
                         "AND asked_at = $4");

VoidWish decode_wish(const Row& row) {
    const std::int64_t flag = row.integer(0);
    if (flag < 1 || flag > static_cast<std::int64_t>(protection_flags)) row.reject();
    return {static_cast<ProtectionFlag>(flag), {row.integer(1)}, std::string(row.text(2))};
}

}  // namespace

sql::Rows<VoidWish> load_void_wishes(sql::ReadBatch& batch, PersonKey person) {
    return batch.many(select_wishes, protection_flags, decode_wish, person.value(), protection_flags);
}

void put_void_wish(sql::WriteSet& set, PersonKey person, const VoidWish& wish) {
    set.change(upsert_wish, person.value(), wish.flag, wish.asked_at.us, wish.asked_by);
}

void end_void_wish(sql::WriteSet& set, PersonKey person, const VoidWish& wish) {
    set.guard(end_wish, 1, person.value(), wish.flag, ended, wish.asked_at.us);
}

}  // namespace onshi::coverage
