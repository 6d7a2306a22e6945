#pragma once

#include "platform/text_formats/json_view.h"

namespace onshi::cli {

using onshi::JsonItem;
using onshi::JsonView;

}  // namespace onshi::cli
