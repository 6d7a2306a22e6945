#pragma once

// Inside this folder only: shows OpenCV.
#include <exception>
#include <string_view>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "base/result.h"

namespace onshi::sface {

// Runs what throws, and gives a failure `tool.failed` that names OpenCV's code instead: −5 is a model that is missing.
// What OpenCV says besides may hold paths and is left out.
template <class F>
auto guarded(std::string_view what, F&& run) -> decltype(run()) {
    try {
        return run();
    } catch (const cv::Exception& thrown) {
        return fail(ErrorCode::tool_failed, fmt::format("{}: OpenCV's error {}", what, thrown.code));
    } catch (const std::exception&) {
        return fail(ErrorCode::tool_failed, fmt::format("{}: a library failed", what));
    }
}

// OpenCV writes to stderr by itself; what matters is said by us.
void quiet_opencv();

}  // namespace onshi::sface
