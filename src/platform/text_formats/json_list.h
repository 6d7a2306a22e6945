#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onshi {

// Of the list `list` of a JSON object: the member `member` of each element as JSON again, for answers that are kept one
// by one; empty where an element has none, or one that is no object. No elements for a text of another form.
[[nodiscard]] std::vector<std::string> json_list_members(std::string_view text, std::string_view list,
                                                         std::string_view member);

}  // namespace onshi
