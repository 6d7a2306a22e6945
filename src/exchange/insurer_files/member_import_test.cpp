#include "exchange/insurer_files/member_import.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/cards/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::insurer_files {
namespace {

using coverage::RowResult;

constexpr int residents = 300;

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part :
         {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(), identity::migrations(),
          cards::migrations(), coverage::migrations(), payments::migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

// The n-th of many people: a number with its check digit, and data of their own.
std::string number_of(int person) {
    const std::string leading = fmt::format("{:011}", 10'000'000'000LL + person);
    for (char digit = '0'; digit <= '9'; ++digit) {
        if (identity::IndividualNumber::parse(leading + digit)) return leading + digit;
    }
    return {};
}
std::string name_of(int person) {
    return fmt::format("試験　{}郎", person);
}

// Loses the guards of chosen chunks, as when somebody else changed the same persons meanwhile; writes nothing of them.
class ContestedDatabase final : public sql::Database {
  public:
    ContestedDatabase(sql::Database& real, std::vector<int> lost) : real_(real), lost_(std::move(lost)) {}
    Task<Result<void>> read(sql::ReadBatch& batch, Deadline deadline) override { return real_.read(batch, deadline); }
    Task<Result<sql::CommitPosition>> commit(sql::WriteSet set, Deadline deadline) override {
        constexpr std::size_t steps_of_a_chunk_min = 20;
        const bool is_chunk = set.guards().size() + set.changes().size() >= steps_of_a_chunk_min;
        if (is_chunk && std::ranges::find(lost_, ++chunks_) != lost_.end()) {
            co_return fail(ErrorCode::store_conflict, "contested");
        }
        auto committed = co_await real_.commit(std::move(set), deadline);
        co_return committed;
    }
    void close() override { real_.close(); }
    sql::StoreCounters counters(sql::Store store) const override { return real_.counters(store); }
    sql::ReadCounters read_counters() const override { return real_.read_counters(); }
    [[nodiscard]] int chunks() const { return chunks_; }

  private:
    sql::Database& real_;
    std::vector<int> lost_;
    int chunks_ = 0;
};

class ImportTest : public testing::Test {
  protected:
    ImportTest() {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        residents_.emplace(*database_, vault_);
        parts_.emplace(coverage::IntakeParts{*database_, clock_, random_, vault_, *residents_});
        file_ = folder_ / "members.csv";
        options_.source = file_source(file_);
        options_.result_file = folder_ / "members.result.csv";
        options_.received_by = "sato";
        options_.sender = *InsurerNumber::parse("06139463");
        options_.chunk_rows = 16;
        sql::WriteSet set(sql::Store::registry);
        for (const char* insurer : {"06139463", "01130012"}) {
            set.change(organisations::insert_organisation, ++organisations_, organisations::Kind::insurer,
                       InsurerNumber::parse(insurer)->to_key(), "架空", "03-0000-0000", Date::of(2000, 1, 1).days(),
                       Date::open_end.days());
        }
        for (int i = 0; i < residents; ++i) {
            const auto tag = vault_.tag(*identity::IndividualNumber::parse(number_of(i)));
            const identity::Resident resident{name_of(i), "シケン　タロウ", "東京都架空区１番", Date::of(1985, 4, 12),
                                              Sex::male,  Date::open_end};
            set.change(identity::insert_resident, sql::Blob{as_text(tag)}, sql::Blob{identity::pack(resident)});
        }
        EXPECT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    }
    ~ImportTest() override {
        database_->close();
        database_.reset();
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    static std::string row(const char* operation, int person, const char* insurer = "06139463",
                           const char* lost_on = "") {
        return fmt::format(
            "{},{},12,{},00,1,{},{},シケン　タロウ,1985-04-12,1,東京都架空区１番,2026-04-01,{},,30,A03,01,2026-04-03\n",
            operation, insurer, 1000 + person, number_of(person), name_of(person), lost_on);
    }
    static std::string rows(const char* operation, int from, int to, const char* lost_on = "") {
        std::string all;
        for (int i = from; i < to; ++i) all += row(operation, i, "06139463", lost_on);
        return all;
    }
    void write(std::string_view rows) {
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << full_header() << "\n" << rows;
    }
    Result<ImportReport> run() { return run_to_end(import_members(*parts_, options_)); }
    std::string results() const {
        std::ifstream file(options_.result_file, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static std::uint64_t count(const ImportReport& report, RowResult result) {
        return report.file.progress.results[static_cast<std::size_t>(result)];
    }

    ManualClock clock_{start_of_japan_day(Date::of(2026, 11, 23))};
    SystemRandom random_;
    identity::NumberVault vault_{*pki::HmacKey::create(as_bytes("tag key of tests tag key of test")),
                                 *pki::SealingKey::create(as_bytes("seal key of tests, seal key of t")), 1};
    sql::TestStores stores_;
    const std::filesystem::path folder_ = stores_.folder();
    std::string file_;
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{3, "test"};
    std::unique_ptr<sql::Database> database_;
    std::optional<identity::EmbeddedRegister> residents_;
    std::optional<coverage::IntakeParts> parts_;
    ImportOptions options_;
    std::int64_t organisations_ = 0;
};

TEST_F(ImportTest, takes_a_file_once_and_says_so_the_second_time) {
    write(rows("add", 0, 100));
    const auto first = run();
    ASSERT_TRUE(first) << first.error().detail;
    EXPECT_EQ(first->end, ImportEnd::done);
    EXPECT_EQ(first->file.progress.rows, 100U);
    EXPECT_EQ(count(*first, RowResult::added), 100U);
    const std::string told = results();
    EXPECT_EQ(std::ranges::count(told, '\n'), 101);
    EXPECT_TRUE(told.starts_with(full_header() + ",row,result,code,message\n"));
    EXPECT_EQ(told.find(number_of(5)), std::string::npos);
    const auto again = run();
    EXPECT_EQ(again->end, ImportEnd::done_before);
    EXPECT_EQ(results(), told);
}

TEST_F(ImportTest, the_same_rows_in_another_file_are_unchanged) {
    write(rows("add", 0, 50));
    ASSERT_TRUE(run());
    write(rows("add", 0, 50) + "\n");
    const auto again = run();
    EXPECT_EQ(again->end, ImportEnd::done);
    EXPECT_EQ(count(*again, RowResult::unchanged), 50U);
}

// Rows of a file in which the first `blank` members have no ratio, or what else `with` leaves out.
std::string blanked(const std::string& rows, int blank, const char* with = ",,A03") {
    std::string out;
    std::size_t at = 0;
    for (int row = 0; at < rows.size(); ++row) {
        std::string line = rows.substr(at, rows.find('\n', at) - at);
        at += line.size() + 1;
        if (row < blank) line.replace(line.find(",30,A03"), 7, with);
        out += line + "\n";
    }
    return out;
}

TEST_F(ImportTest, a_file_whose_blank_rate_jumps_is_held_until_a_second_person_releases_it) {
    write(rows("add", 0, 100));
    ASSERT_TRUE(run());
    // Two in a hundred more than before are still accepted, three are not.
    write(blanked(rows("change", 0, 100), 2));
    EXPECT_EQ(run()->end, ImportEnd::done);
    write(blanked(rows("change", 0, 100), 5));
    auto held = run();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->end, ImportEnd::held);
    ASSERT_EQ(held->unusual.size(), 1U);
    EXPECT_TRUE(held->unusual[0].blank_jump);
    EXPECT_EQ(held->unusual[0].ratios.blank_ratio, 5U);
    EXPECT_EQ(held->unusual[0].ratios_before.blank_ratio, 0U) << "the best file, so that blanks do not creep up";
    EXPECT_EQ(held->file.progress.rows, 0U);
    ASSERT_TRUE(run_to_end(release_file(*parts_, held->file.id, {.reference = "suzuki"}, soon())));
    EXPECT_EQ(run()->end, ImportEnd::done);
    // Now that rate is what the next file is compared with.
    write(blanked(rows("change", 0, 100), 6));
    EXPECT_EQ(run()->end, ImportEnd::done);
}

TEST_F(ImportTest, a_first_file_full_of_blanks_is_held_and_a_small_one_is_not_judged) {
    write(blanked(rows("add", 0, 99), 99));
    EXPECT_EQ(run()->end, ImportEnd::done);
    write(blanked(rows("add", 100, 200), 3));
    const auto held = run();
    EXPECT_EQ(held->end, ImportEnd::held);
    EXPECT_TRUE(held->unusual.at(0).blank_jump);
}

// A whole insurer's blanks in small pieces are seen as soon as they are a hundred together.
TEST_F(ImportTest, small_files_of_blanks_are_judged_together) {
    write(blanked(rows("add", 0, 60), 60));
    EXPECT_EQ(run()->end, ImportEnd::done);
    write(blanked(rows("add", 60, 110), 50));
    const auto held = run();
    EXPECT_EQ(held->end, ImportEnd::held);
    EXPECT_EQ(held->unusual.at(0).ratios.records, 110U);
}

TEST_F(ImportTest, blanked_categories_hold_a_file_of_an_insurer_that_sent_them_before) {
    write(rows("add", 0, 100));
    ASSERT_TRUE(run());
    write(blanked(rows("change", 0, 100), 3, ",30,"));
    const auto held = run();
    EXPECT_EQ(held->end, ImportEnd::held);
    ASSERT_EQ(held->unusual.size(), 1U);
    EXPECT_EQ(held->unusual[0].ratios.blank_limit, 3U);
    EXPECT_EQ(held->unusual[0].ratios.blank_ratio, 0U);
}

TEST_F(ImportTest, an_insurer_that_never_sent_categories_may_go_on_so) {
    write(blanked(rows("add", 0, 100), 100, ",30,"));
    EXPECT_EQ(run()->end, ImportEnd::done);
    write(blanked(rows("add", 100, 200), 100, ",30,"));
    EXPECT_EQ(run()->end, ImportEnd::done);
}

// What a sender says of other insurers' members is refused, and does not blunt the guard of those insurers.
TEST_F(ImportTest, nobody_teaches_the_guard_about_another_insurer) {
    std::string foreign;
    for (int i = 0; i < 100; ++i) foreign += row("add", i, "01130012");
    write(blanked(foreign, 100));
    const auto refused = run();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->end, ImportEnd::done);
    EXPECT_TRUE(refused->unusual.empty());
    EXPECT_EQ(count(*refused, RowResult::refused), 100U);
    options_.sender = *InsurerNumber::parse("01130012");
    write(blanked(foreign, 3));
    EXPECT_EQ(run()->end, ImportEnd::held) << "its own first file is compared with no blanks";
}

TEST_F(ImportTest, a_category_of_another_age_is_suspect) {
    std::string wrong = row("add", 1);
    wrong.replace(wrong.find("A03"), 3, "B04");
    write(row("add", 0) + wrong);
    const auto report = run();
    ASSERT_TRUE(report);
    EXPECT_EQ(count(*report, RowResult::added), 2U);
    const std::string told = results();
    const auto first = told.find("note.ratio_suspect");
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(told.find("note.ratio_suspect", first + 1), std::string::npos);
}

TEST_F(ImportTest, every_size_of_chunk_gives_the_same_results) {
    std::string changes;
    for (int i = 0; i < 40; ++i) {
        changes += row("add", i);
        if (i % 3 == 0) changes += row("lose", i, "06139463", "2026-08-01");
        if (i % 5 == 0) changes += row("reopen", i);
        if (i % 7 == 0) changes += row("add", i / 7);  // once more, far behind the first
    }
    write(changes);
    std::string expected;
    for (const std::size_t chunk : {1U, 2U, 7U, 64U, 1000U}) {
        options_.chunk_rows = chunk;
        // Each size on records of its own.
        std::string renumbered = changes;
        for (std::size_t at = renumbered.find(",12,"); at != std::string::npos; at = renumbered.find(",12,", at + 1)) {
            renumbered.replace(at, 4, fmt::format(",{},", 100 + chunk));
        }
        write(renumbered);
        const auto report = run();
        ASSERT_TRUE(report) << report.error().detail;
        std::string words;
        const std::string told = results();
        for (const char* word : {",added,", ",ended,", ",reopened,", ",unchanged,", ",refused,"}) {
            std::size_t found = 0;
            for (std::size_t at = told.find(word); at != std::string::npos; at = told.find(word, at + 1)) ++found;
            words += fmt::format("{}{} ", word, found);
        }
        if (expected.empty()) expected = words;
        EXPECT_EQ(words, expected) << chunk;
    }
}

// Each of seven chunks loses once, and two commits in a row do: its own second attempt, or the chunk after it, whose
// lines were written before it was known.
TEST_F(ImportTest, a_chunk_that_is_decided_again_leaves_the_same_results) {
    const std::string plain = rows("add", 0, 100);
    write(plain);
    ASSERT_TRUE(run());
    const std::string expected = results();
    for (int lost = 1; lost <= 7; ++lost) {
        for (const int more : {0, 1}) {
            // Each time on records of its own.
            const std::string symbol = fmt::format(",{},", 100 + 2 * lost + more);
            const auto renumber = [&symbol](std::string text) {
                for (std::size_t at = text.find(",12,"); at != std::string::npos; at = text.find(",12,", at + 1)) {
                    text.replace(at, 4, symbol);
                }
                return text;
            };
            write(renumber(plain));
            ContestedDatabase contested(*database_, {lost, lost + more});
            const coverage::IntakeParts parts{contested, clock_, random_, vault_, *residents_};
            const auto report = run_to_end(import_members(parts, options_));
            ASSERT_TRUE(report) << report.error().detail << " lost " << lost << " and " << more;
            EXPECT_EQ(report->end, ImportEnd::done);
            EXPECT_GT(contested.chunks(), 7);
            EXPECT_EQ(report->file.progress.rows, 100U);
            EXPECT_EQ(report->file.progress.result_bytes, results().size());
            EXPECT_EQ(count(*report, RowResult::added), 100U);
            const std::string told = results();
            EXPECT_EQ(std::ranges::count(told, '\n'), std::ranges::count(expected, '\n'));
            for (int line = 2; line <= 101; ++line) {
                const std::string word = fmt::format(",{},added,", line);
                EXPECT_NE(told.find(word), std::string::npos) << word << " lost " << lost << " and " << more;
            }
        }
    }
}

TEST_F(ImportTest, what_is_stopped_goes_on_behind_its_last_row) {
    write(rows("add", 0, 100));
    int asked = 0;
    options_.stop = [&asked] { return ++asked > 3; };
    const auto stopped = run();
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->end, ImportEnd::stopped);
    EXPECT_EQ(stopped->file.progress.rows, 48U);
    // What a killed run wrote behind its last commit is not believed.
    std::ofstream(options_.result_file, std::ios::binary | std::ios::app) << "half a line";
    options_.stop = {};
    const auto finished = run();
    ASSERT_TRUE(finished) << finished.error().detail;
    EXPECT_EQ(finished->end, ImportEnd::done);
    EXPECT_EQ(finished->resumed_at_row, 48U);
    EXPECT_EQ(count(*finished, RowResult::added), 100U);
    EXPECT_EQ(std::ranges::count(results(), '\n'), 101);
    EXPECT_EQ(results().find("half a line"), std::string::npos);
}

TEST_F(ImportTest, another_insurers_members_and_unknown_insurers_are_refused) {
    write(row("add", 1, "01130012") + row("add", 2));
    const auto report = run();
    EXPECT_EQ(count(*report, RowResult::refused), 1U);
    EXPECT_NE(results().find("intake.other_insurer"), std::string::npos);
    options_.sender = std::nullopt;
    write(row("add", 3, "138057"));
    EXPECT_EQ(count(*run(), RowResult::refused), 1U);
    EXPECT_NE(results().find("intake.unknown_insurer"), std::string::npos);
}

TEST_F(ImportTest, bad_lines_are_refused_one_by_one_and_the_rest_is_taken) {
    write(row("add", 1) + "add,06139463\n" + std::string(2 * line_bytes_max, 'x') + "\n" + full_header() + "\n" +
          std::string(299, ',') + "\n\xFF\xFE\n" + row("lose", 2, "06139463", "2026-03-01") + row("add", 3) +
          "add,06139463,12");
    const auto report = run();
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(count(*report, RowResult::added), 2U);
    EXPECT_EQ(count(*report, RowResult::refused), 7U);
    const std::string told = results();
    for (const char* code : {"intake.columns", "intake.line_too_long", "intake.repeated_header",
                             "text.invalid_encoding", "intake.loss_before_acquisition"}) {
        EXPECT_NE(told.find(code), std::string::npos) << code;
    }
    EXPECT_EQ(std::ranges::count(told, '\n'), 10) << "a line each";
}

// A file that is made while it is read: two rows with a line of a gigabyte between them.
class EndlessLine final : public ByteSource {
  public:
    EndlessLine(std::string before, std::uint64_t filler, std::string after, std::uint64_t offset)
        : before_(std::move(before)), after_(std::move(after)), filler_(filler), at_(offset) {}
    Result<std::size_t> read(std::span<char> room) override {
        const std::uint64_t filler_end = before_.size() + filler_;
        if (at_ >= before_.size() && at_ < filler_end) {
            const auto count = std::min<std::uint64_t>(room.size(), filler_end - at_);
            std::memset(room.data(), 'x', count);
            at_ += count;
            return count;
        }
        const std::string& text = at_ < filler_end ? before_ : after_;
        const std::uint64_t from = at_ < filler_end ? at_ : at_ - filler_end;
        const std::size_t count = std::min<std::size_t>(room.size(), text.size() - from);
        std::copy_n(text.data() + from, count, room.data());
        at_ += count;
        return count;
    }

  private:
    std::string before_;
    std::string after_;
    std::uint64_t filler_;
    std::uint64_t at_;
};

std::uint64_t anonymous_kilobytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8));
    }
    return 0;
}

