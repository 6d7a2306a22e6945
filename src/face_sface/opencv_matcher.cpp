#include "face_sface/opencv_matcher.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include "base/ensure.h"
#include "base/sha256.h"
#include "face_sface/limits.h"
#include "face_sface/opencv_guard.h"

namespace onshi::sface {

namespace {

constexpr int canvas_side = 640;
// A middle grey, so that the edge of the picture is not one of the canvas's strongest.
constexpr double canvas_grey = 114;
constexpr double enlarged_max = 2;
constexpr float detector_score_min = 0.8F;
constexpr float detector_overlap_max = 0.3F;
constexpr int detector_candidates_max = 200;
constexpr int aligned_side = 112;
constexpr std::size_t feature_size = 128;
constexpr int sharpness_width = 160;
constexpr int boxes_max = 32;
constexpr unsigned photo_components_max = 4;

// What OpenCV 4.6 reads of a detector's answer: so many boxes, each of 14 numbers, two classes and one overlap.
constexpr std::size_t boxes_of_canvas() {
    const auto cells = [](int step) {
        const auto side = static_cast<std::size_t>(canvas_side / step);
        return side * side;
    };
    return cells(8) * 3 + cells(16) * 2 + cells(32) * 2 + cells(64) * 3;
}

// A picture drawn into the canvas, and how to find its pixels again.
struct Canvas {
    Pixels pixels;
    double scale = 1;
};

Canvas draw_into_canvas(const cv::Mat& bgr) {
    Canvas canvas;
    canvas.scale = std::min(enlarged_max, canvas_side / static_cast<double>(std::max(bgr.cols, bgr.rows)));
    const int width = std::clamp(static_cast<int>(std::lround(bgr.cols * canvas.scale)), 1, canvas_side);
    const int height = std::clamp(static_cast<int>(std::lround(bgr.rows * canvas.scale)), 1, canvas_side);
    canvas.pixels.fill() = cv::Mat(canvas_side, canvas_side, CV_8UC3, cv::Scalar::all(canvas_grey));
    cv::Mat part = canvas.pixels.mat()(cv::Rect(0, 0, width, height));
    cv::resize(bgr, part, part.size(), 0, 0, canvas.scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
    return canvas;
}

struct Point {
    double x = 0;
    double y = 0;
    friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
};

Point middle(Point a, Point b) {
    return {(a.x + b.x) / 2, (a.y + b.y) / 2};
}

// Box and landmarks by the row's order.
struct Landmarks {
    Point right_eye;
    Point left_eye;
    Point nose;
    Point mouth;
};

Landmarks landmarks_of(const FacePlace& face) {
    const auto point = [&](std::size_t i) {
        return Point{static_cast<double>(face.row[i]), static_cast<double>(face.row[i + 1])};
    };
    return {.right_eye = point(4), .left_eye = point(6), .nose = point(8), .mouth = middle(point(10), point(12))};
}

void measure_place(const Landmarks& at, cv::Size picture, FaceMeasure& measure) {
    const Point axis = at.left_eye - at.right_eye;
    const double distance = std::hypot(axis.x, axis.y);
    measure.eye_distance_px = distance;
    measure.eye_distance_share = distance / std::min(picture.width, picture.height);
    measure.tilt_degrees = std::atan2(axis.y, axis.x) * 180 / std::numbers::pi;
    const Point eyes = middle(at.right_eye, at.left_eye);
    // Along the line through the eyes, so that a head that is only tilted is not turned.
    const auto away = [&](Point from) {
        const Point offset = from - eyes;
        return std::abs(offset.x * axis.x + offset.y * axis.y) / (distance * distance);
    };
    measure.asymmetry = std::max(away(at.nose), away(at.mouth));
}

void measure_light(const cv::Mat& bgr, const FacePlace& face, FaceMeasure& measure) {
    const cv::Rect2d box(static_cast<double>(face.row[0]), static_cast<double>(face.row[1]),
                         static_cast<double>(face.row[2]), static_cast<double>(face.row[3]));
    const cv::Rect2d seen = box & cv::Rect2d(0, 0, bgr.cols, bgr.rows);
    measure.inside = box.area() > 0 ? seen.area() / box.area() : 0;
    const cv::Rect cut = cv::Rect(seen) & cv::Rect(0, 0, bgr.cols, bgr.rows);
    if (cut.empty()) {
        measure.inside = 0;
        return;
    }
    Pixels grey;
    cv::cvtColor(bgr(cut), grey.fill(), cv::COLOR_BGR2GRAY);
    measure.brightness = cv::mean(grey.mat())[0];
    Pixels small;
    const int height = std::clamp(cut.height * sharpness_width / cut.width, 1, 4 * sharpness_width);
    cv::resize(grey.mat(), small.fill(), cv::Size(sharpness_width, height), 0, 0, cv::INTER_AREA);
    Pixels edges;
    cv::Laplacian(small.mat(), edges.fill(), CV_64F);
    cv::Scalar mean;
    cv::Scalar deviation;
    cv::meanStdDev(edges.mat(), mean, deviation);
    measure.sharpness = deviation[0] * deviation[0];
}

Result<void> proven_for_canvas(const std::filesystem::path& model) {
    cv::dnn::Net net = cv::dnn::readNet(model.string());
    const cv::Mat blank(canvas_side, canvas_side, CV_8UC3, cv::Scalar::all(canvas_grey));
    net.setInput(cv::dnn::blobFromImage(blank));
    std::vector<cv::Mat> answers;
    net.forward(answers, std::vector<cv::String>{"loc", "conf", "iou"});
    constexpr std::size_t boxes = boxes_of_canvas();
    const std::array<std::size_t, 3> sizes{boxes * 14, boxes * 2, boxes};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (answers.size() != sizes.size() || answers[i].total() != sizes[i] || answers[i].type() != CV_32F) {
            return fail(ErrorCode::file_malformed, "the detector's answer is not of the form of YuNet 2022mar");
        }
    }
    return {};
}

// Others are read by other parts of OpenCV, and by code that a model brings.
Result<void> named_onnx(const std::filesystem::path& model, std::string_view what) {
    if (model.extension() == ".onnx") return {};
    return fail(ErrorCode::file_malformed, fmt::format("the {} is not an .onnx file", what));
}

std::uint32_t big_endian(Bytes bytes) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes.first(4)) value = value << 8U | byte;
    return value;
}

