#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound of this folder: constants are fixed, `default_…` can be changed by options. Sizes in bytes.
namespace onshi::http {

// Request line and header fields together; more is 431. Also the most that a response header may have.
inline constexpr std::size_t header_bytes_max = 16 * 1024;
inline constexpr std::size_t header_fields_max = 64;
// The path of a request; more is 414-like and answered as 431.
inline constexpr std::size_t target_bytes_max = 4 * 1024;
inline constexpr std::size_t path_segments_max = 16;
inline constexpr std::size_t path_parameters_max = 4;
inline constexpr std::size_t routes_max = 1000;
// One read of the connection and the largest TLS record.
inline constexpr std::size_t read_bytes = 16 * 1024;
// A chunk's extension; nobody uses them, so more is malformed.
inline constexpr std::size_t chunk_extension_bytes_max = 256;
// A route may not ask for a larger body than this.
inline constexpr std::size_t body_bytes_limit = std::size_t{1} << 30U;
// The same for a route that takes its body in pieces, which are never held together.
inline constexpr std::size_t pieces_bytes_limit = std::size_t{1} << 36U;
// What a connection keeps of its buffers while it waits for the next request.
inline constexpr std::size_t idle_buffer_bytes_max = 16 * 1024;
// What is read away of a refused body so that the connection can be kept; a larger rest closes it.
inline constexpr std::size_t discard_bytes_max = 64 * 1024;

inline constexpr std::size_t default_body_bytes_max = 64 * 1024;
// All bodies that are being received at one moment, over all connections.
inline constexpr std::size_t default_body_bytes_in_flight_max = 512UL << 20U;
inline constexpr std::size_t default_connections_max = 20'000;
inline constexpr std::size_t default_connections_per_address_max = 2'000;
// Per loop. Its throughput is at its best with some 60 at once; a loop does 5,000 to 15,000 checks a second, so whoever
// is let in has an answer within 0.05 s, and whoever is not is told so as soon.
inline constexpr std::size_t default_requests_in_flight_max = 200;
inline constexpr std::size_t default_streams_max = 1'000;
// New TLS connections per second and loop: a full mutual handshake costs 0.8 ms, so this is a third of a core.
inline constexpr std::uint32_t default_handshakes_per_second_max = 400;
// Of those who were refused because a loop had too much to do: so many are told to come back in one second, and none
// later than that.
inline constexpr std::uint32_t default_returns_per_second_max = 1'000;
inline constexpr std::chrono::milliseconds default_return_wait_max{4'000};
inline constexpr int listen_backlog = 4096;

inline constexpr std::chrono::milliseconds default_handshake_time_max{10'000};
// From the first byte of a request to the end of its header.
inline constexpr std::chrono::milliseconds default_header_time_max{10'000};
// Body and answer: this long plus the size divided by the slowest speed.
inline constexpr std::chrono::milliseconds default_transfer_time_max{10'000};
inline constexpr std::size_t default_bytes_per_second_min = 16 * 1024;
inline constexpr std::chrono::milliseconds default_idle_time_max{75'000};
inline constexpr std::chrono::milliseconds default_connection_age_max{3'600'000};
inline constexpr std::chrono::milliseconds default_deadline{5'000};

// Peers with an own rate; beyond it new peers share one bucket until old ones have filled up again.
inline constexpr std::size_t rate_peers_max = 200'000;

// Client.
inline constexpr std::size_t default_response_bytes_max = 4UL << 20U;
inline constexpr std::size_t default_idle_connections_max = 16;
inline constexpr std::size_t default_client_connections_max = 256;
inline constexpr std::size_t attempts_limit = 20;
// Problem answers larger than this are not parsed.
inline constexpr std::size_t problem_bytes_max = 64 * 1024;
inline constexpr std::size_t problem_fields_max = 100;
// TLS material from settings.
inline constexpr std::size_t pem_bytes_max = 1UL << 20U;
inline constexpr std::size_t trust_anchors_max = 100;

}  // namespace onshi::http
