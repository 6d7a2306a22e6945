#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace onshi::installation {

inline constexpr std::uint32_t desks_max = 64;
// Terminals of a demo that stand at no desk.
inline constexpr std::uint32_t demo_services_max = 8;
inline constexpr std::uint32_t demo_facilities_min = 100;
// How many persons are looked at for the cards of a demo; the rarest kind is one in about 1,200.
inline constexpr std::uint64_t demo_card_search_max = 100'000;
inline constexpr std::size_t installation_file_bytes_max = 256 * 1024;

// What the loader's sorters may hold before they go to disk. Together with the bulk writer's page cache (256 MiB) and
// the buffers of a merge a load stays below 500 MB, whatever the number of persons.
inline constexpr std::size_t number_sorter_bytes_max = std::size_t{64} << 20U;
inline constexpr std::size_t card_sorter_bytes_max = std::size_t{32} << 20U;
inline constexpr std::size_t small_sorter_bytes_max = std::size_t{8} << 20U;
// Runs of one sorter: all are open at once while they are merged.
inline constexpr std::size_t sorter_runs_max = 256;
inline constexpr std::size_t sorter_entry_bytes_max = 4096;
inline constexpr std::size_t sorter_run_buffer_bytes = std::size_t{64} << 10U;

// Rows between two commits of the loader: bounds the write-ahead log (about 100 MB).
inline constexpr std::uint64_t rows_per_commit = 500'000;
inline constexpr std::uint64_t progress_every = 10'000;

inline constexpr std::chrono::milliseconds store_deadline{30'000};

}  // namespace onshi::installation
