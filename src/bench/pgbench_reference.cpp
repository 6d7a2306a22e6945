#include "bench/pgbench_reference.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"
#include "platform/sql/statement.h"

namespace onshi::bench {

namespace {

constexpr std::size_t output_bytes_max = 64 * 1024;

// Everything here is ours: no word of a command comes from outside but the address, which parse_store has read.
Result<std::string> output_of(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen((command + " 2>&1").c_str(), "re"), ::pclose);
    if (!pipe) return fail(ErrorCode::bench_reference, "a tool of PostgreSQL cannot be started");
    std::string output;
    std::array<char, 4096> piece;
    while (const auto got = std::fread(piece.data(), 1, piece.size(), pipe.get())) {
        if (output.size() < output_bytes_max) output.append(piece.data(), got);
    }
    return output;
}

std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += R"('\'')";
        } else {
            out += c;
        }
    }
    return out + "'";
}

const sql::Statement* find(std::string_view name) {
    for (const auto* statement : sql::Statement::all()) {
        if (statement->name() == name) return statement;
    }
    return nullptr;
}

// Each statement of a script stands on one line.
std::string line(std::string_view statement, std::initializer_list<std::string_view> values) {
    return with_values(statement, values) + ";\n";
}

constexpr std::string_view drawn =
    "\\set p random(1, :persons)\n"
    "\\set s 268435456 + (:p - 1) * 4 + random(0, 1)\n";
constexpr std::string_view serial = "decode(lpad(to_hex(CAST(:s AS BIGINT)), 8, '0'), 'hex')";
constexpr std::string_view person = "CAST(:p AS BIGINT)";
constexpr std::string_view authority = "CAST(:authority AS BIGINT)";
constexpr std::string_view insert_challenge =
    "INSERT INTO pgbench_reference.used_challenge (expires_at, nonce, person_key, lane, sequence) VALUES "
    "(CAST(:a AS BIGINT), decode(md5(CAST(CAST(:a AS BIGINT) AS TEXT)), 'hex'), CAST(:p AS BIGINT), 62, 1) "
    "ON CONFLICT (expires_at, nonce, person_key) DO NOTHING;\n";
constexpr std::string_view insert_record =
    "INSERT INTO pgbench_reference.audit_record (lane, sequence, recorded_at, event, organisation_key, terminal_key, "
    "actor, payload_digest, hash, payload) VALUES (62, CAST(:a AS BIGINT), 1, 1, 1, 1, '-', decode(repeat('ab', 32), "
    "'hex'), decode(repeat('cd', 32), 'hex'), decode(repeat('ef', 300), 'hex'));\n";
constexpr std::string_view drawn_place = "\\set a random(1, 9000000000000000000)\n";

std::string text_of(PgbenchScript script) {
    const std::string read = line("cards.select_card", {authority, serial});
    switch (script) {
        case PgbenchScript::read: return std::string(drawn) + read;
        case PgbenchScript::insert: return std::string(drawn_place) + std::string(insert_record);
        case PgbenchScript::check: break;
    }
    std::string text = std::string(drawn) + std::string(drawn_place) + "BEGIN;\n" + read;
    text += line("cards.select_listed_status", {authority, serial});
    text += line("cards.select_suspension", {authority, serial});
    text += line("identity.select_now", {person});
    text += line("cards.select_use_registration", {person});
    text += insert_challenge;
    text += insert_record;
    return text + "COMMIT;\n";
}

std::string_view name_of(PgbenchScript script) {
    switch (script) {
        case PgbenchScript::read: return "read";
        case PgbenchScript::insert: return "insert";
        case PgbenchScript::check: return "check";
    }
    return "check";
}

}  // namespace

