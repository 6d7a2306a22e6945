#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/identifiers.h"
#include "base/result.h"
#include "base/sha256.h"
#include "domain/payments/rules_ratio.h"
#include "exchange/insurer_files/byte_source.h"
#include "exchange/insurer_files/row_parser.h"

namespace onshi::insurer_files {

// What a file would take away from an insurer's members.
struct TakenAway {
    std::int64_t ended = 0;    // losses and cancellations
    std::int64_t blanked = 0;  // changes that tell neither ratio nor limit category
    [[nodiscard]] std::int64_t rows() const { return ended + blanked; }
};

// What is known of a file after it was read once, before any row counts.
struct Survey {
    Sha256 digest{};  // of the blocks of the file, each with the digest before it
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;  // lines that are not empty, without the header
    FileFormat format = FileFormat::csv;
    Encoding encoding = Encoding::utf8;
    bool has_mark = false;  // BOM
    std::string header;     // of a CSV, as it stands in the file without BOM
    std::unordered_map<InsurerNumber, TakenAway> taken_away;
    // Ratios of additions and changes, as far as they can be read: for the guard against blanked files.
    std::unordered_map<InsurerNumber, payments::RatioHistory> ratios;
};

// Reads the whole file line by line: format by its first character, CP932 where more lines with other than ASCII are
// broken UTF-8 than are sound. `progress` gets bytes. Errors: those of the source, intake.header (empty file too).
// Ratios are counted by the ages on the day `on`; without one they are not counted.
[[nodiscard]] Result<Survey> survey_file(const SourceOpener& source, const std::function<void(std::uint64_t)>& progress,
                                         std::optional<Date> on = std::nullopt);

}  // namespace onshi::insurer_files
