#include "hub/secrets.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/pki/secret_file.h"

namespace onshi::hub {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t secret_bytes = 32;
constexpr const char* demo_mark = "DEMO";
constexpr std::uint32_t generation_max = 1'000'000;

std::string file_name(std::string_view name, std::uint32_t generation) {
    return fmt::format("{}.{}.key", name, generation);
}

// Newest first.
std::vector<std::uint32_t> generations(const std::string& folder, std::string_view name) {
    std::vector<std::uint32_t> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string file = entry.path().filename();
        if (!file.starts_with(std::string(name) + ".") || !file.ends_with(".key")) continue;
        const std::string number = file.substr(name.size() + 1, file.size() - name.size() - 5);
        const bool digits = !number.empty() && number.size() < 7 &&
                            std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
        if (!digits) continue;
        const auto generation = static_cast<std::uint32_t>(std::stoul(number));
        if (generation >= 1 && generation < generation_max) found.push_back(generation);
    }
    std::ranges::sort(found, std::greater());
    return found;
}

Result<SecretBytes> load(const std::string& folder, std::string_view name, std::uint32_t generation) {
    return pki::read_secret_file(fs::path(folder) / file_name(name, generation));
}

Result<SecretBytes> load_newest(const std::string& folder, std::string_view name) {
    const auto found = generations(folder, name);
    if (found.empty()) return fail(ErrorCode::secret_missing, fmt::format("{}/{}.N.key", folder, name));
    return load(folder, name, found.front());
}

Result<pki::HmacKey> load_hmac(const std::string& folder, std::string_view name) {
    auto secret = load_newest(folder, name);
    if (!secret) return fail(std::move(secret));
    return pki::HmacKey::create(secret->bytes());
}

Result<std::vector<eligibility::Challenges::LiveKey>> load_challenge_keys(const std::string& folder) {
    std::vector<eligibility::Challenges::LiveKey> keys;
    for (const std::uint32_t generation : generations(folder, "challenge")) {
        if (keys.size() == 2) break;
        auto secret = load(folder, "challenge", generation);
        if (!secret) return fail(std::move(secret));
        auto key = pki::HmacKey::create(secret->bytes());
        if (!key) return fail(std::move(key));
        keys.push_back({generation, std::move(*key)});
    }
    if (keys.empty()) return fail(ErrorCode::secret_missing, folder + "/challenge.N.key");
    return keys;
}

}  // namespace

Result<audit::SealKeys> load_seal_keys(const std::string& folder) {
    audit::SealKeys keys;
    for (const std::uint32_t generation : generations(folder, "seal")) {
        if (keys.size() == seal_keys_max) break;
        auto seed = load(folder, "seal", generation);
        if (!seed) return fail(std::move(seed));
        auto key = pki::SigningKey::from_seed(seed->bytes());
        if (!key) return fail(std::move(key));
        keys.emplace_back(audit::seal_key_id(key->public_key()), key->public_key());
    }
    if (keys.empty()) return fail(ErrorCode::secret_missing, folder + "/seal.N.key");
    return keys;
}

namespace {

// An installation from before there were capsules has no key, and issues none.
Result<std::vector<pki::EcPrivateKey>> load_capsule_keys(const std::string& folder) {
    std::vector<pki::EcPrivateKey> keys;
    for (const std::uint32_t generation : generations(folder, capsule_secret)) {
        if (keys.size() == capsule_keys_max) break;
        auto key = pki::EcPrivateKey::load(fs::path(folder) / file_name(capsule_secret, generation));
        if (!key) return fail(std::move(key));
        if (key->curve() != pki::EcPrivateKey::Curve::p256) return fail(ErrorCode::key_malformed, "capsule: not P-256");
        keys.push_back(std::move(*key));
    }
    return keys;
}

}  // namespace

Result<Secrets> load_secrets(const std::string& folder) {
    auto challenge = load_challenge_keys(folder);
    if (!challenge) return fail(std::move(challenge));
    auto row_tag = load_hmac(folder, "row_tag");
    if (!row_tag) return fail(std::move(row_tag));
    auto pseudonym = load_hmac(folder, "pseudonym");
    if (!pseudonym) return fail(std::move(pseudonym));
    auto receipt = load_newest(folder, "receipt");
    if (!receipt) return fail(std::move(receipt));
    auto seal_seed = load_newest(folder, "seal");
    if (!seal_seed) return fail(std::move(seal_seed));
    auto seal = pki::SigningKey::from_seed(seal_seed->bytes());
    if (!seal) return fail(std::move(seal));
    auto seal_keys = load_seal_keys(folder);
    if (!seal_keys) return fail(std::move(seal_keys));
    auto tickets = load_newest(folder, "tickets");
    if (!tickets) return fail(std::move(tickets));
    auto capsule = load_capsule_keys(folder);
    if (!capsule) return fail(std::move(capsule));
    ByteReader receipt_reader(receipt->bytes());
    const std::uint64_t receipt_key = receipt_reader.u64();
    return Secrets{std::move(*challenge), std::move(*row_tag),   std::move(*pseudonym), receipt_key,
                   std::move(*seal),      std::move(*seal_keys), std::move(*tickets),   std::move(*capsule)};
}

Result<identity::NumberVault> load_number_vault(const std::string& folder) {
    auto tag_key = load_hmac(folder, "number_tag");
    if (!tag_key) return fail(std::move(tag_key));
    const auto found = generations(folder, "number");
    if (found.empty()) return fail(ErrorCode::secret_missing, folder + "/number.N.key");
    auto secret = load(folder, "number", found.front());
    if (!secret) return fail(std::move(secret));
    auto seal_key = pki::SealingKey::create(secret->bytes());
    if (!seal_key) return fail(std::move(seal_key));
    return identity::NumberVault(std::move(*tag_key), std::move(*seal_key), found.front());
}

Result<pki::SealingKey> load_members_file_key(const std::string& folder) {
    auto secret = load_newest(folder, "members_file");
    if (!secret) return fail(std::move(secret));
    return pki::SealingKey::create(secret->bytes());
}

Result<void> create_secrets(const std::string& folder, Random& random) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) return fail(ErrorCode::secret_missing, folder + ": " + error.message());
    for (const char* name : secret_names) {
        if (!generations(folder, name).empty()) continue;
        auto made = pki::create_random_secret(fs::path(folder) / file_name(name, 1), secret_bytes, random);
        if (!made) return fail(std::move(made));
    }
    if (!generations(folder, capsule_secret).empty()) return {};
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    return key.save(fs::path(folder) / file_name(capsule_secret, 1));
}

Result<void> mark_demo_secrets(const std::string& folder) {
    const std::string_view text = "These keys were made for a demo. The production profile refuses them.\n";
    return pki::write_secret_file(fs::path(folder) / demo_mark, as_bytes(text));
}

bool are_demo_secrets(const std::string& folder) {
    std::error_code error;
    return fs::exists(fs::path(folder) / demo_mark, error);
}

}  // namespace onshi::hub
