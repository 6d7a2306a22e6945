#include "domain/organisations/model.h"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace onshi::organisations {

namespace {

constexpr std::array<std::pair<Method, std::string_view>, 3> method_names{
    {{Method::pin, "pin"}, {Method::face, "face"}, {Method::visual, "visual"}}};
constexpr std::array<std::pair<Role, std::string_view>, 8> role_names{{{Role::check_card, "check_card"},
                                                                       {Role::check_number, "check_number"},
                                                                       {Role::card_desk, "card_desk"},
                                                                       {Role::administer, "administer"},
                                                                       {Role::send_members, "send_members"},
                                                                       {Role::portal, "portal"},
                                                                       {Role::bank_machine, "bank_machine"},
                                                                       {Role::municipal_desk, "municipal_desk"}}};

template <class Names, class T>
std::string_view name_of(const Names& names, T value) {
    for (const auto& [key, name] : names) {
        if (key == value) return name;
    }
    return "unknown";
}

template <class T, std::size_t N>
std::optional<T> value_of(const std::array<std::pair<T, std::string_view>, N>& names, std::string_view wanted) {
    for (const auto& [key, name] : names) {
        if (name == wanted) return key;
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(Method method) {
    return name_of(method_names, method);
}
std::optional<Method> parse_method(std::string_view name) {
    return value_of(method_names, name);
}
std::string_view to_string(Role role) {
    return name_of(role_names, role);
}
std::optional<Role> parse_role(std::string_view name) {
    return value_of(role_names, name);
}

std::string Organisation::code_text() const {
    if (kind == Kind::facility) {
        const auto facility = FacilityCode::from_key(code);
        if (facility) return facility->text();
    }
    if (kind == Kind::insurer) {
        const auto insurer = InsurerNumber::from_key(code);
        if (insurer) return insurer->issued();
    }
    return fmt::format("{}", code);
}

std::string Terminal::id() const {
    return fmt::format("T{}", key.value());
}

Result<TerminalKey> parse_terminal_id(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    if (!text.starts_with('T') || text.size() < 2 || text[1] < '1' || text[1] > '9') {
        return fail(ErrorCode::number_format, "a terminal is named T and its number");
    }
    const auto [stop, error] = std::from_chars(text.data() + 1, end, value);
    if (error != std::errc() || stop != end)
        return fail(ErrorCode::number_format, "a terminal is named T and its number");
    return TerminalKey(value);
}

}  // namespace onshi::organisations
