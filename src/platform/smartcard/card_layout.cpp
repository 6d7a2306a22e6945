#include "platform/smartcard/card_layout.h"

namespace onshi::smartcard {

namespace {

constexpr std::array<std::uint8_t, 10> jpki_aid{0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01};
constexpr std::array<std::uint8_t, 10> text_aid{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08};
constexpr std::array<std::uint8_t, 10> surface_aid{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02};
constexpr std::array<std::uint8_t, 10> registry_aid{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01};
constexpr std::array<std::uint8_t, 10> common_aid{0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00};
constexpr std::array<std::uint8_t, 7> card_manager_aid{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00};

}  // namespace

Bytes aid_of(Application application) noexcept {
    switch (application) {
        case Application::jpki: return jpki_aid;
        case Application::text: return text_aid;
        case Application::surface: return surface_aid;
        case Application::registry: return registry_aid;
        case Application::common: return common_aid;
        case Application::card_manager: break;
    }
    return card_manager_aid;
}

std::string_view label_of(TokenKind kind) noexcept {
    switch (kind) {
        case TokenKind::my_number_card: return "JPKIAPICCTOKEN2";
        case TokenKind::android_phone: return "JPKIAPGPSETOKEN";
        case TokenKind::iphone: break;
    }
    return "JPKIAPIOSTOKEN";
}

}  // namespace onshi::smartcard
