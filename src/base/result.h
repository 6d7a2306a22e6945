#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace onshi {

// The value, or why the world could not give it. Ignoring one is a compile error (tl::expected 1.0 is not nodiscard).
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
};

// `return fail(ErrorCode::store_unavailable, "no connection within 200 ms");`
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string detail = {},
                                                std::source_location where = std::source_location::current()) {
    return tl::unexpected<Error>(Error(code, std::move(detail), where));
}

// Hands an error on to the caller: `if (!loaded) return fail(std::move(loaded));`
template <class T>
[[nodiscard]] tl::unexpected<Error> fail(Result<T>&& failed) {
    return tl::unexpected<Error>(std::move(failed.error()));
}

}  // namespace onshi
