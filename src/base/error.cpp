#include "base/error.h"

namespace onshi {

Error::Error(ErrorCode error_code, std::string error_detail, std::source_location location)
    : code(error_code),
      detail(std::move(error_detail)),
      retry_after_ms(catalogue_entry(error_code).retry_after_ms),
      where(location) {}

std::string_view to_string(Retry retry) noexcept {
    switch (retry) {
        case Retry::never: return "never";
        case Retry::after_change: return "after_change";
        case Retry::after_backoff: return "after_backoff";
        case Retry::now: return "now";
    }
    return "never";
}

}  // namespace onshi
