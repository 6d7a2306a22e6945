// Draws faces of nobody for face_sface_test.py: blocks that differ from one WHO to another, dark eyes, and a nose that
// the detector of harness/face_models.py finds: white at the size of a face that stands near, red at half of it.
//   persons FOLDER COUNT: pN_a.png and pN_b.png of each WHO from 1 | photo OUT.jp2 WHO | video OUT.y4m SCENE
//   (scene_frame)
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace {

constexpr int width = 640;
constexpr int height = 480;
constexpr int frames_per_second = 25;
constexpr int frames = 25;

// Each WHO has a pattern of its own; the same numbers on every machine.
std::uint32_t next(std::uint32_t& state) {
    state = state * 1664525U + 1013904223U;
    return state >> 16U;
}

void draw_face(cv::Mat& picture, cv::Point nose, int who, double size) {
    auto state = static_cast<std::uint32_t>(who * 7919 + 17);
    const int side = static_cast<int>(60 * size);
    for (int row = 0; row < 6; ++row) {
        for (int column = 0; column < 6; ++column) {
            const double grey = (next(state) & 1U) != 0 ? 190 : 60;
            const cv::Point corner = nose + cv::Point((column - 3) * side, (row - 3) * side);
            cv::rectangle(picture, cv::Rect(corner, cv::Size(side, side)), cv::Scalar::all(grey), cv::FILLED);
        }
    }
    const auto ellipse = [&](int x, int y, int w, int h, const cv::Scalar& colour) {
        const auto scaled = [&](int value) { return static_cast<int>(value * size); };
        cv::ellipse(picture, nose + cv::Point(scaled(x), scaled(y)), cv::Size(scaled(w), scaled(h)), 0, 0, 360, colour,
                    cv::FILLED);
    };
    ellipse(-60, -40, 18, 10, cv::Scalar::all(20));
    ellipse(60, -40, 18, 10, cv::Scalar::all(20));
    ellipse(0, 60, 40, 8, cv::Scalar::all(30));
    cv::circle(picture, nose, 16, size < 1 ? cv::Scalar(0, 0, 255) : cv::Scalar::all(255), cv::FILLED);
}

cv::Mat scene_frame(const std::string& scene, int number) {
    cv::Mat picture(height, width, CV_8UC3, cv::Scalar(120, 110, 100));
    // No two frames are the same, however far apart they are compared.
    const cv::Point sway = scene == "frozen" ? cv::Point() : cv::Point(number % 5, number / 5);
    const cv::Point middle = cv::Point(width / 2, height / 2 - 10) + sway;
    if (scene == "near" || scene == "frozen") draw_face(picture, middle, 1, 1);
    if (scene == "dark") {
        draw_face(picture, middle, 1, 1);
        picture = picture * 0.3;
        cv::circle(picture, middle, 16, cv::Scalar::all(255), cv::FILLED);
    }
    if (scene == "far") draw_face(picture, middle, 1, 0.5);
    if (scene == "two") {
        draw_face(picture, middle - cv::Point(130, 0), 1, 1);
        draw_face(picture, middle + cv::Point(170, 0), 2, 1);
    }
    return picture;
}

// 8 bits, all of the colour, the range of television: what `C444` means.
void write_plane(std::ofstream& out, const cv::Mat& bgr, const cv::Vec3d& weights, double zero) {
    std::vector<char> plane;
    plane.reserve(bgr.total());
    for (int y = 0; y < bgr.rows; ++y) {
        for (int x = 0; x < bgr.cols; ++x) {
            const cv::Vec3d pixel = bgr.at<cv::Vec3b>(y, x);
            plane.push_back(static_cast<char>(cv::saturate_cast<std::uint8_t>(zero + pixel.dot(weights) / 255)));
        }
    }
    out.write(plane.data(), static_cast<std::streamsize>(plane.size()));
}

bool write_video(const std::string& path, const std::string& scene) {
    std::ofstream out(path, std::ios::binary);
    out << "YUV4MPEG2 W" << width << " H" << height << " F" << frames_per_second << ":1 Ip A1:1 C444\n";
    for (int number = 0; number < frames; ++number) {
        const cv::Mat picture = scene_frame(scene, number);
        out << "FRAME\n";
        write_plane(out, picture, {24.966, 128.553, 65.481}, 16);
        write_plane(out, picture, {112.0, -74.203, -37.797}, 128);
        write_plane(out, picture, {-18.214, -93.786, 112.0}, 128);
    }
    return out.flush().good();
}

cv::Mat portrait(int who) {
    cv::Mat picture(height, width, CV_8UC3, cv::Scalar::all(110));
    draw_face(picture, cv::Point(width / 2, height / 2 - 10), who, 1);
    return picture;
}

bool write_persons(const std::string& folder, int count) {
    for (int who = 1; who <= count; ++who) {
        for (const char* letter : {"a", "b"}) {
            const std::string path = folder + "/p" + std::to_string(who) + "_" + letter + ".png";
            if (!cv::imwrite(path, portrait(who))) return false;
        }
    }
    return true;
}

bool write_photo(const std::string& path, int who) {
    cv::Mat grey;
    cv::cvtColor(portrait(who), grey, cv::COLOR_BGR2GRAY);
    return cv::imwrite(path, grey);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() != 3) return 2;
    const std::string& path = arguments[1];
    const std::string& which = arguments[2];
    if (arguments[0] == "video") return write_video(path, which) ? 0 : 1;
    if (arguments[0] == "photo") return write_photo(path, std::stoi(which)) ? 0 : 1;
    return write_persons(path, std::stoi(which)) ? 0 : 1;
}
