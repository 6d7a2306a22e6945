// The chain on a real SQLite: what the hub writes verifies, and every tampering with the file is found.
#include "domain/audit/chain.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "domain/audit/intents.h"
#include "domain/audit/service.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::audit {
namespace {

using sql::Statement;
using sql::Store;

const Statement change_event("test.change_event", Store::ledger, sql::ShardKey::none,
                             "UPDATE audit_record SET event = 99 WHERE lane = 1 AND sequence = $1");
const Statement remove_record("test.remove_record", Store::ledger, sql::ShardKey::none,
                              "DELETE FROM audit_record WHERE lane = 1 AND sequence = $1");
const Statement remove_tail("test.remove_tail", Store::ledger, sql::ShardKey::none,
                            "DELETE FROM audit_record WHERE lane = 1 AND sequence > $1");
const Statement remove_seals("test.remove_seals", Store::ledger, sql::ShardKey::none,
                             "DELETE FROM audit_seal WHERE lane = 1 AND sequence > $1");
const Statement remove_seal("test.remove_seal", Store::ledger, sql::ShardKey::none,
                            "DELETE FROM audit_seal WHERE lane = 1 AND sequence = $1");
const Statement move_record("test.move_record", Store::ledger, sql::ShardKey::none,
                            "UPDATE audit_record SET sequence = $2 WHERE lane = 1 AND sequence = $1");
const Statement set_head("test.set_head", Store::ledger, sql::ShardKey::none,
                         "UPDATE chain_lane SET head_sequence = $1, head_hash = "
                         "(SELECT hash FROM audit_record WHERE lane = 1 AND sequence = $1) WHERE lane = 1");
const Statement spoil_seal("test.spoil_seal", Store::ledger, sql::ShardKey::none,
                           "UPDATE audit_seal SET sealed_at = sealed_at, signature = hash WHERE lane = 1");
const Statement drop_payload("test.drop_payload", Store::ledger, sql::ShardKey::none,
                             "UPDATE audit_record SET payload = NULL WHERE lane = 1 AND sequence = $1");

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all(sql::CommitCounter::migrations().begin(), sql::CommitCounter::migrations().end());
    all.insert(all.end(), migrations().begin(), migrations().end());
    return all;
}

