#include "face_sface/camera.h"

#include <fstream>

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>

#include "face_sface/opencv_guard.h"
#include "face_sface/test_folder.h"

namespace onshi::sface {
namespace {

TEST(ParseCamera, takes_numbers_and_videos) {
    EXPECT_EQ(std::get<int>(parse_camera("0")->source), 0);
    EXPECT_EQ(std::get<int>(parse_camera("63")->source), 63);
    EXPECT_TRUE(parse_camera("a.y4m")->is_file());
    EXPECT_TRUE(parse_camera("/b/a.avi")->is_file());
    for (const char* wrong : {"", "-1", "64", "99999999999999999999", "a.jpg", "rtsp://camera/x", "video"}) {
        EXPECT_FALSE(parse_camera(wrong).has_value()) << wrong;
    }
}

// Frames of one grey each, 60 of them a second.
std::filesystem::path write_video(const TestFolder& folder, std::initializer_list<char> greys) {
    const auto path = folder.path() / "video.y4m";
    std::ofstream out(path, std::ios::binary);
    out << "YUV4MPEG2 W32 H16 F60:1 Ip A1:1 C444\n";
    for (const char grey : greys) {
        out << "FRAME\n" << std::string(512, grey) << std::string(1024, static_cast<char>(128));
    }
    return path;
}

int grey_of(const Picture& picture) {
    return picture.bgr.mat().at<cv::Vec3b>(8, 8)[1];
}

class CameraTest : public testing::Test {
  protected:
    CameraTest() { quiet_opencv(); }
    TestFolder folder_;
};

TEST_F(CameraTest, a_video_begins_again_at_its_end) {
    const auto camera = open_camera({write_video(folder_, {30, 120})});
    EXPECT_TRUE(camera->present());
    ASSERT_TRUE(camera->start().has_value());
    std::vector<int> greys;
    for (int i = 0; i < 4; ++i) {
        auto picture = camera->next();
        ASSERT_TRUE(picture.has_value());
        greys.push_back(grey_of(*picture));
    }
    EXPECT_LT(greys[0], greys[1]);
    EXPECT_EQ(greys[2], greys[0]);
    EXPECT_EQ(greys[3], greys[1]);
    camera->stop();
    EXPECT_TRUE(camera->start().has_value()) << "it can be opened again";
}

TEST_F(CameraTest, that_is_missing_is_a_failure_and_not_an_exception) {
    const auto file = open_camera({folder_.path() / "none.y4m"});
    EXPECT_FALSE(file->present());
    EXPECT_FALSE(file->start().has_value());
    const auto device = open_camera({63});
    EXPECT_FALSE(device->present());
    EXPECT_FALSE(device->start().has_value());
    EXPECT_FALSE(device->next().has_value());
    device->stop();
}

TEST_F(CameraTest, a_file_that_is_no_video_is_a_failure) {
    const auto path = folder_.path() / "video.avi";
    std::ofstream(path) << "this is no video";
    EXPECT_FALSE(open_camera({path})->start().has_value());
    EXPECT_FALSE(FrameFile::open(path).has_value());
}

TEST_F(CameraTest, a_file_gives_each_frame_once_and_a_picture_is_one_frame) {
    auto video = FrameFile::open(write_video(folder_, {30, 60, 120}));
    ASSERT_TRUE(video.has_value());
    int frames = 0;
    while (frames < 10 && video->next()->has_value()) ++frames;
    EXPECT_EQ(frames, 3);
    EXPECT_EQ(video->frame_time(), std::chrono::microseconds(16'666));

    const auto path = folder_.path() / "picture.png";
    ASSERT_TRUE(cv::imwrite(path.string(), cv::Mat(10, 10, CV_8UC3, cv::Scalar::all(9))));
    auto picture = FrameFile::open(path);
    ASSERT_TRUE(picture.has_value());
    EXPECT_TRUE(picture->next()->has_value());
    EXPECT_FALSE(picture->next()->has_value());
}

}  // namespace
}  // namespace onshi::sface
