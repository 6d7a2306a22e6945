#pragma once

#include <chrono>
#include <cstddef>

namespace onshi::terminal {

// Request files of one look into the folder; the rest waits for the next one.
inline constexpr std::size_t requests_listed_max = 2'000;
// Single inquiries that are asked together when many files lie there.
inline constexpr std::size_t singles_per_ask_max = 100;
// Persons of a bulk inquiry that are asked together.
inline constexpr std::size_t bulk_per_ask_max = 100;
// Single inquiries under way; more wait in the folder.
inline constexpr std::size_t singles_in_work_max = 1'000;
// A request that cannot be read is rejected once it has not changed for this long: its writer may still be at it.
inline constexpr std::chrono::milliseconds request_settle_time{2'000};
// A result file's time is moved on once, so that watchers that only see changes notice it too (oqs §4.1).
inline constexpr std::chrono::milliseconds result_touch_after{100};
// How soon a folder that cannot be used is tried again.
inline constexpr std::chrono::milliseconds folder_retry{1'000};
// Answered requests that could not be removed, so that they are not answered again.
inline constexpr std::size_t stuck_requests_max = 10'000;
// Bulk inquiries that are kept for download, and how many of them with their results in memory.
inline constexpr std::size_t receptions_max = 200;
inline constexpr std::size_t receptions_in_memory_max = 4;
inline constexpr std::chrono::hours reception_life{24 * 7};
// What clients leave lying in `res` and `face` is removed after this long.
inline constexpr std::chrono::hours leftover_life{24 * 14};
inline constexpr std::chrono::hours leftover_look{1};
inline constexpr std::size_t references_max = 200'000;
inline constexpr std::size_t references_per_commit = 64;
// A request to the hub: single inquiries give up when the counter is to hear that the hub is away, bulk work waits.
inline constexpr std::chrono::milliseconds single_deadline{3'000};
inline constexpr std::chrono::milliseconds bulk_deadline{30'000};
inline constexpr std::chrono::milliseconds bulk_retry{2'000};
inline constexpr std::size_t hub_answer_bytes_max = std::size_t{16} << 20U;
// A check by card: the counter is to hear within three seconds, and a card that has to sign once more needs its part.
inline constexpr std::chrono::milliseconds card_check_deadline{2'200};
inline constexpr std::chrono::milliseconds challenge_deadline{1'500};
inline constexpr std::chrono::milliseconds consents_deadline{4'000};
// One conversation with a card.
inline constexpr std::chrono::milliseconds card_deadline{10'000};
// The hub's challenges live for 15 minutes, those for signing while it is away for 72 hours; a terminal stops earlier.
inline constexpr std::chrono::minutes challenge_usable{10};
inline constexpr std::chrono::hours held_challenge_usable{70};
inline constexpr std::size_t held_challenges{32};
inline constexpr std::size_t held_challenges_min{16};
inline constexpr std::chrono::minutes hold_every{10};
inline constexpr std::chrono::seconds hold_retry{10};
inline constexpr std::chrono::milliseconds catch_up_every{5'000};
// Visits that are caught up with between two patients: whoever comes next does not wait for all of them.
inline constexpr std::size_t visits_per_round_max = 10;
// The engine that compares faces: the kiosk's screen waits three seconds for its decision (ux §2.7).
inline constexpr std::chrono::milliseconds face_answer_limit{1'000};
inline constexpr std::chrono::milliseconds face_scan_limit{2'000};
inline constexpr std::chrono::milliseconds face_match_limit{2'700};
inline constexpr std::chrono::milliseconds face_stop_look{100};
// Of half a minute each: more than a session lasts in slow mode.
inline constexpr int face_aims_max = 64;
// Results for a folder that cannot be written just now.
inline constexpr std::size_t unpublished_max = 100;
inline constexpr std::size_t orders_max = 64;
// How often the hub is asked whether it is well again, and how many outages it can tell of.
inline constexpr std::chrono::milliseconds modes_every_while_away{3'000};
inline constexpr std::size_t outages_max = 32;
// Local records of one kind that are read at a start.
inline constexpr std::size_t local_records_max = 250'000;
inline constexpr std::chrono::milliseconds local_deadline{10'000};

}  // namespace onshi::terminal
