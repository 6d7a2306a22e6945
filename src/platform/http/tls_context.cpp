#include "platform/http/tls_context.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <ctime>
#include <vector>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "platform/http/limits.h"

namespace onshi::http {

namespace {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

constexpr std::size_t ticket_secret_bytes_min = 32;
constexpr std::size_t ticket_name_bytes = 16;

tl::unexpected<Error> refuse(std::string detail) {
    ERR_clear_error();
    return fail(ErrorCode::config_certificate, std::move(detail));
}

// Without it OpenSSL asks on the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
    return 0;
}

BioPtr reader_of(Bytes bytes) {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem, const char* what) {
    if (pem.size() > pem_bytes_max) return refuse(std::string(what) + ": more PEM than the limit");
    const BioPtr bio = reader_of(as_bytes(pem));
    std::vector<X509Ptr> certificates;
    while (bio) {
        X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr));
        if (!certificate) break;
        if (certificates.size() == trust_anchors_max) return refuse(std::string(what) + ": too many certificates");
        certificates.push_back(std::move(certificate));
    }
    // The normal end is "no start line"; anything else is a damaged certificate, which must not be skipped silently.
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!at_end || certificates.empty()) return refuse(std::string(what) + ": no certificate can be read");
    return certificates;
}

bool is_p256(const EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == "prime256v1";
}

Result<void> use_identity(SSL_CTX* context, const TlsIdentity& identity) {
    auto chain = read_certificates(identity.certificate_pem, "own certificate");
    if (!chain) return fail(std::move(chain));
    if (identity.key_pem.size() > pem_bytes_max) return refuse("own key: more PEM than the limit");
    const BioPtr bio = reader_of(identity.key_pem.bytes());
    const KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr) : nullptr);
    if (!key) return refuse("own key: cannot be read, or is encrypted");
    // P-384 costs four times as much per handshake and RSA twice (spec stack §1).
    if (!is_p256(key.get())) return refuse("own key: not P-256");
    if (SSL_CTX_use_certificate(context, chain->front().get()) != 1) return refuse("own certificate: not usable");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
        return refuse("own key does not belong to own certificate");
    }
    for (std::size_t i = 1; i < chain->size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) return refuse("own chain: not usable");
    }
    return {};
}

Result<void> use_anchors(SSL_CTX* context, const TrustAnchors& anchors) {
    auto certificates = read_certificates(anchors.pem, "trust anchors");
    if (!certificates) return fail(std::move(certificates));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    for (const X509Ptr& certificate : *certificates) {
        if (X509_check_ca(certificate.get()) != 1) return refuse("trust anchors: a certificate is not of a CA");
        if (X509_STORE_add_cert(store, certificate.get()) != 1) return refuse("trust anchors: not usable");
        if (SSL_CTX_add_client_CA(context, certificate.get()) != 1) return refuse("trust anchors: not usable");
    }
    SSL_CTX_set_verify_depth(context, 3);
    return {};
}

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                  void*) {
    static constexpr std::array<unsigned char, 9> offered{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, offered.data(), offered.size(), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<SessionSlot*>(SSL_get_app_data(ssl))->keep(session);
    return 1;
}

int verify_mode(ClientCertificate wanted) {
    switch (wanted) {
        case ClientCertificate::required: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        case ClientCertificate::optional: return SSL_VERIFY_PEER;
        case ClientCertificate::none: return SSL_VERIFY_NONE;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

std::int64_t seconds_of(Instant at) {
    return at.us / 1'000'000;
}

}  // namespace

// Keys of session tickets: HMAC(secret, label ‖ period number), so that every hub with the secret has the same ones,
// they change without anybody doing anything, and none needs to be kept.
struct TlsContext::TicketKeys {
    struct Key {
        std::array<unsigned char, 32> name;  // the first 16 bytes are sent
        std::array<unsigned char, 32> cipher;
        std::array<unsigned char, 32> mac;

        ~Key() { OPENSSL_cleanse(this, sizeof *this); }
    };

    void derive(std::string_view label, std::int64_t number, std::array<unsigned char, 32>& out) const {
        std::string input(label);
        ByteWriter(input).i64(number);
        unsigned size = SHA256_DIGEST_LENGTH;
        HMAC(EVP_sha256(), secret.bytes().data(), static_cast<int>(secret.size()), as_bytes(input).data(), input.size(),
             out.data(), &size);
    }

    void key_of(std::int64_t number, Key& key) const {
        derive("onshi ticket name", number, key.name);
        derive("onshi ticket cipher", number, key.cipher);
        derive("onshi ticket mac", number, key.mac);
    }

    [[nodiscard]] std::int64_t current(const Clock& clock) const { return seconds_of(clock.now()) / period.count(); }

    SecretBytes secret;
    std::chrono::seconds period;
};

TlsContext::TlsContext() = default;
TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
}

int TlsContext::ticket_callback(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                EVP_MAC_CTX* mac, int encrypting) {
    const auto* self = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::int64_t now = self->tickets_->current(*self->clock_);
    TicketKeys::Key key;
    int age = 0;
    for (; age < 2; ++age) {
        self->tickets_->key_of(now - age, key);
        if (encrypting == 1 || std::memcmp(name, key.name.data(), ticket_name_bytes) == 0) break;
    }
    if (age == 2) return 0;
    if (encrypting == 1) {
        std::memcpy(name, key.name.data(), ticket_name_bytes);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    }
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
    if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, encrypting) != 1) return -1;
    return age == 0 ? 1 : 2;
}

