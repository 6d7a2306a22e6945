#include "base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace onshi {

void ensure_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "onshi: internal error: %s does not hold (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace onshi
