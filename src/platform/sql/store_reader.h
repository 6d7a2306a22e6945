#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/sql/parameters.h"
#include "platform/sql/row.h"
#include "platform/sql/statement.h"
#include "platform/sql/store_options.h"

namespace onshi::sql {

// A table as both engines hold it: columns in their order, and those of its primary key in the key's order.
struct TableShape {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::string> key;
    bool operator==(const TableShape&) const = default;
};

// Reads one store as a whole, in one snapshot from open to destruction; for moving and comparing stores. One
// connection; not thread-safe.
class StoreReader {
  public:
    // store.unavailable when there is no such store.
    [[nodiscard]] static Result<std::unique_ptr<StoreReader>> open(const StoreOptions& options, Store store);
    virtual ~StoreReader() = default;
    // By name, without the table of schema versions.
    [[nodiscard]] virtual Result<std::vector<TableShape>> tables() = 0;
    // 0: no such slice.
    [[nodiscard]] virtual Result<int> version_of(std::string_view slice) = 0;
    // Hands over every row; the statement bounds how many.
    [[nodiscard]] virtual Result<void> each(const Statement& statement, const ParameterBuffer& parameters,
                                            const std::function<void(const Row&)>& visit) = 0;
};

}  // namespace onshi::sql
