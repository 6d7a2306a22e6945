#pragma once

#include <vector>

#include "platform/sql/migrations.h"

namespace onshi::hub {

// Every slice's steps, in the order of the slices.
[[nodiscard]] std::vector<sql::Migration> all_migrations();

}  // namespace onshi::hub
