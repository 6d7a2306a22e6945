#pragma once

#include <cstddef>

namespace onshi::oqs {

// A request file; 5,000 persons have about 3 MB. A result of as many has about 12 MB.
inline constexpr std::size_t message_bytes_max = std::size_t{32} << 20U;
inline constexpr std::size_t element_depth_max = 12;
inline constexpr std::size_t elements_max = 1'000'000;
// Persons in one bulk request (issue figure: 5,000 in 5 s).
inline constexpr std::size_t bulk_persons_max = 5'000;
// ArbitraryFileIdentifier, ArbitraryIdentifier, ReferenceNumber: characters (oqs §2.2, §2.6); a little more is let
// pass.
inline constexpr std::size_t identifier_bytes_max = 512;
inline constexpr std::size_t value_bytes_max = 2'048;
// ErrorMessage and ProcessingResultMessage: a client's column has 60 characters (oqs §4.1).
inline constexpr std::size_t message_characters_max = 60;
// The free part of a file's name.
inline constexpr std::size_t suffix_bytes_max = 100;

}  // namespace onshi::oqs
