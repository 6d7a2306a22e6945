#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound of this folder.
namespace onshi::bench {

// Of one load generator. Each holds a file descriptor and about 70 KB.
inline constexpr std::size_t connections_max = 16'384;
// Loopback addresses that connections may come from: 127.0.0.1 and those behind it.
inline constexpr std::uint32_t source_addresses_max = 64;
// A server that sends clients away for longer than this is taken to mean this.
inline constexpr std::chrono::seconds advice_max{60};
// New connections are made one after the other, this far apart, so that no server takes them for a flood.
inline constexpr std::chrono::milliseconds handshake_spacing{4};
inline constexpr std::chrono::seconds handshake_time_max{5};
// How long after the end of a run answers are waited for; what has not come by then is counted as unanswered.
inline constexpr std::chrono::seconds drain_time_max{10};
inline constexpr std::size_t answer_bytes_max = 64 * 1024;
inline constexpr double arrivals_per_second_max = 1'000'000;
inline constexpr std::chrono::minutes run_time_max{10};

// Of one phase: 1 KB each is about 0.8 GB at the most, usually half.
inline constexpr std::size_t prepared_requests_max = 800'000;
inline constexpr std::size_t prepared_bytes_max = 1UL << 30U;
// Signing must end well before the first challenge of the phase has (15 minutes).
inline constexpr std::chrono::minutes preparation_time_max{8};

inline constexpr std::chrono::seconds server_ready_time_max{60};
inline constexpr std::chrono::seconds child_stop_time_max{20};
inline constexpr std::chrono::milliseconds counters_time_max{3'000};
inline constexpr std::chrono::milliseconds counters_poll_every{100};
inline constexpr std::size_t metrics_bytes_max = 4UL << 20U;
inline constexpr std::size_t proc_file_bytes_max = 64 * 1024;

// nginx holds its answer in one token of its configuration.
inline constexpr std::size_t reference_answer_bytes_max = 3'500;
inline constexpr int reference_start_attempts_max = 3;

inline constexpr std::size_t rsa_signatures_max = 16'384;
inline constexpr std::size_t disk_syncs_max = 5'000;

}  // namespace onshi::bench
