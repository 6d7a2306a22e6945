#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "platform/sql/limits.h"
#include "platform/sql/parameters.h"
#include "platform/sql/row.h"
#include "platform/sql/statement.h"

namespace onshi::sql {

// Turns a row into a value; wrong columns are noticed by the row itself.
template <class T>
using Decode = T (*)(const Row&);

// Where the rows of one query go. For engines.
class RowSink {
  public:
    virtual ~RowSink() = default;
    // Returns false when there is no room for another row.
    virtual bool take(const Row& row) = 0;
    // Forgets what it took: the read is repeated.
    virtual void clear() = 0;
};

// The answer of a query that finds at most one row. Read it after the batch was read; lives as long as the batch.
template <class T>
class Slot {
  public:
    explicit Slot(const std::optional<T>* value) : value_(value) {}
    [[nodiscard]] explicit operator bool() const { return value_->has_value(); }
    [[nodiscard]] const T& operator*() const { return **value_; }
    [[nodiscard]] const T* operator->() const { return &**value_; }
    [[nodiscard]] const std::optional<T>& get() const { return *value_; }

  private:
    const std::optional<T>* value_;
};

// The answer of a query that finds several rows, at most the limit it was given (more is `store.corrupt`: statements
// that may find more carry a LIMIT). Lives as long as the batch.
template <class T>
class Rows {
  public:
    explicit Rows(const std::vector<T>* rows) : rows_(rows) {}
    [[nodiscard]] auto begin() const { return rows_->begin(); }
    [[nodiscard]] auto end() const { return rows_->end(); }
    [[nodiscard]] std::size_t size() const { return rows_->size(); }
    [[nodiscard]] bool empty() const { return rows_->empty(); }
    [[nodiscard]] const T& operator[](std::size_t i) const { return (*rows_)[i]; }
    [[nodiscard]] const std::vector<T>& get() const { return *rows_; }

  private:
    const std::vector<T>* rows_;
};

// Queries that are answered together, as one snapshot in one turn. Store functions add to it and return a slot:
//     auto card = cards::load(batch, key);  auto done = co_await database.read(batch, deadline);  if (card) …
// Owned by one coroutine; not thread-safe; read once.
class ReadBatch {
  public:
    ReadBatch() = default;
    ReadBatch(const ReadBatch&) = delete;
    ReadBatch& operator=(const ReadBatch&) = delete;

    template <class T, class... P>
    [[nodiscard]] Slot<T> one(const Statement& statement, Decode<T> decode, const P&... parameters) {
        auto sink = std::make_unique<OneSink<T>>(decode);
        const auto* value = &sink->value;
        add(statement, std::move(sink), parameters...);
        return Slot<T>(value);
    }

    template <class T, class... P>
    [[nodiscard]] Rows<T> many(const Statement& statement, std::size_t rows_max, Decode<T> decode,
                               const P&... parameters) {
        auto sink = std::make_unique<ManySink<T>>(decode, rows_max);
        const auto* rows = &sink->rows;
        add(statement, std::move(sink), parameters...);
        return Rows<T>(rows);
    }

    // For engines.
    struct Query {
        Step step;
        std::unique_ptr<RowSink> sink;
    };
    [[nodiscard]] std::vector<Query>& queries() { return queries_; }
    [[nodiscard]] const ParameterBuffer& parameters() const { return parameters_; }

  private:
    template <class T>
    struct OneSink final : RowSink {
        explicit OneSink(Decode<T> d) : decode(d) {}
        bool take(const Row& row) override {
            if (value) return false;
            value.emplace(decode(row));
            return true;
        }
        void clear() override { value.reset(); }
        Decode<T> decode;
        std::optional<T> value;
    };
    template <class T>
    struct ManySink final : RowSink {
        ManySink(Decode<T> d, std::size_t max) : decode(d), rows_max(max) {}
        bool take(const Row& row) override {
            if (rows.size() == rows_max) return false;
            rows.push_back(decode(row));
            return true;
        }
        void clear() override { rows.clear(); }
        Decode<T> decode;
        std::size_t rows_max;
        std::vector<T> rows;
    };
    template <class... P>
    void add(const Statement& statement, std::unique_ptr<RowSink> sink, const P&... parameters) {
        ENSURE(queries_.size() < batch_queries_max);
        const auto first = static_cast<std::uint32_t>(parameters_.count());
        (parameters_.add(parameters), ...);
        queries_.push_back({{&statement, first, static_cast<std::uint32_t>(sizeof...(P))}, std::move(sink)});
    }
    std::vector<Query> queries_;
    ParameterBuffer parameters_;
};

}  // namespace onshi::sql