class ChainTest : public testing::Test {
  protected:
    ChainTest() : key_(*pki::SigningKey::from_seed(std::array<std::uint8_t, 32>{1, 2, 3})) {
        EXPECT_TRUE(sql::migrate(options_, steps()));
        open();
    }
    ~ChainTest() override { database_.reset(); }
    void open() {
        chain_ = std::make_unique<ChainSequencer>(1, "hub-test");
        counter_ = std::make_unique<sql::CommitCounter>();
        auto opened = sql::open_database(options_, steps(), *counter_, *chain_);
        ASSERT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    Result<sql::CommitPosition> write(std::string_view payload) {
        sql::WriteSet set(Store::ledger);
        attach_record(set, Event::check_answered, Actor{OrganisationKey(5), TerminalKey(6), "-"}, clock_.now(), payload,
                      random_);
        clock_.advance(std::chrono::seconds(1));
        return run_to_end(database_->commit(std::move(set), soon()));
    }
    void write_many(int count) {
        for (int i = 0; i < count; ++i) ASSERT_TRUE(write("payload " + std::to_string(i)));
    }
    bool seal() {
        Sealer sealer(*database_, clock_, key_, 1);
        auto sealed = run_to_end(sealer.seal_if_due(soon()));
        EXPECT_TRUE(sealed);
        return sealed && sealed->sealed_now;
    }
    VerifyOptions options() {
        VerifyOptions options;
        options.seal_keys.emplace_back(seal_key_id(key_.public_key()), key_.public_key());
        return options;
    }
    VerifyReport verified(const VerifyOptions& options) {
        auto report = run_to_end(verify(*database_, options));
        EXPECT_TRUE(report);
        return *report;
    }
    template <class... P>
    void tamper(const Statement& statement, const P&... values) {
        database_.reset();
        auto writer = sql::BulkWriter::open(options_, Store::ledger);
        sql::ParameterBuffer parameters;
        (parameters.add(values), ...);
        ASSERT_TRUE((*writer)->execute(statement, parameters));
        ASSERT_TRUE((*writer)->commit());
        writer->reset();
        open();
    }

    sql::TestStores stores_;
    const sql::StoreOptions options_ = stores_.options();
    ManualClock clock_{Instant{1'800'000'000'000'000}};
    SeededRandom random_{1};
    pki::SigningKey key_;
    std::unique_ptr<ChainSequencer> chain_;
    std::unique_ptr<sql::CommitCounter> counter_;
    std::unique_ptr<sql::Database> database_;
};

TEST_F(ChainTest, what_was_written_verifies_across_restarts) {
    write_many(5);
    EXPECT_TRUE(seal());
    database_.reset();
    open();
    write_many(5);
    const VerifyReport report = verified(options());
    EXPECT_FALSE(report.finding);
    EXPECT_EQ(report.records, 10U);
    EXPECT_EQ(report.seals, 1U);
    ASSERT_EQ(report.heads.size(), 1U);
    EXPECT_EQ(report.heads[0].sequence, 10);
}

TEST_F(ChainTest, positions_follow_each_other_without_gaps) {
    for (std::int64_t expected = 1; expected <= 3; ++expected) EXPECT_EQ(write("x")->sequence, expected);
}

TEST_F(ChainTest, a_changed_record_is_named) {
    write_many(8);
    tamper(change_event, 4);
    const auto finding = verified(options()).finding;
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->sequence, 4);
    EXPECT_EQ(finding->flaw, Flaw::changed);
}

TEST_F(ChainTest, a_removed_record_is_named) {
    write_many(8);
    tamper(remove_record, 4);
    EXPECT_EQ(verified(options()).finding->sequence, 4);
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::missing);
}

TEST_F(ChainTest, reordered_records_are_named) {
    write_many(8);
    tamper(move_record, 3, 100);
    tamper(move_record, 4, 3);
    tamper(move_record, 100, 4);
    EXPECT_EQ(verified(options()).finding->sequence, 3);
}

TEST_F(ChainTest, a_tail_cut_with_its_head_moved_back_is_found_with_a_witness) {
    write_many(8);
    const Witness witness = verified(options()).heads[0];
    tamper(remove_tail, 5);
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::tail_cut) << "the head still names what was cut";
    tamper(set_head, 5);
    EXPECT_FALSE(verified(options()).finding) << "without a witness it cannot be seen; said openly";
    VerifyOptions with_witness = options();
    with_witness.witnesses.push_back(witness);
    const auto finding = verified(with_witness).finding;
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->sequence, 6);
    EXPECT_EQ(finding->flaw, Flaw::tail_cut);
}

TEST_F(ChainTest, a_tail_cut_behind_a_seal_is_found_by_the_seal) {
    write_many(8);
    EXPECT_TRUE(seal());
    tamper(remove_tail, 5);
    tamper(set_head, 5);
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::tail_cut);
}

TEST_F(ChainTest, a_witness_with_another_hash_convicts_a_rewritten_chain) {
    write_many(3);
    Witness witness = verified(options()).heads[0];
    witness.hash[0] ^= 1;
    VerifyOptions with_witness = options();
    with_witness.witnesses.push_back(witness);
    EXPECT_EQ(verified(with_witness).finding->sequence, 3);
}

TEST_F(ChainTest, a_witness_of_a_lane_that_is_gone_is_found) {
    write_many(3);
    VerifyOptions with_witness = options();
    with_witness.witnesses.push_back({9, 1, {}});
    EXPECT_EQ(verified(with_witness).finding->lane, 9);
}

