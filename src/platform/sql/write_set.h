#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "platform/sql/limits.h"
#include "platform/sql/parameters.h"
#include "platform/sql/statement.h"

namespace onshi::sql {

// What the store's sequencer adds to an accepted set: for the ledger, an audit record. Opaque to this folder; made and
// read by the sequencer's owner.
struct SequencedRecord {
    std::string header;
    std::string payload;
};

// A bulk set may hold what an intake's part of a file changes; it makes everybody else's sets wait for it.
enum class SetVolume : std::uint8_t { ordinary, bulk };

// One atomic change of one store. Guards are tried first and say how many rows they expect; when one is lost, nothing
// of the set is written and its caller gets `store.conflict`. Guards are only `INSERT … ON CONFLICT DO NOTHING` and
// `UPDATE … WHERE version = $n` (design §9.5). Owned by the queue once committed; movable, not thread-safe.
class WriteSet {
  public:
    explicit WriteSet(Store store, SetVolume volume = SetVolume::ordinary) : store_(store), volume_(volume) {}
    WriteSet(WriteSet&&) = default;
    WriteSet& operator=(WriteSet&&) = default;
    WriteSet(const WriteSet&) = delete;
    WriteSet& operator=(const WriteSet&) = delete;

    template <class... P>
    void guard(const Statement& statement, std::int64_t rows_expected, const P&... parameters) {
        guards_.push_back({add(statement, parameters...), rows_expected});
    }
    template <class... P>
    void change(const Statement& statement, const P&... parameters) {
        changes_.push_back(add(statement, parameters...));
    }
    void record(SequencedRecord record) { record_ = std::move(record); }
    void reserve(std::size_t parameters, std::size_t bytes) { parameters_.reserve(parameters, bytes); }

    struct Guard {
        Step step;
        std::int64_t rows_expected;
    };
    [[nodiscard]] Store store() const { return store_; }
    [[nodiscard]] const std::vector<Guard>& guards() const { return guards_; }
    [[nodiscard]] const std::vector<Step>& changes() const { return changes_; }
    [[nodiscard]] const std::optional<SequencedRecord>& record() const { return record_; }
    [[nodiscard]] const ParameterBuffer& parameters() const { return parameters_; }
    [[nodiscard]] bool too_large() const {
        const bool bulk = volume_ == SetVolume::bulk;
        return guards_.size() + changes_.size() > (bulk ? bulk_set_steps_max : write_set_steps_max) ||
               parameters_.byte_count() > (bulk ? bulk_set_bytes_max : write_set_bytes_max);
    }

  private:
    template <class... P>
    Step add(const Statement& statement, const P&... parameters) {
        ENSURE(statement.store() == store_);
        const auto first = static_cast<std::uint32_t>(parameters_.count());
        (parameters_.add(parameters), ...);
        return {&statement, first, static_cast<std::uint32_t>(sizeof...(P))};
    }
    Store store_;
    SetVolume volume_;
    std::vector<Guard> guards_;
    std::vector<Step> changes_;
    std::optional<SequencedRecord> record_;
    ParameterBuffer parameters_;
};

}  // namespace onshi::sql
