#include "platform/http/test_support.h"

#include <arpa/inet.h>
#include <array>
#include <csignal>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"

namespace onshi::http::test {

namespace {

std::string pem_of(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return pem;
}

std::string pem_of(EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string pem(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return pem;
}

void add_extension(X509* certificate, int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

// Unsigned; the validity of a leaf may lie in the past.
X509* make_certificate(const std::string& name, EVP_PKEY* key, X509* issuer, std::chrono::seconds valid_for) {
    static long serial = 0;
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), static_cast<long>(valid_for.count()));
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, issuer == nullptr ? subject : X509_get_subject_name(issuer));
    return certificate;
}

}  // namespace

TestCa::TestCa(const std::string& name) : key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    certificate_.reset(make_certificate(name, key_.get(), nullptr, std::chrono::hours(24)), X509_free);
    add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate_.get(), NID_key_usage, "critical,keyCertSign");
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    pem_ = pem_of(certificate_.get());
}

TlsIdentity TestCa::issue(const std::string& name, std::chrono::seconds valid_for) const {
    const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::shared_ptr<X509> certificate(make_certificate(name, key.get(), certificate_.get(), valid_for),
                                            X509_free);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), NID_subject_alt_name, ("DNS:" + name + ",IP:127.0.0.1").c_str());
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    std::string key_pem = pem_of(key.get());
    return {pem_of(certificate.get()), SecretBytes::take(key_pem)};
}

const TestCa& server_ca() {
    static const TestCa ca("test server CA");
    return ca;
}
const TestCa& organisation_ca() {
    static const TestCa ca("test organisation CA");
    return ca;
}
const TestCa& strange_ca() {
    static const TestCa ca("test organisation CA");
    return ca;
}

Fingerprint fingerprint_of(const TlsIdentity& identity) {
    BIO* bio = BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size()));
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    Fingerprint fingerprint{};
    unsigned size = 32;
    X509_digest(certificate, EVP_sha256(), fingerprint.data(), &size);
    X509_free(certificate);
    BIO_free(bio);
    return fingerprint;
}

std::string rsa_identity_key_pem() {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    std::string pem = pem_of(key);
    EVP_PKEY_free(key);
    return pem;
}

SecretBytes ticket_secret(std::uint8_t seed) {
    const std::vector<std::uint8_t> bytes(32, seed);
    return SecretBytes(bytes);
}

TestServer::TestServer(ServerOptions options, std::size_t loop_count)
    : loops(EventLoopOptions{loop_count, CpuPinning::off}), clock(SystemClock().now()) {
    server = std::make_unique<Server>(loops, std::move(options), metrics, clock, random);
}

TestServer::~TestServer() {
    server->stop(std::chrono::milliseconds(0));
    loops.stop();
    if (running) {
        EXPECT_TRUE(server->wait_stopped(std::chrono::seconds(10)));
    } else {
        loops.start();
    }
    loops.join();
    server.reset();
}

void TestServer::rest() {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

ServerOptions TestServer::quick() {
    ServerOptions options;
    options.times.tick = std::chrono::milliseconds(2);
    options.access_log = AccessLog::failures;
    // A machine that builds at the same time must not make these tests refuse each other.
    options.admission.queue_delay.target = std::chrono::seconds(10);
    options.admission.queue_delay.delay_max = std::chrono::seconds(10);
    options.admission.rate = RateLimit{1e6, 1e6};
    options.admission.handshakes_per_second_max = 100'000;
    return options;
}

ListenerOptions TestServer::tls_listener(ClientCertificate wanted) {
    ListenerOptions options;
    options.tls.emplace();
    options.tls->identity = server_ca().issue_server();
    options.tls->client_anchors = organisation_ca().anchors();
    options.tls->client_certificate = wanted;
    options.tls->tickets = ticket_secret();
    return options;
}

ListenerOptions TestServer::plain_listener() {
    ListenerOptions options;
    options.name = "plain";
    return options;
}

void TestServer::start(ListenerOptions listener) {
    const auto bound = server->listen(std::move(listener));
    ASSERT_TRUE(bound.has_value()) << bound.error().detail;
    port = *bound;
    if (!running) loops.start();
    running = true;
}

RouteOptions open_route() {
    RouteOptions options;
    options.certificate = ClientCertificate::optional;
    return options;
}

Handler answer_with(std::string body) {
    return [body](Request&, Deadline) -> Task<Result<Response>> { co_return json_response(body); };
}

Handler echo() {
    return [](Request& request, Deadline) -> Task<Result<Response>> {
        co_return json_response(std::string(request.body));
    };
}

ClientOptions client_options(std::uint16_t port, const TlsIdentity* identity) {
    ClientOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    options.tls.emplace();
    options.tls->server_anchors = server_ca().anchors();
    if (identity != nullptr) options.tls->identity = identity->clone();
    return options;
}

Client make_client(std::uint16_t port) {
    static const TlsIdentity identity = organisation_ca().issue("terminal");
    return std::move(*Client::make(client_options(port, &identity)));
}

ClientRequest get(std::string target) {
    ClientRequest request;
    request.target = std::move(target);
    return request;
}

ClientRequest post(std::string target, std::string body) {
    ClientRequest request;
    request.method = Method::post;
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
}

Result<ClientResponse> send_once(const ClientOptions& options, const ClientRequest& request,
                                 std::chrono::milliseconds deadline) {
    ClientOptions copy;
    copy.host = options.host;
    copy.port = options.port;
    copy.response_bytes_max = options.response_bytes_max;
    if (options.tls) {
        copy.tls.emplace();
        copy.tls->server_anchors = options.tls->server_anchors;
        copy.tls->server_name = options.tls->server_name;
        if (options.tls->identity) copy.tls->identity = options.tls->identity->clone();
    }
    auto client = Client::make(std::move(copy));
    if (!client) return fail(std::move(client));
    return run_to_end(client->send(request, Deadline::in(deadline)));
}

RawClient::RawClient(std::uint16_t port, const Options& options) {
    // OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and servers under test hang up.
    std::signal(SIGPIPE, SIG_IGN);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options.receive_buffer > 0) {
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (!connected_ || !options.tls) return;
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context_, options.tls_version_max);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (options.identity != nullptr) {
        const TlsIdentity& identity = *options.identity;
        BIO* bio = BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size()));
        X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
        BIO_free(bio);
        bio = BIO_new_mem_buf(identity.key_pem.bytes().data(), static_cast<int>(identity.key_pem.size()));
        EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
        BIO_free(bio);
        SSL_CTX_use_certificate(context_, certificate);
        SSL_CTX_use_PrivateKey(context_, key);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    ssl_ = SSL_new(context_);
    if (!options.alpn.empty()) {
        SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                            static_cast<unsigned>(options.alpn.size()));
    }
    if (options.session != nullptr) SSL_set_session(ssl_, options.session);
    SSL_set_fd(ssl_, socket_);
    connected_ = SSL_connect(ssl_) == 1;
    ERR_clear_error();
}

