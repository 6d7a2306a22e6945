#include "hub/secrets.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/pki/secret_file.h"

namespace onshi::hub {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t secret_bytes = 32;
constexpr const char* demo_mark = "DEMO";
constexpr std::uint32_t generation_max = 1'000'000;

constexpr std::string_view open_ending = ".key";
constexpr std::string_view wrapped_ending = ".wrapped";

std::string file_name(std::string_view name, std::uint32_t generation, std::string_view ending = open_ending) {
    return fmt::format("{}.{}{}", name, generation, ending);
}

// Newest first.
std::vector<std::uint32_t> generations(const std::string& folder, std::string_view name,
                                       std::string_view ending = open_ending) {
    std::vector<std::uint32_t> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string file = entry.path().filename();
        if (!file.starts_with(std::string(name) + ".") || !file.ends_with(ending)) continue;
        if (file.size() < name.size() + 1 + ending.size()) continue;
        const std::string number = file.substr(name.size() + 1, file.size() - name.size() - 1 - ending.size());
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

// A sealed key is bound to its name, so that none can be put in another's place.
std::string bound_to(std::string_view name, std::uint32_t generation) {
    return fmt::format("onshi key {}.{}", name, generation);
}

Result<SecretBytes> unwrap(const pki::KeyDevice& device, const std::string& folder, std::string_view name,
                           std::uint32_t generation) {
    auto sealed = pki::read_secret_file(fs::path(folder) / file_name(name, generation, wrapped_ending));
    if (!sealed) return sealed;
    return device.open_sealed(sealed->bytes(), as_bytes(bound_to(name, generation)));
}

struct FoundKey {
    SecretBytes bytes;
    std::uint32_t generation;
};

// The newest generation of a key that a device may have sealed.
class DeviceKeys {
  public:
    [[nodiscard]] static Result<DeviceKeys> open(const std::string& folder, const std::string& key_device) {
        DeviceKeys keys(folder);
        if (key_device.empty()) return keys;
        auto device = pki::KeyDevice::open(key_device);
        if (!device) return fail(std::move(device));
        keys.device_ = std::move(*device);
        return keys;
    }
    [[nodiscard]] Result<FoundKey> newest(std::string_view name) const {
        const auto open = generations(folder_, name);
        const auto wrapped = generations(folder_, name, wrapped_ending);
        const std::uint32_t newest_open = open.empty() ? 0 : open.front();
        const std::uint32_t newest_wrapped = wrapped.empty() ? 0 : wrapped.front();
        const std::uint32_t generation = std::max(newest_open, newest_wrapped);
        if (generation == 0) return fail(ErrorCode::secret_missing, fmt::format("{}/{}.N.key", folder_, name));
        const bool by_device = device_ != nullptr && newest_wrapped == generation;
        if (!by_device && newest_open != generation) {
            return fail(ErrorCode::secret_missing,
                        fmt::format("{} needs key_device", file_name(name, generation, wrapped_ending)));
        }
        auto bytes = by_device ? unwrap(*device_, folder_, name, generation) : load(folder_, name, generation);
        if (!bytes) return fail(std::move(bytes));
        return FoundKey{std::move(*bytes), generation};
    }

  private:
    explicit DeviceKeys(std::string folder) : folder_(std::move(folder)) {}
    std::string folder_;
    std::unique_ptr<pki::KeyDevice> device_;
};

}  // namespace

Result<pki::SigningKey> load_seal_key(const std::string& folder) {
    auto seed = load_newest(folder, "seal");
    if (!seed) return fail(std::move(seed));
    return pki::SigningKey::from_seed(seed->bytes());
}

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
    auto seal = load_seal_key(folder);
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

Result<identity::NumberVault> load_number_vault(const std::string& folder, const std::string& key_device) {
    auto keys = DeviceKeys::open(folder, key_device);
    if (!keys) return fail(std::move(keys));
    auto tag = keys->newest("number_tag");
    if (!tag) return fail(std::move(tag));
    auto tag_key = pki::HmacKey::create(tag->bytes.bytes());
    if (!tag_key) return fail(std::move(tag_key));
    auto seal = keys->newest("number");
    if (!seal) return fail(std::move(seal));
    auto seal_key = pki::SealingKey::create(seal->bytes.bytes());
    if (!seal_key) return fail(std::move(seal_key));
    return identity::NumberVault(std::move(*tag_key), std::move(*seal_key), seal->generation);
}

Result<pki::SealingKey> load_members_file_key(const std::string& folder, const std::string& key_device) {
    auto keys = DeviceKeys::open(folder, key_device);
    if (!keys) return fail(std::move(keys));
    auto key = keys->newest("members_file");
    if (!key) return fail(std::move(key));
    return pki::SealingKey::create(key->bytes.bytes());
}

Result<std::size_t> wrap_secret(const std::string& folder, const std::string& key_device, std::string_view name,
                                OpenFile open_file, Random& random) {
    auto device = pki::KeyDevice::open(key_device);
    if (!device) return fail(std::move(device));
    const auto open = generations(folder, name);
    const auto wrapped = generations(folder, name, wrapped_ending);
    if (open.empty() && wrapped.empty()) {
        return fail(ErrorCode::secret_missing, fmt::format("{}/{}.N.key", folder, name));
    }
    std::size_t sealed_now = 0;
    for (const std::uint32_t generation : open) {
        auto secret = load(folder, name, generation);
        if (!secret) return fail(std::move(secret));
        if (std::ranges::find(wrapped, generation) == wrapped.end()) {
            auto sealed = (*device)->seal(secret->bytes(), as_bytes(bound_to(name, generation)), random);
            if (!sealed) return fail(std::move(sealed));
            auto written = pki::write_secret_file(fs::path(folder) / file_name(name, generation, wrapped_ending),
                                                  as_bytes(*sealed));
            if (!written) return fail(std::move(written));
            ++sealed_now;
        }
        // From the disk: what cannot be opened again must not replace what can.
        auto again = unwrap(**device, folder, name, generation);
        if (!again) return fail(std::move(again));
        if (!again->equals(secret->bytes())) {
            return fail(ErrorCode::secret_not_authentic, file_name(name, generation, wrapped_ending));
        }
        std::error_code error;
        if (open_file == OpenFile::remove) fs::remove(fs::path(folder) / file_name(name, generation), error);
        if (error) return fail(ErrorCode::file_unwritable, file_name(name, generation) + ": " + error.message());
    }
    return sealed_now;
}

Result<DeviceState> check_key_device(const std::string& folder, const std::string& key_device) {
    auto device = pki::KeyDevice::open(key_device);
    if (!device) return fail(std::move(device));
    DeviceState state{(*device)->token(), 0};
    for (const char* name : wrapped_names) {
        for (const std::uint32_t generation : generations(folder, name, wrapped_ending)) {
            auto opened = unwrap(**device, folder, name, generation);
            if (!opened) return tl::unexpected(std::move(opened.error()));
            ++state.sealed_keys;
        }
    }
    return state;
}

Result<void> create_secrets(const std::string& folder, Random& random) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) return fail(ErrorCode::secret_missing, folder + ": " + error.message());
    for (const char* name : secret_names) {
        if (!generations(folder, name).empty() || !generations(folder, name, wrapped_ending).empty()) continue;
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