TEST_F(ImportTest, a_gigabyte_on_one_line_is_one_bad_row_and_needs_no_memory) {
    const std::string before = full_header() + "\n" + row("add", 1);
    const std::string after = "\n" + row("add", 2);
    constexpr std::uint64_t filler = std::uint64_t{1} << 30U;
    options_.source = [&](std::uint64_t offset) -> Result<std::unique_ptr<ByteSource>> {
        return std::unique_ptr<ByteSource>(std::make_unique<EndlessLine>(before, filler, after, offset));
    };
    const std::uint64_t memory = anonymous_kilobytes();
    const auto report = run();
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(count(*report, RowResult::added), 2U);
    EXPECT_EQ(count(*report, RowResult::refused), 1U);
    EXPECT_EQ(report->file.bytes, before.size() + filler + after.size());
    const std::string told = results();
    EXPECT_NE(told.find("3,refused,intake.line_too_long"), std::string::npos) << told;
    EXPECT_LT(told.size(), 4'096U) << "the line is not repeated";
    EXPECT_LT(anonymous_kilobytes(), memory + 64 * 1024);
}

TEST_F(ImportTest, rows_that_contradict_each_other_leave_what_was_told_first) {
    const std::string other_share = [&] {
        std::string text = row("add", 1);
        return text.replace(text.find(",,30,"), 5, ",,20,");
    }();
    // Another person's individual number on the record that is there.
    std::string other_person = row("add", 1);
    other_person.replace(other_person.find(number_of(1)), 12, number_of(2));
    // A loss before its acquisition came, one that lies before it, and a member who is lost twice on different days.
    write(row("lose", 5, "06139463", "2026-09-01") + row("add", 1) + other_share + other_person +
          row("lose", 1, "06139463", "2026-03-31") + row("add", 5) + row("lose", 5, "06139463", "2026-09-01") +
          row("lose", 5, "06139463", "2026-10-01"));
    const auto report = run();
    ASSERT_TRUE(report) << report.error().detail;
    std::vector<std::string> codes;
    std::istringstream lines(results());
    for (std::string line; std::getline(lines, line);) {
        const auto refused = line.find(",refused,");
        codes.push_back(
            refused == std::string::npos ? "" : line.substr(refused + 9, line.find(',', refused + 9) - refused - 9));
    }
    EXPECT_EQ(codes, (std::vector<std::string>{"", "intake.unknown_coverage", "", "intake.exists_differently",
                                               "intake.other_person", "intake.loss_before_acquisition", "", "", ""}));
    EXPECT_EQ(count(*report, RowResult::added), 2U);
}

// A file that broke off is taken as far as its rows are whole; what is missing comes with the next one.
TEST_F(ImportTest, a_file_that_breaks_off_anywhere_gives_its_whole_rows) {
    const std::string all = row("add", 1) + row("add", 2);
    const std::size_t first = all.find('\n') + 1;
    for (const std::size_t end : {first - 1, first, first + 1, first + 40, first + 60, all.size() - 20}) {
        write(std::string_view(all).substr(0, end));
        const auto report = run();
        ASSERT_TRUE(report) << end << ": " << report.error().detail;
        const std::uint64_t whole = count(*report, RowResult::added) + count(*report, RowResult::unchanged);
        EXPECT_EQ(whole, 1U) << end;
        EXPECT_EQ(count(*report, RowResult::refused), end > first ? 1U : 0U) << end;
    }
}

TEST_F(ImportTest, an_unusual_share_waits_for_a_second_person) {
    write(rows("add", 0, 100));
    ASSERT_TRUE(run());
    write(rows("lose", 0, 21, "2026-10-01"));
    const auto held = run();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->end, ImportEnd::held);
    ASSERT_EQ(held->unusual.size(), 1U);
    EXPECT_EQ(held->unusual[0].members, 100);
    EXPECT_EQ(held->unusual[0].taken.ended, 21);
    EXPECT_EQ(run()->end, ImportEnd::held);
    const std::int64_t file = held->file.id;
    EXPECT_EQ(run_to_end(release_file(*parts_, file, {.reference = "sato"}, soon())).error().code,
              ErrorCode::intake_second_person);
    EXPECT_EQ(run_to_end(release_file(*parts_, file + 1, {.reference = "suzuki"}, soon())).error().code,
              ErrorCode::intake_unknown_file);
    ASSERT_TRUE(run_to_end(release_file(*parts_, file, {.reference = "suzuki"}, soon())));
    EXPECT_EQ(run_to_end(release_file(*parts_, file, {.reference = "suzuki"}, soon())).error().code,
              ErrorCode::intake_not_held);
    const auto done = run();
    EXPECT_EQ(done->end, ImportEnd::done);
    EXPECT_EQ(count(*done, RowResult::ended), 21U);
    EXPECT_EQ(done->file.released_by, "suzuki");
    // A fifth of those who are left is not unusual.
    write(rows("lose", 30, 45, "2026-10-01"));
    EXPECT_EQ(run()->end, ImportEnd::done);
}

