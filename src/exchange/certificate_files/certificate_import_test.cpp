#include "exchange/certificate_files/certificate_import.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/cards/store.h"
#include "domain/coverage/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::certificate_files {
namespace {

using payments::CertificateResult;

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part :
         {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(), identity::migrations(),
          cards::migrations(), coverage::migrations(), payments::migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

std::string number_of(int person) {
    const std::string leading = fmt::format("{:011}", 10'000'000'000LL + person);
    for (char digit = '0'; digit <= '9'; ++digit) {
        if (identity::IndividualNumber::parse(leading + digit)) return leading + digit;
    }
    return {};
}

constexpr std::string_view header =
    "operation,kind,individual_number,valid_from,valid_to,payer_number,recipient_number,name,monthly_cap,income_class,"
    "refund_only,issued_on,limit_kind,long_term_on,disease\n";

class CertificateImportTest : public testing::Test {
  protected:
    CertificateImportTest() {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        sql::WriteSet set(sql::Store::registry);
        for (int person = 0; person < persons; ++person) {
            identity::Person made;
            made.key = PersonKey(person + 1);
            made.name = "試験";
            made.birth = Date::of(1985, 4, 12);
            made.sex = Sex::male;
            identity::add_person(set, made);
            const auto tag = vault_.tag(*identity::IndividualNumber::parse(number_of(person)));
            set.change(identity::insert_number_tag, sql::Blob{as_text(tag)}, made.key.value());
        }
        EXPECT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
        options_.file = folder_ / "certificates.csv";
        options_.result_file = folder_ / "certificates.result.csv";
        options_.received_by = "sato";
    }
    ~CertificateImportTest() override {
        database_->close();
        database_.reset();
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    static std::string subsidy(int person, const char* operation = "put", const char* cap = "2500") {
        return fmt::format("{},subsidy,{},2026-04-01,2027-03-31,83136010,0123455,こども医療費助成,{},low_1,0,,,,\n",
                           operation, number_of(person), cap);
    }
    static std::string limit(int person) {
        return fmt::format("put,limit,{},2026-08-01,2027-07-31,,,,,,,2026-08-01,2,2026-10-01,\n", number_of(person));
    }
    static std::string disease(int person, const char* cap) {
        return fmt::format("put,specific_disease,{},2026-04-01,,,,,{},,,2026-04-01,,,1\n", number_of(person), cap);
    }
    Result<ImportReport> run(payments::Issuer issuer, const std::string& rows) {
        return run_text(issuer, std::string(header) + rows);
    }
    Result<ImportReport> run_text(payments::Issuer issuer, const std::string& text) {
        options_.issuer = issuer;
        std::ofstream(options_.file, std::ios::binary | std::ios::trunc) << text;
        return run_to_end(import_certificates({*database_, clock_, random_}, vault_, options_));
    }
    static std::uint64_t count(const Result<ImportReport>& report, CertificateResult result) {
        return report ? report->results[static_cast<std::size_t>(result)] : 999;
    }
    std::vector<std::string> results() const {
        std::ifstream file(options_.result_file, std::ios::binary);
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }
    payments::Holdings holdings(int person) {
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, PersonKey(person + 1));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return payments::holdings_of(now).value_or(payments::Holdings());
    }
    // The history as known now, put together again.
    payments::Holdings history(int person) {
        sql::ReadBatch batch;
        const auto rows = payments::load_certificates_at(batch, PersonKey(person + 1), identity::known_open - 1);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        payments::Holdings all;
        for (const auto& row : rows) EXPECT_TRUE(payments::unpack_into(row, all));
        return all;
    }

    static constexpr int persons = 300;
    const payments::Issuer chiyoda_{*payments::MunicipalityCode::parse("131016")};
    // 83136010 is a number of prefecture 13.
    const payments::Issuer society_{*InsurerNumber::parse("06139463")};
    ManualClock clock_{start_of_japan_day(Date::of(2026, 11, 23))};
    SystemRandom random_;
    identity::NumberVault vault_{*pki::HmacKey::create(as_bytes("tag key of tests tag key of test")),
                                 *pki::SealingKey::create(as_bytes("seal key of tests, seal key of t")), 1};
    sql::TestStores stores_;
    const std::filesystem::path folder_ = stores_.folder();
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{3, "test"};
    std::unique_ptr<sql::Database> database_;
    ImportOptions options_{{}, {}, payments::Issuer(*payments::MunicipalityCode::parse("131016")), {}};
};

TEST_F(CertificateImportTest, subsidies_are_added_changed_and_cancelled_and_a_second_time_changes_nothing) {
    const auto added = run(chiyoda_, subsidy(0) + subsidy(1));
    ASSERT_TRUE(added) << added.error().detail;
    EXPECT_EQ(count(added, CertificateResult::added), 2U);
    const auto held = holdings(0);
    ASSERT_EQ(held.subsidies.size(), 1U);
    EXPECT_EQ(held.subsidies[0].monthly_cap, payments::Yen(2'500));
    EXPECT_EQ(held.subsidies[0].municipality.text(), "131016");
    EXPECT_EQ(count(run(chiyoda_, subsidy(0) + subsidy(1)), CertificateResult::unchanged), 2U);
    EXPECT_EQ(count(run(chiyoda_, subsidy(0, "put", "5000")), CertificateResult::changed), 1U);
    EXPECT_EQ(holdings(0).subsidies.at(0).monthly_cap, payments::Yen(5'000));
    EXPECT_EQ(holdings(0).subsidies.at(0).key, held.subsidies[0].key);
    EXPECT_EQ(count(run(chiyoda_, subsidy(0, "cancel")), CertificateResult::cancelled), 1U);
    EXPECT_EQ(holdings(0).subsidies.at(0).state, payments::CertificateState::cancelled);
    EXPECT_EQ(history(0), holdings(0));
    EXPECT_EQ(count(run(chiyoda_, subsidy(0, "cancel")), CertificateResult::unchanged), 1U);
    EXPECT_EQ(count(run(chiyoda_, subsidy(2, "cancel")), CertificateResult::refused), 1U);
}

TEST_F(CertificateImportTest, insurers_send_limits_and_diseases) {
    const auto added = run(society_, limit(0) + disease(0, "10000"));
    ASSERT_TRUE(added) << added.error().detail;
    EXPECT_EQ(count(added, CertificateResult::added), 2U);
    const auto held = holdings(0);
    EXPECT_EQ(held.limits.at(0).kind, payments::LimitCertificateKind::limit_and_meals);
    EXPECT_EQ(held.limits.at(0).long_term_on, Date::of(2026, 10, 1));
    EXPECT_EQ(held.diseases.at(0).monthly_cap, payments::Yen(10'000));
    EXPECT_EQ(held.diseases.at(0).valid.last, Date::open_end);
    EXPECT_EQ(history(0), held);
}

TEST_F(CertificateImportTest, nobody_registers_what_is_not_theirs) {
    EXPECT_EQ(count(run(chiyoda_, limit(0) + disease(0, "10000")), CertificateResult::refused), 2U);
    EXPECT_NE(results().at(1).find("certificates.issuer"), std::string::npos);
    EXPECT_EQ(count(run(society_, subsidy(0)), CertificateResult::refused), 1U);
    // A payer number of another prefecture.
    const payments::Issuer osaka(*payments::MunicipalityCode::parse("271004"));
    EXPECT_EQ(count(run(osaka, subsidy(0)), CertificateResult::refused), 1U);
    EXPECT_NE(results().at(1).find("certificates.issuer"), std::string::npos);
    EXPECT_TRUE(holdings(0).empty());
}

TEST_F(CertificateImportTest, the_same_person_twice_in_a_commit_and_more_persons_than_one_commit) {
    std::string rows = subsidy(0) + subsidy(0, "put", "5000") + subsidy(0, "cancel");
    for (int person = 1; person < persons; ++person) rows += subsidy(person);
    const auto report = run(chiyoda_, rows);
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(count(report, CertificateResult::added), static_cast<std::uint64_t>(persons));
    EXPECT_EQ(count(report, CertificateResult::changed), 1U);
    EXPECT_EQ(count(report, CertificateResult::cancelled), 1U);
    EXPECT_EQ(holdings(0).subsidies.at(0).state, payments::CertificateState::cancelled);
    EXPECT_EQ(history(0), holdings(0));
    EXPECT_EQ(holdings(persons - 1).subsidies.size(), 1U);
}

TEST_F(CertificateImportTest, a_person_holds_no_more_than_the_limit) {
    std::string rows;
    for (std::size_t i = 0; i <= payments::certificates_per_person_max; ++i) {
        rows += fmt::format("put,subsidy,{},{},,83136010,0123455,助成,,,,,,,\n", number_of(0),
                            to_iso(Date::of(2026, 1, 1).plus_days(static_cast<std::int64_t>(i))));
    }
    const auto report = run(chiyoda_, rows);
    EXPECT_EQ(count(report, CertificateResult::added), payments::certificates_per_person_max);
    EXPECT_EQ(count(report, CertificateResult::refused), 1U);
    EXPECT_NE(results().back().find("certificates.too_many"), std::string::npos);
}

TEST_F(CertificateImportTest, wrong_rows_are_named_by_column_and_the_number_is_never_repeated) {
    struct Row {
        std::string from;
        std::string to;
        const char* column;
    };
    const Row wrong[] = {{"put", "add", "operation"},
                         {"subsidy", "other", "kind"},
                         {number_of(0), "123456789012", "individual_number"},
                         {"2026-04-01", "2026-02-30", "valid_from"},
                         {"2027-03-31", "2026-03-31", "valid_to"},
                         {"83136010", "83136011", "payer_number"},
                         {"0123455", "012345", "recipient_number"},
                         {"こども医療費助成", "", "name"},
                         {"2500", "-1", "monthly_cap"},
                         {"low_1", "poor", "income_class"},
                         {"low_1,0", "low_1,2", "refund_only"}};
    for (const auto& [from, to, column] : wrong) {
        std::string row = subsidy(0);
        row.replace(row.find(from), from.size(), to);
        EXPECT_EQ(count(run(chiyoda_, row), CertificateResult::refused), 1U) << column;
        const std::string told = results().at(1);
        EXPECT_TRUE(told.ends_with(fmt::format("refused,certificates.row,{}", column))) << told;
        EXPECT_EQ(told.find(number_of(0)), std::string::npos);
    }
    EXPECT_EQ(count(run(chiyoda_, subsidy(persons + 1)), CertificateResult::refused), 1U);
    EXPECT_NE(results().at(1).find("certificates.person"), std::string::npos);
    EXPECT_EQ(count(run(chiyoda_, "put,subsidy\n\"broken\n"), CertificateResult::refused), 2U);
}

// What the calculation of a bill calls impossible.
TEST_F(CertificateImportTest, caps_that_cannot_be_are_not_registered) {
    const payments::Issuer prefecture(*payments::MunicipalityCode::parse("130001"));
    struct Row {
        const char* income_and_cap;
        const char* code;
    };
    const Row rows[] = {{",low_1", "payments.cap_missing"}, {"2501,low_1", "payments.income_class"}};
    for (const auto& [cells, code] : rows) {
        std::string row = subsidy(0);
        row.replace(row.find("83136010"), 8, "54136015");
        row.replace(row.find("2500,low_1"), 10, cells);
        EXPECT_EQ(count(run(prefecture, row), CertificateResult::refused), 1U) << cells;
        EXPECT_TRUE(results().at(1).ends_with(fmt::format("refused,{},monthly_cap", code))) << results().at(1);
    }
    EXPECT_EQ(count(run(society_, disease(0, "12345")), CertificateResult::refused), 1U);
    EXPECT_TRUE(results().at(1).ends_with("refused,payments.special_disease,monthly_cap")) << results().at(1);
    EXPECT_EQ(count(run(society_, disease(0, "20000")), CertificateResult::added), 1U);
}

TEST_F(CertificateImportTest, a_wrong_check_digit_of_a_recipient_only_warns) {
    std::string row = subsidy(0);
    row.replace(row.find("0123455"), 7, "0123456");
    EXPECT_EQ(count(run(chiyoda_, row), CertificateResult::added), 1U);
    EXPECT_TRUE(results().at(1).ends_with("added,number.check_digit,recipient_number"));
}

TEST_F(CertificateImportTest, files_may_come_with_a_mark_with_carriage_returns_and_in_cp932) {
    std::string text = "\xEF\xBB\xBF" + std::string(header) + subsidy(0) + "\n";
    EXPECT_EQ(count(run_text(chiyoda_, text), CertificateResult::added), 1U);
    std::string carriage;
    for (const char c : std::string(header) + subsidy(1)) carriage += c == '\n' ? "\r\n" : std::string(1, c);
    EXPECT_EQ(count(run_text(chiyoda_, carriage), CertificateResult::added), 1U);
    // 助成 in CP932.
    std::string cp932 = std::string(header) + subsidy(2);
    const std::string name = "こども医療費助成";
    cp932.replace(cp932.find(name), name.size(), "\x8F\x95\x90\xAC");
    EXPECT_EQ(count(run_text(chiyoda_, cp932), CertificateResult::added), 1U);
    EXPECT_EQ(holdings(2).subsidies.at(0).name, "助成");
}

TEST_F(CertificateImportTest, headers_that_are_none_are_refused) {
    for (const char* text : {"", "\n", "operation,kind\n", "operation,kind,individual_number,valid_from,other\n",
                             "operation,kind,individual_number,valid_from,kind\n", "\"operation\n"}) {
        const auto report = run_text(chiyoda_, text);
        ASSERT_FALSE(report) << text;
        EXPECT_EQ(report.error().code, ErrorCode::certificates_header) << text;
    }
    options_.file = folder_ / "none.csv";
    const auto report = run_to_end(import_certificates({*database_, clock_, random_}, vault_, options_));
    EXPECT_EQ(report.error().code, ErrorCode::file_unreadable);
}

}  // namespace
}  // namespace onshi::certificate_files
