#include "face_sface/session.h"

#include <array>
#include <cmath>
#include <deque>

#include <gtest/gtest.h>

#include "face_sface/limits.h"

namespace onshi::sface {
namespace {

using face::Ask;
using face::Hint;
using face::Verdict;
using std::chrono::milliseconds;

// What one frame shows. `score` is what the double's recogniser finds, as the angle to the photo.
struct Scene {
    FaceMeasure measure;
    float score = 1;
    double motion = 1;
};

FaceMeasure good_measure() {
    return {.faces = 1,
            .eye_distance_px = 120,
            .eye_distance_share = 0.25,
            .inside = 1,
            .asymmetry = 0,
            .tilt_degrees = 0,
            .brightness = 130,
            .sharpness = 200};
}

Scene somebody(float score) {
    return {.measure = good_measure(), .score = score, .motion = 1};
}

Scene nobody() {
    return {.measure = {}, .score = 0, .motion = 1};
}

Scene blurred() {
    Scene scene = somebody(1);
    scene.measure.sharpness = 1;
    return scene;
}

// The world of one test: scenes that the camera shows one after the other (the last one stays), and lines that come.
class World {
  public:
    SteadyTime now{std::chrono::hours(1)};
    std::deque<Scene> scenes{somebody(1)};
    bool camera_present = true;
    bool camera_broken = false;
    bool camera_on = false;
    bool model_broken = false;
    bool photo_shows_face = true;
    int frames_given = 0;
    milliseconds frame_gap{100};
    std::deque<std::string> lines;
    // Comes while somebody aims, after so many frames.
    std::optional<std::pair<int, std::string>> later;
    std::vector<face::Reply> replies;
    bool camera_was_on_at_idle = false;
};

class DrawnCamera final : public Camera {
  public:
    explicit DrawnCamera(World& world) : world_(world) {}
    [[nodiscard]] bool present() const override { return world_.camera_present; }
    Result<void> start() override {
        if (!world_.camera_present) return fail(ErrorCode::device_unavailable, "camera missing");
        world_.camera_on = true;
        return {};
    }
    Result<Picture> next() override {
        EXPECT_TRUE(world_.camera_on);
        world_.now += world_.frame_gap;
        if (world_.camera_broken) return fail(ErrorCode::device_unavailable, "camera gives no pictures");
        ++world_.frames_given;
        if (world_.frames_given > 1 && world_.scenes.size() > 1) world_.scenes.pop_front();
        return Picture{.bgr = Pixels(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(7))), .taken = world_.now};
    }
    void stop() noexcept override { world_.camera_on = false; }

  private:
    World& world_;
};

Feature angle(float cosine) {
    return std::move(*Feature::of(std::array{cosine, std::sqrt(1 - cosine * cosine)}));
}

class DrawnMatcher final : public FaceMatcher {
  public:
    explicit DrawnMatcher(World& world) : world_(world) {}
    Result<Sighting> look(const Picture&) override {
        if (world_.model_broken) return fail(ErrorCode::tool_failed, "looking for a face: OpenCV's error -215");
        return Sighting{.measure = world_.scenes.front().measure, .face = {}};
    }
    Result<Feature> feature(const Picture&, const FacePlace&) override { return angle(world_.scenes.front().score); }
    Result<std::optional<Feature>> photo_feature(Bytes) override {
        if (!world_.photo_shows_face) return std::optional<Feature>();
        return std::optional<Feature>(angle(1));
    }
    Result<double> motion(const Picture&, const Picture&) override { return world_.scenes.front().motion; }

  private:
    World& world_;
};

class WrittenLines final : public LineChannel {
  public:
    explicit WrittenLines(World& world) : world_(world) {}
    Line read(Deadline deadline) override {
        const bool waits = deadline.at() != SteadyTime();
        if (!waits) return poll();
        if (world_.lines.empty()) return {.end = LineEnd::gone, .text = {}};
        std::string line = world_.lines.front();
        world_.lines.pop_front();
        if (line == "(too long)") return {.end = LineEnd::too_long, .text = {}};
        if (line == "(nothing)") return {.end = LineEnd::nothing_yet, .text = {}};
        if (line == "(camera?)") {
            world_.camera_was_on_at_idle = world_.camera_on;
            return read(deadline);
        }
        return {.end = LineEnd::line, .text = SecretBytes(as_bytes(line))};
    }
    bool write(const face::Reply& reply) override {
        auto heard = face::parse_reply(as_text(face::write_reply(reply).bytes()));
        EXPECT_TRUE(heard.has_value());
        world_.replies.push_back(std::move(*heard));
        return true;
    }

