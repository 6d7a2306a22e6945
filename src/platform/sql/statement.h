#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace onshi::sql {

// Which database a table lives in (design §9.6). One write set touches one store; a read batch may touch both.
enum class Store : std::uint8_t { registry, ledger };

// What a statement on a hot table names, so that the same text runs on a sharded engine (design §9.13).
enum class ShardKey : std::uint8_t { none, person, card, insured_number, organisation, lane, number_tag };

// A named SQL text with `$1 …` parameters in the portable subset of design §9.13. Define as a namespace-scope constant
// in a store; the constructor gives it its index in the program's list. Immutable; thread-safe after static
// initialisation.
class Statement {
  public:
    Statement(std::string_view name, Store store, ShardKey shard_key, std::string_view text);
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] Store store() const { return store_; }
    [[nodiscard]] ShardKey shard_key() const { return shard_key_; }
    [[nodiscard]] std::size_t index() const { return index_; }

    // Every statement of the program, for the test that explains each on every engine.
    [[nodiscard]] static std::span<const Statement* const> all();

  private:
    std::string_view name_;
    std::string_view text_;
    Store store_;
    ShardKey shard_key_;
    std::size_t index_;
};

[[nodiscard]] std::string_view to_string(Store store);
[[nodiscard]] std::string_view to_string(ShardKey key);

}  // namespace onshi::sql
