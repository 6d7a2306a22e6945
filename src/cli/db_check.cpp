#include "cli/db_check.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"
#include "domain/payments/store.h"

namespace onshi::cli {

namespace {

using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr std::chrono::milliseconds read_deadline{30'000};

// A checker looks across the slices on purpose, and walks tables that no hot path walks.
const Statement select_persons("db_check.select_persons", Store::registry, ShardKey::none,
                               "SELECT person_key FROM person WHERE person_key > $1 AND known_to = $2 "
                               "ORDER BY person_key LIMIT $3");
const Statement select_now_persons("db_check.select_now_persons", Store::registry, ShardKey::none,
                                   "SELECT person_key FROM person_now WHERE person_key > $1 AND section = $2 "
                                   "ORDER BY person_key LIMIT $3");
const Statement select_person_packed("db_check.select_person_packed", Store::registry, ShardKey::person,
                                     "SELECT packed FROM person WHERE person_key = $1 AND known_to = $2");
const Statement select_person_count("db_check.select_person_count", Store::registry, ShardKey::none,
                                    "SELECT count(*), coalesce(max(person_key), 0) FROM person WHERE known_to = $1");

struct Size {
    std::int64_t persons;
    std::int64_t last_key;
};

std::int64_t decode_key(const sql::Row& row) {
    return row.integer(0);
}
std::string decode_packed(const sql::Row& row) {
    return std::string(row.blob(0));
}
Size decode_size(const sql::Row& row) {
    return {row.integer(0), row.integer(1)};
}

std::string describe(std::int64_t person, std::string_view what) {
    return fmt::format("person key {}: {}", person, what);
}

// What one person's history and present say.
struct PersonRead {
    std::int64_t key;
    sql::Slot<std::string> packed;
    sql::Rows<coverage::Coverage> history;
    sql::Rows<std::string> certificates;
    sql::Rows<identity::NowSection> now;
};

std::vector<std::string> packed_by_key(std::vector<coverage::Coverage> coverages) {
    std::ranges::sort(coverages, {}, &coverage::Coverage::key);
    std::vector<std::string> packed;
    for (const auto& one : coverages) packed.push_back(coverage::pack(one));
    return packed;
}

std::vector<std::string> packed_by_key(const payments::Holdings& holdings) {
    std::map<std::int64_t, std::string> by_key;
    for (const auto& each : holdings.limits) by_key[each.key.value()] = payments::pack(each);
    for (const auto& each : holdings.diseases) by_key[each.key.value()] = payments::pack(each);
    for (const auto& each : holdings.subsidies) by_key[each.key.value()] = payments::pack(each);
    std::vector<std::string> packed;
    for (auto& [key, bytes] : by_key) packed.push_back(std::move(bytes));
    return packed;
}

std::optional<std::string> compare(const PersonRead& person) {
    const auto* identity_now = identity::find_section(person.now, identity::Section::identity);
    if (!person.packed) return describe(person.key, "no open row of history");
    if (identity_now == nullptr) return describe(person.key, "no identity section");
    if (identity_now->bytes != *person.packed)
        return describe(person.key, "the identity section differs from its history");
    const auto current = coverage::coverages_of(person.now);
    if (!current) return describe(person.key, "the coverage section cannot be read");
    if (packed_by_key(*current) != packed_by_key(person.history.get())) {
        return describe(person.key, "the coverage section differs from its history");
    }
    const auto* coverage_now = identity::find_section(person.now, identity::Section::coverage);
    const auto held = payments::holdings_of(person.now);
    if (!held) return describe(person.key, "the payments section cannot be read");
    payments::Holdings known;
    for (const auto& packed : person.certificates) {
        if (!payments::unpack_into(packed, known)) return describe(person.key, "a certificate cannot be read");
    }
    if (packed_by_key(*held) != packed_by_key(known)) {
        return describe(person.key, "the payments section differs from its history");
    }
    for (const auto& record : person.history) {
        if (coverage_now->version < record.known_from)
            return describe(person.key, "the coverage section is older than its history");
    }
    return std::nullopt;
}

Task<Result<void>> check_persons(sql::Database& database, std::span<const std::int64_t> keys,
                                 StoreCheckReport& report) {
    while (!keys.empty() && !report.finding) {
        const auto some = keys.first(std::min(keys.size(), persons_per_check));
        keys = keys.subspan(some.size());
        sql::ReadBatch batch;
        std::vector<PersonRead> persons;
        for (const std::int64_t key : some) {
            persons.push_back({key, batch.one(select_person_packed, decode_packed, key, identity::known_open),
                               coverage::load_known_at(batch, PersonKey(key), identity::known_open - 1),
                               payments::load_certificates_at(batch, PersonKey(key), identity::known_open - 1),
                               identity::load_now(batch, PersonKey(key))});
        }
        auto read = co_await database.read(batch, Deadline::in(read_deadline));
        if (!read) co_return fail(std::move(read));
        for (const auto& person : persons) {
            if (!report.finding) report.finding = compare(person);
            ++report.persons;
            report.coverages += person.history.get().size();
        }
    }
    co_return Result<void>();
}

// The next persons of the history and of person_now, which must be the same ones.
Task<Result<std::vector<std::int64_t>>> next_keys(sql::Database& database, std::int64_t after, std::size_t count,
                                                  StoreCheckReport& report) {
    sql::ReadBatch batch;
    const auto history = batch.many(select_persons, count, decode_key, after, identity::known_open, count);
    const auto now = batch.many(select_now_persons, count, decode_key, after, identity::Section::identity, count);
    auto read = co_await database.read(batch, Deadline::in(read_deadline));
    if (!read) co_return fail(std::move(read));
    const auto& a = history.get();
    const auto& b = now.get();
    const auto [in_history, in_now] = std::ranges::mismatch(a, b);
    if (in_history != a.end() || in_now != b.end()) {
        const bool missing_now = in_now == b.end() || (in_history != a.end() && *in_history < *in_now);
        report.finding =
            missing_now ? describe(*in_history, "no identity section") : describe(*in_now, "no open row of history");
    }
    co_return a;
}

Task<Result<void>> check_all(sql::Database& database, const StoreCheckOptions& options, const Size& size,
                             StoreCheckReport& report) {
    std::int64_t after = 0;
    while (!report.finding) {
        auto keys = co_await next_keys(database, after, person_keys_per_read, report);
        if (!keys) co_return fail(std::move(keys));
        if (keys->empty() || report.finding) break;
        after = keys->back();
        auto checked = co_await check_persons(database, *keys, report);
        if (!checked) co_return checked;
        if (options.progress) options.progress(report.persons, static_cast<std::uint64_t>(size.persons));
    }
    co_return Result<void>();
}

std::int64_t random_below(Random& random, std::int64_t bound) {
    std::array<std::uint8_t, 8> bytes;
    random.fill(bytes);
    ByteReader reader(bytes);
    return static_cast<std::int64_t>(reader.u64() % static_cast<std::uint64_t>(bound));
}

Task<Result<void>> check_sample(sql::Database& database, const StoreCheckOptions& options, const Size& size,
                                Random& random, StoreCheckReport& report) {
    for (std::uint64_t i = 0; i < *options.sample && !report.finding && size.last_key > 0; ++i) {
        auto keys = co_await next_keys(database, random_below(random, size.last_key), 1, report);
        if (!keys) co_return fail(std::move(keys));
        auto checked = co_await check_persons(database, *keys, report);
        if (!checked) co_return checked;
        if (options.progress) options.progress(report.persons, *options.sample);
    }
    co_return Result<void>();
}

}  // namespace

Task<Result<StoreCheckReport>> check_person_now(sql::Database& database, const StoreCheckOptions& options,
                                                Random& random) {
    sql::ReadBatch batch;
    const auto size = batch.one(select_person_count, decode_size, identity::known_open);
    auto read = co_await database.read(batch, Deadline::in(read_deadline));
    if (!read) co_return fail(std::move(read));
    StoreCheckReport report;
    const Size found = size ? *size : Size{0, 0};
    Result<void> checked;
    if (options.sample) {
        checked = co_await check_sample(database, options, found, random, report);
    } else {
        checked = co_await check_all(database, options, found, report);
    }
    if (!checked) co_return fail(std::move(checked));
    co_return report;
}

}  // namespace onshi::cli
