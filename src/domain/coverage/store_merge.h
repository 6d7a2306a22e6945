#pragma once

#include <span>

#include "domain/coverage/model.h"
#include "domain/coverage/store.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// What a person held goes to another one: present versions end, the numbers no longer lead to the old key, and papers
// are the other's. Records and withheld cases are written by whoever holds them then.
void end_records(sql::WriteSet& set, PersonKey merged, PersonKey into, std::span<const Coverage> records);
// In the ledger: open and closed orders of these records are the other's.
void move_orders(sql::WriteSet& set, PersonKey merged, PersonKey into, std::span<const Coverage> records);

}  // namespace onshi::coverage
