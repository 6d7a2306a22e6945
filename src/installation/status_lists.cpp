#include "installation/status_lists.h"

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "domain/cards/authorities.h"
#include "domain/cards/store.h"
#include "installation/demo_parts.h"
#include "installation/installation_files.h"
#include "installation/limits.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/test_ca.h"

namespace onshi::installation {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours list_life{24};

pki::RevocationReason reason_of(cards::CertificateStatus status) {
    if (status == cards::CertificateStatus::suspended) return pki::RevocationReason::certificate_hold;
    if (status == cards::CertificateStatus::renewed) return pki::RevocationReason::superseded;
    return pki::RevocationReason::unspecified;
}

struct Known {
    std::uint64_t number = 0;
    std::vector<pki::RevokedEntry> entries;
};

Task<Result<Known>> load_known(sql::Database& database, std::int32_t ca_id) {
    Known known;
    std::string after;
    for (bool more = true; more;) {
        sql::ReadBatch batch;
        const auto source = cards::load_status_source(batch, ca_id);
        const auto page = cards::load_listed(batch, ca_id, after);
        const Deadline deadline = Deadline::in(store_deadline);
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        if (source) {
            known.number = 0;
            for (const std::uint8_t byte : as_bytes(source->number)) known.number = (known.number << 8U) | byte;
        }
        for (const auto& row : page) {
            known.entries.push_back({std::string(as_text(row.serial.bytes())),
                                     reason_of(row.listed.status),
                                     {row.listed.since.us / 1'000'000 * 1'000'000}});
        }
        more = page.size() == cards::listed_per_page_max;
        if (more) after = known.entries.back().serial;
    }
    co_return known;
}

// The hub sees the old file or the new one.
Result<void> replace(const fs::path& file, std::string_view text) {
    fs::path beside = file;
    beside += ".new";
    std::error_code error;
    fs::remove(beside, error);
    auto written = write_text_file(beside, text);
    if (!written) return written;
    fs::rename(beside, file, error);
    if (error) return fail(ErrorCode::installation_folder, file.string() + ": " + error.message());
    return {};
}

}  // namespace

Result<void> issue_status_lists(const Layout& layout, const Clock& clock) {
    auto jpki = pki::TestJpki::load(layout.jpki());
    if (!jpki) return fail(std::move(jpki));
    auto made = make_folder(layout.status_lists());
    if (!made) return made;
    auto installation = read_demo_installation(layout.root);
    if (!installation) return fail(std::move(installation));
    auto options = stores_of(layout, installation->store);
    if (!options) return fail(std::move(options));
    auto stores = OpenStores::open(*options, "demo-lists");
    if (!stores) return fail(std::move(stores));
    const Instant second{clock.now().us / 1'000'000 * 1'000'000};
    for (int generation = 1; generation <= pki::test_ca_generations; ++generation) {
        const pki::TestCa& ca = jpki->auth_ca(generation);
        auto known = run_to_end(load_known((*stores)->database(), cards::ca_number(ca.id())));
        if (!known) return fail(std::move(known));
        // Later lists have larger numbers, also those of a demo that was copied.
        const auto seconds = static_cast<std::uint64_t>(second.us / 1'000'000);
        const std::uint64_t number = std::max(seconds, known->number + 1);
        const std::string list =
            ca.make_crl(known->entries, number, second, second + std::chrono::microseconds(list_life));
        auto written = replace(layout.status_lists() / fmt::format("auth_ca_{}.crl", generation), list);
        if (!written) return written;
    }
    return {};
}

}  // namespace onshi::installation
