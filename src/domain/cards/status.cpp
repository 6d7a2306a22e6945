#include "domain/cards/status.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "platform/pki/revocation.h"

namespace onshi::cards {

namespace {

CertificateStatus status_of(pki::RevocationReason reason) {
    if (reason == pki::RevocationReason::certificate_hold) return CertificateStatus::suspended;
    if (reason == pki::RevocationReason::superseded) return CertificateStatus::renewed;
    return CertificateStatus::revoked;
}

std::string_view bytes_of(const ListedCertificate& certificate) {
    return as_text(certificate.serial.bytes());
}

}  // namespace

Result<StatusList> read_status_list(Bytes der, const Authorities& authorities, Instant at) {
    auto crl = pki::Crl::read(der, authorities.store(), {}, at);
    if (!crl) return fail(std::move(crl));
    if (crl->number().empty()) return fail(ErrorCode::revocation_malformed, "a list without a number");
    StatusList list{ca_number(crl->ca()), crl->number(), crl->this_update(), crl->next_update(), {}};
    list.certificates.reserve(crl->entries().size());
    for (const auto& entry : crl->entries()) {
        auto serial = CertificateSerial::from_magnitude(as_bytes(entry.serial));
        if (!serial) return fail(ErrorCode::revocation_malformed, "serial");
        list.certificates.push_back({*serial, {status_of(entry.reason), entry.since}});
    }
    std::ranges::sort(list.certificates, {}, bytes_of);
    return list;
}

int compare_list_numbers(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
    return a.compare(b);
}

// Two streams in one order: what is stored, page by page, and the list.
struct StatusService::Take {
    const StatusList& list;
    StatusSource source;
    std::vector<ListedCertificate> page;
    std::size_t at_page = 0;
    std::size_t at_list = 0;
    bool last_page = false;
    std::string after;
    sql::WriteSet set{sql::Store::registry};
    std::uint32_t put = 0;
    std::uint32_t dropped = 0;
    TakenOver result;

    [[nodiscard]] bool is_full() const { return put + dropped >= status_changes_per_set_max; }
    [[nodiscard]] CardKey key(const ListedCertificate& certificate) const { return {list.ca_id, certificate.serial}; }

    void put_listed(const ListedCertificate& certificate) {
        put_listed_status(set, key(certificate), certificate.listed);
        ++put;
    }

    // One certificate of either stream. False at the end of both.
    bool step() {
        const auto* stored = at_page < page.size() ? &page[at_page] : nullptr;
        const auto* listed = at_list < list.certificates.size() ? &list.certificates[at_list] : nullptr;
        if (stored == nullptr && listed == nullptr) return false;
        const int order = stored == nullptr ? 1 : listed == nullptr ? -1 : bytes_of(*stored).compare(bytes_of(*listed));
        if (order > 0) {
            put_listed(*listed);
        } else if (order == 0 && stored->listed != listed->listed) {
            put_listed(*listed);
        } else if (order < 0 && stored->listed.status == CertificateStatus::suspended) {
            drop_listed_status(set, key(*stored));
            ++dropped;
        }
        if (order <= 0) ++at_page;
        if (order >= 0) ++at_list;
        return true;
    }
};

Task<Result<void>> StatusService::next_page(Take& take) {
    sql::ReadBatch batch;
    const auto rows = load_listed(batch, take.list.ca_id, take.after);
    const Deadline deadline = Deadline::in(status_step_time);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    take.page = rows.get();
    take.at_page = 0;
    take.last_page = take.page.size() < listed_per_page_max;
    if (!take.page.empty()) take.after = bytes_of(take.page.back());
    co_return Result<void>();
}

Task<Result<void>> StatusService::commit_part(Take& take) {
    put_status_source(take.set, take.source);
    std::string payload;
    ByteWriter writer(payload);
    writer.u32(static_cast<std::uint32_t>(take.list.ca_id));
    writer.text(take.list.number);
    writer.i64(take.list.this_update.us);
    writer.u32(take.put);
    writer.u32(take.dropped);
    sql::WriteSet set = std::exchange(take.set, sql::WriteSet(sql::Store::registry));
    const audit::Actor nobody;
    const Deadline deadline = Deadline::in(status_step_time);
    auto done =
        co_await changes_.apply(audit::Event::card_status_taken_over, nobody, payload, std::move(set), deadline);
    if (!done) co_return fail(std::move(done));
    ++take.source.version;
    take.result.changed += take.put;
    take.result.released += take.dropped;
    take.put = 0;
    take.dropped = 0;
    co_return Result<void>();
}

Task<Result<TakenOver>> StatusService::take_over(const StatusList& list, std::stop_token stop) {
    Take take{.list = list, .source = {}, .page = {}, .after = {}, .result = {}};
    take.source.ca_id = list.ca_id;
    {
        sql::ReadBatch batch;
        const auto source = load_status_source(batch, list.ca_id);
        const Deadline deadline = Deadline::in(status_step_time);
        auto read = co_await database_.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        if (source) take.source = *source;
    }
    const int order = compare_list_numbers(list.number, take.source.number);
    if (order == 0) co_return take.result;
    if (order < 0) co_return fail(ErrorCode::revocation_stale, "a newer list of this CA is in force");
    while (true) {
        const bool at_end = take.at_page == take.page.size();
        if (at_end && !take.last_page) {
            auto read = co_await next_page(take);
            if (!read) co_return fail(std::move(read));
        }
        const bool more = take.step();
        if (!more) break;
        if (!take.is_full()) continue;
        if (stop.stop_requested()) co_return fail(ErrorCode::deadline_passed, "the hub stops");
        auto committed = co_await commit_part(take);
        if (!committed) co_return fail(std::move(committed));
    }
    if (take.put + take.dropped > 0) {
        auto committed = co_await commit_part(take);
        if (!committed) co_return fail(std::move(committed));
    }
    take.source.number = list.number;
    take.source.as_of = list.this_update;
    take.source.next_update = list.next_update;
    auto finished = co_await commit_part(take);
    if (!finished) co_return fail(std::move(finished));
    take.result.news = ListNews::taken_over;
    co_return take.result;
}

}  // namespace onshi::cards