// A forger who can write the ledger and knows the code, but not the seal key: changes a record, computes every hash
// behind it anew and moves the head.
const Statement rewrite("test.rewrite", Store::ledger, sql::ShardKey::none,
                        "UPDATE audit_record SET actor = $2, hash = $3 WHERE lane = 1 AND sequence = $1");
const Statement rewrite_head("test.rewrite_head", Store::ledger, sql::ShardKey::none,
                             "UPDATE chain_lane SET head_hash = $1 WHERE lane = 1");

class Forger {
  public:
    explicit Forger(sql::Database& database) {
        sql::ReadBatch batch;
        const auto records = load_records(batch, 1, 0);
        EXPECT_TRUE(run_to_end(database.read(batch, Deadline::in(std::chrono::seconds(20)))));
        records_ = records.get();
    }
    void change_from(std::int64_t first, sql::BulkWriter& writer) {
        Sha256 previous{};
        for (Record& record : records_) {
            if (record.header.sequence == first) record.header.actor = "somebody else";
            Header header = record.header;
            header.lane = 1;
            header.previous = previous;
            previous = hash_of(header);
            write(writer, rewrite, header.sequence, header.actor, sql::Blob{as_text(previous)});
        }
        write(writer, rewrite_head, sql::Blob{as_text(previous)});
    }

  private:
    template <class... P>
    static void write(sql::BulkWriter& writer, const Statement& statement, const P&... values) {
        sql::ParameterBuffer parameters;
        (parameters.add(values), ...);
        EXPECT_TRUE(writer.execute(statement, parameters));
    }
    std::vector<Record> records_;
};

TEST_F(ChainTest, a_rewritten_chain_is_found_though_its_seals_were_removed) {
    for (int minute = 0; minute < 5; ++minute) {
        write_many(59);
        clock_.advance(std::chrono::seconds(1));
        EXPECT_TRUE(seal());
    }
    EXPECT_FALSE(verified(options()).finding);
    Forger forger(*database_);
    database_.reset();
    auto writer = sql::BulkWriter::open(options_, Store::ledger);
    ASSERT_TRUE(writer);
    forger.change_from(70, **writer);
    ASSERT_TRUE((*writer)->commit());
    writer->reset();
    open();
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::seal_broken);
    tamper(remove_seals, 59);
    const auto finding = verified(options()).finding;
    ASSERT_TRUE(finding) << "hashes, head and the seal that is left agree";
    EXPECT_EQ(finding->sequence, 60) << "the first that nothing vouches for";
    EXPECT_EQ(finding->flaw, Flaw::unsealed);
    const auto refused = run_to_end(verify_since_last_seal(*database_, 1, options().seal_keys));
    ASSERT_TRUE(refused && *refused) << "no hub seals this";
    EXPECT_EQ((*refused)->flaw, Flaw::unsealed);
}

TEST_F(ChainTest, a_seal_that_was_taken_out_from_between_is_missed_by_the_next_one) {
    for (int i = 0; i < 3; ++i) {
        write_many(2);
        clock_.advance(seal_age_max);
        EXPECT_TRUE(seal());
    }
    tamper(remove_seal, 4);
    const auto finding = verified(options()).finding;
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->sequence, 6);
    EXPECT_EQ(finding->flaw, Flaw::seal_broken);
}

TEST_F(ChainTest, a_hub_goes_on_only_behind_a_seal_that_holds) {
    const auto since_last_seal = [this] {
        auto finding = run_to_end(verify_since_last_seal(*database_, 1, options().seal_keys));
        EXPECT_TRUE(finding);
        return *finding;
    };
    EXPECT_FALSE(since_last_seal()) << "a new lane";
    write_many(3);
    EXPECT_FALSE(since_last_seal()) << "a hub that died before its first seal";
    EXPECT_TRUE(seal());
    write_many(3);
    EXPECT_FALSE(since_last_seal());
    tamper(change_event, 2);
    EXPECT_FALSE(since_last_seal()) << "what is sealed is for audit verify";
    tamper(change_event, 5);
    EXPECT_EQ(since_last_seal()->sequence, 5);
    tamper(spoil_seal);
    EXPECT_EQ(since_last_seal()->flaw, Flaw::seal_broken);
}

