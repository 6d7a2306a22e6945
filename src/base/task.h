#pragma once

#include <boost/asio/awaitable.hpp>

namespace onshi {

// A lazily started coroutine on its caller's event loop. `co_await` it once. Slices see this header and no other of
// Asio. GCC 12 miscompiles common coroutine code: build with clang 19, await into a named local (spec pitfalls §1).
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace onshi
