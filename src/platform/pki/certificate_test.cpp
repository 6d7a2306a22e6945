#include "platform/pki/certificate.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/der.h"
#include "platform/pki/forgery.h"
#include "platform/pki/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::certificate_test {

std::string card_certificate() {
    return forge({});
}

ErrorCode code_of(const Result<Certificate>& result) {
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

TEST(Certificate, of_a_card_gives_every_field_of_the_profile) {
    const auto der = card_certificate();
    const auto certificate = parse_certificate(as_bytes(der));
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->der, der);
    EXPECT_EQ(to_hex(as_bytes(certificate->serial)), "01000001");
    EXPECT_EQ(certificate->issuer, fixture_jpki().auth_ca(3).certificate().subject);
    EXPECT_EQ(certificate->subject.text(), "C=JP,CN=ABCDEFGHIJ0123456789KLM");
    EXPECT_EQ(certificate->subject.common_name(), "ABCDEFGHIJ0123456789KLM");
    EXPECT_EQ(certificate->subject.organization(), "");
    EXPECT_EQ(certificate->issuer.organization(), "TEST JPKI");
    EXPECT_EQ(certificate->not_before, start_of_japan_day(Date::of(2026, 1, 10)));
    EXPECT_EQ(certificate->not_after, start_of_japan_day(Date::of(2030, 8, 16)) - std::chrono::seconds(1));
    EXPECT_FALSE(certificate->is_ca);
    EXPECT_EQ(certificate->key_usage, KeyUsage::digital_signature);
    EXPECT_EQ(certificate->extended_key_usages, std::vector<std::string>{"1.3.6.1.5.5.7.3.2"});
    EXPECT_EQ(certificate->policies, std::vector<std::string>{std::string(policy_card_authentication)});
    EXPECT_EQ(certificate->authority_key_id, fixture_jpki().auth_ca(3).certificate().subject_key_id);
    EXPECT_EQ(certificate->subject_key_id.size(), 20U);
    EXPECT_EQ(certificate->ocsp_urls.size(), 1U);
    EXPECT_EQ(certificate->key_name, "RSA 2048");
    EXPECT_EQ(certificate->card_key, fixture_keys().public_key(6));
}

TEST(Certificate, is_summarised_for_people) {
    const auto summary = summarize(*parse_certificate(as_bytes(card_certificate())));
    EXPECT_EQ(summary.serial_hex, "01000001");
    EXPECT_EQ(summary.serial_decimal, "16777217");
    EXPECT_EQ(summary.not_before, "2026-01-09T15:00:00Z");
    EXPECT_EQ(summary.not_after, "2030-08-15T14:59:59Z");
    EXPECT_EQ(summary.key, "RSA 2048");
    EXPECT_EQ(summary.key_usages, std::vector<std::string>{"digital_signature"});
    EXPECT_EQ(summary.fingerprint.size(), 64U);
    EXPECT_FALSE(summary.is_ca);
}

TEST(Certificate, that_is_not_one_strict_v3_certificate_is_malformed) {
    const auto good = card_certificate();
    Forgery huge;
    huge.policies.assign(700, "1.2.392.200149.8.5.1.3.30.1234567890.1234567890.1234567890");
    Forgery version_1;
    version_1.change = [](X509* x509) { X509_set_version(x509, X509_VERSION_1); };
    Forgery zero_serial;
    zero_serial.serial = std::string(1, '\0');
    Forgery long_serial;
    long_serial.serial = std::string(21, '\x11');
    Forgery negative_serial;
    negative_serial.change = [](X509* x509) { ASN1_INTEGER_set(X509_get_serialNumber(x509), -5); };
    Forgery backwards;
    std::swap(backwards.not_before, backwards.not_after);
    Forgery twice;
    twice.change = [](X509* x509) {
        add_extension(x509, make_text_extension(NID_key_usage, "critical,digitalSignature"));
    };
    Forgery broken;
    broken.extended_key_usage.clear();
    broken.change = [](X509* x509) { add_raw_extension(x509, NID_ext_key_usage, "\x04\x01x"); };
    Forgery without_seconds;
    without_seconds.change = [](X509* x509) { ASN1_STRING_set(X509_getm_notBefore(x509), "2601091500Z", -1); };
    const std::pair<const char*, std::string> rows[] = {
        {"nothing", ""},
        {"a trailing byte", good + std::string(1, '\0')},
        {"a second certificate", good + good},
        {"one byte short", good.substr(0, good.size() - 1)},
        {"the PEM form", to_pem(as_bytes(good))},
        {"larger than the limit", forge(huge)},
        {"version 1", forge(version_1)},
        {"serial 0", forge(zero_serial)},
        {"serial of 21 bytes", forge(long_serial)},
        {"a negative serial", forge(negative_serial)},
        {"ends before it begins", forge(backwards)},
        {"keyUsage twice", forge(twice)},
        {"extKeyUsage that is no list", forge(broken)},
        {"a time without seconds", forge(without_seconds)},
        {"a list", fixture_jpki().auth_ca(3).make_crl({}, 1, fixture_now, fixture_now)},
    };
    for (const auto& [what, der] : rows)
        EXPECT_EQ(code_of(parse_certificate(as_bytes(der))), ErrorCode::certificate_malformed) << what;
}