TEST_F(ChainTest, a_hub_that_dies_without_a_seal_leaves_no_flaw) {
    write_many(30);
    clock_.advance(std::chrono::hours(5));
    Sealer sealer(*database_, clock_, key_, 1);
    ASSERT_TRUE(run_to_end(sealer.seal_now(soon()))) << "as a hub does when it starts";
    write_many(30);
    EXPECT_FALSE(verified(options()).finding);
}

// A store that was away for hours: what is recorded when it is back comes before the seal that was due.
TEST_F(ChainTest, a_seal_that_comes_late_covers_what_is_before_it) {
    write_many(2);
    EXPECT_TRUE(seal());
    write_many(1);
    clock_.advance(std::chrono::hours(5));
    write_many(1);
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::unsealed) << "nothing vouches for it yet";
    EXPECT_TRUE(seal());
    EXPECT_FALSE(verified(options()).finding);
}

// Programs of one lane that come and go: of two that seal at once the second names the first, or does not seal.
TEST_F(ChainTest, a_seal_names_the_one_before_it_though_another_program_seals_too) {
    write_many(2);
    EXPECT_TRUE(seal());
    write_many(2);
    sql::ReadBatch batch;
    const auto last = load_last_seals(batch, 1);
    const auto lanes = load_lanes(batch);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    clock_.advance(seal_age_max);
    EXPECT_TRUE(seal());
    sql::WriteSet set(Store::ledger);
    add_seal(set, 1, {lanes[0].sequence + 1, {}, clock_.now(), "late", {}}, last[0].sequence);
    const auto refused = run_to_end(database_->commit(std::move(set), soon()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::store_conflict);
    EXPECT_FALSE(verified(options()).finding);
}

TEST_F(ChainTest, a_seal_of_another_key_is_broken) {
    write_many(3);
    EXPECT_TRUE(seal());
    tamper(spoil_seal);
    EXPECT_EQ(verified(options()).finding->flaw, Flaw::seal_broken);
}

TEST_F(ChainTest, payloads_can_be_deleted_and_the_chain_still_verifies) {
    write_many(4);
    tamper(drop_payload, 2);
    EXPECT_FALSE(verified(options()).finding);
}

TEST_F(ChainTest, seals_by_count_or_age_and_not_before) {
    EXPECT_FALSE(seal()) << "nothing to seal";
    write_many(1);
    EXPECT_TRUE(seal()) << "a lane without a seal gets its first";
    write_many(1);
    EXPECT_FALSE(seal()) << "1 s and 1 record later";
    clock_.advance(seal_age_max);
    EXPECT_TRUE(seal());
}

TEST_F(ChainTest, a_hub_whose_lane_was_claimed_by_another_stops_writing) {
    write_many(2);
    ChainSequencer other(1, "hub-other");
    sql::CommitCounter other_counter;
    auto second = sql::open_database(options_, steps(), other_counter, other);
    ASSERT_TRUE(second);
    const auto refused = write("from the frozen hub");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::store_fenced);
    sql::WriteSet set(Store::ledger);
    attach_record(set, Event::check_answered, Actor{}, clock_.now(), "from the new hub", random_);
    const auto accepted = run_to_end((*second)->commit(std::move(set), soon()));
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->sequence, 3);
    const auto refused_again = write("from the frozen hub, whose next place is taken by now");
    ASSERT_FALSE(refused_again);
    EXPECT_EQ(refused_again.error().code, ErrorCode::store_fenced);
    EXPECT_FALSE(verified(options()).finding);
}

