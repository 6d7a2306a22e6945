#include "terminal/offline_visits.h"

#include "base/bytes.h"

namespace onshi::terminal {

namespace {

constexpr std::uint8_t form = 1;
constexpr std::size_t members_max = 16;

OfflineRow row_of(std::uint8_t number) {
    return number == static_cast<std::uint8_t>(OfflineRow::last_visit) ? OfflineRow::last_visit
                                                                       : OfflineRow::declaration;
}

}  // namespace

std::string_view to_string(OfflineRow row) {
    return row == OfflineRow::last_visit ? "last_visit" : "declaration";
}

std::string pack(const OfflineVisit& visit) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(form);
    writer.i64(visit.asked_at.us);
    writer.u8(static_cast<std::uint8_t>(visit.row));
    writer.text(visit.body);
    writer.text(visit.told);
    writer.text(visit.refused);
    return text;
}

std::optional<OfflineVisit> unpack_visit(std::string_view key, std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    OfflineVisit visit;
    const bool known = reader.u8() == form;
    visit.check_id = key;
    visit.asked_at = {reader.i64()};
    visit.row = row_of(reader.u8());
    visit.body = reader.text();
    visit.told = reader.text();
    visit.refused = reader.text();
    if (!known || !reader.ok() || !reader.at_end()) return std::nullopt;
    return visit;
}

std::string pack(const VisitDifference& difference) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(form);
    writer.i64(difference.asked_at.us);
    writer.u8(static_cast<std::uint8_t>(difference.row));
    writer.text(difference.receipt);
    writer.varint(difference.members.size());
    for (const auto& member : difference.members) writer.text(member);
    return text;
}

std::optional<VisitDifference> unpack_difference(std::string_view key, std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    VisitDifference difference;
    const bool known = reader.u8() == form;
    difference.check_id = key;
    difference.asked_at = {reader.i64()};
    difference.row = row_of(reader.u8());
    difference.receipt = reader.text();
    const std::uint64_t count = reader.varint();
    if (!known || count > members_max) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) difference.members.emplace_back(reader.text());
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    return difference;
}

Task<Result<void>> keep_visit(LocalStore& store, const OfflineVisit& visit) {
    auto kept = co_await store.put(LocalKind::offline_visit, visit.check_id, pack(visit), visit.asked_at);
    co_return kept;
}

Task<Result<std::vector<OfflineVisit>>> list_visits(LocalStore& store) {
    auto records = co_await store.list(LocalKind::offline_visit);
    if (!records) co_return fail(std::move(records));
    std::vector<OfflineVisit> visits;
    for (const auto& record : *records) {
        auto visit = unpack_visit(record.key, record.content);
        if (visit) visits.push_back(std::move(*visit));
    }
    co_return visits;
}

Task<Result<std::vector<VisitDifference>>> list_differences(LocalStore& store) {
    auto records = co_await store.list(LocalKind::difference);
    if (!records) co_return fail(std::move(records));
    std::vector<VisitDifference> differences;
    for (const auto& record : *records) {
        auto difference = unpack_difference(record.key, record.content);
        if (difference) differences.push_back(std::move(*difference));
    }
    co_return differences;
}

Task<Result<void>> close_visit(LocalStore& store, const OfflineVisit& visit,
                               const std::optional<VisitDifference>& difference) {
    if (difference) {
        auto kept = co_await store.put(LocalKind::difference, visit.check_id, pack(*difference), visit.asked_at);
        if (!kept) co_return kept;
    }
    auto removed = co_await store.remove(LocalKind::offline_visit, visit.check_id);
    co_return removed;
}

Task<Result<bool>> forget_visit(LocalStore& store, std::string check_id) {
    for (const LocalKind kind : {LocalKind::offline_visit, LocalKind::difference}) {
        auto found = co_await store.find(kind, check_id);
        if (!found) co_return fail(std::move(found));
        if (!*found) continue;
        auto removed = co_await store.remove(kind, check_id);
        if (!removed) co_return fail(std::move(removed));
        co_return true;
    }
    co_return false;
}

Task<Result<void>> keep_last_visit(LocalStore& store, std::string_view card, std::string answer, Instant now) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto kept = co_await store.put(LocalKind::last_visit, std::move(key), std::move(answer), now);
    co_return kept;
}

Task<Result<void>> forget_last_visit(LocalStore& store, std::string_view card) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto removed = co_await store.remove(LocalKind::last_visit, std::move(key));
    co_return removed;
}

Task<Result<std::optional<std::string>>> find_last_visit(LocalStore& store, std::string_view card, Instant since) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto found = co_await store.find(LocalKind::last_visit, std::move(key));
    if (!found) co_return fail(std::move(found));
    if (!*found || (*found)->at < since) co_return std::optional<std::string>();
    co_return std::optional<std::string>(std::move((*found)->content));
}

}  // namespace onshi::terminal
