#pragma once

// Inside this folder only: shows OpenCV.
#include <filesystem>
#include <memory>
#include <string_view>
#include <variant>

#include "face_sface/session.h"

namespace onshi::sface {

// A device of Video4Linux, or a video that runs at its own speed and starts again at its end (for trials).
struct CameraChoice {
    std::variant<int, std::filesystem::path> source;
    [[nodiscard]] bool is_file() const { return source.index() == 1; }
};
// A number up to limits.h, or the path of a .y4m or .avi; `field.value` with a sentence.
[[nodiscard]] Result<CameraChoice> parse_camera(std::string_view text);

[[nodiscard]] std::unique_ptr<Camera> open_camera(CameraChoice choice);

// The frames of a video one after the other, as fast as they can be read, or the one of a picture. One thread.
class FrameFile {
  public:
    // `file.unreadable` when it is neither.
    [[nodiscard]] static Result<FrameFile> open(const std::filesystem::path& file);
    // nullopt: the end.
    [[nodiscard]] Result<std::optional<Picture>> next();
    // How long one frame stands; a picture stands for one second.
    [[nodiscard]] std::chrono::microseconds frame_time() const { return frame_time_; }

    FrameFile(FrameFile&&) noexcept;
    FrameFile& operator=(FrameFile&&) noexcept;
    ~FrameFile();

  private:
    struct Impl;
    FrameFile();
    std::unique_ptr<Impl> impl_;
    std::chrono::microseconds frame_time_{std::chrono::seconds(1)};
};

}  // namespace onshi::sface
