#include "hub/mode_board.h"

#include <algorithm>

namespace onshi::hub {

using organisations::Dependency;
using organisations::Outage;

void ModeBoard::declared(std::vector<Outage> outages, std::vector<organisations::Disaster> disasters) {
    const std::scoped_lock lock(mutex_);
    declared_ = std::move(outages);
    disasters_ = std::move(disasters);
}

void ModeBoard::found(Dependency dependency, bool away, Instant now) {
    const std::scoped_lock lock(mutex_);
    auto& since = found_.at(static_cast<std::size_t>(dependency) - 1);
    if (!away) since.reset();
    if (away && !since) since = now;
}

std::vector<Outage> ModeBoard::outages() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Outage> all = declared_;
    for (std::size_t i = 0; i < found_.size(); ++i) {
        const Dependency dependency = organisations::dependency_names.at(i).first;
        const bool known = std::ranges::find(all, dependency, &Outage::dependency) != all.end();
        if (found_.at(i) && !known) all.push_back({dependency, *found_.at(i), {}});
    }
    std::ranges::sort(all, {}, &Outage::dependency);
    return all;
}

bool ModeBoard::is_declared(Dependency dependency) const {
    const std::scoped_lock lock(mutex_);
    return std::ranges::find(declared_, dependency, &Outage::dependency) != declared_.end();
}

std::vector<organisations::Disaster> ModeBoard::disasters() const {
    const std::scoped_lock lock(mutex_);
    return disasters_;
}

}  // namespace onshi::hub
