#include "domain/audit/rules.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace onshi::audit {
namespace {

constexpr std::uint64_t key = 0x0123456789ABCDEFULL;

TEST(receipt, names_its_place_and_nothing_else_does) {
    EXPECT_TRUE(rc::check("round trip", [] {
        const auto lane = *rc::gen::inRange<std::int64_t>(0, lanes_max);
        const auto sequence = *rc::gen::inRange<std::int64_t>(0, sequence_max);
        const std::string receipt = to_receipt(lane, sequence, key);
        RC_ASSERT(receipt.size() == 11U);
        RC_ASSERT(parse_receipt(receipt, key) == (Place{lane, sequence}));
    }));
}

TEST(receipt, is_read_as_people_write_it) {
    const std::string receipt = to_receipt(3, 1234567, key);
    std::string typed;
    for (const char c : receipt) {
        if (c == '-') continue;
        typed.push_back(c == '0' ? 'o' : (c == '1' ? 'l' : static_cast<char>(std::tolower(c))));
    }
    EXPECT_EQ(parse_receipt(typed, key), (Place{3, 1234567}));
}

TEST(receipt, finds_every_single_wrong_character) {
    const std::string receipt = to_receipt(0, 42, key);
    for (std::size_t i = 0; i < receipt.size(); ++i) {
        if (receipt[i] == '-') continue;
        for (const char c : std::string_view("0123456789ABCDEFGHJKMNPQRSTVWXYZ")) {
            if (c == receipt[i]) continue;
            std::string wrong = receipt;
            wrong[i] = c;
            EXPECT_EQ(parse_receipt(wrong, key), std::nullopt) << wrong;
        }
    }
}

TEST(receipt, refuses_other_forms) {
    for (const std::string_view text : {"", "7Q4M", "7Q4M-2XKD-9-9", "7Q4M-2XKD-U", "髙橋"}) {
        EXPECT_EQ(parse_receipt(text, key), std::nullopt) << text;
    }
}

TEST(receipt, neighbours_do_not_look_alike) {
    std::set<std::string> beginnings;
    for (std::int64_t sequence = 1; sequence <= 200; ++sequence) {
        beginnings.insert(to_receipt(0, sequence, key).substr(0, 4));
    }
    EXPECT_GT(beginnings.size(), 190U);
}

Record record_after(const ChainWalk& walk, std::int64_t lane, std::string payload) {
    Record record;
    record.header.lane = lane;
    record.header.sequence = walk.sequence() + 1;
    record.header.previous = walk.hash();
    record.header.recorded_at = {1'800'000'000'000'000 + walk.sequence()};
    record.header.organisation = OrganisationKey(7);
    record.header.actor = "-";
    record.header.payload_digest = sha256(as_bytes(payload));
    record.hash = hash_of(record.header);
    record.payload = std::move(payload);
    return record;
}

std::vector<Record> chain_of(int count) {
    ChainWalk walk(1);
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
        records.push_back(record_after(walk, 1, "payload " + std::to_string(i)));
        EXPECT_FALSE(walk.step(records.back()));
    }
    return records;
}

std::optional<Finding> walk_all(const std::vector<Record>& records) {
    ChainWalk walk(1);
    for (const auto& record : records) {
        if (auto finding = walk.step(record)) return finding;
    }
    return std::nullopt;
}

TEST(chain_walk, accepts_what_was_not_touched) {
    EXPECT_FALSE(walk_all(chain_of(20)));
}

TEST(chain_walk, names_the_first_record_that_was_changed_in_any_field) {
    const auto change = [](auto edit) {
        auto records = chain_of(10);
        edit(records[4]);
        const auto finding = walk_all(records);
        ASSERT_TRUE(finding);
        EXPECT_EQ(finding->sequence, 5);
        EXPECT_TRUE(finding->flaw == Flaw::changed || finding->flaw == Flaw::payload_changed);
    };
    change([](Record& r) { r.header.recorded_at.us += 1; });
    change([](Record& r) { r.header.event = Event::card_suspended; });
    change([](Record& r) { r.header.organisation = OrganisationKey(8); });
    change([](Record& r) { r.header.terminal = TerminalKey(8); });
    change([](Record& r) { r.header.actor = "someone"; });
    change([](Record& r) { r.header.payload_digest[0] ^= 1; });
    change([](Record& r) { r.hash[31] ^= 1; });
    change([](Record& r) { r.payload->back() ^= 1; });
}

TEST(chain_walk, finds_removed_reordered_and_inserted_records) {
    auto removed = chain_of(10);
    removed.erase(removed.begin() + 3);
    EXPECT_EQ(walk_all(removed)->sequence, 4);
    EXPECT_EQ(walk_all(removed)->flaw, Flaw::missing);

    auto reordered = chain_of(10);
    std::swap(reordered[3], reordered[4]);
    EXPECT_EQ(walk_all(reordered)->sequence, 4);

    auto inserted = chain_of(10);
    inserted.insert(inserted.begin() + 3, inserted[2]);
    EXPECT_EQ(walk_all(inserted)->flaw, Flaw::order);
}

TEST(chain_walk, still_verifies_when_a_payload_was_deleted_after_its_retention) {
    auto records = chain_of(10);
    records[4].payload.reset();
    EXPECT_FALSE(walk_all(records));
}

}  // namespace
}  // namespace onshi::audit
