#include "platform/pki/key_device.h"

#include <algorithm>
#include <array>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "platform/pki/secret_file.h"

namespace onshi::pki {

namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr CK_ULONG aes_256_bytes = 32;
constexpr CK_ULONG keys_looked_at = 2;  // one is right, two are one too many

struct FreeUri {
    void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
};
using Uri = std::unique_ptr<P11KitUri, FreeUri>;

// The library takes pointers to what it only reads.
CK_BYTE_PTR bytes_of(Bytes bytes) {
    return const_cast<CK_BYTE_PTR>(bytes.data());
}

tl::unexpected<Error> failed(std::string_view what, CK_RV code) {
    return fail(ErrorCode::device_failed, fmt::format("{}: PKCS#11 0x{:X}", what, code));
}

bool is_about_pin(CK_RV code) {
    constexpr std::array codes{CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
                               CKR_PIN_EXPIRED,   CKR_PIN_LOCKED,  CKR_USER_PIN_NOT_INITIALIZED};
    return std::ranges::find(codes, code) != codes.end();
}

// Tokens say it in different ways; SoftHSM by a general error.
bool is_about_content(CK_RV code) {
    constexpr std::array codes{CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_GENERAL_ERROR,
                               CKR_FUNCTION_FAILED};
    return std::ranges::find(codes, code) != codes.end();
}

std::string token_name(const CK_TOKEN_INFO& info) {
    std::string name(reinterpret_cast<const char*>(info.label), sizeof(info.label));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    return name;
}

Result<Uri> parse(std::string_view text) {
    Uri uri(p11_kit_uri_new());
    const bool parsed = uri != nullptr && text.size() <= device_uri_bytes_max &&
                        p11_kit_uri_parse(std::string(text).c_str(), P11_KIT_URI_FOR_ANY, uri.get()) == P11_KIT_URI_OK;
    if (!parsed) return fail(ErrorCode::config_value, "key_device is no pkcs11: URI");
    if (p11_kit_uri_any_unrecognized(uri.get()) != 0)
        return fail(ErrorCode::config_value, "key_device: unknown attribute");
    if (p11_kit_uri_get_pin_value(uri.get()) != nullptr) {
        return fail(ErrorCode::config_value, "key_device: no pin-value, but pin-source=file:…");
    }
    for (const bool given :
         {p11_kit_uri_get_module_path(uri.get()) != nullptr, p11_kit_uri_get_pin_source(uri.get()) != nullptr,
          p11_kit_uri_get_attribute(uri.get(), CKA_LABEL) != nullptr}) {
        if (!given) return fail(ErrorCode::config_value, "key_device needs object, module-path and pin-source");
    }
    return uri;
}

}  // namespace

// What has to be given back, in the reverse of the order in which it was taken.
struct KeyDevice::Session {
    ~Session() {
        if (logged_in) module->C_Logout(session);
        if (is_open) module->C_CloseSession(session);
        if (initialised) p11_kit_module_finalize(module);
        if (module != nullptr) p11_kit_module_release(module);
    }
    [[nodiscard]] Result<void> load(P11KitUri* uri);
    [[nodiscard]] Result<CK_SLOT_ID> find_token(P11KitUri* uri);
    [[nodiscard]] Result<void> log_in(CK_SLOT_ID slot, P11KitUri* uri);
    [[nodiscard]] Result<void> find_key(P11KitUri* uri);

    CK_FUNCTION_LIST* module = nullptr;
    bool initialised = false;
    bool is_open = false;
    bool logged_in = false;
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE key = 0;
    std::string token;
};

Result<void> KeyDevice::Session::load(P11KitUri* uri) {
    const char* path = p11_kit_uri_get_module_path(uri);
    module = p11_kit_module_load(path, 0);
    if (module == nullptr) return fail(ErrorCode::device_unavailable, std::string("no module ") + path);
    if (const CK_RV code = p11_kit_module_initialize(module); code != CKR_OK) {
        return fail(ErrorCode::device_unavailable, fmt::format("{}: PKCS#11 0x{:X}", path, code));
    }
    initialised = true;
    return {};
}

Result<CK_SLOT_ID> KeyDevice::Session::find_token(P11KitUri* uri) {
    std::array<CK_SLOT_ID, device_tokens_max> slots{};
    CK_ULONG count = slots.size();
    if (const CK_RV code = module->C_GetSlotList(CK_TRUE, slots.data(), &count); code != CKR_OK) {
        return fail(ErrorCode::device_unavailable, fmt::format("tokens: PKCS#11 0x{:X}", code));
    }
    std::vector<CK_SLOT_ID> fitting;
    for (const CK_SLOT_ID slot : std::span(slots).first(count)) {
        CK_TOKEN_INFO info{};
        if (module->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
        const bool fits = (info.flags & CKF_TOKEN_INITIALIZED) != 0 && p11_kit_uri_match_token_info(uri, &info) != 0;
        if (!fits) continue;
        fitting.push_back(slot);
        token = token_name(info);
    }
    if (fitting.size() == 1) return fitting.front();
    return fail(ErrorCode::device_unavailable, fmt::format("{} tokens are as key_device says", fitting.size()));
}

Result<void> KeyDevice::Session::log_in(CK_SLOT_ID slot, P11KitUri* uri) {
    auto pin = load_secret(p11_kit_uri_get_pin_source(uri));
    if (!pin) return fail(std::move(pin));
    Bytes digits = pin->bytes();
    while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r'))
        digits = digits.first(digits.size() - 1);
    if (digits.empty() || digits.size() > device_pin_bytes_max)
        return fail(ErrorCode::secret_malformed, "the PIN's file");
    CK_RV code = module->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session);
    if (code != CKR_OK) return failed("session", code);
    is_open = true;
    code = module->C_Login(session, CKU_USER, bytes_of(digits), digits.size());
    logged_in = code == CKR_OK;
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return {};
    if (is_about_pin(code)) return fail(ErrorCode::device_pin, fmt::format("{}: PKCS#11 0x{:X}", token, code));
    return failed("login", code);
}

