#include "face_sface/opencv_guard.h"

#include <cstdlib>

#include <opencv2/core/utils/logger.hpp>

namespace onshi::sface {

void quiet_opencv() {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
    // FFmpeg inside OpenCV has a level of its own; a camera that is silent is given up after a second.
    ::setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);
    ::setenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1", 0);
}

}  // namespace onshi::sface
