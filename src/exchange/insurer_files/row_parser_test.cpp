#include "exchange/insurer_files/row_parser.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/cp932.h"
#include "exchange/insurer_files/line_reader.h"
#include "exchange/insurer_files/survey.h"

namespace onshi::insurer_files {
namespace {

using coverage::IntakeRow;
using coverage::RowOutcome;

const std::string good =
    "add,06139463,12,3456,01,1,123456789018,髙橋　美咲,タカハシ　ミサキ,1985-04-12,2,東京都架空区１番,2026-04-01,,,30,"
    "A03,01,2026-04-03";

RowParser parser(Encoding encoding = Encoding::utf8) {
    auto made = RowParser::csv(full_header(), encoding);
    EXPECT_TRUE(made);
    return std::move(*made);
}
RowOutcome refused(const ParsedRow& parsed) {
    EXPECT_TRUE(std::holds_alternative<RowOutcome>(parsed));
    return std::get<RowOutcome>(parsed);
}
// The good row with one field replaced.
std::string with(Field field, const std::string& value) {
    std::string line;
    std::size_t at = 0;
    for (std::size_t i = 0; i < field_count; ++i) {
        const std::size_t comma = std::min(good.find(',', at), good.size());
        if (i > 0) line.push_back(',');
        line += i == static_cast<std::size_t>(field) ? value : good.substr(at, comma - at);
        at = comma + 1;
    }
    return line;
}

TEST(row_parser, reads_every_field) {
    auto rows = parser();
    const auto parsed = rows.parse(good);
    ASSERT_TRUE(std::holds_alternative<IntakeRow>(parsed));
    const auto& row = std::get<IntakeRow>(parsed);
    EXPECT_EQ(row.operation, coverage::Operation::add);
    EXPECT_EQ(row.insurer.issued(), "06139463");
    EXPECT_EQ(row.insured.symbol.raw(), "12");
    EXPECT_EQ(row.insured.number.raw(), "3456");
    EXPECT_EQ(row.branch->value(), 1);
    EXPECT_EQ(row.relation, coverage::Relation::insured);
    EXPECT_EQ(row.number->reveal_to_register(), 123456789018U);
    EXPECT_EQ(row.person.name, "髙橋　美咲");
    EXPECT_EQ(row.person.birth, Date::of(1985, 4, 12));
    EXPECT_EQ(row.person.sex, Sex::female);
    EXPECT_EQ(row.acquired_on, Date::of(2026, 4, 1));
    EXPECT_FALSE(row.lost_on);
    EXPECT_EQ(row.copay_percent, 30);
    EXPECT_EQ(row.limit_category, "A03");
    EXPECT_EQ(row.kind, coverage::CertificateKind::general);
    EXPECT_EQ(row.notified_on, Date::of(2026, 4, 3));
}

TEST(row_parser, never_repeats_an_individual_number) {
    auto rows = parser();
    static_cast<void>(rows.parse(good));
    EXPECT_EQ(rows.echo().find("123456789018"), std::string::npos);
    EXPECT_NE(rows.echo().find("髙橋"), std::string::npos);
    // In free text it is masked before anybody stores it (MN-2).
    const auto parsed = rows.parse(with(Field::name, "髙橋　美咲 123456789018"));
    EXPECT_EQ(std::get<IntakeRow>(parsed).person.name.find("123456789018"), std::string::npos);
    EXPECT_EQ(rows.echo().find("123456789018"), std::string::npos);
    // Where the fields cannot be told apart, none is repeated.
    EXPECT_EQ(refused(rows.parse(good + ",1")).refusal, ErrorCode::intake_columns);
    EXPECT_EQ(rows.echo(), std::string(field_count - 1, ','));
}

TEST(row_parser, refuses_a_wrong_field_with_its_code_and_column) {
    struct Case {
        Field field;
        const char* value;
        ErrorCode code;
    };
    auto rows = parser();
    for (const auto& [field, value, code] :
         {Case{Field::operation, "delete", ErrorCode::intake_operation},
          Case{Field::operation, "", ErrorCode::intake_operation},
          Case{Field::insurer_number, "06139464", ErrorCode::number_check_digit},
          Case{Field::insurer_number, "", ErrorCode::intake_required},
          Case{Field::number, "", ErrorCode::intake_required},
          Case{Field::branch, "1a", ErrorCode::number_format},
          Case{Field::individual_number, "123456789012", ErrorCode::number_check_digit},
          Case{Field::individual_number, "12345", ErrorCode::number_format},
          Case{Field::birth_date, "", ErrorCode::intake_required},
          Case{Field::birth_date, "1985-02-30", ErrorCode::date_no_such_day},
          Case{Field::birth_date, "12/4/1985", ErrorCode::date_format},
          Case{Field::birth_date, "3640108", ErrorCode::date_era},
          Case{Field::birth_date, "H310501", ErrorCode::date_era},
          Case{Field::sex, "9", ErrorCode::number_format},
          Case{Field::relation, "3", ErrorCode::intake_value},
          Case{Field::loss_reason, "04", ErrorCode::intake_value},
          Case{Field::copay_percent, "101", ErrorCode::intake_value},
          Case{Field::copay_percent, "-1", ErrorCode::intake_value},
          Case{Field::limit_category, "A07", ErrorCode::intake_value},
          Case{Field::limit_category, "B11", ErrorCode::intake_value},
          Case{Field::certificate_kind, "08", ErrorCode::intake_value}}) {
        SCOPED_TRACE(std::string(field_name(field)) + " = " + value);
        const auto outcome = refused(rows.parse(with(field, value)));
        // parse_sex has its own code; what matters is that the column is named.
        if (field != Field::sex) EXPECT_EQ(outcome.refusal, code);
        EXPECT_EQ(outcome.column, field_name(field));
    }
}

TEST(row_parser, reads_days_as_insurers_write_them) {
    for (const char* text : {"2026-04-01", "20260401", "5080401", "R080401", "令和8年4月1日"}) {
        EXPECT_EQ(parse_file_date(text).value(), Date::of(2026, 4, 1)) << text;
    }
    EXPECT_EQ(parse_file_date("R000401").error().code, parse_era_compact("R000401").error().code);
}

TEST(row_parser, knows_quotes_and_what_is_wrong_with_them) {
    auto rows = parser();
    const auto parsed = rows.parse(with(Field::name, "\"Smith, \"\"Jo\"\"\""));
    EXPECT_EQ(std::get<IntakeRow>(parsed).person.name, "Smith, \"Jo\"");
    EXPECT_NE(rows.echo().find("\"Smith, \"\"Jo\"\"\""), std::string::npos);
    for (const char* broken : {"\"open", "\"a\"b", "a\"b"}) {
        EXPECT_EQ(refused(rows.parse(with(Field::address, broken))).refusal, ErrorCode::intake_quotes) << broken;
    }
}

TEST(row_parser, tells_a_repeated_header_a_short_row_and_300_columns) {
    auto rows = parser();
    EXPECT_EQ(refused(rows.parse(full_header())).refusal, ErrorCode::intake_repeated_header);
    EXPECT_EQ(refused(rows.parse("add,06139463")).refusal, ErrorCode::intake_columns);
    EXPECT_EQ(refused(rows.parse(std::string(299, ','))).refusal, ErrorCode::intake_columns);
    EXPECT_EQ(refused(rows.parse("\xFF\xFE")).refusal, ErrorCode::text_invalid_encoding);
}

TEST(row_parser, accepts_a_header_in_any_order_with_the_needed_columns) {
    auto some = RowParser::csv("birth_date,number,insurer_number,operation", Encoding::utf8);
    ASSERT_TRUE(some);
    const auto parsed = some->parse("1985-04-12,3456,06139463,cancel");
    EXPECT_EQ(std::get<IntakeRow>(parsed).operation, coverage::Operation::cancel);
    for (const char* wrong : {"", "operation", "operation,insurer_number,number", "birth_date,number,number",
                              "birth_date,number,insurer_number,operation,nickname"}) {
        EXPECT_EQ(RowParser::csv(wrong, Encoding::utf8).error().code, ErrorCode::intake_header) << wrong;
    }
    EXPECT_EQ(RowParser::csv(std::string(columns_max + 1, ','), Encoding::utf8).error().code, ErrorCode::intake_header);
}

TEST(row_parser, reads_cp932_like_utf8) {
    auto utf8 = parser();
    auto cp932 = parser(Encoding::cp932);
    const auto a = utf8.parse(good);
    const auto b = cp932.parse(encode_cp932(good)->bytes);
    EXPECT_EQ(std::get<IntakeRow>(a).person, std::get<IntakeRow>(b).person);
    EXPECT_EQ(utf8.echo(), cp932.echo());
    EXPECT_EQ(refused(cp932.parse("\x81")).refusal, ErrorCode::text_invalid_encoding);
}

TEST(row_parser, reads_ndjson_with_the_same_names) {
    auto rows = RowParser::ndjson();
    const auto parsed = rows.parse(
        R"({"operation":"add","insurer_number":"06139463","number":"3456","birth_date":"1985-04-12","copay_percent":30})");
    EXPECT_EQ(std::get<IntakeRow>(parsed).copay_percent, 30);
    EXPECT_EQ(refused(rows.parse("{")).refusal, ErrorCode::request_malformed);
    const auto unknown = refused(rows.parse(R"({"operation":"add","nickname":"x"})"));
    EXPECT_EQ(unknown.refusal, ErrorCode::field_unknown);
    const auto wrong = refused(rows.parse(R"({"operation":"add","insurer_number":5})"));
    EXPECT_EQ(wrong.column, "insurer_number");
}

TEST(row_parser, gives_every_csv_field_back) {
    EXPECT_TRUE(rc::check([](const std::string& text) {
        RC_PRE(text.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
        std::string line;
        append_csv_field(line, text);
        auto rows = RowParser::csv("operation,insurer_number,number,birth_date,name", Encoding::utf8);
        const std::string row = ",,,," + line;
        const auto raw = rows->split(row);
        RC_ASSERT(raw.has_value());
        std::string_view trimmed = text;
        while (!trimmed.empty() && (trimmed.front() == ' ' || trimmed.front() == '\t')) trimmed.remove_prefix(1);
        while (!trimmed.empty() && (trimmed.back() == ' ' || trimmed.back() == '\t')) trimmed.remove_suffix(1);
        RC_ASSERT(raw->at(Field::name) == trimmed);
    }));
}

// ---- Lines ----------------------------------------------------------------------------------------------------------

class FileTest : public testing::Test {
  protected:
    FileTest() {
        std::string name = std::filesystem::temp_directory_path() / "onshi-lines-XXXXXX";
        folder_ = mkdtemp(name.data());
    }
    ~FileTest() override { std::filesystem::remove_all(folder_); }
    std::string write(std::string_view bytes) {
        const std::string path = folder_ / "file";
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
        return path;
    }
    std::filesystem::path folder_;
};
using line_reader = FileTest;
using survey = FileTest;

TEST_F(line_reader, gives_lines_of_every_ending_and_their_offsets) {
    auto reader = LineReader::open(file_source(write("one\r\ntwo\n\nlast")));
    ASSERT_TRUE(reader);
    for (const auto& [text, end] : {std::pair{"one", 5U}, {"two", 9U}, {"", 10U}, {"last", 14U}}) {
        const auto line = reader->next();
        EXPECT_EQ(line->kind, LineKind::line);
        EXPECT_EQ(line->text, text);
        EXPECT_EQ(line->end, end);
    }
    EXPECT_EQ(reader->next()->kind, LineKind::end);
    EXPECT_EQ(reader->next()->kind, LineKind::end);
    auto second = LineReader::open(file_source(write("one\r\ntwo\n\nlast")), 5, 1);
    const auto line = second->next();
    EXPECT_EQ(line->text, "two");
    EXPECT_EQ(line->number, 2U);
}

TEST_F(line_reader, skips_what_is_too_long_and_goes_on_behind_it) {
    for (const std::size_t size : {line_bytes_max - 1, line_bytes_max, line_bytes_max + 1, line_bytes_max + 2,
                                   read_buffer_bytes, 3 * read_buffer_bytes + 7}) {
        for (const char* ending : {"\n", "\r\n"}) {
            auto reader = LineReader::open(file_source(write(std::string(size, 'x') + ending + "next\n")));
            const auto line = reader->next();
            EXPECT_EQ(line->kind, size > line_bytes_max ? LineKind::too_long : LineKind::line) << size;
            EXPECT_EQ(line->end, size + std::string_view(ending).size());
            EXPECT_EQ(reader->next()->text, "next");
        }
        auto last = LineReader::open(file_source(write(std::string(size, 'x'))));
        EXPECT_EQ(last->next()->kind, size > line_bytes_max ? LineKind::too_long : LineKind::line) << size;
        EXPECT_EQ(last->next()->kind, LineKind::end);
    }
    EXPECT_EQ(LineReader::open(file_source(folder_ / "none")).error().code, ErrorCode::file_unreadable);
}

TEST_F(survey, tells_format_encoding_rows_and_what_is_taken_away) {
    const std::string utf8 = full_header() + "\n" + good + "\n\n" + with(Field::operation, "lose") + "\n" +
                             with(Field::operation, "cancel") + "\n" +
                             "change,06139463,12,3456,01,1,,,,1985-04-12,,,,,,,,,\n";
    const auto plain = survey_file(file_source(write(utf8)), {});
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->format, FileFormat::csv);
    EXPECT_EQ(plain->encoding, Encoding::utf8);
    EXPECT_EQ(plain->rows, 4U);
    EXPECT_EQ(plain->header, full_header());
    const TakenAway taken = plain->taken_away.at(*InsurerNumber::parse("06139463"));
    EXPECT_EQ(taken.ended, 2);
    EXPECT_EQ(taken.blanked, 1);
    const auto marked = survey_file(file_source(write("\xEF\xBB\xBF" + utf8)), {});
    EXPECT_TRUE(marked->has_mark);
    EXPECT_EQ(marked->header, full_header());
    EXPECT_NE(marked->digest, plain->digest);
    EXPECT_EQ(survey_file(file_source(write(encode_cp932(utf8)->bytes)), {})->encoding, Encoding::cp932);
    // One broken line does not make a file another encoding's.
    EXPECT_EQ(survey_file(file_source(write(utf8 + "\xFF\xFE\n")), {})->encoding, Encoding::utf8);
    const auto json = survey_file(file_source(write("{\"operation\":\"lose\",\"insurer_number\":\"06139463\"}\n")), {});
    EXPECT_EQ(json->format, FileFormat::ndjson);
    EXPECT_EQ(json->taken_away.at(*InsurerNumber::parse("06139463")).ended, 1);
    for (const char* no_file : {"", "\n\n", "hello\n"}) {
        EXPECT_EQ(survey_file(file_source(write(no_file)), {}).error().code, ErrorCode::intake_header);
    }
    EXPECT_EQ(survey_file(file_source(write(std::string(line_bytes_max + 1, 'a'))), {}).error().code,
              ErrorCode::intake_header);
}

}  // namespace
}  // namespace onshi::insurer_files
