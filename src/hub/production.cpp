#include "hub/production.h"

#include <algorithm>
#include <string>

#include "hub/secrets.h"

namespace onshi::hub {

namespace {

Result<void> refuse(const Settings& settings, bool found, std::string detail) {
    if (!found || settings.profile != Profile::production) return {};
    return fail(ErrorCode::config_test_parts, std::move(detail));
}

}  // namespace

Result<void> refuse_test_roots(const Settings& settings, std::string_view setting, const pki::TrustStore& roots) {
    return refuse(settings, roots.contains_test_ca(), std::string(setting) + " holds a TEST CA");
}

Result<void> refuse_test_server(const Settings& settings, std::span<const pki::Certificate> chain) {
    const bool test = std::ranges::any_of(chain, [](const pki::Certificate& certificate) {
        return certificate.issuer.organization().starts_with("TEST");
    });
    return refuse(settings, test, "server_certificate was issued by a TEST CA");
}

Result<void> refuse_demo_secrets(const Settings& settings) {
    return refuse(settings, are_demo_secrets(settings.secrets_folder), "secrets_folder holds the keys of a demo");
}

Result<void> refuse_simulated_faces(const Settings& settings) {
    const bool simulated = std::ranges::find(settings.face_engines, "simulated") != settings.face_engines.end();
    return refuse(settings, simulated, "face_engines admits `simulated`, which looks at nobody");
}

}  // namespace onshi::hub