Result<void> KeyDevice::Session::find_key(P11KitUri* uri) {
    CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    const CK_ATTRIBUTE label = *p11_kit_uri_get_attribute(uri, CKA_LABEL);
    std::array<CK_ATTRIBUTE, 3> wanted{
        CK_ATTRIBUTE{CKA_CLASS, &kind, sizeof(kind)}, {CKA_KEY_TYPE, &type, sizeof(type)}, label};
    if (const CK_RV code = module->C_FindObjectsInit(session, wanted.data(), wanted.size()); code != CKR_OK) {
        return failed("search", code);
    }
    std::array<CK_OBJECT_HANDLE, keys_looked_at> found{};
    CK_ULONG count = 0;
    const CK_RV code = module->C_FindObjects(session, found.data(), found.size(), &count);
    module->C_FindObjectsFinal(session);
    if (code != CKR_OK) return failed("search", code);
    if (count != 1) return fail(ErrorCode::device_key, count == 0 ? "there is none" : "there are several");
    key = found.front();
    CK_ULONG bytes = 0;
    CK_ATTRIBUTE length{CKA_VALUE_LEN, &bytes, sizeof(bytes)};
    const bool told = module->C_GetAttributeValue(session, key, &length, 1) == CKR_OK;
    if (told && bytes != aes_256_bytes) return fail(ErrorCode::device_key, fmt::format("it has {} bits", bytes * 8));
    return {};
}

KeyDevice::KeyDevice(std::unique_ptr<Session> session) : session_(std::move(session)) {}
KeyDevice::~KeyDevice() = default;

const std::string& KeyDevice::token() const {
    return session_->token;
}

Result<std::unique_ptr<KeyDevice>> KeyDevice::open(std::string_view text) {
    auto uri = parse(text);
    if (!uri) return fail(std::move(uri));
    auto session = std::make_unique<Session>();
    auto done = session->load(uri->get());
    if (!done) return fail(std::move(done));
    auto slot = session->find_token(uri->get());
    if (!slot) return fail(std::move(slot));
    done = session->log_in(*slot, uri->get());
    if (done) done = session->find_key(uri->get());
    if (!done) return fail(std::move(done));
    return std::unique_ptr<KeyDevice>(new KeyDevice(std::move(session)));
}

namespace {

CK_GCM_PARAMS gcm(Bytes nonce, Bytes associated) {
    CK_GCM_PARAMS params{};
    params.pIv = bytes_of(nonce);
    params.ulIvLen = nonce.size();
    params.ulIvBits = nonce.size() * 8;
    params.pAAD = bytes_of(associated);
    params.ulAADLen = associated.size();
    params.ulTagBits = tag_bytes * 8;
    return params;
}

}  // namespace

Result<std::string> KeyDevice::seal(Bytes plaintext, Bytes associated, Random& random) const {
    if (plaintext.empty() || plaintext.size() > device_sealed_bytes_max)
        return fail(ErrorCode::secret_malformed, "size");
    std::array<std::uint8_t, nonce_bytes> nonce{};
    random.fill(nonce);
    CK_GCM_PARAMS params = gcm(nonce, associated);
    CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof(params)};
    const Session& s = *session_;
    CK_RV code = s.module->C_EncryptInit(s.session, &mechanism, s.key);
    if (code != CKR_OK) return failed("seal", code);
    std::string sealed(nonce_bytes + plaintext.size() + tag_bytes, '\0');
    std::copy(nonce.begin(), nonce.end(), sealed.begin());
    CK_ULONG size = plaintext.size() + tag_bytes;
    code = s.module->C_Encrypt(s.session, bytes_of(plaintext), plaintext.size(),
                               reinterpret_cast<CK_BYTE_PTR>(sealed.data()) + nonce_bytes, &size);
    if (code != CKR_OK || size != plaintext.size() + tag_bytes) return failed("seal", code);
    return sealed;
}

Result<SecretBytes> KeyDevice::open_sealed(Bytes sealed, Bytes associated) const {
    const bool sane =
        sealed.size() > nonce_bytes + tag_bytes && sealed.size() <= nonce_bytes + device_sealed_bytes_max + tag_bytes;
    if (!sane) return fail(ErrorCode::secret_not_authentic, "size");
    CK_GCM_PARAMS params = gcm(sealed.first(nonce_bytes), associated);
    CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof(params)};
    const Session& s = *session_;
    CK_RV code = s.module->C_DecryptInit(s.session, &mechanism, s.key);
    if (code != CKR_OK) return failed("open", code);
    const Bytes body = sealed.subspan(nonce_bytes);
    // Some tokens want room for the tag too.
    std::string plain(body.size(), '\0');
    CK_ULONG size = plain.size();
    code =
        s.module->C_Decrypt(s.session, bytes_of(body), body.size(), reinterpret_cast<CK_BYTE_PTR>(plain.data()), &size);
    if (is_about_content(code)) return fail(ErrorCode::secret_not_authentic, fmt::format("PKCS#11 0x{:X}", code));
    if (code != CKR_OK || size != body.size() - tag_bytes) return failed("open", code);
    plain.resize(size);
    return SecretBytes::take(plain);
}

}  // namespace onshi::pki
