#include "face_sface/camera.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "face_sface/limits.h"
#include "face_sface/opencv_guard.h"

namespace onshi::sface {

namespace {

using std::chrono::steady_clock;

// How many frames a device may have gathered while nobody asked.
constexpr int device_queue = 4;
constexpr double file_rate_min = 5;
constexpr double file_rate_max = 60;
constexpr double file_rate_unknown = 15;

bool is_frame(const cv::Mat& mat) {
    return !mat.empty() && mat.type() == CV_8UC3 && mat.cols <= frame_side_max_px && mat.rows <= frame_side_max_px;
}

// Reads into memory of its own.
Result<std::optional<Picture>> read_frame(cv::VideoCapture& capture) {
    Picture picture;
    if (!capture.read(picture.bgr.fill())) return std::optional<Picture>();
    picture.taken = steady_clock::now();
    if (!is_frame(picture.bgr.mat())) return fail(ErrorCode::device_unavailable, "camera gives no colour pictures");
    return std::optional<Picture>(std::move(picture));
}

std::chrono::microseconds frame_time(cv::VideoCapture& video) {
    double rate = video.get(cv::CAP_PROP_FPS);
    if (!(rate > 0)) rate = file_rate_unknown;
    return std::chrono::microseconds(static_cast<std::int64_t>(1e6 / std::clamp(rate, file_rate_min, file_rate_max)));
}

std::string device_path(int index) {
    return fmt::format("/dev/video{}", index);
}

class DeviceCamera final : public Camera {
  public:
    explicit DeviceCamera(int index) : index_(index) {}
    [[nodiscard]] bool present() const override { return ::access(device_path(index_).c_str(), R_OK | W_OK) == 0; }

    Result<void> start() override {
        return guarded("camera", [&]() -> Result<void> {
            if (capture_.isOpened()) {
                for (int i = 0; i < device_queue; ++i) {
                    if (!capture_.grab()) return fail(ErrorCode::device_unavailable, "camera gives no pictures");
                }
                return {};
            }
            if (!capture_.open(index_, cv::CAP_V4L2)) return fail(ErrorCode::device_unavailable, "camera missing");
            capture_.set(cv::CAP_PROP_BUFFERSIZE, 1);
            return {};
        });
    }
    Result<Picture> next() override {
        return guarded("camera", [&]() -> Result<Picture> {
            auto frame = read_frame(capture_);
            if (!frame) return fail(std::move(frame));
            if (!*frame) return fail(ErrorCode::device_unavailable, "camera gives no pictures");
            return std::move(**frame);
        });
    }
    void stop() noexcept override {
        // It is opened anew next time, and says then what is wrong.
        static_cast<void>(guarded("camera", [&]() -> Result<void> {
            capture_.release();
            return {};
        }));
    }

  private:
    int index_;
    cv::VideoCapture capture_;
};

class FileCamera final : public Camera {
  public:
    explicit FileCamera(std::filesystem::path file) : file_(std::move(file)) {}
    [[nodiscard]] bool present() const override { return ::access(file_.c_str(), R_OK) == 0; }

    Result<void> start() override {
        return guarded("camera", [&]() -> Result<void> {
            if (video_.isOpened()) return {};
            if (!video_.open(file_.string(), cv::CAP_FFMPEG))
                return fail(ErrorCode::device_unavailable, "camera missing");
            frame_time_ = frame_time(video_);
            due_ = steady_clock::now();
            return {};
        });
    }
    Result<Picture> next() override {
        std::this_thread::sleep_until(due_);
        due_ = std::max(due_ + frame_time_, steady_clock::now());
        return guarded("camera", [&]() -> Result<Picture> {
            auto frame = read_frame(video_);
            if (!frame) return fail(std::move(frame));
            if (*frame) return std::move(**frame);
            if (!video_.open(file_.string(), cv::CAP_FFMPEG))
                return fail(ErrorCode::device_unavailable, "camera missing");
            auto first = read_frame(video_);
            if (!first) return fail(std::move(first));
            if (!*first) return fail(ErrorCode::device_unavailable, "camera gives no pictures");
            return std::move(**first);
        });
    }
    void stop() noexcept override {
        // It is opened anew next time, and says then what is wrong.
        static_cast<void>(guarded("camera", [&]() -> Result<void> {
            video_.release();
            return {};
        }));
    }

  private:
    std::filesystem::path file_;
    cv::VideoCapture video_;
    std::chrono::microseconds frame_time_{};
    SteadyTime due_;
};

}  // namespace

Result<CameraChoice> parse_camera(std::string_view text) {
    const bool number = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!number) {
        const std::filesystem::path file(text);
        if (file.extension() == ".y4m" || file.extension() == ".avi") return CameraChoice{file};
        return fail(ErrorCode::field_value,
                    "a camera is a number (0 is /dev/video0), or a .y4m or .avi file for trials");
    }
    int index = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
    if (parsed.ec != std::errc() || index > camera_index_max) {
        return fail(ErrorCode::field_value, fmt::format("cameras are numbered from 0 to {}", camera_index_max));
    }
    return CameraChoice{index};
}

std::unique_ptr<Camera> open_camera(CameraChoice choice) {
    if (const int* index = std::get_if<int>(&choice.source)) return std::make_unique<DeviceCamera>(*index);
    return std::make_unique<FileCamera>(std::get<std::filesystem::path>(std::move(choice.source)));
}

struct FrameFile::Impl {
    Picture picture;
    bool picture_given = false;
    cv::VideoCapture video;
};

FrameFile::FrameFile() : impl_(std::make_unique<Impl>()) {}
FrameFile::FrameFile(FrameFile&&) noexcept = default;
FrameFile& FrameFile::operator=(FrameFile&&) noexcept = default;
FrameFile::~FrameFile() = default;

Result<FrameFile> FrameFile::open(const std::filesystem::path& file) {
    return guarded("reading the file", [&]() -> Result<FrameFile> {
        FrameFile frames;
        frames.impl_->picture.bgr.fill() = cv::imread(file.string(), cv::IMREAD_COLOR);
        if (is_frame(frames.impl_->picture.bgr.mat())) return frames;
        if (!frames.impl_->video.open(file.string(), cv::CAP_FFMPEG)) {
            return fail(ErrorCode::file_unreadable, "it is neither a picture nor a video that OpenCV can read");
        }
        frames.frame_time_ = sface::frame_time(frames.impl_->video);
        return frames;
    });
}

Result<std::optional<Picture>> FrameFile::next() {
    if (!impl_->video.isOpened()) {
        if (std::exchange(impl_->picture_given, true)) return std::optional<Picture>();
        return std::optional<Picture>(std::move(impl_->picture));
    }
    return guarded("reading the file", [&] { return read_frame(impl_->video); });
}

}  // namespace onshi::sface
