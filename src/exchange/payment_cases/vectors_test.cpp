// Every case of tests/vectors/payments: published examples, limits, households, rounding.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "domain/payments/rules.h"
#include "domain/payments/rules_ratio.h"
#include "exchange/payment_cases/cases.h"

namespace onshi::payment_cases {
namespace {

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

const std::filesystem::path folder = std::filesystem::path(ONSHI_SOURCE_DIR) / "tests/vectors/payments";

// Evaluates a text and keeps everything.
struct Evaluation {
    std::string header;
    std::vector<Case> cases;
    Result<CaseCounts> counts;

    explicit Evaluation(std::string_view text)
        : counts(evaluate_cases(
              text, payments::builtin_tables(), [this](std::string_view line) { header = line; },
              [this](const Case& each) { cases.push_back(each); })) {}
};

TEST(vectors, every_case_of_every_file_comes_out_as_written) {
    std::size_t files = 0;
    std::size_t cases = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".csv") continue;
        ++files;
        const Evaluation evaluation(read(entry.path()));
        ASSERT_TRUE(evaluation.counts) << entry.path() << evaluation.counts.error().detail;
        for (const auto& each : evaluation.cases) {
            ++cases;
            EXPECT_FALSE(each.refused) << entry.path() << ":" << each.line << " "
                                       << (each.refused ? error_name(each.refused->code) : "");
            for (const auto& outcome : each.outcomes) {
                EXPECT_FALSE(outcome.disagrees()) << entry.path() << ":" << each.line << " " << outcome.column << " is "
                                                  << *outcome.given << ", computed " << outcome.computed.value_or(-1);
            }
        }
    }
    EXPECT_GE(files, 5U);
    EXPECT_GE(cases, 230U);
}

TEST(vectors, rows_come_back_as_they_were) {
    for (const char* name : {"claims.csv", "limits.csv", "households.csv", "counter.csv"}) {
        const std::string text = read(folder / name);
        const Evaluation evaluation(text);
        std::string written = evaluation.header + "\n";
        for (const auto& each : evaluation.cases) written += each.csv + "\n";
        EXPECT_EQ(written, text) << name;
    }
}

TEST(vectors, absent_result_columns_are_added) {
    const Evaluation evaluation(
        "table,band,category,medical_cost,setting,many,m75\nT2026,u70,ウ,1000000,in,0,0\r\n\nT2026,u70,ウ,1000000,in,1,"
        "0\n");
    ASSERT_TRUE(evaluation.counts);
    EXPECT_EQ(evaluation.header, "table,band,category,medical_cost,setting,many,m75,limit");
    ASSERT_EQ(evaluation.cases.size(), 2U);
    EXPECT_EQ(evaluation.cases[0].csv, "T2026,u70,ウ,1000000,in,0,0,92940");
    EXPECT_EQ(evaluation.cases[1].csv, "T2026,u70,ウ,1000000,in,1,0,44400");
    EXPECT_EQ(evaluation.counts->disagreeing, 0U);
}

TEST(vectors, a_wrong_given_result_disagrees_and_the_row_shows_the_right_one) {
    const Evaluation evaluation(
        "table,band,category,medical_cost,setting,many,m75,limit\nT2026,u70,ウ,1000000,in,0,0,87430\n");
    EXPECT_EQ(evaluation.counts->disagreeing, 1U);
    EXPECT_EQ(evaluation.cases[0].csv, "T2026,u70,ウ,1000000,in,0,0,92940");
}

TEST(vectors, columns_may_stand_in_any_order) {
    const Evaluation evaluation(
        "limit,many,m75,setting,medical_cost,category,band,table\n,0,0,in,1000000,ウ,u70,T2026\n");
    EXPECT_EQ(evaluation.cases.at(0).csv, "92940,0,0,in,1000000,ウ,u70,T2026");
}

TEST(vectors, a_reduced_limit_that_does_not_exist_is_said) {
    const Evaluation evaluation("table,band,category,medical_cost,setting,many,m75\nT2026,o70,低I,1000000,in,1,0\n");
    EXPECT_TRUE(evaluation.cases.at(0).many_ignored);
    EXPECT_EQ(evaluation.cases[0].outcomes.at(0).computed, 15700);
}

