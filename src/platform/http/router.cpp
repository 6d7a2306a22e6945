#include "platform/http/router.h"

#include <algorithm>

#include "base/ensure.h"

namespace onshi::http {

namespace {

constexpr std::size_t method_count = 7;

enum class Kind : std::uint8_t { literal, parameter, tail };

// `{name}` and `{name*}`; everything else is literal and must not contain braces.
Kind kind_of(std::string_view segment) {
    if (!segment.starts_with('{')) {
        ENSURE(segment.find_first_of("{}*%?#") == std::string_view::npos);
        return Kind::literal;
    }
    ENSURE(segment.size() > 2 && segment.ends_with('}'));
    return segment[segment.size() - 2] == '*' ? Kind::tail : Kind::parameter;
}

// Cuts the first segment off `rest`, which is what follows a slash; `more` says that another slash came.
struct Cut {
    std::string_view segment;
    std::string_view rest;
    bool more = false;
};

Cut cut(std::string_view rest) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return {rest, {}, false};
    return {rest.substr(0, slash), rest.substr(slash + 1), true};
}

}  // namespace

struct Router::Node {
    std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
    std::unique_ptr<Node> parameter;
    std::unique_ptr<Node> tail;
    std::array<const Route*, method_count> by_method{};
    bool is_end = false;

    Node& child(std::string_view segment) {
        switch (kind_of(segment)) {
            case Kind::parameter: return made(parameter);
            case Kind::tail: return made(tail);
            case Kind::literal: break;
        }
        const auto found =
            std::ranges::find(literals, segment, [](const auto& entry) { return std::string_view(entry.first); });
        if (found != literals.end()) return *found->second;
        return *literals.emplace_back(std::string(segment), std::make_unique<Node>()).second;
    }

    static Node& made(std::unique_ptr<Node>& node) {
        if (!node) node = std::make_unique<Node>();
        return *node;
    }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(Method method, std::string_view pattern, RouteOptions options, Handler handler) {
    ENSURE(pattern.starts_with('/') && method != Method::other && method != Method::head && handler);
    const bool in_pieces = options.body == BodyDelivery::in_pieces;
    ENSURE(options.body_bytes_max <= (in_pieces ? pieces_bytes_limit : body_bytes_limit));
    ENSURE(routes_.size() < routes_max);
    Node* node = root_.get();
    std::size_t segments = 0;
    std::size_t parameters = 0;
    Cut step{{}, pattern.substr(1), true};
    while (step.more) {
        step = cut(step.rest);
        ENSURE(++segments <= path_segments_max);
        const Kind kind = kind_of(step.segment);
        if (kind != Kind::literal) ENSURE(++parameters <= path_parameters_max);
        ENSURE(kind != Kind::tail || !step.more);
        node = &node->child(step.segment);
    }
    const Route*& slot = node->by_method[static_cast<std::size_t>(method)];
    ENSURE(slot == nullptr);
    routes_.push_back(
        std::make_unique<Route>(Route{method, std::string(pattern), options, std::move(handler), routes_.size() + 1}));
    slot = routes_.back().get();
    node->is_end = true;
}

const Router::Node* Router::descend(const Node& node, std::string_view rest, RouteMatch& found) {
    const Cut step = cut(rest);
    const auto go_on = [&](const Node& next) -> const Node* {
        if (step.more) return descend(next, step.rest, found);
        return next.is_end ? &next : nullptr;
    };
    for (const auto& [literal, next] : node.literals) {
        if (literal != step.segment) continue;
        if (const Node* end = go_on(*next); end != nullptr) return end;
    }
    if (node.parameter && !step.segment.empty()) {
        const std::size_t kept = found.parameter_count;
        found.parameters[found.parameter_count++] = step.segment;
        if (const Node* end = go_on(*node.parameter); end != nullptr) return end;
        found.parameter_count = kept;
    }
    if (node.tail && !rest.empty()) {
        found.parameters[found.parameter_count++] = rest;
        return node.tail.get();
    }
    return nullptr;
}

void Router::match(Method method, std::string_view path, RouteMatch& found) const {
    found = {};
    if (!path.starts_with('/')) return;
    if (std::ranges::count(path, '/') > static_cast<std::ptrdiff_t>(path_segments_max)) return;
    const Node* end = descend(*root_, path.substr(1), found);
    if (end == nullptr) return;
    const Method wanted = method == Method::head ? Method::get : method;
    if (wanted != Method::other) found.route = end->by_method[static_cast<std::size_t>(wanted)];
    if (found.route != nullptr) return;
    for (std::size_t i = 0; i < method_count; ++i) {
        if (end->by_method[i] == nullptr) continue;
        if (!found.allow.empty()) found.allow += ", ";
        found.allow += to_string(static_cast<Method>(i));
        if (static_cast<Method>(i) == Method::get) found.allow += ", HEAD";
    }
}

}  // namespace onshi::http
