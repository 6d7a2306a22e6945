#include "face_sface/opencv_matcher.h"

#include <fstream>

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "face_sface/opencv_guard.h"
#include "face_sface/test_folder.h"

// What a model finds is tested with models of the test's own in tests/integration/face_sface_test.py.
namespace onshi::sface {
namespace {

class ModelTest : public testing::Test {
  protected:
    ModelTest() { quiet_opencv(); }
    std::filesystem::path file(const char* name, std::string_view text) {
        const auto path = folder_.path() / name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    TestFolder folder_;
};

TEST_F(ModelTest, size_and_digest_are_those_of_the_file) {
    const auto model = read_model_file(file("m.onnx", "abc"));
    ASSERT_TRUE(model.has_value());
    EXPECT_EQ(model->bytes, 3U);
    EXPECT_EQ(model->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(ModelTest, a_file_of_another_digest_is_refused_whatever_the_case_of_the_hex) {
    const auto path = file("m.onnx", "abc");
    EXPECT_TRUE(check_model_file(path, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD").has_value());
    EXPECT_EQ(check_model_file(path, std::string(64, '0')).error().detail, "model of another SHA-256");
    EXPECT_FALSE(check_model_file(path, "").has_value());
    EXPECT_FALSE(check_model_file(path, "ba78").has_value());
    EXPECT_EQ(check_model_file(folder_.path() / "none.onnx", "ba78").error().detail, "model missing");
}

TEST_F(ModelTest, an_empty_file_and_a_folder_are_no_models) {
    EXPECT_FALSE(read_model_file(file("m.onnx", "")).has_value());
    EXPECT_FALSE(read_model_file(folder_.path()).has_value());
}

TEST_F(ModelTest, a_missing_model_is_opencvs_error_minus_5_and_not_an_exception) {
    const auto detector = Detector::load(folder_.path() / "none.onnx");
    ASSERT_FALSE(detector.has_value());
    EXPECT_EQ(detector.error().detail, "loading the detector: OpenCV's error -5");
    const auto recognizer = Recognizer::load(folder_.path() / "none.onnx");
    ASSERT_FALSE(recognizer.has_value());
    EXPECT_EQ(recognizer.error().detail, "loading the recogniser: OpenCV's error -5");
}

TEST_F(ModelTest, what_is_no_model_is_refused) {
    const auto garbage = file("m.onnx", "this is not a model at all");
    EXPECT_FALSE(Detector::load(garbage).has_value());
    EXPECT_FALSE(Recognizer::load(garbage).has_value());
    EXPECT_FALSE(Detector::load(file("m.caffemodel", "x")).has_value());
    EXPECT_FALSE(Recognizer::load(file("m.pb", "x")).has_value());
}

std::vector<std::uint8_t> jp2(int width, int height) {
    std::vector<std::uint8_t> bytes;
    EXPECT_TRUE(cv::imencode(".jp2", cv::Mat(height, width, CV_8UC1, cv::Scalar(90)), bytes));
    return bytes;
}

TEST(SmallJp2, a_photo_is_known_before_it_is_decoded) {
    EXPECT_TRUE(is_small_jp2(jp2(64, 80)));
}

TEST(SmallJp2, of_more_than_4096_pixels_a_side_is_refused) {
    auto bytes = jp2(64, 80);
    const std::array<std::uint8_t, 4> siz{0xFF, 0x4F, 0xFF, 0x51};
    const auto at = std::ranges::search(bytes, siz).begin() - bytes.begin();
    const auto width = static_cast<std::size_t>(at) + 8;
    bytes[width + 2] = 0x10;
    bytes[width + 3] = 0x00;
    EXPECT_TRUE(is_small_jp2(bytes));
    bytes[width + 3] = 0x01;
    EXPECT_FALSE(is_small_jp2(bytes));
}

TEST(SmallJp2, other_formats_and_pieces_are_refused) {
    EXPECT_FALSE(is_small_jp2({}));
    EXPECT_FALSE(is_small_jp2(as_bytes("\x89PNG\r\n\x1a\n and so on, and on, and on, and on, and on")));
    const auto bytes = jp2(64, 80);
    for (std::size_t size = 0; size < 120; ++size) EXPECT_FALSE(is_small_jp2(Bytes(bytes).first(size))) << size;
}

TEST(SmallJp2, a_codestream_that_is_hidden_in_another_box_is_not_the_one_that_counts) {
    auto bytes = jp2(64, 80);
    // A box of free content with a small picture's header before everything else but the signature.
    std::vector<std::uint8_t> decoy{0, 0, 0, 56, 'f', 'r', 'e', 'e', 0xFF, 0x4F, 0xFF, 0x51};
    decoy.resize(56);
    const std::array<std::uint8_t, 4> siz{0xFF, 0x4F, 0xFF, 0x51};
    const auto at = std::ranges::search(bytes, siz).begin() - bytes.begin();
    bytes[static_cast<std::size_t>(at) + 8] = 0x7F;
    bytes.insert(bytes.begin() + 12, decoy.begin(), decoy.end());
    EXPECT_FALSE(is_small_jp2(bytes));
}

TEST(Pixels, are_overwritten_when_they_go) {
    // A second header on the same memory, which production code never has.
    const cv::Mat seen(4, 4, CV_8UC3, cv::Scalar::all(200));
    {
        const Pixels pixels{cv::Mat(seen)};
    }
    EXPECT_EQ(cv::countNonZero(seen.reshape(1)), 0);
}

TEST(Pixels, are_overwritten_when_others_take_their_place) {
    const cv::Mat seen(4, 4, CV_8UC3, cv::Scalar::all(200));
    Pixels pixels{cv::Mat(seen)};
    pixels = Pixels(cv::Mat(2, 2, CV_8UC3, cv::Scalar::all(1)));
    EXPECT_EQ(cv::countNonZero(seen.reshape(1)), 0);
    EXPECT_EQ(pixels.mat().rows, 2);
}

}  // namespace
}  // namespace onshi::sface
