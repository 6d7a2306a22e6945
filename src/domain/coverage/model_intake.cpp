#include "domain/coverage/model_intake.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace onshi::coverage {

namespace {

constexpr std::uint8_t layout = 2;
constexpr std::uint8_t layout_without_notice = 1;
constexpr std::uint32_t no_notice = 0xFFFF'FFFFU;

constexpr std::array<std::pair<std::string_view, Operation>, 5> operations{{{"add", Operation::add},
                                                                            {"change", Operation::change},
                                                                            {"lose", Operation::lose},
                                                                            {"reopen", Operation::reopen},
                                                                            {"cancel", Operation::cancel}}};

constexpr std::array<std::string_view, row_results> results{"refused",  "unchanged", "added", "changed", "ended",
                                                            "reopened", "cancelled", "moved", "withheld"};

}  // namespace

std::optional<Operation> parse_operation(std::string_view word) {
    for (const auto& [name, operation] : operations) {
        if (name == word) return operation;
    }
    return std::nullopt;
}

std::string_view to_string(Operation operation) {
    return operations[static_cast<std::size_t>(operation) - 1].first;
}

std::string_view to_string(RowResult result) {
    return results[static_cast<std::size_t>(result)];
}

std::string pack_details(const WithheldCase& withheld) {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(layout);
    writer.u32(withheld.fields);
    writer.text(identity::pack(withheld.sent));
    writer.u8(withheld.reason);
    writer.text(withheld.evidence);
    writer.text(withheld.confirmed_by);
    writer.text(withheld.approved_by);
    writer.u32(withheld.notified_on ? static_cast<std::uint32_t>(withheld.notified_on->days()) : no_notice);
    return bytes;
}

bool unpack_details(std::string_view bytes, WithheldCase& into) {
    ByteReader reader(as_bytes(bytes));
    const std::uint8_t stored = reader.u8();
    if (stored != layout && stored != layout_without_notice) return false;
    into.fields = static_cast<std::uint16_t>(reader.u32());
    auto sent = identity::unpack_sent(reader.text());
    into.reason = reader.u8();
    into.evidence = reader.text();
    into.confirmed_by = reader.text();
    into.approved_by = reader.text();
    const std::uint32_t notified = stored == layout ? reader.u32() : no_notice;
    into.notified_on = notified == no_notice ? std::nullopt : Date::from_days(static_cast<std::int32_t>(notified));
    if (!reader.ok() || !reader.at_end() || !sent) return false;
    into.sent = std::move(*sent);
    return true;
}

}  // namespace onshi::coverage
