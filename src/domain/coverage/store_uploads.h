#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/identifiers.h"
#include "base/sha256.h"
#include "base/texts.h"
#include "base/time.h"
#include "domain/coverage/store_intake.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// A members' file that an insurer sent to a hub: `waiting` lies sealed in that hub's folder until it is taken over.
enum class UploadState : std::uint8_t { waiting = 1, held = 2, done = 3, failed = 4 };
[[nodiscard]] std::string_view to_string(UploadState state);

// What the sender means to do with it.
enum class UploadUse : std::uint8_t { take_over = 0, dry_run = 1 };

struct Upload {
    InsurerNumber insurer;
    CheckId id;             // the sender's own; the same id names the same file
    std::int64_t lane = 0;  // of the hub that holds the file
    UploadState state = UploadState::waiting;
    Instant received_at;
    std::int64_t version = 1;
    // In packed bytes.
    UploadUse use = UploadUse::take_over;
    Language language = Language::ja;  // of the result file
    bool ndjson = false;               // form of the result file
    std::uint64_t bytes = 0;
    Sha256 digest{};
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
    std::string received_by;
    std::int64_t file = 0;     // IntakeFile::id once it was looked at; 0 for a dry run
    std::string failure;       // name of an error code; failed only
    FileProgress progress;     // of the last run
    std::int64_t members = 0;  // held only: what the threshold saw
    std::int64_t ended = 0;
    std::int64_t blanked = 0;
    // Where its blanks jump: additions and changes, and how many of them have no ratio or no limit category.
    std::int64_t records = 0;
    std::int64_t blank_ratios = 0;
    std::int64_t blank_limits = 0;
};

inline constexpr std::size_t uploads_page_max = 100;
// Of one insurer, waiting or held at one moment.
inline constexpr std::size_t uploads_open_max = 16;

[[nodiscard]] sql::Slot<Upload> load_upload(sql::ReadBatch& batch, InsurerNumber insurer, const CheckId& id);
// An insurer's, the newest first; at most uploads_page_max.
[[nodiscard]] sql::Rows<Upload> load_uploads(sql::ReadBatch& batch, InsurerNumber insurer);
// Of one hub, the oldest first, from that moment on; at most uploads_page_max.
[[nodiscard]] sql::Rows<Upload> load_uploads_in(sql::ReadBatch& batch, std::int64_t lane, UploadState state,
                                                Instant from);
// Refused when there is one of this id.
void add_upload(sql::WriteSet& set, const Upload& upload);
// Everything but what names it; refused when it is not at that version any more. Writes version + 1.
void change_upload(sql::WriteSet& set, const Upload& upload, std::int64_t version);

}  // namespace onshi::coverage
