#include "domain/organisations/directory.h"

#include <cstring>

#include "base/date.h"

namespace onshi::organisations {

std::size_t Directory::FingerprintHash::operator()(const Fingerprint& f) const noexcept {
    std::size_t hash = 0;  // a SHA-256 is its own hash
    std::memcpy(&hash, f.data(), sizeof hash);
    return hash;
}

Task<Result<std::shared_ptr<const Terminal>>> Directory::terminal(const Fingerprint& fingerprint, Deadline deadline) {
    const auto now = std::chrono::steady_clock::now();
    {
        const std::scoped_lock lock(mutex_);
        const auto found = terminals_.find(fingerprint);
        if (found != terminals_.end() && now - found->second.read_at < directory_age_max)
            co_return found->second.terminal;
    }
    sql::ReadBatch batch;
    const auto owner = load_certificate_owner(batch, fingerprint);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const bool ended = owner && owner->presented == Presented::previous && clock_.now() >= owner->previous_until;
    if (!owner || ended) co_return fail(ErrorCode::terminal_unknown, "no terminal has this certificate");
    const Terminal& found = owner->terminal;
    if (found.state != TerminalState::active)
        co_return fail(ErrorCode::terminal_disabled, "the terminal is not active");
    const bool open = found.organisation.open_on(japan_day(clock_.now()));
    if (!open) co_return fail(ErrorCode::terminal_disabled, "the organisation is not valid today");
    if (owner->presented == Presented::current && owner->has_previous) {
        // Where it cannot be stored now, the next look tries again; the terminal is let in all the same.
        const auto stored = co_await end_previous(*owner, fingerprint, deadline);
        static_cast<void>(stored);
    }
    auto terminal = std::make_shared<const Terminal>(found);
    const std::scoped_lock lock(mutex_);
    if (terminals_.size() >= directory_terminals_max) terminals_.clear();
    terminals_[fingerprint] = {terminal, now};
    co_return terminal;
}

Task<Result<void>> Directory::end_previous(const CertificateOwner& owner, const Fingerprint& current,
                                           Deadline deadline) {
    sql::WriteSet change(sql::Store::registry);
    end_previous_certificate(change, owner.terminal.key, current);
    auto committed = co_await database_.commit(std::move(change), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<void>> Directory::refresh_insurers(Deadline deadline) {
    sql::ReadBatch batch;
    const auto loaded = load_insurers(batch);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::unordered_map<InsurerNumber, Organisation> insurers;
    insurers.reserve(loaded.size());
    for (const auto& organisation : loaded) {
        const auto number = InsurerNumber::from_key(organisation.code);
        if (!number) co_return fail(ErrorCode::store_corrupt, "an insurer has no valid number");
        insurers.emplace(*number, organisation);
    }
    std::atomic_store(&insurers_,
                      std::shared_ptr<const InsurerTable>(std::make_shared<InsurerTable>(std::move(insurers))));
    co_return Result<void>();
}

}  // namespace onshi::organisations
