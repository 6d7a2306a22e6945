#pragma once

// Inside this folder only: shows OpenCV.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "face_sface/session.h"

// The only place that knows YuNet and SFace. All failures are `file.unreadable`, `file.malformed` or `tool.failed` with
// a sentence that may be sent as a note. Nothing here is thread-safe.
namespace onshi::sface {

// A model file of the operator's.
struct ModelFile {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    std::string sha256;  // hex
};
[[nodiscard]] Result<ModelFile> read_model_file(const std::filesystem::path& path);
// `file.malformed` when the file is not the one of that digest (hex, any case).
[[nodiscard]] Result<void> check_model_file(const std::filesystem::path& path, std::string_view sha256);

// YuNet on pictures of any size: each is drawn into one canvas, so that the model is asked about one size only, and
// that one is proved when it is loaded (OpenCV 4.6 reads past the end of what an unfit model answers).
class Detector {
  public:
    [[nodiscard]] static Result<Detector> load(const std::filesystem::path& model);
    [[nodiscard]] Result<Sighting> look(const cv::Mat& bgr);

    Detector(Detector&&) noexcept;
    Detector& operator=(Detector&&) noexcept;
    ~Detector();

  private:
    struct Impl;
    explicit Detector(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

class Recognizer {
  public:
    // Runs it once on a blank picture.
    [[nodiscard]] static Result<Recognizer> load(const std::filesystem::path& model);
    [[nodiscard]] Result<Feature> feature(const cv::Mat& bgr, const FacePlace& face);

    Recognizer(Recognizer&&) noexcept;
    Recognizer& operator=(Recognizer&&) noexcept;
    ~Recognizer();

  private:
    struct Impl;
    explicit Recognizer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

class OpencvMatcher final : public FaceMatcher {
  public:
    OpencvMatcher(Detector detector, Recognizer recognizer)
        : detector_(std::move(detector)), recognizer_(std::move(recognizer)) {}
    [[nodiscard]] Result<Sighting> look(const Picture& picture) override;
    [[nodiscard]] Result<Feature> feature(const Picture& picture, const FacePlace& face) override;
    [[nodiscard]] Result<std::optional<Feature>> photo_feature(Bytes jp2) override;
    [[nodiscard]] Result<double> motion(const Picture& before, const Picture& after) override;
    // Of a picture that is treated as the card's photo is. nullopt: not one single face.
    [[nodiscard]] Result<std::optional<Feature>> grey_feature(const cv::Mat& grey);

  private:
    Detector detector_;
    Recognizer recognizer_;
};

// Whether these bytes are a JPEG 2000 file of an allowed size, before a decoder sees them. Pure.
[[nodiscard]] bool is_small_jp2(Bytes bytes);

}  // namespace onshi::sface
