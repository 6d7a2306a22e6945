#pragma once

namespace onshi {

// Logs the failed condition to stderr and aborts.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line);

}  // namespace onshi

// Our own bug: aborts, also in release. Never on a value that came from a store, the wire or a file.
#define ENSURE(condition) ((condition) ? static_cast<void>(0) : ::onshi::ensure_failed(#condition, __FILE__, __LINE__))
