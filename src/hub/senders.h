#pragma once

// Inside this folder only: who may act for an insurer.
#include <memory>
#include <string_view>

#include "hub/parts.h"

namespace onshi::hub {

// An insurer's terminal that may send members.
struct Sender {
    std::shared_ptr<const organisations::Terminal> terminal;
    InsurerNumber insurer;
    // The reference outlives the actor.
    [[nodiscard]] audit::Actor actor(std::string_view reference) const {
        return {terminal->organisation.key, terminal->key, reference};
    }
};

// role.missing, and what caller() refuses.
[[nodiscard]] Task<Result<Sender>> sender(const Context& context, const http::Request& request, Deadline deadline);

// Who stands behind a request: an active account of the insurer. account.unknown.
[[nodiscard]] Task<Result<void>> known_operator(const Context& context, const Sender& from, std::string_view reference,
                                                Deadline deadline);

}  // namespace onshi::hub