TEST(Certificate, with_a_serial_of_20_bytes_is_read) {
    Forgery forgery;
    forgery.serial = std::string(20, '\x7F');
    const auto certificate = parse_certificate(as_bytes(forge(forgery)));
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->serial, forgery.serial);
}

TEST(Certificate, serials_are_canonical_whatever_their_first_bit) {
    for (const auto* hex : {"01", "7f", "80", "ff00", "0123456789abcdef"}) {
        Forgery forgery;
        forgery.serial = *from_hex(hex);
        EXPECT_EQ(to_hex(as_bytes(parse_certificate(as_bytes(forge(forgery)))->serial)), hex);
    }
}

TEST(Certificate, any_bytes_are_parsed_or_refused) {
    const auto good = card_certificate();
    EXPECT_TRUE(rc::check("mutated certificates", [&] {
        auto der = good;
        const auto changes = *rc::gen::inRange(1, 6);
        for (int i = 0; i < changes; ++i) {
            der[*rc::gen::inRange<std::size_t>(0, der.size())] = static_cast<char>(*rc::gen::arbitrary<std::uint8_t>());
        }
        const auto certificate = parse_certificate(as_bytes(der));
        if (!certificate) {
            RC_ASSERT(certificate.error().code == ErrorCode::certificate_malformed);
            return;
        }
        RC_ASSERT(certificate->der == der);
        RC_ASSERT(!certificate->serial.empty() && certificate->serial.size() <= serial_bytes_max);
        static_cast<void>(summarize(*certificate));
    }));
}

TEST(Certificate, filler_behind_it_on_the_card_is_cut_off_by_its_own_length) {
    const auto good = card_certificate();
    EXPECT_EQ(certificate_size(as_bytes(good)), good.size());
    EXPECT_EQ(certificate_size(as_bytes(good + std::string(300, '\xFF'))), good.size());
    EXPECT_EQ(certificate_size(as_bytes(good.substr(0, 100))), std::nullopt);
    EXPECT_EQ(certificate_size(as_bytes(std::string(100, '\xFF'))), std::nullopt);
    EXPECT_EQ(certificate_size({}), std::nullopt);
    const auto at_limit = der::element(der::tag_sequence, {std::string(certificate_bytes_max - 4, 'x')});
    EXPECT_EQ(certificate_size(as_bytes(at_limit)), certificate_bytes_max);
    const auto above = der::element(der::tag_sequence, {std::string(certificate_bytes_max - 3, 'x')});
    EXPECT_EQ(certificate_size(as_bytes(above)), std::nullopt);
}

TEST(Pem, holds_certificates_in_order_and_nothing_else) {
    const auto first = to_pem(as_bytes(fixture_jpki().auth_ca(1).certificate().der));
    const auto second = to_pem(as_bytes(fixture_jpki().auth_ca(2).certificate().der));
    const auto both = parse_certificates_pem("# roots\n" + first + "\nsecond:\n" + second);
    ASSERT_TRUE(both);
    ASSERT_EQ(both->size(), 2U);
    EXPECT_EQ((*both)[1].der, fixture_jpki().auth_ca(2).certificate().der);
    const auto key = fixture_keys().key(6).to_pem();
    const std::string bad[] = {"",
                               "no certificate",
                               first + std::string(as_text(key.bytes())),
                               "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                               first.substr(0, 200),
                               first + std::string(trust_file_bytes_max, ' ')};
    for (const auto& text : bad) {
        const auto read = parse_certificates_pem(text);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, ErrorCode::certificate_malformed);
    }
}

TEST(CardKey, stands_in_the_certificate_in_its_one_usual_form) {
    const auto p384 = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    const auto point = p384.public_point();
    Forgery ec;
    ec.public_key_info = as_text(p384.subject_public_key_info());
    const auto certificate = parse_certificate(as_bytes(forge(ec)));
    ASSERT_TRUE(certificate && certificate->card_key);
    EXPECT_EQ(certificate->key_name, "P-384");
    EXPECT_EQ(*certificate->card_key, *CardPublicKey::ec_p384(Bytes(point).first(48), Bytes(point).last(48)));

    const auto& rsa = fixture_keys().public_key(6);
    Forgery three;
    three.public_key_info = rsa_key_info(rsa.modulus(), as_bytes("\x03"));
    Forgery p256;
    p256.public_key_info = as_text(EcPrivateKey::generate(EcPrivateKey::Curve::p256).subject_public_key_info());
    for (const auto& [forgery, name] : {std::pair(three, "RSA 2048"), std::pair(p256, "P-256")}) {
        const auto weak = parse_certificate(as_bytes(forge(forgery)));
        ASSERT_TRUE(weak) << name;
        EXPECT_FALSE(weak->card_key) << name;
        EXPECT_EQ(weak->key_name, name);
    }
}

TEST(CaId, is_of_the_key_and_not_of_the_name) {
    const auto& first = fixture_jpki().auth_ca(1);
    const auto& second = fixture_jpki().auth_ca(2);
    EXPECT_EQ(first.certificate().subject, second.certificate().subject);
    EXPECT_NE(first.id(), second.id());
    EXPECT_EQ(CaId::parse(first.id().bytes), first.id());
    EXPECT_EQ(CaId::parse(Bytes(first.id().bytes).first(15)), std::nullopt);
    EXPECT_EQ(first.id().hex().size(), 32U);
}

}  // namespace onshi::pki::certificate_test
