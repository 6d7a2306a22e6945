#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/session.h"
#include "platform/smartcard/card_image.h"

namespace onshi::cli {

// A card of a demo installation: of a synthetic person, or of an invented holder that no registry knows.
struct TestCardOrder {
    std::string installation;
    std::optional<std::int64_t> person;
    std::string name;
    std::string birth;
    std::string pin_file;
};

// command.usage when neither a person nor name and birth are given; installation.*, synth.*, secret.*,
// card.image_malformed.
[[nodiscard]] Result<smartcard::CardImage> make_test_card(const TestCardOrder& order, Session& session);

}  // namespace onshi::cli
