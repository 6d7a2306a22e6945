#include "domain/cards/model.h"

#include <string_view>

#include <gtest/gtest.h>

namespace onshi::cards {
namespace {

struct Case {
    std::string_view expires_on;
    std::string_view day;
    Validity validity;
};

// domain-rules §6.9: 2026-08-15 → usable to 2026-11-30; 2026-11-30 → usable to 2027-02-28.
constexpr Case cases[] = {
    {"2026-08-15", "2026-05-15", Validity::valid},        {"2026-08-15", "2026-05-16", Validity::expires_soon},
    {"2026-08-15", "2026-08-15", Validity::expires_soon}, {"2026-08-15", "2026-08-16", Validity::in_grace},
    {"2026-08-15", "2026-11-30", Validity::in_grace},     {"2026-08-15", "2026-12-01", Validity::expired},
    {"2026-11-30", "2026-11-30", Validity::expires_soon}, {"2026-11-30", "2027-02-28", Validity::in_grace},
    {"2026-11-30", "2027-03-01", Validity::expired},
};

// 23:59:59 in Japan, as on the certificates (14:59:59Z).
Instant end_of_day(std::string_view iso) {
    return start_of_japan_day(parse_iso_date(iso)->plus_days(1)) - std::chrono::seconds(1);
}

TEST(certificate_validity, follows_the_grace_table) {
    for (const auto& c : cases) {
        EXPECT_EQ(validity_on(end_of_day(c.expires_on), Grace::three_months, *parse_iso_date(c.day)), c.validity)
            << c.expires_on << " on " << c.day;
    }
}

TEST(certificate_validity, a_phone_has_no_grace) {
    const Instant ends = end_of_day("2026-08-15");
    EXPECT_EQ(validity_on(ends, Grace::none, *parse_iso_date("2026-05-15")), Validity::valid);
    EXPECT_EQ(validity_on(ends, Grace::none, *parse_iso_date("2026-08-15")), Validity::expires_soon);
    EXPECT_EQ(validity_on(ends, Grace::none, *parse_iso_date("2026-08-16")), Validity::expired);
}

}  // namespace
}  // namespace onshi::cards
