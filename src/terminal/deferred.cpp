#include "terminal/deferred.h"

#include <algorithm>

#include "base/bytes.h"

namespace onshi::terminal {

namespace {

constexpr std::uint8_t form = 1;
constexpr std::chrono::milliseconds first_wait{1'000};
constexpr std::chrono::milliseconds longest_wait{30'000};

}  // namespace

std::string pack(const DeferredCheck& check) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(form);
    writer.text(check.suffix);
    writer.raw(check.origin);
    writer.text(check.bytes);
    return text;
}

std::optional<DeferredCheck> unpack_deferred(std::string_view bytes, Instant asked_at) {
    ByteReader reader(as_bytes(bytes));
    DeferredCheck check;
    const bool known = reader.u8() == form;
    check.suffix = reader.text();
    const Bytes origin = reader.raw(check.origin.size());
    check.bytes = reader.text();
    check.asked_at = asked_at;
    if (!known || !reader.ok() || !reader.at_end()) return std::nullopt;
    std::ranges::copy(origin, check.origin.begin());
    return check;
}

Escalation escalation_of(Instant asked_at, Instant now) {
    const auto age = now - asked_at;
    if (age >= deferred_to_insurer) return Escalation::insurer;
    return age >= deferred_to_staff ? Escalation::staff : Escalation::none;
}

std::string_view to_string(Escalation escalation) {
    switch (escalation) {
        case Escalation::none: return "none";
        case Escalation::staff: return "staff";
        case Escalation::insurer: return "insurer";
    }
    return "none";
}

Task<Result<Readable<DeferredCheck>>> open_deferred(LocalStore& store) {
    auto records = co_await store.read_all(LocalKind::deferred);
    if (!records) co_return fail(std::move(records));
    Readable<DeferredCheck> checks;
    checks.unreadable = std::move(records->unreadable);
    for (auto& record : records->items) {
        auto check = unpack_deferred(record.content, record.at);
        if (check) checks.items.push_back(std::move(*check));
        if (!check) checks.unreadable.push_back({std::move(record.key), record.at, {}});
    }
    co_return checks;
}

std::chrono::milliseconds deferred_wait(int failures) {
    const int doublings = std::clamp(failures - 1, 0, 10);
    return std::min(first_wait * (1 << doublings), longest_wait);
}

}  // namespace onshi::terminal