bool TlsContext::prepare_common() {
    if (context_ == nullptr) return false;
    SSL_CTX_set_app_data(context_, this);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context_,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // One system call per record instead of two.
    SSL_CTX_set_read_ahead(context_, 1);
    SSL_CTX_set_max_early_data(context_, 0);
    return SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context_, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(
               context_, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set1_groups_list(context_, "X25519:P-256") == 1;
}

bool TlsContext::prepare_tickets(const ServerTls& tls) {
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    if (tls.tickets.empty()) {
        SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(context_, 0) == 1;
    }
    tickets_ = std::make_unique<TicketKeys>(TicketKeys{tls.tickets.clone(), tls.ticket_period});
    SSL_CTX_set_timeout(context_, 2 * static_cast<long>(tls.ticket_period.count()));
    // A session is good only under the CAs and the demand for a certificate that it was made under.
    std::string scope = tls.client_anchors.pem;
    scope.push_back(static_cast<char>(tls.client_certificate));
    std::array<unsigned char, SHA256_DIGEST_LENGTH> context_id;
    SHA256(as_bytes(scope).data(), scope.size(), context_id.data());
    return SSL_CTX_set_session_id_context(context_, context_id.data(), context_id.size()) == 1 &&
           SSL_CTX_set_num_tickets(context_, 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(context_, &TlsContext::ticket_callback) == 1;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_server(const ServerTls& tls, const Clock& clock) {
    if (!tls.tickets.empty() && (tls.tickets.size() < ticket_secret_bytes_min || tls.ticket_period.count() < 1)) {
        return refuse("session tickets: secret shorter than 32 bytes or period below 1 s");
    }
    std::shared_ptr<TlsContext> made(new TlsContext);
    made->server_ = true;
    made->clock_ = &clock;
    made->wants_certificate_ = tls.client_certificate != ClientCertificate::none;
    made->context_ = SSL_CTX_new(TLS_server_method());
    if (!made->prepare_common() || !made->prepare_tickets(tls)) return refuse("TLS 1.3 is not available");
    auto identified = use_identity(made->context_, tls.identity);
    if (!identified) return fail(std::move(identified));
    if (made->wants_certificate_) {
        auto anchored = use_anchors(made->context_, tls.client_anchors);
        if (!anchored) return fail(std::move(anchored));
    }
    SSL_CTX_set_verify(made->context_, verify_mode(tls.client_certificate), nullptr);
    SSL_CTX_set_alpn_select_cb(made->context_, &choose_http11, nullptr);
    return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_client(const ClientTls& tls) {
    std::shared_ptr<TlsContext> made(new TlsContext);
    made->server_name_ = tls.server_name;
    made->context_ = SSL_CTX_new(TLS_client_method());
    if (!made->prepare_common()) return refuse("TLS 1.3 is not available");
    auto anchored = use_anchors(made->context_, tls.server_anchors);
    if (!anchored) return fail(std::move(anchored));
    if (tls.identity) {
        auto identified = use_identity(made->context_, *tls.identity);
        if (!identified) return fail(std::move(identified));
    }
    SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(made->context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(made->context_, &keep_session);
    static constexpr std::array<unsigned char, 9> alpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    if (SSL_CTX_set_alpn_protos(made->context_, alpn.data(), alpn.size()) != 0) return refuse("ALPN is not available");
    return std::shared_ptr<const TlsContext>(std::move(made));
}

SslPtr TlsContext::accepting() const {
    SslPtr ssl(SSL_new(context_));
    if (!ssl) return nullptr;
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl.get()), seconds_of(clock_->now()));
    SSL_set_accept_state(ssl.get());
    return ssl;
}

SslPtr TlsContext::connecting(const std::string& host, SessionSlot& slot) const {
    SslPtr ssl(SSL_new(context_));
    if (!ssl) return nullptr;
    const std::string& name = server_name_.empty() ? host : server_name_;
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    std::array<unsigned char, 16> address{};
    const bool numeric =
        inet_pton(AF_INET, name.c_str(), address.data()) == 1 || inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
    const int checked = numeric ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                                : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
    if (checked != 1) return nullptr;
    if (!numeric && SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1) return nullptr;
    SSL_set_app_data(ssl.get(), &slot);
    if (slot.session() != nullptr) SSL_set_session(ssl.get(), slot.session());
    SSL_set_connect_state(ssl.get());
    return ssl;
}

std::optional<Fingerprint> peer_fingerprint(const SSL* ssl) {
    const X509* certificate = SSL_get0_peer_certificate(ssl);
    Fingerprint fingerprint;
    unsigned size = fingerprint.size();
    if (certificate == nullptr || X509_digest(certificate, EVP_sha256(), fingerprint.data(), &size) != 1)
        return std::nullopt;
    return fingerprint;
}

std::optional<Instant> peer_not_after(const SSL* ssl) {
    const X509* certificate = SSL_get0_peer_certificate(ssl);
    std::tm utc{};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1) return std::nullopt;
    return Instant{static_cast<std::int64_t>(timegm(&utc)) * 1'000'000};
}

}  // namespace onshi::http