struct Refusal {
    const char* row;
    ErrorCode code;
};

TEST(vectors, impossible_claims_are_named) {
    const Refusal rows[] = {
        {"u70,III,3,out,0,0,,0,1000", ErrorCode::payments_category},  // a 70+ category for a child
        {"o70,ウ,3,out,0,0,,0,1000", ErrorCode::payments_category},
        {"u70,ヌ,3,out,0,0,,0,1000", ErrorCode::payments_category},
        {"u70,ウ,1,out,0,0,,0,1000", ErrorCode::payments_ratio},
        {"u70,ウ,0,out,0,0,,0,1000", ErrorCode::payments_ratio},
        {"o70,III,2,out,0,0,,0,1000", ErrorCode::payments_ratio},
        {"u70,ウ,3,out,0,0,,0,1000@54", ErrorCode::payments_cap_missing},
        {"u70,ウ,3,out,0,0,,0,1000@83", ErrorCode::payments_cap_missing},
        {"u70,ウ,3,out,0,0,,0,1000@77", ErrorCode::payments_payer},
        {"u70,ウ,3,out,0,0,,0,1000@100/5", ErrorCode::payments_payer},
        {"u70,ウ,3,out,0,0,,0,1000;2000", ErrorCode::payments_parts},  // insurance alone, twice
        {"u70,ウ,3,out,0,0,,0,1000@54/1+54/2", ErrorCode::payments_parts},
        {"u70,ウ,3,out,0,0,,0,1000@10+11+12+15+54/3", ErrorCode::payments_parts},
        {"u70,ウ,3,out,0,0,,0,-1", ErrorCode::payments_amount},
        {"u70,ウ,3,out,0,0,,0,99999999999", ErrorCode::payments_amount},
        {"u70,ウ,3,out,0,0,,0,1000@54/-1", ErrorCode::payments_amount},
        {"u70,ウ,3,out,0,0,15000,0,1000", ErrorCode::payments_special_disease},
        {"u70,ウ,3,out,0,0,20000,0,1000", ErrorCode::payments_special_disease},
        {"o70,III,3,out,0,0,20000,0,1000", ErrorCode::payments_special_disease},
        {"u70,ウ,3,out,0,0,,1,1000", ErrorCode::payments_relief},
        {"o70,一般,2,in,0,0,,1,1000", ErrorCode::payments_relief},
        {"o70,一般,1,out,0,0,,1,1000", ErrorCode::payments_relief},
        {"u70,ウ,3,somewhere,0,0,,0,1000", ErrorCode::field_value},
        {"u70,ウ,3,out,2,0,,0,1000", ErrorCode::field_value},
        {"u70,ウ,3,out,0,0,,0,1000@", ErrorCode::field_value},
        {"u70,ウ,3,out,0,0,,0,12x", ErrorCode::field_value},
        {"u70,ウ,3,out,0,0,,0,", ErrorCode::field_missing},
    };
    for (const auto& [row, code] : rows) {
        const Evaluation evaluation(
            std::string("band,category,rate,setting,many,m75,marucho,hairyo,parts,patient_total\n") + row + ",1\n");
        ASSERT_EQ(evaluation.cases.size(), 1U) << row;
        ASSERT_TRUE(evaluation.cases[0].refused) << row;
        EXPECT_EQ(error_name(evaluation.cases[0].refused->code), error_name(code)) << row;
        EXPECT_EQ(evaluation.counts->refused, 1U);
        // No zero where there is no result.
        EXPECT_EQ(evaluation.cases[0].csv, std::string(row) + ",,,") << row;
    }
}