// Of a file in boxes, or of a bare codestream; empty when there is none. The first one is what a decoder takes.
Bytes codestream_of(Bytes bytes) {
    if (bytes.size() < 12 || bytes[0] == 0xFF) return bytes;
    static constexpr std::array<std::uint8_t, 12> signature{0, 0, 0, 12, 'j', 'P', ' ', ' ', 0x0D, 0x0A, 0x87, 0x0A};
    if (!std::ranges::equal(bytes.first(signature.size()), signature)) return {};
    std::size_t at = 0;
    for (int box = 0; box < boxes_max && bytes.size() - at >= 8; ++box) {
        const std::uint32_t length = big_endian(bytes.subspan(at));
        const std::string_view type = as_text(bytes.subspan(at + 4, 4));
        if (type == "jp2c") return bytes.subspan(at + 8);
        // 0 and 1 are forms for the last box and for large ones.
        if (length < 8 || length > bytes.size() - at) return {};
        at += length;
    }
    return {};
}

}  // namespace

Result<ModelFile> read_model_file(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return fail(ErrorCode::file_unreadable, "model missing");
    const auto size = std::filesystem::file_size(path, error);
    if (error || size == 0 || size > model_bytes_max) {
        return fail(ErrorCode::file_malformed, fmt::format("model empty or of more than {} bytes", model_bytes_max));
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::ifstream in(path, std::ios::binary);
    if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) {
        return fail(ErrorCode::file_unreadable, "model unreadable");
    }
    return ModelFile{.path = path, .bytes = size, .sha256 = to_hex(Bytes(sha256(as_bytes(bytes))))};
}

Result<void> check_model_file(const std::filesystem::path& path, std::string_view sha256) {
    const auto file = read_model_file(path);
    if (!file) return fail(file.error().code, file.error().detail);
    const auto wanted = from_hex(sha256);
    if (wanted && to_hex(as_bytes(*wanted)) == file->sha256) return {};
    return fail(ErrorCode::file_malformed, "model of another SHA-256");
}

struct Detector::Impl {
    cv::Ptr<cv::FaceDetectorYN> yunet;
};

Detector::Detector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Result<Detector> Detector::load(const std::filesystem::path& model) {
    if (auto named = named_onnx(model, "detector"); !named) return fail(std::move(named));
    return guarded("loading the detector", [&]() -> Result<Detector> {
        if (auto proven = proven_for_canvas(model); !proven) return fail(std::move(proven));
        auto impl = std::make_unique<Impl>();
        impl->yunet = cv::FaceDetectorYN::create(model.string(), "", cv::Size(canvas_side, canvas_side),
                                                 detector_score_min, detector_overlap_max, detector_candidates_max);
        return Detector(std::move(impl));
    });
}

Result<Sighting> Detector::look(const cv::Mat& bgr) {
    return guarded("looking for a face", [&]() -> Result<Sighting> {
        const Canvas canvas = draw_into_canvas(bgr);
        cv::Mat found;
        impl_->yunet->detect(canvas.pixels.mat(), found);
        Sighting sighting;
        sighting.measure.faces = found.rows;
        if (found.rows != 1) return sighting;
        ENSURE(found.cols == static_cast<int>(sighting.face.row.size()) && found.type() == CV_32F);
        for (std::size_t i = 0; i < sighting.face.row.size(); ++i) {
            const float value = found.at<float>(0, static_cast<int>(i));
            if (!std::isfinite(value)) return fail(ErrorCode::tool_failed, "the detector gave no numbers");
            sighting.face.row[i] = i == 14 ? value : static_cast<float>(value / canvas.scale);
        }
        measure_place(landmarks_of(sighting.face), bgr.size(), sighting.measure);
        measure_light(bgr, sighting.face, sighting.measure);
        return sighting;
    });
}

struct Recognizer::Impl {
    cv::Ptr<cv::FaceRecognizerSF> sface;

