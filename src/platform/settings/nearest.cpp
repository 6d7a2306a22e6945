#include "platform/settings/nearest.h"

#include <algorithm>
#include <array>

#include "platform/settings/limits.h"

namespace onshi::settings {

namespace {

using DistanceRow = std::array<std::size_t, name_bytes_max + 1>;

std::size_t distance(std::string_view a, std::string_view b) {
    DistanceRow before_last{};
    DistanceRow last{};
    DistanceRow current{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = current;
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view typed, std::span<const std::string_view> names) {
    if (typed.size() > name_bytes_max) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_distance = nearest_distance_max + 1;
    for (const std::string_view name : names) {
        if (name.size() > name_bytes_max) continue;
        const std::size_t d = distance(typed, name);
        const std::size_t allowed = std::min(nearest_distance_max, std::max<std::size_t>(1, name.size() / 3));
        if (d > allowed || d >= best_distance) continue;
        best = name;
        best_distance = d;
    }
    return best;
}

}  // namespace onshi::settings