std::string with_values(std::string_view statement, std::initializer_list<std::string_view> values) {
    const sql::Statement* found = find(statement);
    ENSURE(found != nullptr);
    std::string text;
    const std::string_view from = found->text();
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from[i] != '$') {
            text.push_back(from[i]);
            continue;
        }
        std::size_t number = 0;
        const auto* end = from.data() + from.size();
        const auto read = std::from_chars(from.data() + i + 1, end, number);
        ENSURE(read.ec == std::errc() && number >= 1 && number <= values.size());
        text.append(*(values.begin() + static_cast<std::ptrdiff_t>(number - 1)));
        i = static_cast<std::size_t>(read.ptr - from.data()) - 1;
    }
    return text;
}

double parse_pgbench_rate(std::string_view output) {
    constexpr std::string_view label = "\ntps = ";
    const auto at = output.find(label);
    if (at == std::string_view::npos) return -1;
    double rate = -1;
    const auto read = std::from_chars(output.data() + at + label.size(), output.data() + output.size(), rate);
    return read.ec == std::errc() ? rate : -1;
}

Result<PgbenchReference> PgbenchReference::prepare(PgbenchOrder order) {
    PgbenchReference made(std::move(order));
    const std::string psql = fmt::format("psql -XAtq -v ON_ERROR_STOP=1 {} -c ", shell_word(made.order_.address));
    auto authority_found = output_of(psql + shell_word("SELECT ca_id FROM registry.card GROUP BY ca_id "
                                                       "ORDER BY count(*) DESC LIMIT 1"));
    if (!authority_found) return fail(std::move(authority_found));
    made.authority_ = *authority_found;
    while (made.authority_.ends_with('\n')) made.authority_.pop_back();
    if (made.authority_.empty() || made.authority_.find_first_not_of("-0123456789") != std::string::npos) {
        return fail(ErrorCode::bench_reference, "psql: no certificates in the database");
    }
    made.prepared_ = true;
    auto tables = output_of(
        psql + shell_word("DROP SCHEMA IF EXISTS pgbench_reference CASCADE; CREATE SCHEMA pgbench_reference; "
                          "CREATE TABLE pgbench_reference.used_challenge (LIKE ledger.used_challenge INCLUDING ALL); "
                          "CREATE TABLE pgbench_reference.audit_record (LIKE ledger.audit_record INCLUDING ALL);"));
    if (!tables) return fail(std::move(tables));
    if (tables->find("ERROR") != std::string::npos) return fail(ErrorCode::bench_reference, "psql: " + *tables);
    return made;
}

PgbenchReference::PgbenchReference(PgbenchReference&& other) noexcept
    : order_(std::move(other.order_)),
      authority_(std::move(other.authority_)),
      prepared_(std::exchange(other.prepared_, false)) {}

PgbenchReference::~PgbenchReference() {
    if (!prepared_) return;
    // A schema that stays is dropped by the next run.
    static_cast<void>(output_of(fmt::format("psql -XAtq {} -c {}", shell_word(order_.address),
                                            shell_word("DROP SCHEMA IF EXISTS pgbench_reference CASCADE"))));
}

Result<double> PgbenchReference::run(PgbenchScript script) const {
    const auto file = order_.folder / fmt::format("pgbench_{}.sql", name_of(script));
    std::ofstream(file, std::ios::trunc) << text_of(script);
    auto output =
        output_of(fmt::format("PGOPTIONS='-c search_path=registry,ledger -c client_min_messages=warning' {}/pgbench -n "
                              "-M prepared -c {} -j 2 "
                              "-T {} -D persons={} -D authority={} -f {} {}",
                              order_.tools, order_.clients, order_.duration.count(), order_.persons, authority_,
                              shell_word(file.string()), shell_word(order_.address)));
    if (!output) return fail(std::move(output));
    const double rate = parse_pgbench_rate(*output);
    if (rate <= 0 || output->find("aborted") != std::string::npos) {
        return fail(ErrorCode::bench_reference, "pgbench: " + output->substr(0, 400));
    }
    return rate;
}

}  // namespace onshi::bench