  private:
    Line poll() {
        if (!world_.later || world_.frames_given < world_.later->first) {
            return {.end = LineEnd::nothing_yet, .text = {}};
        }
        const std::string line = world_.later->second;
        world_.later.reset();
        if (line == "(gone)") return {.end = LineEnd::gone, .text = {}};
        return {.end = LineEnd::line, .text = SecretBytes(as_bytes(line))};
    }
    World& world_;
};

const std::string nonce(face::nonce_bytes, 'n');
const std::string photo = "not a picture; the double does not look";

std::string line_of(Ask ask) {
    face::Request request;
    request.ask = ask;
    if (ask == Ask::match) {
        request.nonce = nonce;
        request.photo = SecretBytes(as_bytes(photo));
    }
    return std::string(as_text(face::write_request(request).bytes()));
}

class SessionTest : public testing::Test {
  protected:
    // Runs one connection that says these lines and then goes.
    const std::vector<face::Reply>& run(std::initializer_list<std::string> lines) {
        world_.lines.assign(lines);
        WrittenLines channel(world_);
        {
            Session session(engine_, channel);
            session.run();
        }
        EXPECT_FALSE(world_.camera_on) << "the camera is off when the connection has ended";
        return world_.replies;
    }
    template <class T>
    const T& only_reply() {
        EXPECT_EQ(world_.replies.size(), 1U);
        return std::get<T>(world_.replies.at(0));
    }
    const face::Decision& match() {
        run({line_of(Ask::match)});
        return only_reply<face::Decision>();
    }

