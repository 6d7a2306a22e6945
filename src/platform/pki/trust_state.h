#pragma once

// Inside this folder only: what a TrustStore owns.
#include <vector>

#include "platform/pki/openssl_handles.h"
#include "platform/pki/trust_store.h"

namespace onshi::pki {

struct TrustStore::State {
    TrustPurpose purpose;
    std::vector<TrustRoot> roots;
    std::vector<X509Handle> certificates;  // in the order of roots
    X509StoreHandle store;

    // nullptr when no root has this key.
    [[nodiscard]] const X509* find_x509(const CaId& id) const;
};

}  // namespace onshi::pki
