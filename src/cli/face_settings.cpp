#include "cli/face_settings.h"

#include "cli/files.h"
#include "platform/pki/ec_public_key.h"

namespace onshi::cli {

namespace {

face::Verdict verdict_of(std::string_view word) {
    if (word == "not_matched") return face::Verdict::not_matched;
    return word == "unusable" ? face::Verdict::unusable : face::Verdict::matched;
}

Result<std::string> required(const settings::ResolvedSettings& settings, std::string_view key) {
    std::string value = settings.text(key);
    if (value.empty()) return fail(ErrorCode::config_missing, std::string(key));
    return value;
}

}  // namespace

void declare_face_settings(Options& options) {
    options.settings({"face_engine", "face_simulated", "face_engine_name", "face_engine_socket", "face_engine_key"});
}

Result<terminal::FaceSettings> load_face_settings(const settings::ResolvedSettings& settings,
                                                  const TerminalProfile& profile) {
    terminal::FaceSettings face;
    const std::string& kind = settings.text("face_engine");
    if (kind == "none") return face;
    // Without it the card would not sign for a face, and the kiosk would say nothing of why.
    if (profile.card_certificate.empty() || profile.card_key.empty()) {
        return fail(ErrorCode::config_missing, "card_certificate and card_key of terminal.toml, for face_engine");
    }
    if (kind == "simulated") {
        face.simulated = verdict_of(settings.text("face_simulated"));
        return face;
    }
    auto name = required(settings, "face_engine_name");
    if (!name) return fail(std::move(name));
    if (!face::is_engine_name(*name)) return fail(ErrorCode::config_value, "face_engine_name");
    auto socket = required(settings, "face_engine_socket");
    if (!socket) return fail(std::move(socket));
    auto key = required(settings, "face_engine_key");
    if (!key) return fail(std::move(key));
    auto pem = read_text_file(*key);
    if (!pem) return fail(std::move(pem));
    auto point = pki::read_p256_public_pem(*pem);
    if (!point) return fail(std::move(point));
    if (profile.photo_roots.empty())
        return fail(ErrorCode::config_missing, "photo_roots of terminal.toml, for face_engine");
    auto text = read_text_file(profile.file(profile.photo_roots));
    if (!text) return fail(std::move(text));
    auto roots = smartcard::parse_cv_roots(*text);
    if (!roots) return fail(std::move(roots));
    face.key = {std::move(*name), std::move(*point)};
    face.socket = std::move(*socket);
    face.photo_roots = std::move(*roots);
    return face;
}

}  // namespace onshi::cli