    World world_;
    DrawnCamera camera_{world_};
    DrawnMatcher matcher_{world_};
    pki::EcPrivateKey key_ = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    Engine engine_{.name = "opencv-sface",
                   .camera = camera_,
                   .matcher = &matcher_,
                   .trouble = {},
                   .key = key_,
                   .threshold = 0.4,
                   .now = [this] { return world_.now; }};
};

TEST_F(SessionTest, hello_says_that_it_is_ready_and_never_that_it_scans) {
    run({line_of(Ask::hello)});
    const auto& hello = only_reply<face::Hello>();
    EXPECT_EQ(hello.engine, "opencv-sface");
    EXPECT_TRUE(hello.ready);
    EXPECT_FALSE(hello.scans);
    EXPECT_EQ(hello.note, "");
}

TEST_F(SessionTest, hello_says_why_it_is_not_ready) {
    engine_.matcher = nullptr;
    engine_.trouble = "detector: model missing";
    world_.camera_present = false;
    run({line_of(Ask::hello)});
    EXPECT_FALSE(only_reply<face::Hello>().ready);
    EXPECT_EQ(only_reply<face::Hello>().note, "detector: model missing; camera missing");
}

TEST_F(SessionTest, without_models_aim_and_match_are_faults) {
    engine_.matcher = nullptr;
    engine_.trouble = "detector: model missing";
    const auto& replies = run({line_of(Ask::aim), line_of(Ask::match), line_of(Ask::hello)});
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_EQ(std::get<face::Fault>(replies[0]).note, "detector: model missing");
    EXPECT_EQ(std::get<face::Fault>(replies[1]).note, "detector: model missing");
}

TEST_F(SessionTest, a_broken_model_is_a_fault_with_opencvs_code_and_the_connection_goes_on) {
    world_.model_broken = true;
    const auto& replies = run({line_of(Ask::match), line_of(Ask::hello)});
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(std::get<face::Fault>(replies[0]).note, "looking for a face: OpenCV's error -215");
}

TEST_F(SessionTest, a_camera_that_breaks_is_a_fault) {
    world_.camera_broken = true;
    const auto& replies = run({line_of(Ask::aim), line_of(Ask::match)});
    ASSERT_EQ(replies.size(), 2U);
    for (const auto& reply : replies) EXPECT_EQ(std::get<face::Fault>(reply).note, "camera gives no pictures");
}

TEST_F(SessionTest, wrong_lines_are_faults_until_there_are_too_many) {
    world_.lines.assign(wrong_lines_max + 5, "{}");
    WrittenLines channel(world_);
    Session(engine_, channel).run();
    ASSERT_EQ(world_.replies.size(), static_cast<std::size_t>(wrong_lines_max));
    EXPECT_TRUE(std::holds_alternative<face::Fault>(world_.replies.back()));
    EXPECT_EQ(world_.lines.size(), 5U);
}

TEST_F(SessionTest, a_line_that_is_too_long_ends_the_connection) {
    const auto& replies = run({"(too long)", line_of(Ask::hello)});
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(std::get<face::Fault>(replies[0]).note, "line too long");
}

TEST_F(SessionTest, a_stop_that_comes_after_the_aim_has_no_answer) {
    EXPECT_TRUE(run({line_of(Ask::stop)}).empty());
}

TEST_F(SessionTest, aim_tells_hints_and_ends_when_somebody_stands_well) {
    world_.scenes = {nobody(), nobody(), somebody(1)};
    const auto& replies = run({line_of(Ask::aim)});
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_EQ(std::get<Hint>(replies[0]), Hint::no_face);
    EXPECT_TRUE(std::get<face::AimEnded>(replies[1]).good);
    EXPECT_EQ(world_.frames_given, 11);
}

TEST_F(SessionTest, aim_ends_after_thirty_seconds) {
    world_.scenes = {nobody()};
    const auto& replies = run({line_of(Ask::aim)});
    EXPECT_FALSE(std::get<face::AimEnded>(replies.back()).good);
    EXPECT_EQ(world_.frames_given, 300);
}

TEST_F(SessionTest, stop_ends_the_aim) {
    world_.scenes = {nobody()};
    world_.later.emplace(5, line_of(Ask::stop));
    const auto& replies = run({line_of(Ask::aim), line_of(Ask::hello)});
    ASSERT_EQ(replies.size(), 3U);
    EXPECT_FALSE(std::get<face::AimEnded>(replies[1]).good);
    EXPECT_EQ(world_.frames_given, 5);
}

TEST_F(SessionTest, anything_but_stop_while_somebody_aims_ends_the_connection) {
    world_.scenes = {nobody()};
    world_.later.emplace(2, line_of(Ask::match));
    const auto& replies = run({line_of(Ask::aim), line_of(Ask::hello)});
    EXPECT_TRUE(std::holds_alternative<face::Fault>(replies.back()));
    EXPECT_EQ(world_.lines.size(), 1U) << "nothing more is read";
}

TEST_F(SessionTest, a_terminal_that_goes_while_somebody_aims_ends_it) {
    world_.scenes = {nobody()};
    world_.later.emplace(2, "(gone)");
    run({line_of(Ask::aim)});
    EXPECT_EQ(world_.frames_given, 2);
}

TEST_F(SessionTest, match_compares_three_frames_and_signs) {
    const auto& decision = match();
    EXPECT_EQ(decision.verdict, Verdict::matched);
    EXPECT_EQ(decision.frames, 3);
    EXPECT_EQ(decision.age, milliseconds(0));
    const auto point = key_.public_point();
    const face::EngineKey believed{.name = "opencv-sface", .public_point = std::string(as_text(point))};
    EXPECT_TRUE(face::check_decision(believed, nonce, as_bytes(photo), decision).has_value());
    EXPECT_FALSE(face::check_decision(believed, nonce, as_bytes("another photo"), decision).has_value());
    EXPECT_FALSE(face::check_decision(believed, std::string(32, 'o'), as_bytes(photo), decision).has_value());
}

TEST_F(SessionTest, one_frame_of_three_below_the_threshold_is_not_matched) {
    world_.frame_gap = milliseconds(200);
    world_.scenes = {somebody(0.9F), somebody(0.3F), somebody(0.99F)};
    EXPECT_EQ(match().verdict, Verdict::not_matched);
    EXPECT_EQ(world_.frames_given, 3) << "no frame is sought that would be better";
}

TEST_F(SessionTest, a_poor_frame_is_replaced_before_it_is_compared) {
    world_.frame_gap = milliseconds(200);
    world_.scenes = {somebody(0.9F), blurred(), blurred(), somebody(0.9F)};
    EXPECT_EQ(match().verdict, Verdict::matched);
    EXPECT_EQ(world_.frames_given, 5);
}

TEST_F(SessionTest, nobody_or_a_second_one_between_two_frames_is_unusable) {
    world_.frame_gap = milliseconds(200);
    Scene two = somebody(1);
    two.measure.faces = 2;
    for (const Scene& between : {nobody(), two}) {
        world_.scenes = {somebody(1), between, somebody(1)};
        world_.replies.clear();
        world_.frames_given = 0;
        EXPECT_EQ(match().verdict, Verdict::unusable);
        EXPECT_EQ(only_reply<face::Decision>().frames, 1);
    }
}

TEST_F(SessionTest, the_same_picture_three_times_is_unusable) {
    world_.scenes.front().motion = 0;
    EXPECT_EQ(match().verdict, Verdict::unusable);
}

TEST_F(SessionTest, a_photo_without_a_face_is_unusable_and_no_camera_is_opened) {
    world_.photo_shows_face = false;
    EXPECT_EQ(match().verdict, Verdict::unusable);
    EXPECT_EQ(world_.frames_given, 0);
}

TEST_F(SessionTest, pictures_that_stay_poor_are_unusable_within_the_time) {
    world_.scenes = {blurred()};
    const SteadyTime began = world_.now;
    EXPECT_EQ(match().verdict, Verdict::unusable);
    EXPECT_LT(world_.now - began, std::chrono::seconds(3));
}

TEST_F(SessionTest, frames_that_come_too_fast_are_not_all_compared) {
    world_.frame_gap = milliseconds(10);
    match();
    EXPECT_EQ(world_.frames_given, 31);
}

TEST_F(SessionTest, forget_turns_the_camera_off) {
    run({line_of(Ask::aim), "(camera?)", line_of(Ask::forget), "(camera?)", line_of(Ask::hello)});
    EXPECT_FALSE(world_.camera_was_on_at_idle);
    EXPECT_TRUE(std::holds_alternative<face::Forgotten>(world_.replies.at(1)));
}

TEST_F(SessionTest, a_terminal_that_says_nothing_has_the_camera_turned_off_and_may_go_on) {
    const auto& replies = run({line_of(Ask::aim), "(nothing)", "(camera?)", line_of(Ask::hello)});
    EXPECT_FALSE(world_.camera_was_on_at_idle);
    EXPECT_TRUE(std::holds_alternative<face::Hello>(replies.back()));
}

}  // namespace
}  // namespace onshi::sface
