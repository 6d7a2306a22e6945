#pragma once

// Inside this folder only: how the hub reaches the CA's responder.

#include <optional>
#include <string>
#include <string_view>

#include "platform/pki/revocation.h"

namespace onshi::hub {

struct ResponderAddress {
    std::string host;
    std::uint16_t port = 80;
    std::string target;
};
// `http://host[:port][/path]`: answers are signed, so they need no TLS. nullopt for anything else.
[[nodiscard]] std::optional<ResponderAddress> parse_responder_url(std::string_view url);

// Posts to the URL it is given, over a connection of its own each time: a responder is asked rarely.
[[nodiscard]] pki::OcspTransport ocsp_transport();

}  // namespace onshi::hub
