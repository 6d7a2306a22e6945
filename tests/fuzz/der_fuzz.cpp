// Any bytes into every reader of certificates, lists, answers, requests and stored keys. What is believed must be what
// the CA signed: an input may differ from the seed only where no signature reaches.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/random.h"
#include "der_fuzz_seeds.h"
#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/revocation.h"
#include "platform/pki/trust_store.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

namespace {

using namespace onshi;
using namespace onshi::pki;

constexpr Instant now{1'795'402'800'000'000};  // 2026-11-23 12:00 in Japan, inside the validity of all seeds

enum class Reader : std::uint8_t { certificate, list, answer, request, stored_key, pem, count };

struct World {
    std::string card = *from_base64url(seeds::card);
    std::string list = *from_base64url(seeds::list);
    std::string answer = *from_base64url(seeds::answer);
    std::string request = *from_base64url(seeds::request);
    Certificate root = *parse_certificate(as_bytes(*from_base64url(seeds::root)));
    TrustStore store = *TrustStore::create(TrustPurpose::card_authentication, {&root, 1});
    OcspQuestion question{*from_base64url(seeds::question), store.roots()[0].id, std::string("\x01\0\0\x01", 4), {}};
    std::vector<AcceptedPolicy> policies{{std::string(policy_card_authentication), ExpiryGrace::three_months}};
    SystemRandom random;
    IssuingCa organisations =
        *IssuingCa::create(IssuingCa::Kind::organisation, "TEST", {now, now + std::chrono::days(3650)}, random);
};

World& world() {
    static World instance;
    return instance;
}

std::string seed_of(Reader reader) {
    switch (reader) {
        case Reader::certificate: return world().card;
        case Reader::list: return world().list;
        case Reader::answer: return world().answer;
        case Reader::request: return world().request;
        case Reader::stored_key: return std::string(as_text(world().root.card_key->stored()));
        case Reader::pem: return to_pem(as_bytes(world().card)) + to_pem(as_bytes(world().root.der));
        case Reader::count: break;
    }
    return {};
}

void check_der(Bytes bytes) {
    if (!der::is_strict(bytes)) return;
    ENSURE(der::element_size(bytes) == bytes.size());
    ENSURE(!der::is_strict(bytes.first(bytes.size() - 1)));
    ENSURE(!der::is_strict(as_bytes(std::string(as_text(bytes)) + "\x05")));
}

void check_content(const Certificate& certificate) {
    ENSURE(!certificate.serial.empty() && certificate.serial.size() <= serial_bytes_max &&
           certificate.serial[0] != '\0');
    ENSURE(certificate.not_before <= certificate.not_after);
    ENSURE(der::is_strict(as_bytes(certificate.der)) && certificate.der.size() <= certificate_bytes_max);
    ENSURE(certificate_size(as_bytes(certificate.der + "filler")) == certificate.der.size());
    if (certificate.card_key) {
        ENSURE(as_text(certificate.card_key->subject_public_key_info()) == certificate.subject_public_key_info);
        ENSURE(*CardPublicKey::parse(certificate.card_key->stored()) == *certificate.card_key);
    }
    const auto summary = summarize(certificate);
    ENSURE(*from_hex(summary.serial_hex) == certificate.serial);
    const auto again = parse_certificates_pem(to_pem(as_bytes(certificate.der)));
    ENSURE(again && again->size() == 1 && again->front().der == certificate.der);
}

void check_certificate(Bytes bytes) {
    const auto certificate = parse_certificate(bytes);
    if (certificate) {
        ENSURE(certificate->der == as_text(bytes));
        check_content(*certificate);
    }
    const auto verified = verify_card_certificate(bytes, world().store, world().policies, now);
    ENSURE(!verified || as_text(bytes) == world().card);
    ENSURE(!verified || certificate);
    const Certificate none[] = {certificate.value_or(Certificate{})};
    if (certificate) ENSURE(!TrustStore::create(TrustPurpose::server, none) || certificate->is_ca);
}

void check_list(Bytes bytes) {
    const auto list = Crl::read(bytes, world().store, {}, now);
    if (!list) return;
    ENSURE(as_text(bytes) == world().list);
    ENSURE(list->status(world().store.roots()[0].id, world().question.serial).state == RevocationState::suspended);
}

void check_answer(Bytes bytes) {
    const auto status = read_ocsp_response(bytes, world().question, world().store, {}, now);
    // The certificates in an answer are hints that no signature covers; what is said is covered.
    if (status)
        ENSURE(status->state == RevocationState::suspended && status->reason == RevocationReason::certificate_hold);
}

void check_request(Bytes bytes) {
    auto& w = world();
    const auto der =
        w.organisations.issue_terminal(bytes, {"1310000001", "T-01"}, {now, now + std::chrono::days(365)}, w.random);
    if (!der) return;
    const auto certificate = parse_certificate(as_bytes(*der));
    ENSURE(certificate && certificate->key_name == "P-256" && !certificate->is_ca);
    ENSURE(terminal_subject(*certificate) == (TerminalSubject{"1310000001", "T-01"}));
    // The certified key is the one that stands in the request.
    const auto point = certificate->subject_public_key_info.substr(certificate->subject_public_key_info.size() - 64);
    ENSURE(as_text(bytes).find(point) != std::string_view::npos);
}

void check_stored_key(Bytes bytes) {
    const auto key = CardPublicKey::parse(bytes);
    if (!key) return;
    ENSURE(as_text(key->stored()) == as_text(bytes) && der::is_strict(key->subject_public_key_info()));
    const auto digest = sha256(bytes);
    for (const auto algorithm : {SignatureAlgorithm::rsa_pkcs1_sha256, SignatureAlgorithm::rsa_pss_sha256}) {
        const bool allowed = is_allowed(key->kind(), algorithm);
        const auto verdict =
            verify_digest(*key, algorithm, digest, bytes.last(std::min<std::size_t>(bytes.size(), 256)));
        ENSURE(allowed || verdict.error().code == ErrorCode::signature_algorithm);
    }
    static_cast<void>(verify_message(*key, SignatureAlgorithm::ecdsa_p384_sha384, bytes, bytes));
}

void check_pem(Bytes bytes) {
    const auto certificates = parse_certificates_pem(as_text(bytes));
    if (!certificates) return;
    ENSURE(!certificates->empty());
    for (const auto& certificate : *certificates) check_content(certificate);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes bytes(data + 1, size - 1);
    check_der(bytes);
    switch (static_cast<Reader>(data[0] % static_cast<std::uint8_t>(Reader::count))) {
        case Reader::certificate: check_certificate(bytes); break;
        case Reader::list: check_list(bytes); break;
        case Reader::answer: check_answer(bytes); break;
        case Reader::request: check_request(bytes); break;
        case Reader::stored_key: check_stored_key(bytes); break;
        case Reader::pem: check_pem(bytes); break;
        case Reader::count: break;
    }
    return 0;
}

// From nothing the fuzzer would never reach the inside of a certificate, so one mutation in eight starts from a seed.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
    if (seed % 8 == 0 || size == 0) {
        const auto reader = static_cast<Reader>(seed / 8 % static_cast<unsigned>(Reader::count));
        const std::string input = static_cast<char>(reader) + seed_of(reader);
        size = std::min(input.size(), size_max);
        std::memcpy(data, input.data(), size);
        if (seed % 64 == 0) return size;
    }
    return LLVMFuzzerMutate(data, size, size_max);
}
