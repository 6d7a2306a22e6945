#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace onshi::sql {

inline constexpr int row_columns_max = 24;
inline constexpr int statement_parameters_max = 24;
inline constexpr std::size_t batch_queries_max = 64;
inline constexpr std::size_t write_set_steps_max = 4096;
inline constexpr std::size_t write_set_bytes_max = std::size_t{8} << 20U;
// Of sets that an intake or another bulk change makes: they hold the store's one writer for up to a second.
inline constexpr std::size_t bulk_set_steps_max = 262'144;
inline constexpr std::size_t bulk_set_bytes_max = std::size_t{64} << 20U;
// Page cache of a connection that commits bulk sets: smaller than what one of them changes, SQLite writes pages out in
// the middle of a transaction and reads them back.
inline constexpr std::int64_t bulk_cache_kib = 131'072;
inline constexpr std::size_t statements_max = 1024;
// Rows that a copy of a store holds in memory at a time.
inline constexpr std::size_t copy_rows_per_step = 2000;

// How the committer gathers: at once, unless sets arrive so fast that waiting `gather_max` brings `gather_from` of
// them.
struct CommitLimits {
    std::chrono::microseconds gather_max{2000};
    double gather_from = 2;
    std::size_t sets_per_commit_max = 512;
    std::size_t waiting_sets_max = 8192;  // beyond: `overload.busy`
};

inline constexpr std::chrono::microseconds committer_slice{100};

// The registry is read and written in bulk; a commit of the ledger writes a page for almost every row, whole.
inline constexpr int registry_page_bytes = 8192;
inline constexpr int ledger_page_bytes = 4096;

// A write-ahead log above this many pages is copied back by the checkpoint thread.
inline constexpr int wal_pages_checkpoint = 4000;
inline constexpr int checkpoint_niceness = 10;
inline constexpr int checkpoint_rounds_max = 3;
inline constexpr int checkpoint_rest_pages = 64;
inline constexpr std::size_t answers_per_post_max = 64;
// Read batches of one loop that are answered together.
inline constexpr std::size_t batches_per_turn_max = 64;

// A read that took longer than this and waited for the disk was cold: for `cold_reads_pause` reads leave the event loop
// for the reader threads.
inline constexpr std::chrono::microseconds cold_read_threshold{1000};
inline constexpr std::chrono::milliseconds cold_reads_pause{10};
inline constexpr std::uint64_t pages_counted_every = 64;
inline constexpr std::size_t reader_threads = 4;
inline constexpr std::size_t reads_waiting_max = 4096;

}  // namespace onshi::sql
