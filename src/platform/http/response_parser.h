#pragma once

// Internal: bytes → answer, for the client. Framing by Beast, limits here.

#include <cstddef>
#include <memory>
#include <string_view>

#include "platform/http/client.h"
#include "platform/http/request_parser.h"

namespace onshi::http {

// Reads one answer into `response`, which outlives it. Interim answers (1xx) are read past. Not thread-safe.
class ResponseParser {
  public:
    // `head_only`: the request was HEAD, so a length is not followed by a body.
    enum class Body : std::uint8_t { expected, head_only };

    ResponseParser(ClientResponse& response, Body body, std::size_t bytes_max);
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;
    ~ResponseParser();

    // need_more, complete or a failure. `used` bytes are not given again.
    [[nodiscard]] Parsed put(std::string_view bytes, std::size_t& used);
    // The peer has ended the stream: complete when the answer ends that way, otherwise malformed.
    [[nodiscard]] Parsed end();
    // After complete.
    [[nodiscard]] bool keep_alive() const;

  private:
    class Sink;
    void start();

    ClientResponse& response_;
    Body body_;
    std::size_t bytes_max_;
    std::size_t interim_ = 0;
    std::unique_ptr<Sink> sink_;
};

}  // namespace onshi::http
