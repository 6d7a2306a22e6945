#include "base/texts.h"

#include <algorithm>

#include "base/texts_table.h"

namespace onshi {

std::optional<std::string_view> find_text(Language language, std::string_view key, Audience audience) {
    const auto table = text_table();
    const auto [first, last] = std::ranges::equal_range(table, key, {}, &TextEntry::key);
    for (auto entry = first; entry != last; ++entry) {
        if (entry->audience == audience) return entry->sentences[static_cast<std::size_t>(language)];
    }
    return std::nullopt;
}

std::string fill_text(std::string_view sentence, TextParameters parameters) {
    std::string filled;
    while (!sentence.empty()) {
        const std::size_t open = sentence.find('{');
        const std::size_t close = open == std::string_view::npos ? open : sentence.find('}', open);
        if (close == std::string_view::npos) break;
        filled += sentence.substr(0, open);
        const std::string_view name = sentence.substr(open + 1, close - open - 1);
        const auto given = std::ranges::find(parameters, name, [](const auto& p) { return p.first; });
        filled += given != parameters.end() ? given->second : sentence.substr(open, close - open + 1);
        sentence.remove_prefix(close + 1);
    }
    return filled += sentence;
}

Language language_of_locale(std::string_view locale) {
    // A language code ends with its region, encoding or modifier: `jam` is another language.
    const std::string_view code = locale.substr(0, locale.find_first_of("_-.@"));
    return code == "ja" ? Language::ja : Language::en;
}

}  // namespace onshi
