#include "face_sface/session.h"

#include <utility>
#include <vector>

#include "face_sface/limits.h"

namespace onshi::sface {

namespace {

face::Fault fault(std::string_view note) {
    return {std::string(note.substr(0, note_bytes_max))};
}

// Gathers the frames of one match. Holds one picture at a time, for the motion to the next one.
class Comparison {
  public:
    Comparison(Engine& engine, const Feature& photo) : engine_(engine), photo_(photo) {}

    // Looks until enough frames are compared, somebody else could stand there, or time is over.
    Result<void> run(SteadyTime until) {
        for (int looks = 0; looks < match_looks_max && !complete() && engine_.now() < until; ++looks) {
            auto picture = engine_.camera.next();
            if (!picture) return fail(std::move(picture));
            if (before_.has_value() && picture->taken - before_->taken < compared_gap_min) continue;
            auto sighting = engine_.matcher->look(*picture);
            if (!sighting) return fail(std::move(sighting));
            const FrameUse use = use_of(sighting->measure);
            if (use == FrameUse::give_up) return {};
            if (use == FrameUse::look_again) continue;
            if (auto added = add(std::move(*picture), sighting->face); !added) return added;
        }
        return {};
    }
    [[nodiscard]] std::span<const Compared> frames() const { return frames_; }
    [[nodiscard]] std::chrono::milliseconds age() const {
        if (!before_) return {};
        return std::chrono::duration_cast<std::chrono::milliseconds>(engine_.now() - before_->taken);
    }

  private:
    [[nodiscard]] bool complete() const { return frames_.size() == static_cast<std::size_t>(face::frames_min); }

    Result<void> add(Picture picture, const FacePlace& place) {
        auto feature = engine_.matcher->feature(picture, place);
        if (!feature) return fail(std::move(feature));
        Compared one{.cosine = cosine(*feature, photo_), .motion = 0};
        if (before_) {
            auto motion = engine_.matcher->motion(*before_, picture);
            if (!motion) return fail(std::move(motion));
            one.motion = *motion;
        }
        frames_.push_back(one);
        before_ = std::move(picture);
        return {};
    }

    Engine& engine_;
    const Feature& photo_;
    std::vector<Compared> frames_;
    std::optional<Picture> before_;
};

}  // namespace

void Session::run() {
    Next next = Next::go_on;
    while (next == Next::go_on) {
        Line line = channel_.read(Deadline::in(face::capture_age_max));
        if (line.end == LineEnd::nothing_yet) {
            // Whoever stood there is gone, and nobody said so.
            engine_.camera.stop();
            line = channel_.read(Deadline::in(idle_max));
        }
        next = answer(line);
    }
    engine_.camera.stop();
}

Session::Next Session::say(const face::Reply& reply) {
    return channel_.write(reply) ? Next::go_on : Next::end;
}

Session::Next Session::answer(const Line& line) {
    if (line.end == LineEnd::too_long) {
        static_cast<void>(say(fault("line too long")));
        return Next::end;
    }
    if (line.end != LineEnd::line) return Next::end;
    auto request = face::parse_request(as_text(line.text.bytes()));
    if (request) return answer(*request);
    if (++wrong_lines_ >= wrong_lines_max) {
        static_cast<void>(say(fault("too many lines that are no request")));
        return Next::end;
    }
    return say(fault(std::string("not a request: ") + std::string(error_name(request.error().code))));
}

Session::Next Session::answer(const face::Request& request) {
    switch (request.ask) {
        case face::Ask::hello: return hello();
        case face::Ask::scan: return say(fault("this engine cannot read the card's front"));
        case face::Ask::aim: return aim();
        // The aim has ended while it was on its way.
        case face::Ask::stop: return Next::go_on;
        case face::Ask::match: return match(request);
        case face::Ask::forget: engine_.camera.stop(); return say(face::Forgotten{});
    }
    return Next::end;
}

Session::Next Session::hello() {
    std::string note = engine_.matcher == nullptr ? engine_.trouble : std::string();
    if (!engine_.camera.present()) note += note.empty() ? "camera missing" : "; camera missing";
    const bool ready = note.empty();
    return say(
        face::Hello{.engine = engine_.name, .ready = ready, .scans = false, .note = note.substr(0, note_bytes_max)});
}

std::optional<Session::Next> Session::interruption() {
    const Line line = channel_.read(Deadline(SteadyTime()));
    if (line.end == LineEnd::nothing_yet) return std::nullopt;
    if (line.end == LineEnd::gone) return Next::end;
    if (line.end == LineEnd::line) {
        const auto request = face::parse_request(as_text(line.text.bytes()));
        if (request && request->ask == face::Ask::stop) return say(face::AimEnded{.good = false});
    }
    static_cast<void>(say(fault("while somebody aims only stop may be asked")));
    return Next::end;
}

Session::Next Session::aim() {
    if (engine_.matcher == nullptr) return say(fault(engine_.trouble));
    if (auto started = engine_.camera.start(); !started) return say(fault(started.error().detail));
    const SteadyTime until = engine_.now() + aim_max;
    AimProgress progress;
    while (engine_.now() < until) {
        if (const auto interrupted = interruption()) return *interrupted;
        auto picture = engine_.camera.next();
        if (!picture) return say(fault(picture.error().detail));
        auto sighting = engine_.matcher->look(*picture);
        if (!sighting) return say(fault(sighting.error().detail));
        const auto step = progress.take(sighting->measure, picture->taken);
        if (step.good) return say(face::AimEnded{.good = true});
        if (step.tell && say(*step.tell) == Next::end) return Next::end;
    }
    return say(face::AimEnded{.good = false});
}

Session::Next Session::match(const face::Request& request) {
    if (engine_.matcher == nullptr) return say(fault(engine_.trouble));
    auto decision = compare(request);
    if (!decision) return say(fault(decision.error().detail));
    const std::string text = face::decision_text(engine_.name, request.nonce, request.photo.bytes(), *decision);
    const auto signature = engine_.key.sign_fixed(as_bytes(text));
    decision->signature = as_text(signature);
    return say(*decision);
}

Result<face::Decision> Session::compare(const face::Request& request) {
    const SteadyTime until = engine_.now() + match_max;
    face::Decision decision{
        .verdict = face::Verdict::unusable, .frames = 0, .age = std::chrono::milliseconds(0), .signature = {}};
    auto photo = engine_.matcher->photo_feature(request.photo.bytes());
    if (!photo) return fail(std::move(photo));
    if (!*photo) return decision;
    if (auto started = engine_.camera.start(); !started) return fail(std::move(started));
    Comparison comparison(engine_, **photo);
    if (auto ran = comparison.run(until); !ran) return fail(std::move(ran));
    decision.verdict = decide(comparison.frames(), engine_.threshold);
    decision.frames = static_cast<int>(comparison.frames().size());
    decision.age = comparison.age();
    return decision;
}

}  // namespace onshi::sface
