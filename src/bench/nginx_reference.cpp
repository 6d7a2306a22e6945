#include "bench/nginx_reference.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <fstream>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "base/bytes.h"
#include "bench/limits.h"
#include "platform/pki/secret_file.h"

namespace onshi::bench {

namespace {

constexpr std::chrono::milliseconds poll_every{20};
constexpr std::chrono::seconds start_time_max{5};

class Socket {
  public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(fd_); }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// nginx cannot be asked which port it got, so one is chosen that nobody has now; start() tries again if it was taken.
std::optional<std::uint16_t> free_port() {
    const Socket socket;
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.fd(), raw, size) != 0 || ::getsockname(socket.fd(), raw, &size) != 0) return std::nullopt;
    return ntohs(address.sin_port);
}

bool accepts(std::uint16_t port) {
    const Socket socket;
    const auto address = loopback(port);
    return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::trunc | std::ios::binary);
    file << text;
    file.close();
    return !file.fail();
}

Result<void> write_files(const NginxOptions& options) {
    const auto key = pki::write_secret_file(options.folder / "server.key", options.server.key_pem.bytes());
    const bool written = write_file(options.folder / "server.crt", options.server.certificate_pem) &&
                         write_file(options.folder / "clients.crt", options.client_anchors.pem);
    if (!key || !written) return fail(ErrorCode::bench_reference, "cannot write into its folder");
    return {};
}

}  // namespace

std::string reference_answer(std::size_t bytes) {
    std::string answer = R"({"result":{"code":1},"filler":")";
    answer.append(bytes - std::min(bytes, answer.size() + 2), 'x').append("\"}");
    return answer;
}

std::string nginx_configuration(const NginxOptions& options, std::uint16_t port) {
    const std::string folder = options.folder.string();
    std::string text =
        fmt::format("daemon off;\nworker_processes 1;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\n", folder);
    text += "events { worker_connections 2048; }\nhttp {\n  access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        text += fmt::format("  {}_temp_path {}/{};\n", kind, folder, kind);
    }
    text += "  keepalive_timeout 1h;\n  keepalive_time 1h;\n  keepalive_requests 1000000000;\n  tcp_nodelay on;\n";
    text += fmt::format("  server {{\n    listen 127.0.0.1:{} ssl;\n", port);
    text += fmt::format("    ssl_certificate {0}/server.crt;\n    ssl_certificate_key {0}/server.key;\n", folder);
    text += fmt::format("    ssl_client_certificate {}/clients.crt;\n    ssl_verify_client on;\n", folder);
    text += "    ssl_protocols TLSv1.3;\n    ssl_ecdh_curve X25519:P-256;\n    ssl_prefer_server_ciphers on;\n";
    text +=
        "    ssl_conf_command Ciphersuites "
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;\n";
    text += fmt::format("    default_type application/json;\n    location / {{ return 200 '{}'; }}\n  }}\n}}\n",
                        reference_answer(options.answer_bytes));
    return text;
}

Result<NginxReference> NginxReference::start(const NginxOptions& options) {
    if (options.answer_bytes < 64 || options.answer_bytes > reference_answer_bytes_max) {
        return fail(ErrorCode::config_value, "size of the reference answer");
    }
    if (!std::filesystem::exists(options.program)) {
        return fail(ErrorCode::bench_reference, options.program.string() + " is not installed");
    }
    auto files = write_files(options);
    if (!files) return fail(std::move(files));
    const auto configuration = options.folder / "nginx.conf";
    for (int attempt = 0; attempt < reference_start_attempts_max; ++attempt) {
        const auto port = free_port();
        if (!port || !write_file(configuration, nginx_configuration(options, *port))) break;
        auto master = ChildProcess::start({.command = {options.program.string(), "-c", configuration.string(), "-e",
                                                       (options.folder / "error.log").string()},
                                           .cpu = options.cpu,
                                           .output = options.folder / "output.log"});
        if (!master) return fail(std::move(master));
        const auto until = std::chrono::steady_clock::now() + start_time_max;
        while (master->is_running() && std::chrono::steady_clock::now() < until) {
            const auto worker = first_child(master->pid());
            if (worker && accepts(*port)) return NginxReference(std::move(*master), *worker, *port);
            std::this_thread::sleep_for(poll_every);
        }
    }
    return fail(ErrorCode::bench_reference, "nginx did not start, see " + (options.folder / "error.log").string());
}

Result<CpuUse> NginxReference::cpu() const {
    auto master = cpu_use(master_.pid());
    if (!master) return fail(std::move(master));
    auto worker = cpu_use(worker_);
    if (!worker) return fail(std::move(worker));
    return CpuUse{master->user + worker->user, master->system + worker->system,
                  master->major_faults + worker->major_faults};
}

}  // namespace onshi::bench
