#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/child_process.h"
#include "bench/process_usage.h"
#include "platform/http/tls.h"

namespace onshi::bench {

struct NginxOptions {
    std::filesystem::path program = "/usr/sbin/nginx";
    std::filesystem::path folder;  // exists, empty, for us alone: configuration, certificate, key, logs
    const http::TlsIdentity& server;
    const http::TrustAnchors& client_anchors;
    std::size_t answer_bytes = 2'048;  // 1…reference_answer_bytes_max
    int cpu = 0;
};

// The reference beside every measurement: nginx with one worker, the same TLS 1.3 settings, certificate and client CA
// as the hub, answering each POST with a body of fixed size from memory. What it costs per request is what TLS, HTTP
// and the kernel cost anybody on this machine. Owns the process; movable; not thread-safe.
class NginxReference {
  public:
    // Returns once it listens on a free port of 127.0.0.1. `bench.reference`.
    [[nodiscard]] static Result<NginxReference> start(const NginxOptions& options);
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // Master and worker.
    [[nodiscard]] Result<CpuUse> cpu() const;

  private:
    NginxReference(ChildProcess master, pid_t worker, std::uint16_t port)
        : master_(std::move(master)), worker_(worker), port_(port) {}
    ChildProcess master_;
    pid_t worker_;
    std::uint16_t port_;
};

// The configuration's text; `folder` holds server.crt, server.key and clients.crt.
[[nodiscard]] std::string nginx_configuration(const NginxOptions& options, std::uint16_t port);
// A JSON text of exactly `bytes` bytes (at least 64) that the load generator takes for a good answer.
[[nodiscard]] std::string reference_answer(std::size_t bytes);

}  // namespace onshi::bench