TEST_F(ImportTest, a_dry_run_tells_what_would_happen_and_changes_nothing) {
    write(rows("add", 0, 20));
    options_.commitment = Commitment::dry_run;
    const auto dry = run();
    ASSERT_TRUE(dry);
    EXPECT_EQ(count(*dry, RowResult::added), 20U);
    options_.commitment = Commitment::write;
    EXPECT_EQ(count(*run(), RowResult::added), 20U);
}

TEST_F(ImportTest, ndjson_gives_ndjson_back) {
    std::ofstream(file_, std::ios::trunc)
        << fmt::format(R"({{"operation":"add","insurer_number":"06139463","symbol":"12","number":"1001",)"
                       R"("individual_number":"{}","name":"{}","kana":"シケン　タロウ","birth_date":"1985-04-12",)"
                       R"("sex":"1","acquired_on":"2026-04-01"}})",
                       number_of(1), name_of(1))
        << "\n{}\n";
    const auto report = run();
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(count(*report, RowResult::added), 1U);
    EXPECT_TRUE(results().starts_with(R"({"row":1,"result":"added","code":"","message":""})"));
    EXPECT_NE(results().find("intake.operation"), std::string::npos);
}

// The second run begins while the first stands between two of its chunks.
TEST_F(ImportTest, two_runs_of_one_file_do_not_write_over_each_other) {
    write(rows("add", 0, 100));
    const auto second = options_;
    auto elsewhere = options_;
    elsewhere.result_file = folder_ / "elsewhere.csv";
    int asked = 0;
    std::vector<ErrorCode> of_second;
    options_.stop = [&] {
        if (++asked != 1) return false;
        std::thread beside([&] {
            of_second.push_back(run_to_end(import_members(*parts_, second)).error().code);
            auto done = run_to_end(import_members(*parts_, elsewhere));
            EXPECT_TRUE(done) << done.error().detail;
        });
        beside.join();
        return false;
    };
    const auto first = run();
    EXPECT_EQ(of_second, std::vector{ErrorCode::intake_busy}) << "the same result file";
    // With another one the second did it all, and no row counts twice.
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, ErrorCode::intake_busy);
    options_.stop = {};
    const auto again = run();
    EXPECT_EQ(again->end, ImportEnd::done_before);
    EXPECT_EQ(count(*again, RowResult::added), 100U);
}

TEST_F(ImportTest, a_file_that_is_no_list_of_members_is_refused_as_a_whole) {
    std::ofstream(file_, std::ios::trunc) << "hello\n";
    EXPECT_EQ(run().error().code, ErrorCode::intake_header);
    options_.source = file_source(folder_ / "none");
    EXPECT_EQ(run().error().code, ErrorCode::file_unreadable);
    options_.source = file_source(file_);
    write(row("add", 1));
    options_.result_file = "/nonexistent/result.csv";
    EXPECT_EQ(run().error().code, ErrorCode::file_unwritable);
    options_.result_file = folder_ / "members.result.csv";
    EXPECT_EQ(run()->end, ImportEnd::done) << "the next try goes on";
}

}  // namespace
}  // namespace onshi::insurer_files
