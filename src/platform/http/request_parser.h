#pragma once

// Internal: bytes → request head and body. Beast's message parser does the framing; here are the limits and the rules
// it leaves open (RFC 9112): exactly one Host, no transfer coding but chunked, header size over several reads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/message.h"

namespace onshi::http {

enum class Parsed : std::uint8_t {
    need_more,         // everything given is used or must be given again with more behind it
    head,              // the head is complete; the body may follow
    complete,          // the whole message is complete
    malformed,         // 400
    header_too_large,  // 431
    body_too_large,    // 413
};

// The shortest rest of a chunked body: `0`, two line breaks. Beast's parser asserts (and so ends the process) when it
// has seen the last chunk's size and is then given less, so it is given nothing before this much is here.
inline constexpr std::size_t chunked_end_bytes = 5;

// The fields that the server itself looks at; empty when absent.
struct KnownFields {
    std::string_view host;
    std::string_view origin;
    std::string_view accept_language;
    std::string_view traceparent;
    std::string_view deadline_ms;
    std::string_view authority;  // of an absolute-form target, which overrides Host
    bool expects_continue = false;
};

// Reads one request after the other. Reuses its memory: start() begins the next one and ends the life of all views.
// Not thread-safe. Knows nothing of sockets.
class RequestParser {
  public:
    RequestParser();
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;
    ~RequestParser();

    void start();
    // Until the head is complete. `used` bytes belong to it and are not given again.
    [[nodiscard]] Parsed put_head(std::string_view bytes, std::size_t& used);
    // For a chunked body only: appends what arrives to `body`.
    [[nodiscard]] Parsed put_chunks(std::string_view bytes, std::size_t& used, std::string& body,
                                    std::size_t body_bytes_max);

    // True once any byte of the request has been seen.
    [[nodiscard]] bool began() const;
    // The rest counts after `head` only.
    [[nodiscard]] Method method() const;
    [[nodiscard]] std::string_view path() const;
    [[nodiscard]] std::string_view query() const;
    [[nodiscard]] std::span<const HeaderView> headers() const;
    [[nodiscard]] const KnownFields& known() const;
    [[nodiscard]] std::size_t content_length() const;  // 0 without a body
    [[nodiscard]] bool chunked() const;
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] bool http10() const;

  private:
    class Sink;
    std::unique_ptr<Sink> sink_;
};

[[nodiscard]] Method find_method(std::string_view name) noexcept;

}  // namespace onshi::http