TEST(vectors, impossible_households_are_named) {
    const Refusal rows[] = {
        {"T2026,ウ,0,a:u:in:1000:10", ErrorCode::payments_ratio},
        {"T2026,ウ1,0,a:u:in:1000:30", ErrorCode::payments_category},
        {"T2027,ウ,0,a:u:in:1000:30", ErrorCode::payments_category},
        {"T2019,ウ,0,a:u:in:1000:30", ErrorCode::payments_care_month},
        {"T2026,ウ,0,a:u:in:-1:30", ErrorCode::payments_amount},
        {"T2026,ウ,0,a:x:in:1:30", ErrorCode::field_value},
        {"T2026,ウ,0,a:u:in:1", ErrorCode::field_value},
        {"T2026,ウ,0,a:u:in:1000:30:x", ErrorCode::field_value},
        {"T2026,ウ,0,a:u:in:1000:30:h:h", ErrorCode::field_value},
        {"T2026,ウ,0,a:u:in:1000:30:h a:u:out:1000:30", ErrorCode::payments_household},
    };
    for (const auto& [row, code] : rows) {
        const Evaluation evaluation(std::string("table,household_category,many,items\n") + row + "\n");
        ASSERT_TRUE(evaluation.cases.at(0).refused) << row;
        EXPECT_EQ(error_name(evaluation.cases[0].refused->code), error_name(code)) << row;
    }
    std::string items;
    for (std::size_t i = 0; i < payments::household_items_max; ++i) items += " a:u:in:1000:30";
    const std::string header = "table,household_category,many,items\nT2026,ウ,0,";
    EXPECT_FALSE(Evaluation(header + items + "\n").cases.at(0).refused);
    EXPECT_EQ(Evaluation(header + items + " b:u:in:1:30\n").cases.at(0).refused->code, ErrorCode::payments_household);
}

TEST(vectors, files_of_no_shape_are_refused) {
    for (const char* text :
         {"", "\n", "a,b\n1,2\n", "parts,parts\n", "\"parts\n", "band,parts\n1\n", "band,parts\n\"1,2\n"}) {
        const Evaluation evaluation{text};
        ASSERT_FALSE(evaluation.counts) << text;
        EXPECT_EQ(evaluation.counts.error().code, ErrorCode::file_malformed);
    }
}

TEST(vectors, a_half_month_counts_for_its_person_alone) {
    struct Row {
        const char* items;
        const char* results;  // paid, A, B, C, total, net
    };
    const Row rows[] = {
        // The person's own limit is half of 61,500; the other one's is whole, and so is the household's.
        {"a:o:in:400000:20:h", "80000,0,49250,0,49250,30750"},
        {"a:o:in:400000:20:h b:o:in:200000:20", "120000,0,58500,0,58500,61500"},
        {"a:o:in:400000:20:h b:o:in:100000:20", "100000,0,49250,0,49250,50750"},
        // Outpatient: half of 22,000 first.
        {"a:o:out:100000:20:h", "20000,9000,0,0,9000,11000"},
        {"a:o:out:100000:20:h b:o:out:100000:20", "40000,9000,0,0,9000,31000"},
        // A dependant under 70: half of the limit of エ, and 10,500 is enough to be counted.
        {"a:u:in:300000:30:h", "90000,0,0,59250,59250,30750"},
        {"a:u:in:40000:30:h b:u:in:200000:30", "72000,0,0,10500,10500,61500"},
        {"a:u:in:40000:30 b:u:in:200000:30", "72000,0,0,0,0,72000"},
    };
    for (const auto& row : rows) {
        const Evaluation evaluation(std::string("table,household_category,many,items\nT2026,エ,0,") + row.items + "\n");
        ASSERT_TRUE(evaluation.counts) << row.items;
        EXPECT_EQ(evaluation.cases.at(0).csv, std::string("T2026,エ,0,") + row.items + "," + row.results);
    }
}