    Result<Feature> feature_of(const cv::Mat& aligned) {
        Pixels raw;
        sface->feature(aligned, raw.fill());
        const cv::Mat& values = raw.mat();
        const bool fits = values.total() == feature_size && values.type() == CV_32F && values.isContinuous();
        if (!fits) return fail(ErrorCode::file_malformed, "the recogniser's answer is not of the form of SFace");
        auto feature = Feature::of(std::span(values.ptr<float>(), feature_size));
        if (!feature) return fail(ErrorCode::tool_failed, "the recogniser gave no numbers");
        return std::move(*feature);
    }
};

Recognizer::Recognizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recognizer::Recognizer(Recognizer&&) noexcept = default;
Recognizer& Recognizer::operator=(Recognizer&&) noexcept = default;
Recognizer::~Recognizer() = default;

Result<Recognizer> Recognizer::load(const std::filesystem::path& model) {
    if (auto named = named_onnx(model, "recogniser"); !named) return fail(std::move(named));
    return guarded("loading the recogniser", [&]() -> Result<Recognizer> {
        auto impl = std::make_unique<Impl>();
        impl->sface = cv::FaceRecognizerSF::create(model.string(), "");
        const cv::Mat blank(aligned_side, aligned_side, CV_8UC3, cv::Scalar::all(canvas_grey));
        if (auto feature = impl->feature_of(blank); !feature) return fail(std::move(feature));
        return Recognizer(std::move(impl));
    });
}

Result<Feature> Recognizer::feature(const cv::Mat& bgr, const FacePlace& face) {
    return guarded("comparing a face", [&]() -> Result<Feature> {
        cv::Mat row(1, static_cast<int>(face.row.size()), CV_32F);
        std::ranges::copy(face.row, row.ptr<float>());
        Pixels aligned;
        impl_->sface->alignCrop(bgr, row, aligned.fill());
        return impl_->feature_of(aligned.mat());
    });
}

Result<Sighting> OpencvMatcher::look(const Picture& picture) {
    return detector_.look(picture.bgr.mat());
}

Result<Feature> OpencvMatcher::feature(const Picture& picture, const FacePlace& face) {
    return recognizer_.feature(picture.bgr.mat(), face);
}

Result<std::optional<Feature>> OpencvMatcher::photo_feature(Bytes jp2) {
    if (!is_small_jp2(jp2)) return std::optional<Feature>();
    return guarded("reading the photo", [&]() -> Result<std::optional<Feature>> {
        // A header over the caller's bytes, which OpenCV does not change.
        const cv::Mat coded(1, static_cast<int>(jp2.size()), CV_8UC1, const_cast<std::uint8_t*>(jp2.data()));
        Pixels grey;
        try {
            grey.fill() = cv::imdecode(coded, cv::IMREAD_GRAYSCALE);
        } catch (const cv::Exception&) {
            return std::optional<Feature>();
        }
        return grey_feature(grey.mat());
    });
}

Result<std::optional<Feature>> OpencvMatcher::grey_feature(const cv::Mat& grey) {
    return guarded("looking at the photo", [&]() -> Result<std::optional<Feature>> {
        if (grey.empty() || grey.type() != CV_8UC1) return std::optional<Feature>();
        Pixels bgr;
        cv::cvtColor(grey, bgr.fill(), cv::COLOR_GRAY2BGR);
        auto sighting = detector_.look(bgr.mat());
        if (!sighting) return fail(std::move(sighting));
        const bool one = sighting->measure.faces == 1 && sighting->measure.eye_distance_px >= photo_eye_distance_min_px;
        if (!one) return std::optional<Feature>();
        auto feature = recognizer_.feature(bgr.mat(), sighting->face);
        if (!feature) return fail(std::move(feature));
        return std::optional<Feature>(std::move(*feature));
    });
}

Result<double> OpencvMatcher::motion(const Picture& before, const Picture& after) {
    return guarded("comparing two frames", [&]() -> Result<double> {
        const cv::Mat& a = before.bgr.mat();
        const cv::Mat& b = after.bgr.mat();
        if (a.size() != b.size()) return fail(ErrorCode::tool_failed, "the camera changed its picture's size");
        return cv::norm(a, b, cv::NORM_L1) / (static_cast<double>(a.total()) * a.channels());
    });
}

bool is_small_jp2(Bytes bytes) {
    static constexpr std::array<std::uint8_t, 4> begin{0xFF, 0x4F, 0xFF, 0x51};
    const Bytes stream = codestream_of(bytes);
    // Length and capabilities, then the ends of the picture's grid, its begin, tiles, components (ISO/IEC 15444-1
    // A.5.1).
    constexpr std::size_t header = 42;
    if (stream.size() < header || !std::ranges::equal(stream.first(begin.size()), begin)) return false;
    const std::uint32_t width = big_endian(stream.subspan(8));
    const std::uint32_t height = big_endian(stream.subspan(12));
    const unsigned components = stream[40] * 256U + stream[41];
    return width > 0 && height > 0 && width <= photo_side_max_px && height <= photo_side_max_px && components > 0 &&
           components <= photo_components_max;
}

}  // namespace onshi::sface
