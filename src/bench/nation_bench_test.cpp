#include "bench/nation_bench.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/sql/limits.h"
#include "synth/limits.h"

namespace onshi::nation_bench_test {

using bench::NationBenchReport;

TEST(nation_shares, are_the_whole_nation_and_leave_enough_to_take_in) {
    for (const std::uint64_t persons : {1'000ULL, 1'001ULL, 999'999ULL, 10'000'000ULL, 100'000'000ULL}) {
        const auto shares = bench::shares_of(persons);
        EXPECT_EQ(shares.loaded + shares.additions, persons);
        EXPECT_GT(shares.additions, 0U);
        EXPECT_LE(shares.changes, shares.loaded);
        EXPECT_GT(shares.residents, shares.loaded + shares.additions);
        EXPECT_LE(shares.residents, synth::persons_max);
    }
}

NationBenchReport report() {
    NationBenchReport made;
    const auto rate = [](bench::CheckPhase& phase, std::uint64_t good, std::chrono::seconds elapsed) {
        phase.load.good = phase.load.good_in_time = good;
        phase.load.elapsed = elapsed;
    };
    rate(made.base.warm, 10'000, std::chrono::seconds(1));
    rate(made.nation.warm, 9'000, std::chrono::seconds(1));
    rate(made.cold, 6'000, std::chrono::seconds(1));
    made.cold.disk.read_bytes = 6'000ULL * 2 * sql::registry_page_bytes;
    made.base.size.persons = 1'000'000;
    made.nation.size = {10'000'000,
                        8'500'000'000,
                        1'500'000'000,
                        12'000'000'000,
                        {{"person_now", 4'000'000'000}, {"resident", 1'000'000'000}}};
    made.nation.intake = {1'500'000, 100, 300};
    return made;
}

TEST(nation_report, relates_warm_and_cold_to_the_base) {
    const auto made = report();
    EXPECT_DOUBLE_EQ(made.ratio_warm(), 0.9);
    EXPECT_DOUBLE_EQ(made.ratio_cold(), 0.6);
    EXPECT_DOUBLE_EQ(made.pages_per_check_cold(), 2.0);
    EXPECT_DOUBLE_EQ(made.nation.size.bytes_per_person(), 900.0) << "the resident register is another system's";
    EXPECT_DOUBLE_EQ(made.nation.size.resident_register_bytes_per_person(), 100.0);
    EXPECT_DOUBLE_EQ(made.nation.size.bytes_per_person_before_compacting(), 1'080.0);
    EXPECT_TRUE(made.reaches({}));
}

TEST(nation_report, each_target_that_is_missed_is_seen) {
    using Spoil = void (*)(NationBenchReport&);
    for (const Spoil spoil : {Spoil([](NationBenchReport& r) { r.nation.warm.load.good_in_time = 7'900; }),
                              Spoil([](NationBenchReport& r) { r.cold.load.good_in_time = 4'900; }),
                              Spoil([](NationBenchReport& r) { r.cold.disk.read_bytes *= 2; }),
                              Spoil([](NationBenchReport& r) { r.nation.size.ledger_bytes += 1'100'000'000; })}) {
        auto made = report();
        spoil(made);
        EXPECT_FALSE(made.reaches({}));
    }
    EXPECT_FALSE(NationBenchReport().reaches({})) << "nothing was measured";
}

TEST(nation_report, ends_with_its_figures_as_one_line) {
    const std::string line = bench::to_json_line(report());
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto json = boost::json::parse(line).as_object();
    EXPECT_EQ(json.at("persons").to_number<int>(), 10'000'000);
    EXPECT_DOUBLE_EQ(json.at("checks_per_second_per_core").to_number<double>(), 9'000);
    EXPECT_DOUBLE_EQ(json.at("ratio_warm").to_number<double>(), 0.9);
    EXPECT_DOUBLE_EQ(json.at("ratio_cold").to_number<double>(), 0.6);
    EXPECT_DOUBLE_EQ(json.at("pages_per_check_cold").to_number<double>(), 2);
    EXPECT_DOUBLE_EQ(json.at("bytes_per_person").to_number<double>(), 900);
    EXPECT_DOUBLE_EQ(json.at("resident_register_bytes_per_person").to_number<double>(), 100);
    EXPECT_DOUBLE_EQ(json.at("bytes_per_person_before_compacting").to_number<double>(), 1'080);
    EXPECT_DOUBLE_EQ(json.at("intake_records_per_second").to_number<double>(), 15'000);
    EXPECT_DOUBLE_EQ(json.at("bytes_per_person_by_table").as_object().at("person_now").to_number<double>(), 400);
    const std::string text = bench::to_text(report(), {});
    EXPECT_NE(text.find("reached"), std::string::npos);
    EXPECT_NE(text.find("person_now"), std::string::npos);
    EXPECT_NE(text.find("125 million persons would be 112 GB"), std::string::npos) << text;
}

}  // namespace onshi::nation_bench_test