TEST_F(ChainTest, programs_that_come_and_go_share_a_lane) {
    struct Program {
        ChainSequencer chain{63, "command-line", LaneClaim::per_commit};
        sql::CommitCounter counter;
        std::unique_ptr<sql::Database> database;
    };
    std::array<Program, 2> programs;
    for (auto& program : programs) {
        auto opened = sql::open_database(options_, steps(), program.counter, program.chain);
        ASSERT_TRUE(opened);
        program.database = std::move(*opened);
    }
    for (int i = 0; i < 6; ++i) {
        sql::WriteSet set(Store::ledger);
        attach_record(set, Event::check_answered, Actor{}, clock_.now(), "in turns", random_);
        const auto accepted =
            run_to_end(programs[static_cast<std::size_t>(i % 2)].database->commit(std::move(set), soon()));
        ASSERT_TRUE(accepted) << accepted.error().detail;
        EXPECT_EQ(accepted->sequence, i + 1);
    }
    EXPECT_FALSE(verified({}).finding);
}

const Statement mark("test.mark", Store::registry, sql::ShardKey::none,
                     "INSERT INTO intent_applied (intent_id, applied, marked_at) VALUES ($1, 1, 0) "
                     "ON CONFLICT (intent_id) DO NOTHING");
const Statement count_open("test.count_open", Store::ledger, sql::ShardKey::none, "SELECT count(*) FROM intent");

TEST_F(ChainTest, an_audited_change_is_applied_once_with_intent_and_outcome) {
    AuditedChanges changes(*database_, clock_, random_);
    sql::WriteSet change(Store::registry);
    change.guard(mark, 1, sql::Blob{"thing"});
    ASSERT_TRUE(run_to_end(changes.apply(Event::terminal_added, Actor{}, "payload", std::move(change), soon())));
    sql::WriteSet again(Store::registry);
    again.guard(mark, 1, sql::Blob{"thing"});
    const auto lost = run_to_end(changes.apply(Event::terminal_added, Actor{}, "payload", std::move(again), soon()));
    EXPECT_EQ(lost.error().code, ErrorCode::store_conflict);
    EXPECT_EQ(verified(options()).records, 4U) << "intent and outcome of each";
    sql::ReadBatch batch;
    const auto open = batch.one<std::int64_t>(count_open, [](const sql::Row& r) { return r.integer(0); });
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(*open, 0);
}

const Statement open_intent("test.open_intent", Store::ledger, sql::ShardKey::none,
                            "INSERT INTO intent (intent_id, event, opened_at) VALUES ($1, 6, 1)");

TEST_F(ChainTest, the_sweep_ends_what_a_crash_left_open) {
    sql::WriteSet left(Store::ledger);
    left.change(open_intent, sql::Blob{"applied_before_crash"});
    left.change(open_intent, sql::Blob{"never_applied"});
    ASSERT_TRUE(run_to_end(database_->commit(std::move(left), soon())));
    sql::WriteSet applied(Store::registry);
    applied.guard(mark, 1, sql::Blob{"applied_before_crash"});
    ASSERT_TRUE(run_to_end(database_->commit(std::move(applied), soon())));
    AuditedChanges changes(*database_, clock_, random_);
    EXPECT_EQ(*run_to_end(changes.sweep(soon())), 2U);
    EXPECT_EQ(*run_to_end(changes.sweep(soon())), 0U);
    EXPECT_EQ(verified(options()).records, 2U);
    // What was barred can never be applied afterwards.
    sql::WriteSet late(Store::registry);
    late.guard(mark, 1, sql::Blob{"never_applied"});
    EXPECT_EQ(run_to_end(database_->commit(std::move(late), soon())).error().code, ErrorCode::store_conflict);
}

