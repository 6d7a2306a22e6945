#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Numbers marked (guess) have not been measured with people; `onshi-face-sface aim` shows what they do at a camera.
namespace onshi::sface {

// --- a connection
// Nothing asked for so long: the connection is closed.
inline constexpr std::chrono::minutes idle_max{10};
// From the first byte of a line to its end.
inline constexpr std::chrono::seconds line_wait_max{5};
inline constexpr std::chrono::seconds write_wait_max{5};
// Lines that are not understood before the connection is closed.
inline constexpr int wrong_lines_max = 16;
// How long somebody who connects waits for the one before to be gone, before they are refused.
inline constexpr std::chrono::milliseconds turn_wait_max{500};
// A note is logged by the terminal; the protocol's parser takes 200 bytes.
inline constexpr std::size_t note_bytes_max = 200;

// --- aim
inline constexpr std::chrono::seconds aim_max{30};
inline constexpr std::chrono::milliseconds good_for_min{800};
inline constexpr int good_frames_min = 3;
// What happened between two frames that lie further apart was not seen.
inline constexpr std::chrono::milliseconds good_gap_max{700};
// So that a hint can be read before the next one comes.
inline constexpr std::chrono::milliseconds hint_gap_min{400};
inline constexpr std::chrono::seconds hint_repeat{2};

// --- a frame that may be compared
inline constexpr double eye_distance_min_px = 100;     // ux §13.3 rule 5 (guess)
inline constexpr double eye_distance_share_max = 0.4;  // of the picture's shorter side (guess)
inline constexpr double face_inside_min = 0.9;         // how much of the face's box lies in the picture (guess)
inline constexpr double asymmetry_max = 0.25;          // in eye distances (guess)
inline constexpr double tilt_max_degrees = 20;         // (guess)
inline constexpr double brightness_min = 60;           // of 255 (guess)
inline constexpr double brightness_max = 210;          // (guess)
inline constexpr double sharpness_min = 25;            // variance of the Laplacian over the face, 160 px wide (guess)

// --- match
// Leaves half a second of the protocol's three for the answer.
inline constexpr std::chrono::milliseconds match_max{2500};
inline constexpr std::chrono::milliseconds compared_gap_min{150};
// Frames that one match looks at, compared or not.
inline constexpr int match_looks_max = 60;
// Mean difference of two compared frames in steps of 255; a picture that stands still has 0.
inline constexpr double motion_min = 0.05;
inline constexpr double threshold_min = 0.2;
inline constexpr double threshold_max = 0.95;
inline constexpr std::uint32_t photo_side_max_px = 4096;
// Enough to align a photo of 200 px width (guess).
inline constexpr double photo_eye_distance_min_px = 20;

// --- cameras and files
inline constexpr int camera_index_max = 63;
inline constexpr int frame_side_max_px = 4096;
inline constexpr std::size_t model_bytes_max = 256UL << 20U;
inline constexpr int aim_file_frames_max = 3000;

// --- calibration
// 16 million pairs: 64 MB and some seconds.
inline constexpr std::size_t persons_max = 4000;
inline constexpr std::size_t folder_entries_max = 20'000;
inline constexpr double far_min = 1e-6;
inline constexpr double far_max = 0.1;
inline constexpr double confidence = 0.95;
// Names of files that could not be used, beside their number.
inline constexpr std::size_t unusable_names_max = 10;

}  // namespace onshi::sface
