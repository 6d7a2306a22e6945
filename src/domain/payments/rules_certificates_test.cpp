#include "domain/payments/rules_certificates.h"

#include <gtest/gtest.h>

namespace onshi::payments {
namespace {

const Date day = Date::of(2026, 11, 23);
const InsurerNumber insurer = *InsurerNumber::parse("06010391");
const InsurerNumber other_insurer = *InsurerNumber::parse("138057");

LimitCertificate limit_certificate() {
    return {CertificateKey(1),
            CertificateState::active,
            insurer,
            LimitCertificateKind::limit_and_meals,
            Date::of(2026, 8, 1),
            {Date::of(2026, 8, 1), Date::of(2027, 7, 31)},
            Date::of(2026, 10, 1)};
}

SpecificDiseaseCertificate disease_certificate() {
    return {CertificateKey(2),
            CertificateState::active,
            insurer,
            SpecificDisease::renal_failure,
            Date::of(2026, 4, 1),
            {Date::of(2026, 4, 1), Date::open_end},
            Yen(10'000)};
}

SubsidyCertificate subsidy(std::string_view payer, std::int64_t key) {
    return {.key = CertificateKey(key),
            .payer = *PublicPayerNumber::parse(payer),
            .recipient = "0123455",
            .name = "こども医療費助成",
            .municipality = *MunicipalityCode::parse("131016"),
            .valid = {Date::of(2026, 4, 1), Date::of(2027, 3, 31)},
            .monthly_cap = Yen(2'500),
            .income = IncomeClass::low_1,
            .refund_only = true};
}

Holdings holdings() {
    return {{limit_certificate()}, {disease_certificate()}, {subsidy("83136010", 3), subsidy("54136015", 4)}};
}

TEST(certificates, packed_ones_come_back_as_they_were) {
    EXPECT_EQ(unpack_holdings(pack_all(holdings())), holdings());
    EXPECT_EQ(unpack_holdings(pack_all({})), Holdings());
    Holdings one_by_one;
    EXPECT_TRUE(unpack_into(pack(limit_certificate()), one_by_one));
    EXPECT_TRUE(unpack_into(pack(disease_certificate()), one_by_one));
    EXPECT_TRUE(unpack_into(pack(subsidy("83136010", 3)), one_by_one));
    EXPECT_TRUE(unpack_into(pack(subsidy("54136015", 4)), one_by_one));
    EXPECT_EQ(one_by_one, holdings());
}

TEST(certificates, cut_or_foreign_bytes_are_none) {
    const std::string bytes = pack_all(holdings());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(unpack_holdings(bytes.substr(0, size))) << size;
    }
    EXPECT_FALSE(unpack_holdings(bytes + "x"));
    std::string foreign = bytes;
    foreign[0] = '\x7f';
    EXPECT_FALSE(unpack_holdings(foreign));
}

TEST(certificates, a_person_holds_no_more_than_the_limit) {
    Holdings full;
    const std::string one = pack(disease_certificate());
    for (std::size_t i = 0; i < certificates_per_person_max; ++i) EXPECT_TRUE(unpack_into(one, full));
    EXPECT_TRUE(unpack_holdings(pack_all(full)));
    EXPECT_FALSE(unpack_into(one, full));
    EXPECT_EQ(full.size(), certificates_per_person_max);
}

TEST(certificates, municipality_codes_are_checked) {
    for (const char* code : {"131016", "011002", "271004", "472018", "130001"}) {
        const auto parsed = MunicipalityCode::parse(code);
        ASSERT_TRUE(parsed) << code;
        EXPECT_EQ(parsed->text(), code);
        EXPECT_EQ(MunicipalityCode::from_key(parsed->to_key()), *parsed);
    }
    EXPECT_EQ(MunicipalityCode::parse("131016")->prefecture(), 13);
    EXPECT_EQ(MunicipalityCode::parse("131017").error().code, ErrorCode::number_check_digit);
    EXPECT_EQ(MunicipalityCode::parse("481009").error().code, ErrorCode::number_prefecture);
    EXPECT_EQ(MunicipalityCode::parse("001002").error().code, ErrorCode::number_prefecture);
    for (const char* code : {"13101", "1310166", "13101x", ""}) {
        EXPECT_EQ(MunicipalityCode::parse(code).error().code, ErrorCode::number_format) << code;
    }
}

TEST(certificates, the_limit_block_tells_blank_from_none_and_from_not_shown) {
    const auto blank = disclose_limit({.category = "", .scheme = InsurerScheme::health_society});
    EXPECT_EQ(blank.presence, Presence::blank);
    EXPECT_FALSE(blank.block);
    const auto none = disclose_limit({.category = "", .scheme = InsurerScheme::self_defence});
    EXPECT_EQ(none.presence, Presence::not_applicable);
    // Not shown says nothing of whether there is one.
    for (const char* category : {"", "A03"}) {
        const auto hidden =
            disclose_limit({.category = category, .scheme = InsurerScheme::health_society, .shown = false});
        EXPECT_EQ(hidden.presence, Presence::not_shown);
        EXPECT_FALSE(hidden.block);
    }
}

TEST(certificates, the_limit_block_is_that_of_the_certificate) {
    const LimitCertificate certificate = limit_certificate();
    const auto told =
        disclose_limit({.category = "B05", .scheme = InsurerScheme::health_society, .certificate = &certificate});
    EXPECT_EQ(told.presence, Presence::present);
    EXPECT_EQ(told.block, (LimitBlock{LimitCertificateKind::limit_and_meals, "B05", Date::of(2026, 8, 1),
                                      Date::of(2026, 8, 1), Date::of(2027, 7, 31), Date::of(2026, 10, 1)}));
}

TEST(certificates, without_one_the_kind_follows_from_the_category) {
    struct Row {
        const char* category;
        LimitCertificateKind kind;
    };
    const Row rows[] = {{"A01", LimitCertificateKind::limit},           {"A04", LimitCertificateKind::limit},
                        {"A05", LimitCertificateKind::limit_and_meals}, {"A06", LimitCertificateKind::limit_and_meals},
                        {"B03", LimitCertificateKind::limit},           {"B09", LimitCertificateKind::limit},
                        {"B05", LimitCertificateKind::limit_and_meals}, {"B08", LimitCertificateKind::limit_and_meals}};
    for (const auto& row : rows) {
        const auto told = disclose_limit({.category = row.category, .scheme = InsurerScheme::health_society});
        ASSERT_TRUE(told.block) << row.category;
        EXPECT_EQ(told.block->kind, row.kind) << row.category;
        EXPECT_EQ(told.block->category, row.category);
        EXPECT_FALSE(told.block->valid_from);
    }
}

TEST(certificates, disease_blocks_leave_out_an_open_end) {
    auto ending = disease_certificate();
    ending.disease = SpecificDisease::hiv_by_blood_product;
    ending.valid.last = Date::of(2027, 3, 31);
    const std::vector shown{disease_certificate(), ending};
    const auto blocks = disease_blocks(shown);
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0], (SpecificDiseaseBlock{SpecificDisease::renal_failure, Date::of(2026, 4, 1),
                                               Date::of(2026, 4, 1), std::nullopt, Yen(10'000)}));
    EXPECT_EQ(blocks[1].valid_to, Date::of(2027, 3, 31));
}

TEST(certificates, only_the_insurers_own_count_and_the_newest_of_them) {
    Holdings held = holdings();
    EXPECT_EQ(limit_on(held, other_insurer, day), nullptr);
    EXPECT_TRUE(diseases_on(held, other_insurer, day).empty());
    auto newer = limit_certificate();
    newer.key = CertificateKey(9);
    newer.issued_on = Date::of(2026, 9, 1);
    held.limits.push_back(newer);
    EXPECT_EQ(limit_on(held, insurer, day)->key, CertificateKey(9));
    held.limits.back().state = CertificateState::cancelled;
    EXPECT_EQ(limit_on(held, insurer, day)->key, CertificateKey(1));
    auto raised = disease_certificate();
    raised.key = CertificateKey(10);
    raised.monthly_cap = Yen(20'000);
    held.diseases.push_back(raised);
    const auto diseases = diseases_on(held, insurer, day);
    ASSERT_EQ(diseases.size(), 1U);
    EXPECT_EQ(diseases[0].monthly_cap, Yen(20'000));
}

TEST(certificates, the_last_day_of_validity_still_counts) {
    Holdings held = holdings();
    EXPECT_NE(limit_on(held, insurer, Date::of(2027, 7, 31)), nullptr);
    EXPECT_EQ(limit_on(held, insurer, Date::of(2027, 8, 1)), nullptr);
    EXPECT_EQ(limit_on(held, insurer, Date::of(2026, 7, 31)), nullptr);
    EXPECT_EQ(subsidies_on(held, builtin_tables(), Date::of(2027, 3, 31)).size(), 2U);
    EXPECT_TRUE(subsidies_on(held, builtin_tables(), Date::of(2027, 4, 1)).empty());
}

TEST(certificates, subsidies_come_in_the_order_in_which_payers_are_asked) {
    Holdings held = holdings();
    held.subsidies.push_back(subsidy("52138013", 5));
    held.subsidies.push_back(subsidy("80137151", 6));
    const auto found = subsidies_on(held, builtin_tables(), day);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].payer.law_code(), 52);
    EXPECT_EQ(found[1].payer.law_code(), 54);
    EXPECT_EQ(found[2].payer.law_code(), 80);  // local ones by number
    EXPECT_EQ(found[3].payer.law_code(), 83);
    held.subsidies[0].state = CertificateState::cancelled;
    EXPECT_EQ(subsidies_on(held, builtin_tables(), day).size(), 3U);
}

}  // namespace
}  // namespace onshi::payments