TEST(vectors, caps_may_be_given_by_income_class_and_shared_in_a_household) {
    const std::string header = "band,category,rate,setting,parts,patient_total\n";
    struct Row {
        const char* parts;
        const char* total;
    };
    const Row rows[] = {{"10000@54/low_2", "5000"},       {"10000@54/middle_1:long", "5000"},
                        {"10000@54/middle_1", "10000"},   {"10000@54/upper:ventilator", "1000"},
                        {"10000@54/10000&10000", "5000"}, {"10000@54/middle_1&middle_1", "5000"},
                        {"10000@54/10000&5000", "6660"},  {"10000@54/welfare&low_2", "0"},
                        {"10000@15/middle_1", "10000"},   {"10000@15/middle_1&low_1", "10000"},
                        {"10000@15/upper:long", "10000"}};
    for (const auto& [parts, total] : rows) {
        const std::string row = std::string("u70,ウ,3,out,") + parts + "," + total;
        const Evaluation evaluation(header + row + "\n");
        ASSERT_TRUE(evaluation.counts) << parts;
        EXPECT_FALSE(evaluation.cases.at(0).refused) << parts;
        EXPECT_TRUE(evaluation.cases.at(0).good()) << parts << " " << evaluation.cases[0].csv;
    }
    const Refusal wrong[] = {{"1000@54/rich", ErrorCode::field_value},
                             {"1000@54/low_1:mild", ErrorCode::field_value},
                             {"1000@54/", ErrorCode::field_value},
                             {"1000@54/5000&x1", ErrorCode::field_value},
                             {"1000@10/low_1", ErrorCode::payments_income_class},
                             {"1000@15/upper", ErrorCode::payments_income_class},
                             {"1000@15/low_1:ventilator", ErrorCode::payments_income_class},
                             {"1000@54/1&1&1&1&1&1&1&1&1&1", ErrorCode::payments_household}};
    for (const auto& [parts, code] : wrong) {
        const Evaluation evaluation(header + "u70,ウ,3,out," + parts + ",1\n");
        ASSERT_TRUE(evaluation.cases.at(0).refused) << parts;
        EXPECT_EQ(error_name(evaluation.cases[0].refused->code), error_name(code)) << parts;
    }
}

TEST(vectors, the_fourth_month_may_be_given_by_the_months_before) {
    const std::string header = "care_month,band,category,medical_cost,setting,many,limit\n2026-11,u70,ウ,1000000,in,";
    EXPECT_TRUE(Evaluation(header + "2026-10 2026-06 2025-12,44400\n").cases.at(0).good());
    EXPECT_TRUE(Evaluation(header + "2026-10 2026-06 2025-11,92940\n").cases.at(0).good());
    EXPECT_TRUE(Evaluation(header + "2026-10 2026-06,92940\n").cases.at(0).good());
    EXPECT_TRUE(Evaluation(header + "2026-10 2026-13,1\n").cases.at(0).refused);
    std::string months = "2026-10";
    for (int i = 0; i < 23; ++i) months += " 2026-10";
    EXPECT_FALSE(Evaluation(header + months + ",\n").cases.at(0).refused);
    EXPECT_TRUE(Evaluation(header + months + " 2026-10,\n").cases.at(0).refused);
}

TEST(vectors, blanks_around_a_value_are_no_part_of_it) {
    const Evaluation evaluation(
        "table,band,category,medical_cost,setting,limit\nT2026, u70 ,ウ, 1000000,in , 92940\n"
        "T2026,u70,ウ,1000000,in,  \n");
    EXPECT_EQ(evaluation.counts->disagreeing + evaluation.counts->refused, 0U);
    EXPECT_EQ(evaluation.cases.at(0).csv, "T2026, u70 ,ウ, 1000000,in ,92940");
    EXPECT_EQ(evaluation.cases.at(1).csv, "T2026,u70,ウ,1000000,in,92940");
}

TEST(vectors, cp932_is_read_and_what_is_neither_is_refused) {
    // ウ in CP932.
    const Evaluation evaluation("table,band,category,medical_cost,setting\r\nT2026,u70,\x83\x45,1000000,in\r\n");
    ASSERT_TRUE(evaluation.counts) << evaluation.counts.error().detail;
    EXPECT_EQ(evaluation.cases.at(0).csv, "T2026,u70,ウ,1000000,in,92940");
    const Evaluation broken("table,band,category,medical_cost,setting\nT2026,u70,\xFF\xFE,1,in\n");
    EXPECT_FALSE(broken.counts);
}

TEST(vectors, columns_that_nobody_reads_are_named_and_come_back) {
    const Evaluation evaluation("table,band,category,medical_cost,setting,mnay\nT2026,u70,ウ,1000000,in,1\n");
    ASSERT_TRUE(evaluation.counts);
    EXPECT_EQ(evaluation.counts->unknown_columns, std::vector<std::string>{"mnay"});
    EXPECT_EQ(evaluation.cases.at(0).csv, "T2026,u70,ウ,1000000,in,1,92940");
}

