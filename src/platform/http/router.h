#pragma once

// Internal: which handler a path belongs to.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/http/limits.h"
#include "platform/http/message.h"
#include "platform/http/server.h"

namespace onshi::http {

struct Route {
    Method method;
    std::string pattern;
    RouteOptions options;
    Handler handler;
    std::size_t id;  // 1 … number of routes, in order of registration
};

// A path's route and the raw values of its parameters (views into the path).
struct RouteMatch {
    const Route* route = nullptr;  // null: unknown path or method
    std::string allow;             // methods of this path, only when it is known but the method is not
    std::array<std::string_view, path_parameters_max> parameters;
    std::size_t parameter_count = 0;
};

// A tree of path segments. Filled before the server listens, then only read: thread-safe.
class Router {
  public:
    Router();
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    void add(Method method, std::string_view pattern, RouteOptions options, Handler handler);
    void match(Method method, std::string_view path, RouteMatch& found) const;

  private:
    struct Node;
    static const Node* descend(const Node& node, std::string_view rest, RouteMatch& found);

    std::unique_ptr<Node> root_;
    std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace onshi::http