RawClient::~RawClient() {
    if (ssl_ != nullptr) {
        SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl_);
    }
    if (context_ != nullptr) SSL_CTX_free(context_);
    if (socket_ >= 0) ::close(socket_);
}

bool RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                             : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        ERR_clear_error();
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string RawClient::read_some() {
    std::array<char, 4096> bytes;
    errno = 0;
    const ssize_t size = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                         : ::recv(socket_, bytes.data(), bytes.size(), 0);
    timed_out_ = size < 0 && errno == EAGAIN;
    ERR_clear_error();
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string RawClient::read_answer() {
    for (;;) {
        const std::size_t end = buffer_.find("\r\n\r\n");
        if (end != std::string::npos) {
            std::size_t size = std::string::npos;
            const std::string_view head = std::string_view(buffer_).substr(0, end + 2);
            if (const std::size_t at = head.find("content-length: "); at != std::string_view::npos) {
                size = end + 4 + static_cast<std::size_t>(std::atol(buffer_.c_str() + at + 16));
            } else if (contains(head, "chunked")) {
                const std::size_t last = buffer_.find("0\r\n\r\n", end + 2);
                if (last != std::string::npos) size = last + 5;
            } else {
                size = end + 4;
            }
            if (buffer_.size() >= size) {
                std::string answer = buffer_.substr(0, size);
                buffer_.erase(0, size);
                return answer;
            }
        }
        const std::string more = read_some();
        if (more.empty()) return {};
        buffer_ += more;
    }
}

std::optional<std::string> RawClient::read_to_end() {
    for (;;) {
        const std::string more = read_some();
        if (timed_out_) return std::nullopt;
        if (more.empty()) return std::exchange(buffer_, {});
        buffer_ += more;
    }
}

std::string RawClient::alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
}

SSL_SESSION* RawClient::ticket() {
    SSL_SESSION* session = SSL_get1_session(ssl_);
    if (session != nullptr && SSL_SESSION_is_resumable(session) == 1) return session;
    SSL_SESSION_free(session);
    return nullptr;
}

void RawClient::end_sending() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    ::shutdown(socket_, SHUT_WR);
}

const TlsIdentity& terminal() {
    static const TlsIdentity identity = organisation_ca().issue("terminal 1");
    return identity;
}

RawClient::Options with_certificate(const TlsIdentity& identity) {
    RawClient::Options options;
    options.identity = &identity;
    return options;
}

RawClient::Options plain() {
    RawClient::Options options;
    options.tls = false;
    return options;
}

Handler Gate::handler() {
    return [this](Request&, Deadline) -> Task<Result<Response>> {
        ++waiting;
        while (!open) co_await sleep_for(std::chrono::milliseconds(1));
        --waiting;
        co_return json_response("{\"late\":true}");
    };
}

std::string request_text(std::string_view method, std::string_view target, std::string_view body) {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nhost: localhost\r\n");
    if (!body.empty()) text.append("content-length: ").append(std::to_string(body.size())).append("\r\n");
    return text.append("\r\n").append(body);
}

int status_of(std::string_view answer) {
    return answer.starts_with("HTTP/1.") && answer.size() > 12 ? std::atoi(std::string(answer.substr(9, 3)).c_str())
                                                               : 0;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace onshi::http::test