TEST(vectors, quotes_of_csv_are_read_and_written) {
    EXPECT_EQ(split_csv_line("a,\"b,\"\"c\"\"\",").value(), (std::vector<std::string>{"a", "b,\"c\"", ""}));
    EXPECT_EQ(join_csv_line({"a", "b,\"c\"", ""}), "a,\"b,\"\"c\"\"\",");
    EXPECT_FALSE(split_csv_line("a\"b"));
    EXPECT_FALSE(split_csv_line("\"a\"b"));
    EXPECT_TRUE(split_csv_line(std::string(columns_max - 1, ',')));
    EXPECT_FALSE(split_csv_line(std::string(columns_max, ',')));
}

// ---- Rules that are no cases of a bill: tests/vectors/payments/rules (domain-rules §4.1, §4.2, §4.4, §4.5)
// -----------

// The rows of a file behind its header, each checked for its number of cells.
std::vector<std::vector<std::string>> rows_of(const char* name, std::size_t cells) {
    std::istringstream text(read(folder / "rules" / name));
    std::vector<std::vector<std::string>> rows;
    std::string line;
    EXPECT_TRUE(std::getline(text, line)) << name;
    while (std::getline(text, line)) {
        auto row = split_csv_line(line);
        EXPECT_TRUE(row && row->size() == cells) << name << ": " << line;
        if (row && row->size() == cells) rows.push_back(std::move(*row));
    }
    EXPECT_GE(rows.size(), 10U) << name;
    return rows;
}

std::optional<payments::Yen> yen(const std::string& cell) {
    return cell.empty() ? std::nullopt : std::optional(payments::Yen(std::stoll(cell)));
}

TEST(vectors, ages_change_on_their_days) {
    for (const auto& row : rows_of("ages.csv", 3)) {
        const Date birth = *parse_iso_date(row[1]);
        std::optional<Date> day;
        if (row[0] == "preschool_end") day = preschool_end(birth);
        if (row[0] == "seventy_start") day = seventy_start(birth);
        if (row[0] == "late_elderly_start") day = late_elderly_start(birth);
        if (row[0] == "half_month") day = half_limit_month(birth);
        EXPECT_EQ(day ? to_iso(*day) : "", row[2]) << row[0] << " " << row[1];
    }
}

TEST(vectors, caps_follow_from_the_income_class) {
    for (const auto& row : rows_of("caps.csv", 4)) {
        const auto income = payments::parse_income_class(row[1]);
        const auto severity = payments::parse_severity(row[2]);
        ASSERT_TRUE(income && severity) << row[1] << " " << row[2];
        const auto cap = payments::programme_cap(payments::builtin_tables(), std::stoi(row[0]), *income, *severity);
        // Empty: the programme does not cover the class.
        EXPECT_EQ(cap ? *cap : std::nullopt, yen(row[3])) << row[0] << " " << row[1] << " " << row[2];
        EXPECT_EQ(cap.has_value(), !row[3].empty());
    }
}

TEST(vectors, ratios_follow_from_age_and_income) {
    using payments::AgeGroup;
    for (const auto& row : rows_of("ratios.csv", 7)) {
        std::optional<AgeGroup> group;
        for (const auto each : {AgeGroup::preschool, AgeGroup::general, AgeGroup::seventy, AgeGroup::late_elderly}) {
            if (to_string(each) == row[1]) group = each;
        }
        ASSERT_TRUE(group) << row[1];
        const payments::IncomeFacts income{yen(row[2]), yen(row[3]), yen(row[4]), row[5] == "1"};
        const auto lawful = payments::lawful_ratio(payments::builtin_tables(), *group, *parse_iso_date(row[0]), income);
        EXPECT_EQ(std::to_string(lawful.percent.value()), row[6]) << row[1] << " " << row[3] << " " << row[4];
    }
}

}  // namespace
}  // namespace onshi::payment_cases
