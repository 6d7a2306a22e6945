#include "face_sface/commands.h"

#include <sstream>

#include <gtest/gtest.h>

namespace onshi::sface {
namespace {

struct Ran {
    int exit = 0;
    std::string out;
    std::string err;
};

Ran run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit = run_program(arguments, {out, err});
    return {.exit = exit, .out = out.str(), .err = err.str()};
}

std::vector<std::string> serve_with(const std::string& threshold, const std::string& camera = "0",
                                    const std::string& name = "opencv-sface") {
    return {"serve",      "--socket",
            "/nowhere/s", "--key",
            "/nowhere/k", "--camera",
            camera,       "--detector",
            "d.onnx",     "--recognizer",
            "r.onnx",     "--detector-sha256",
            "00",         "--recognizer-sha256",
            "00",         "--threshold",
            threshold,    "--name",
            name};
}

bool says(const Ran& ran, std::string_view text) {
    return ran.err.find(text) != std::string::npos;
}

TEST(Commands, help_is_an_answer) {
    const Ran ran = run({"--help"});
    EXPECT_EQ(ran.exit, exit_done);
    EXPECT_NE(ran.out.find("calibrate"), std::string::npos);
    EXPECT_EQ(ran.err, "");
}

TEST(Commands, what_is_no_command_is_a_usage_error_with_a_hint) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{}, {"dance"}, {"serve"}, {"models"}, {"aim"}, {"aim", "x", "--y"}}) {
        const Ran ran = run(arguments);
        EXPECT_EQ(ran.exit, exit_usage);
        EXPECT_TRUE(says(ran, "error: ") && says(ran, "cause: ") && says(ran, "hint: ")) << ran.err;
    }
}

TEST(Commands, there_is_no_threshold_unless_the_operator_gives_one_that_calibration_can_give) {
    auto without = serve_with("0.4");
    without.erase(without.end() - 4, without.end() - 2);
    EXPECT_EQ(run(without).exit, exit_usage);
    for (const char* wrong : {"0.19", "0.96", "nan", "-1", "x"}) {
        const Ran ran = run(serve_with(wrong));
        EXPECT_EQ(ran.exit, exit_usage) << wrong;
    }
    EXPECT_TRUE(says(run(serve_with("0.1")), "strangers pass"));
}

TEST(Commands, a_camera_and_a_name_that_cannot_be_are_usage_errors) {
    EXPECT_TRUE(says(run(serve_with("0.4", "64")), "from 0 to 63"));
    EXPECT_EQ(run(serve_with("0.4", "0", "a name")).exit, exit_usage);
}

TEST(Commands, models_check_says_that_they_are_missing_and_fails) {
    const Ran ran =
        run({"models", "check", "--detector", "/nowhere/d.onnx", "--recognizer", "/nowhere/r.onnx", "--json"});
    EXPECT_EQ(ran.exit, exit_failed);
    EXPECT_NE(ran.out.find("\"trouble\":\"model missing\""), std::string::npos) << ran.out;
    EXPECT_TRUE(says(ran, "the detector cannot be used"));
}

TEST(Commands, calibrate_and_aim_fail_without_models) {
    EXPECT_EQ(run({"aim", "x.png", "--detector", "/nowhere/d.onnx"}).exit, exit_failed);
    const std::vector<std::string> calibrate{"calibrate",    "--detector",      "/nowhere/d.onnx",
                                             "--recognizer", "/nowhere/r.onnx", "--genuine",
                                             "/nowhere",     "--impostor",      "/nowhere"};
    auto with_rate = calibrate;
    with_rate.insert(with_rate.end(), {"--far", "1e-4"});
    EXPECT_EQ(run(with_rate).exit, exit_failed);
    with_rate.back() = "0.5";
    EXPECT_EQ(run(with_rate).exit, exit_usage);
}

}  // namespace
}  // namespace onshi::sface
