// The small state that checks share: status sources and the budget of misses.
#include <algorithm>

#include "domain/eligibility/service.h"

namespace onshi::eligibility {

std::optional<Instant> StatusSources::as_of(std::int32_t ca_id) const {
    const auto sources = std::atomic_load(&sources_);
    const auto found = std::ranges::find(*sources, ca_id, &cards::StatusSource::ca_id);
    // A source that has taken over parts of its first list only has no date yet.
    const bool dated = found != sources->end() && found->as_of != Instant();
    return dated ? std::optional(found->as_of) : std::nullopt;
}

bool StatusSources::is_fresh(std::int32_t ca_id, Instant now) const {
    const auto known = as_of(ca_id);
    return known && now - *known <= cards::card_status_fresh_for;
}

void StatusSources::replace(std::vector<cards::StatusSource> sources) {
    std::atomic_store(&sources_, std::shared_ptr<const std::vector<cards::StatusSource>>(
                                     std::make_shared<std::vector<cards::StatusSource>>(std::move(sources))));
}

const payments::MunicipalTable& CheckService::municipal() const {
    static const payments::MunicipalTable none;
    return parts_.municipal == nullptr ? none : *parts_.municipal;
}

namespace {

std::int64_t hour_of(Instant now) {
    return now.us / (std::int64_t{3600} * 1'000'000);
}

}  // namespace

bool MissBudget::is_spent(OrganisationKey facility, Instant now) {
    const std::scoped_lock lock(mutex_);
    const auto found = facilities_.find(facility);
    if (found == facilities_.end() || found->second.hour != hour_of(now)) return false;
    return found->second.misses >= misses_per_hour_ + found->second.finds / finds_per_extra_miss;
}

MissBudget::Hour* MissBudget::hour_of_facility(OrganisationKey facility, Instant now) {
    if (facilities_.size() >= miss_facilities_max) {
        std::erase_if(facilities_, [&](const auto& entry) { return entry.second.hour != hour_of(now); });
    }
    if (facilities_.size() >= miss_facilities_max && !facilities_.contains(facility)) return nullptr;
    Hour& hour = facilities_[facility];
    if (hour.hour != hour_of(now)) hour = {hour_of(now), 0, 0};
    return &hour;
}

void MissBudget::count(OrganisationKey facility, Instant now) {
    const std::scoped_lock lock(mutex_);
    Hour* hour = hour_of_facility(facility, now);
    if (hour != nullptr) ++hour->misses;
}

void MissBudget::count_find(OrganisationKey facility, Instant now) {
    const std::scoped_lock lock(mutex_);
    Hour* hour = hour_of_facility(facility, now);
    if (hour != nullptr) ++hour->finds;
}

void MissBudget::give_back(OrganisationKey facility, Instant now) {
    const std::scoped_lock lock(mutex_);
    const auto found = facilities_.find(facility);
    if (found != facilities_.end() && found->second.hour == hour_of(now) && found->second.misses > 0) {
        --found->second.misses;
    }
}

}  // namespace onshi::eligibility