// Refuses commits of the ledger on command; everything else is the real database's.
class FaultyLedger final : public sql::Database {
  public:
    explicit FaultyLedger(sql::Database& real) : real_(real) {}
    Task<Result<void>> read(sql::ReadBatch& batch, Deadline deadline) override { return real_.read(batch, deadline); }
    Task<Result<sql::CommitPosition>> commit(sql::WriteSet set, Deadline deadline) override {
        const bool ledger = set.store() == Store::ledger;
        if (ledger && commits_left == 0) return refuse();
        if (ledger) --commits_left;
        return real_.commit(std::move(set), deadline);
    }
    void close() override { real_.close(); }
    sql::StoreCounters counters(Store store) const override { return real_.counters(store); }
    sql::ReadCounters read_counters() const override { return real_.read_counters(); }
    int commits_left = 0;

  private:
    static Task<Result<sql::CommitPosition>> refuse() { co_return fail(ErrorCode::store_full, "as the test wants"); }
    sql::Database& real_;
};

TEST_F(ChainTest, a_sweep_that_was_cut_short_does_not_call_a_barred_change_done) {
    sql::WriteSet left(Store::ledger);
    left.change(open_intent, sql::Blob{"never_applied"});
    ASSERT_TRUE(run_to_end(database_->commit(std::move(left), soon())));
    FaultyLedger faulty(*database_);
    AuditedChanges cut_short(faulty, clock_, random_);
    EXPECT_EQ(run_to_end(cut_short.sweep(soon())).error().code, ErrorCode::store_full) << "barred, but not on record";
    AuditedChanges changes(*database_, clock_, random_);
    EXPECT_EQ(*run_to_end(changes.sweep(soon())), 1U);
    sql::ReadBatch batch;
    const auto records = load_records(batch, 1, 0);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].header.event, Event::intent_done);
    EXPECT_EQ(records[0].payload->back(), 0) << "not done";
}

TEST_F(ChainTest, a_change_whose_outcome_was_not_recorded_is_called_done_by_the_sweep) {
    FaultyLedger faulty(*database_);
    faulty.commits_left = 1;  // the intent, not the outcome
    AuditedChanges changes(faulty, clock_, random_);
    sql::WriteSet change(Store::registry);
    change.guard(mark, 1, sql::Blob{"thing"});
    ASSERT_TRUE(run_to_end(changes.apply(Event::terminal_added, Actor{}, "payload", std::move(change), soon())));
    clock_.advance(intent_age_swept);
    faulty.commits_left = 1;
    EXPECT_EQ(*run_to_end(changes.sweep(soon())), 1U);
    sql::ReadBatch batch;
    const auto records = load_records(batch, 1, 1);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].payload->back(), 1);
}

const Statement count_marks("test.count_marks", Store::registry, sql::ShardKey::none,
                            "SELECT count(*) FROM intent_applied");

TEST_F(ChainTest, marks_of_ended_intents_are_forgotten_after_a_month) {
    AuditedChanges changes(*database_, clock_, random_);
    const auto count = [this] {
        sql::ReadBatch batch;
        const auto marks = batch.one<std::int64_t>(count_marks, [](const sql::Row& r) { return r.integer(0); });
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return *marks;
    };
    sql::WriteSet nothing(Store::registry);
    ASSERT_TRUE(run_to_end(changes.apply(Event::terminal_added, Actor{}, "payload", std::move(nothing), soon())));
    clock_.advance(intent_mark_kept);
    EXPECT_EQ(*run_to_end(changes.forget_old(soon())), 0U) << "a moment too early";
    clock_.advance(std::chrono::microseconds(1));
    sql::WriteSet left(Store::ledger);
    left.change(open_intent, sql::Blob{"very old and open"});
    ASSERT_TRUE(run_to_end(database_->commit(std::move(left), soon())));
    EXPECT_EQ(*run_to_end(changes.forget_old(soon())), 0U) << "an older intent is still open";
    EXPECT_EQ(count(), 1);
    EXPECT_EQ(*run_to_end(changes.sweep(soon())), 1U);
    EXPECT_EQ(*run_to_end(changes.forget_old(soon())), 1U);
    EXPECT_EQ(count(), 1) << "the sweep's own bar is new";
}

}  // namespace
}  // namespace onshi::audit
