#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onshi {

// CP932 (Windows-31J), the encoding of claim files and of existing billing systems. The mapping is ICU's
// ibm-943_P15A-2003 without fallbacks, but with ASCII mapped to itself: ICU swaps 1A, 1C and 7F. It equals Microsoft's
// table and, unlike glibc's iconv, has nothing that is converted silently to something else (iconv turns ‖ − ¢ £ ¬ 〜
// and even ¥ ‾ into other characters without a word). Characters that CP932 holds twice are written as Windows writes
// them: NEC row 13 and IBM extensions (FA-FC), not NEC's selection (ED, EE). Pure; thread-safe; the tables are built
// once on first use.

struct Cp932Substitution {
    char32_t from;
    std::string to;        // UTF-8; empty when the character was dropped
    std::size_t position;  // byte offset in the UTF-8 text
};

struct Cp932Text {
    std::string bytes;
    std::vector<Cp932Substitution> substitutions;  // the first cp932_substitutions_listed_max of them
    std::size_t substitution_count = 0;
};

// What CP932 cannot write becomes its declared substitute (contracts/cp932_substitutes.toml), and says so. Errors:
// text.not_representable (no code, no substitute, or private use), text.invalid_encoding, text.too_long.
[[nodiscard]] Result<Cp932Text> encode_cp932(std::string_view utf8);

// User-defined characters (外字, F040-F9FC) become U+E000-U+E757 as on Windows: what they look like is known to their
// maker only, so comparisons take them as unknown and encode_cp932 refuses them. Errors: text.invalid_encoding, also
// for the single bytes 80, A0, FD-FF; text.too_long.
[[nodiscard]] Result<std::string> decode_cp932(std::string_view bytes);

// Whether CP932 has the character itself.
[[nodiscard]] bool in_cp932(char32_t character);

}  // namespace onshi
