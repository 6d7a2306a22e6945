// Every statement of the hub on a real PostgreSQL: it is understood, and an index finds what it asks of a table that
// grows (design §9.13).
#include <libpq-fe.h>

#include <gtest/gtest.h>

#include "hub/hub.h"
#include "hub/migrations.h"
#include "platform/sql/test_stores.h"

namespace onshi::hub {
namespace {

using sql::Statement;

struct End {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, End>;

class StatementsOnPostgres : public testing::Test {
  protected:
    StatementsOnPostgres() {
        EXPECT_TRUE(sql::migrate(stores_.options(), all_migrations()));
        connection_.reset(PQconnectdb(stores_.setting().c_str()));
        EXPECT_EQ(PQstatus(connection_.get()), CONNECTION_OK);
        run("SET plan_cache_mode = force_generic_plan");
        // With empty tables every plan would read them whole; now only where nothing else can be done.
        run("SET enable_seqscan = off");
    }
    Answer run(const std::string& text) {
        Answer answer(PQexec(connection_.get(), text.c_str()));
        const auto status = PQresultStatus(answer.get());
        EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
            << text << ": " << PQresultErrorMessage(answer.get());
        return answer;
    }
    std::string plan(const Statement& statement) {
        run("SET search_path = " + std::string(sql::to_string(statement.store())));
        run("PREPARE planned AS " + std::string(statement.text()));
        Answer described(PQdescribePrepared(connection_.get(), "planned"));
        std::string nulls;
        for (int i = 0; i < PQnparams(described.get()); ++i) nulls += i == 0 ? "NULL" : ", NULL";
        const Answer lines = run("EXPLAIN EXECUTE planned" + (nulls.empty() ? "" : "(" + nulls + ")"));
        std::string plan;
        for (int i = 0; i < PQntuples(lines.get()); ++i) plan += std::string(PQgetvalue(lines.get(), i, 0)) + "\n";
        run("DEALLOCATE planned");
        return plan;
    }

    sql::TestStores stores_;
    std::unique_ptr<PGconn, End> connection_;
};

TEST_F(StatementsOnPostgres, each_is_understood_and_those_with_a_shard_key_find_their_rows_by_an_index) {
    // The linker takes what is used only; the hub uses all slices.
    [[maybe_unused]] const volatile auto all_of_the_hub = &Hub::open;
    std::size_t seen = 0;
    for (const Statement* statement : Statement::all()) {
        if (statement->name().starts_with("test.")) continue;
        SCOPED_TRACE(statement->name());
        const std::string found = plan(*statement);
        ++seen;
        if (statement->shard_key() == sql::ShardKey::none) continue;
        EXPECT_EQ(found.find("Seq Scan"), std::string::npos) << found;
    }
    EXPECT_GT(seen, 100U) << "the slices' statements are in this program";
}

}  // namespace
}  // namespace onshi::hub
