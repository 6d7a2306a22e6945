#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/texts.h"
#include "domain/audit/model.h"
#include "domain/coverage/service_intake.h"
#include "domain/coverage/store_intake.h"
#include "exchange/insurer_files/survey.h"

namespace onshi::insurer_files {

enum class Commitment : std::uint8_t { write, dry_run };

struct ImportOptions {
    SourceOpener source;  // file_source(path), or a sealed one
    std::string result_file;
    std::optional<InsurerNumber> sender;  // nullopt: whoever runs the registry sends for all insurers
    std::string received_by;              // who sends it; another person releases a held file
    // Where it came from, for the record; 0: from the command line.
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
    Commitment commitment = Commitment::write;
    Language language = Language::en;
    std::size_t chunk_rows = coverage::intake_chunk_rows_max;  // 1 … intake_chunk_rows_max
    // Told rows: done and total.
    std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)> progress;
    // Asked between chunks; true ends the run after the last complete one.
    std::function<bool()> stop;
};

// An insurer of whom the file would end or blank an unusual share, or whose share of blank ratios jumps (domain-rules
// §3.11: a vendor's setting once blanked a whole insurer).
struct UnusualShare {
    InsurerNumber insurer;
    TakenAway taken;
    std::int64_t members = 0;
    payments::BlankCount ratios{};         // of this file
    payments::BlankCount ratios_before{};  // of its last one that was large enough to be judged
    bool blank_jump = false;
};

enum class ImportEnd : std::uint8_t { done, done_before, held, stopped };

struct ImportReport {
    ImportEnd end = ImportEnd::done;
    coverage::IntakeFile file;
    FileFormat format = FileFormat::csv;
    Encoding encoding = Encoding::utf8;
    std::uint64_t resumed_at_row = 0;  // rows that an earlier run of the same file had done
    std::vector<UnusualShare> unusual;
};

// One members' file from its first byte to its last: read once to know what it is, then in chunks, each decided, and
// committed together with how far the file is. While one chunk is being committed the next one is read, compared with
// the resident register and decided. The same file again goes on behind the last row that counts, or says that it was
// done before. A file that would take an unusual share of members away from an insurer waits for a second person
// (release_file). Errors: file.*, intake.header, intake.busy, those of store and register; then the same call goes on
// later.
[[nodiscard]] Task<Result<ImportReport>> import_members(const coverage::IntakeParts& parts,
                                                        const ImportOptions& options);

// A second person's decision on a held file. intake.unknown_file, intake.not_held, intake.second_person.
// `actor` names that person.
[[nodiscard]] Task<Result<coverage::IntakeFile>> release_file(const coverage::IntakeParts& parts, std::int64_t file,
                                                              audit::Actor actor, Deadline deadline);

}  // namespace onshi::insurer_files
