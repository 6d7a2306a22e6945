#include "bench/tls_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "bench/limits.h"

namespace onshi::bench {

namespace {

template <auto Free>
struct Freer {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

tl::unexpected<Error> refuse(ErrorCode code, std::string detail) {
    ERR_clear_error();
    return fail(code, std::move(detail));
}

// Without it OpenSSL asks on the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) {
    return 0;
}

BioPtr reader_of(Bytes bytes) {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

bool use_identity(SSL_CTX* context, const http::TlsIdentity& identity) {
    const BioPtr certificates = reader_of(as_bytes(identity.certificate_pem));
    const X509Ptr own(PEM_read_bio_X509(certificates.get(), nullptr, &no_passphrase, nullptr));
    if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) return false;
    while (const X509Ptr next{PEM_read_bio_X509(certificates.get(), nullptr, &no_passphrase, nullptr)}) {
        if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return false;
    }
    ERR_clear_error();
    const BioPtr key_text = reader_of(identity.key_pem.bytes());
    const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, &no_passphrase, nullptr));
    return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
}

bool use_anchors(SSL_CTX* context, const http::TrustAnchors& anchors) {
    const BioPtr text = reader_of(as_bytes(anchors.pem));
    int count = 0;
    while (const X509Ptr anchor{PEM_read_bio_X509(text.get(), nullptr, &no_passphrase, nullptr)}) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), anchor.get()) != 1) return false;
        ++count;
    }
    ERR_clear_error();
    return count > 0;
}

bool bind_source(int fd, std::uint32_t source) {
    // The port is chosen when the socket connects: a port may serve several destinations.
    const int late = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0;
}

enum class Blocking : std::uint8_t { yes, no };

// Blocking, a receive and send time-out bounds the handshake, which reads and writes a few times.
Result<int> connect_socket(const std::string& address, std::uint16_t port, std::uint32_t source, Blocking blocking) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) {
        return fail(ErrorCode::config_value, "the address is not a numeric IPv4 one");
    }
    const int mode = blocking == Blocking::yes ? 0 : SOCK_NONBLOCK;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | mode, 0);
    if (fd < 0) return fail(ErrorCode::bench_machine, fmt::format("socket, errno {}", errno));
    const timeval bound{.tv_sec = handshake_time_max.count(), .tv_usec = 0};
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (source > 0 && !bind_source(fd, source)) {
        const int error = errno;
        ::close(fd);
        return fail(ErrorCode::bench_machine, fmt::format("bind, errno {}", error));
    }
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    if (!connected && errno != EINPROGRESS) {
        const int error = errno;
        ::close(fd);
        return fail(ErrorCode::peer_unavailable, fmt::format("connect to port {}, errno {}", port, error));
    }
    return fd;
}

bool expect_name(SSL* ssl, const std::string& name) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1) return true;
    ERR_clear_error();
    return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

SigpipeGuard::SigpipeGuard() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before_);
}

SigpipeGuard::~SigpipeGuard() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    const timespec at_once{};
    // One that came meanwhile would be delivered now.
    if (::sigismember(&before_, SIGPIPE) == 0) ::sigtimedwait(&pipe, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Result<SslContext> make_client_context(const http::TrustAnchors& anchors, const http::TlsIdentity& identity) {
    SslContext context(SSL_CTX_new(TLS_client_method()));
    if (!context) return refuse(ErrorCode::config_certificate, "no TLS context");
    SSL_CTX* raw = context.get();
    // One system call per record instead of two.
    SSL_CTX_set_read_ahead(raw, 1);
    // An end without the closing alert would forbid the session ticket of the connection.
    SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1) {
        return refuse(ErrorCode::config_certificate, "no TLS 1.3");
    }
    if (!use_identity(raw, identity)) return refuse(ErrorCode::config_certificate, "client certificate or its key");
    if (!use_anchors(raw, anchors)) return refuse(ErrorCode::config_certificate, "anchors of the server");
    return context;
}

Result<TlsConnection> TlsConnection::over(int socket, SSL_CTX* context, const std::string& server_name) {
    TlsConnection connection(socket, SSL_new(context));
    SSL* ssl = connection.ssl();
    if (ssl == nullptr || SSL_set_fd(ssl, socket) != 1 || !expect_name(ssl, server_name)) {
        return refuse(ErrorCode::peer_unavailable, "no TLS connection");
    }
    return connection;
}

Result<TlsConnection> TlsConnection::open(SSL_CTX* context, const std::string& address, std::uint16_t port,
                                          const std::string& server_name, std::uint32_t source) {
    const SigpipeGuard guard;
    auto fd = connect_socket(address, port, source, Blocking::yes);
    if (!fd) return fail(std::move(fd));
    auto connection = over(*fd, context, server_name);
    if (!connection) return connection;
    SSL* ssl = connection->ssl();
    if (SSL_connect(ssl) != 1) {
        const bool untrusted = SSL_get_verify_result(ssl) != X509_V_OK;
        return refuse(untrusted ? ErrorCode::peer_untrusted : ErrorCode::peer_unavailable, "TLS handshake");
    }
    if (::fcntl(*fd, F_SETFL, O_NONBLOCK) != 0) return refuse(ErrorCode::bench_machine, "non-blocking socket");
    return connection;
}

Result<TlsConnection> TlsConnection::begin(SSL_CTX* context, const std::string& address, std::uint16_t port,
                                           const std::string& server_name, std::uint32_t source) {
    auto fd = connect_socket(address, port, source, Blocking::no);
    if (!fd) return fail(std::move(fd));
    return over(*fd, context, server_name);
}

TlsConnection::TlsConnection(TlsConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), ssl_(std::exchange(other.ssl_, nullptr)) {}

TlsConnection& TlsConnection::operator=(TlsConnection&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(ssl_, other.ssl_);
    return *this;
}

void TlsConnection::close() noexcept {
    if (ssl_ != nullptr) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(std::exchange(ssl_, nullptr));
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

}  // namespace onshi::bench
