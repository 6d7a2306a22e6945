// onshi-face-sface aim
#include <fmt/format.h>

#include "face_sface/camera.h"
#include "face_sface/commands.h"
#include "face_sface/limits.h"
#include "face_sface/opencv_matcher.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::sface {

namespace {

constexpr const char* file_hint = "a .jpg or .png picture, or a .y4m or .avi video";

// One frame of the file. Measures are what a camera is set up by; they say nothing about who it is.
void write_frame(int number, const FaceMeasure& measure, bool json, std::ostream& out) {
    const auto hint = hint_for(measure);
    const std::string_view word = hint ? face::to_string(*hint) : "good";
    if (json) {
        std::string text;
        JsonWriter writer(text);
        writer.begin_object();
        writer.member("frame", number);
        writer.member("hint", word);
        writer.member("faces", measure.faces);
        if (measure.faces == 1) {
            writer.member("eye_distance_px", static_cast<std::int64_t>(measure.eye_distance_px));
            writer.member("brightness", static_cast<std::int64_t>(measure.brightness));
            writer.member("sharpness", static_cast<std::int64_t>(measure.sharpness));
        }
        writer.end_object();
        out << text << "\n";
        return;
    }
    out << fmt::format("{:5}  {:8}", number, word);
    if (measure.faces == 1) {
        out << fmt::format("  eyes {:.0f} px, turned {:.2f}, tilted {:.0f}°, brightness {:.0f}, sharpness {:.0f}",
                           measure.eye_distance_px, measure.asymmetry, measure.tilt_degrees, measure.brightness,
                           measure.sharpness);
    } else {
        out << fmt::format("  {} faces", measure.faces);
    }
    out << "\n";
}

// A line for the end of the aim, as `serve` would send it.
void write_end(bool good, bool json, std::ostream& out) {
    if (json) {
        out << (good ? "{\"good\":true}\n" : "{\"good\":false}\n");
    } else {
        out << (good ? "somebody stands well\n" : "nobody stood well for 0.8 s\n");
    }
    out << std::flush;
}

}  // namespace

int aim_file(const AimOptions& options, const Streams& streams) {
    auto detector = Detector::load(options.detector);
    if (!detector) {
        return complain(streams, "the detector cannot be used", detector.error().detail,
                        "onshi-face-sface models check says more");
    }
    auto file = FrameFile::open(options.file);
    if (!file) {
        return complain(streams, fmt::format("{} cannot be read", options.file.string()), file.error().detail,
                        file_hint);
    }
    AimProgress progress;
    bool good = false;
    SteadyTime at;
    for (int number = 1; number <= aim_file_frames_max; ++number) {
        auto picture = file->next();
        if (!picture) {
            return complain(streams, fmt::format("frame {} cannot be read", number), picture.error().detail,
                            "another file");
        }
        if (!*picture && number == 1) {
            return complain(streams, fmt::format("{} cannot be read", options.file.string()), "there is no frame in it",
                            file_hint);
        }
        if (!*picture) break;
        auto sighting = detector->look((*picture)->bgr.mat());
        if (!sighting) {
            return complain(streams, fmt::format("frame {} cannot be judged", number), sighting.error().detail,
                            "onshi-face-sface models check");
        }
        write_frame(number, sighting->measure, options.json, streams.out);
        good = progress.take(sighting->measure, at).good || good;
        at += file->frame_time();
    }
    write_end(good, options.json, streams.out);
    return exit_done;
}

}  // namespace onshi::sface
