#include "cli/server_check.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/files.h"
#include "cli/stores.h"
#include "hub/production.h"
#include "hub/secrets.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/secret_file.h"
#include "platform/pki/trust_store.h"

namespace onshi::cli {

namespace {

std::int64_t days_left(Instant not_after, Instant now) {
    return japan_day(not_after).days() - std::int64_t{japan_day(now).days()};
}

Finding finding(std::string name, std::string seen, const Result<void>& result) {
    Finding made{std::move(name), std::move(seen), std::nullopt};
    if (!result) made.error = result.error();
    return made;
}

Result<void> check_dates(const pki::Certificate& certificate, Instant now) {
    if (now < certificate.not_before) return fail(ErrorCode::certificate_not_yet_valid, certificate.subject.text());
    if (now >= certificate.not_after) return fail(ErrorCode::certificate_expired, certificate.subject.text());
    return {};
}

std::string validity_text(const pki::Certificate& certificate, Instant now) {
    return fmt::format("{}, until {}, {} days left", certificate.subject.text(),
                       to_iso(japan_day(certificate.not_after)), days_left(certificate.not_after, now));
}

Finding check_server_certificate(const hub::Settings& settings, Instant now) {
    const std::string name = "server_certificate";
    if (settings.server_certificate.empty()) return finding(name, "", fail(ErrorCode::config_missing, name));
    auto pem = read_text_file(settings.server_certificate);
    if (!pem) return {name, "", pem.error()};
    auto chain = pki::parse_certificates_pem(*pem);
    if (!chain) return {name, settings.server_certificate, chain.error()};
    const auto& own = chain->front();
    auto key = pki::EcPrivateKey::load(settings.server_key);
    if (!key) return {"server_key", settings.server_key, key.error()};
    if (as_text(key->subject_public_key_info()) != std::string_view(own.subject_public_key_info)) {
        return finding(name, "", fail(ErrorCode::config_certificate, "server_key belongs to another certificate"));
    }
    auto allowed = hub::refuse_test_server(settings, *chain);
    if (!allowed) return finding(name, validity_text(own, now), allowed);
    return finding(name, validity_text(own, now), check_dates(own, now));
}

Finding check_roots(const hub::Settings& settings, const std::string& name, const std::string& path,
                    pki::TrustPurpose purpose) {
    if (path.empty()) return finding(name, "", fail(ErrorCode::config_missing, name));
    auto pem = read_text_file(path);
    if (!pem) return {name, "", pem.error()};
    auto store = pki::TrustStore::from_pem(purpose, *pem);
    if (!store) return {name, path, store.error()};
    std::string seen = fmt::format("{} root(s)", store->roots().size());
    if (store->contains_test_ca()) seen += ", TEST";
    return finding(name, std::move(seen), hub::refuse_test_roots(settings, name, *store));
}

Finding check_enrolment(const hub::Settings& settings) {
    const std::string name = "organisation_ca_key";
    if (settings.organisation_ca_key.empty()) return finding(name, "none: this hub enrols no terminals", {});
    auto ca = pki::IssuingCa::load(pki::IssuingCa::Kind::organisation, settings.organisation_ca_certificate,
                                   settings.organisation_ca_key);
    if (!ca) return {name, "", ca.error()};
    return finding(name, "fits its certificate", {});
}

Finding check_secrets(const hub::Settings& settings) {
    if (settings.secrets_folder.empty())
        return finding("secrets", "", fail(ErrorCode::config_missing, "secrets_folder"));
    auto secrets = hub::load_secrets(settings.secrets_folder);
    if (!secrets) return {"secrets", settings.secrets_folder, secrets.error()};
    return finding("secrets", settings.secrets_folder, hub::refuse_demo_secrets(settings));
}

Finding check_face_engines(const hub::Settings& settings) {
    std::string admitted = fmt::format("{}", fmt::join(settings.face_engines, ", "));
    if (admitted.empty()) admitted = "none: no check by face";
    return finding("face_engines", std::move(admitted), hub::refuse_simulated_faces(settings));
}

Finding check_key_device(const hub::Settings& settings) {
    const std::string name = "key_device";
    if (settings.key_device.empty()) return finding(name, "none: keys lie in secrets_folder alone", {});
    auto state = hub::check_key_device(settings.secrets_folder, settings.key_device);
    if (!state) return {name, "", state.error()};
    return finding(name, fmt::format("token {}, {} sealed key(s)", state->token, state->sealed_keys), {});
}

Finding check_stores(const hub::Settings& settings) {
    auto stores = Stores::open(settings.store);
    if (!stores) return {"stores", settings.store, stores.error()};
    return finding("stores", settings.store, {});
}

// Without SO_REUSEPORT, so that a hub that already listens is seen.
Result<void> try_to_bind(const std::string& address, std::uint16_t port) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    auto* four = reinterpret_cast<sockaddr_in*>(&storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        size = sizeof(sockaddr_in);
    } else if (::inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        size = sizeof(sockaddr_in6);
    } else {
        return fail(ErrorCode::config_listen, address + " is not a numeric address");
    }
    const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(ErrorCode::config_listen, std::strerror(errno));
    const int bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size);
    const int code = errno;
    ::close(fd);
    if (bound == 0) return {};
    return fail(ErrorCode::config_listen, fmt::format("{} port {}: {}", address, port, std::strerror(code)));
}

Finding check_port(const std::string& name, const std::string& address, std::uint16_t port) {
    if (port == 0) return finding(name, "chosen by the system", {});
    return finding(name, fmt::format("{} port {}", address, port), try_to_bind(address, port));
}

}  // namespace

std::vector<Finding> check_server(const hub::Settings& settings, Instant now) {
    std::vector<Finding> findings;
    findings.push_back(check_secrets(settings));
    findings.push_back(check_key_device(settings));
    findings.push_back(check_server_certificate(settings, now));
    findings.push_back(check_roots(settings, "organisation_ca_certificate", settings.organisation_ca_certificate,
                                   pki::TrustPurpose::organisation));
    findings.push_back(check_enrolment(settings));
    findings.push_back(
        check_roots(settings, "card_roots", settings.card_roots, pki::TrustPurpose::card_authentication));
    findings.push_back(check_face_engines(settings));
    findings.push_back(check_stores(settings));
    findings.push_back(check_port("port", settings.listen_address, settings.port));
    findings.push_back(check_port("metrics_port", "127.0.0.1", settings.metrics_port));
    return findings;
}

}  // namespace onshi::cli
