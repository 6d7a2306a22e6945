#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "base/time.h"
#include "domain/coverage/model_intake.h"
#include "domain/coverage/store.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// ---- Records --------------------------------------------------------------------------------------------------------

// A version of a record from this commit on; `record.known_from` is set by the commit. A record that was there before
// closes its present version.
void add_record(sql::WriteSet& set, PersonKey person, const Coverage& record, const InsuredSymbolNumber& insured);
void add_version(sql::WriteSet& set, PersonKey person, const Coverage& record);

// ---- Withheld records -----------------------------------------------------------------------------------------------

inline constexpr std::size_t withheld_page_max = 500;

[[nodiscard]] sql::Rows<WithheldCase> load_withheld_of(sql::ReadBatch& batch, PersonKey person);
// Of one insurer and state in the order of (person, coverage), behind the given place; at most withheld_page_max.
[[nodiscard]] sql::Rows<WithheldCase> load_withheld_page(sql::ReadBatch& batch, InsurerNumber insurer,
                                                         WithheldState state, PersonKey after_person,
                                                         CoverageKey after_coverage);
// By the record's own key, which is what is shown of it; found through the insurer's index.
[[nodiscard]] sql::Slot<WithheldCase> load_withheld_record(sql::ReadBatch& batch, InsurerNumber insurer,
                                                           WithheldState state, CoverageKey record);
void put_withheld(sql::WriteSet& set, const WithheldCase& withheld);
// Refused when the case is not at that version any more.
void change_withheld(sql::WriteSet& set, const WithheldCase& withheld, std::int64_t version);

// ---- Members per insurer --------------------------------------------------------------------------------------------

// Records that are neither void nor ended, kept by every intake for the unusual-share threshold; nullopt: none ever.
[[nodiscard]] sql::Slot<std::int64_t> load_members(sql::ReadBatch& batch, InsurerNumber insurer);
void change_members(sql::WriteSet& set, InsurerNumber insurer, std::int64_t by);

// ---- Changes for those to the right ---------------------------------------------------------------------------------

// That a person's records are others from a commit on: what was told before may have to be corrected (EL-3).
struct RecordChange {
    std::int64_t known_seq = 0;
    PersonKey person{0};
    Instant changed_at;
};
inline constexpr std::size_t changes_page_max = 500;
void add_change(sql::WriteSet& set, PersonKey person, Instant at);
// Behind a place in the order of commits, then persons; at most changes_page_max.
[[nodiscard]] sql::Rows<RecordChange> load_changes(sql::ReadBatch& batch, std::int64_t known_seq, PersonKey person);

// ---- Files ----------------------------------------------------------------------------------------------------------

enum class FileState : std::uint8_t { working = 1, held = 2, done = 3, declined = 4 };
[[nodiscard]] std::string_view to_string(FileState state);

// How far a file is. Written in the same commit as the rows it counts, so that a run that was killed goes on behind the
// last row that counts.
struct FileProgress {
    std::uint64_t bytes_read = 0;    // of the file
    std::uint64_t lines = 0;         // physical lines, the header too
    std::uint64_t rows = 0;          // of them rows
    std::uint64_t result_bytes = 0;  // of the result file
    std::array<std::uint64_t, row_results> results{};
    bool operator==(const FileProgress&) const = default;
};
[[nodiscard]] std::string pack(const FileProgress& progress);
[[nodiscard]] std::optional<FileProgress> unpack_progress(std::string_view bytes);

struct IntakeFile {
    std::int64_t id = 0;
    Sha256 digest{};
    std::int64_t scope = 0;  // InsurerNumber::to_key() of the sender; 0: a sender for all
    std::uint64_t bytes = 0;
    FileState state = FileState::working;
    std::int64_t version = 1;
    Instant received_at;
    std::string received_by;
    std::string released_by;
    FileProgress progress;
};
inline constexpr std::size_t files_page_max = 200;

[[nodiscard]] sql::Slot<IntakeFile> load_file(sql::ReadBatch& batch, std::int64_t id);
[[nodiscard]] sql::Slot<IntakeFile> load_file_by_digest(sql::ReadBatch& batch, const Sha256& digest,
                                                        std::int64_t scope);
// The newest first.
[[nodiscard]] sql::Rows<IntakeFile> load_files(sql::ReadBatch& batch);
void add_file(sql::WriteSet& set, const IntakeFile& file);
// Everything but what names it; refused when it is not at that version any more. Writes version + 1.
void change_file(sql::WriteSet& set, const IntakeFile& file, std::int64_t version);

// For loaders.
extern const sql::Statement insert_members;  // insurer_number, members
// person, coverage, insurer_number, severity, state, opened_at, version, cause, pack_details
extern const sql::Statement insert_withheld;

}  // namespace onshi::coverage
