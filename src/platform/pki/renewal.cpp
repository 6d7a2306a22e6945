#include "platform/pki/renewal.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "platform/pki/limits.h"

namespace onshi::pki {

std::size_t RenewalMap::NameHash::operator()(const CertificateName& name) const noexcept {
    // CA ids are few; the serial tells certificates apart.
    return std::hash<std::string>()(name.serial) ^ name.ca.bytes[0];
}

const RenewalMap::Link* RenewalMap::find(const Links& links, const CertificateName& name) {
    const auto found = links.find(name);
    return found == links.end() ? nullptr : &found->second;
}

RenewalMap::Walk RenewalMap::walk(const Links& links, const CertificateName& start, const CertificateName& sought) {
    Walk out{0, start == sought};
    for (const Link* link = find(links, start); link != nullptr; link = find(links, link->name)) {
        ++out.steps;
        out.met = out.met || link->name == sought;
    }
    return out;
}

Result<void> RenewalMap::add(const Renewal& renewal) {
    const auto refuse = [](const char* why) { return fail(ErrorCode::certificate_renewal_cycle, why); };
    const Link* successor = find(successors_, renewal.old_name);
    if (successor != nullptr) {
        const bool same = successor->name == renewal.new_name && successor->valid_from == renewal.valid_from;
        if (same) return {};
        return refuse("a second successor");
    }
    if (find(predecessors_, renewal.new_name) != nullptr) return refuse("a second predecessor");
    const Walk ahead = walk(successors_, renewal.new_name, renewal.old_name);
    if (ahead.met) return refuse("a loop");
    const Walk behind = walk(predecessors_, renewal.old_name, renewal.new_name);
    if (ahead.steps + behind.steps + 2 > renewal_chain_max) return refuse("chain too long");
    if (successors_.size() >= renewal_rows_max) return refuse("too many rows");
    successors_.emplace(renewal.old_name, Link{renewal.new_name, renewal.valid_from});
    predecessors_.emplace(renewal.new_name, Link{renewal.old_name, renewal.valid_from});
    return {};
}

Result<RenewalMap> RenewalMap::build(const std::vector<Renewal>& rows) {
    RenewalMap map;
    for (const auto& row : rows) {
        auto added = map.add(row);
        if (!added) return fail(std::move(added));
    }
    return map;
}

CertificateName RenewalMap::newest(const CertificateName& name, Instant at) const {
    CertificateName current = name;
    for (const Link* link = find(successors_, name); link != nullptr && link->valid_from <= at;
         link = find(successors_, link->name)) {
        current = link->name;
    }
    return current;
}

std::vector<CertificateName> RenewalMap::history(const CertificateName& name, Instant at) const {
    std::vector<CertificateName> out{name};
    for (const Link* link = find(predecessors_, name); link != nullptr && link->valid_from <= at;
         link = find(predecessors_, link->name)) {
        out.push_back(link->name);
    }
    std::ranges::reverse(out);
    for (const Link* link = find(successors_, name); link != nullptr && link->valid_from <= at;
         link = find(successors_, link->name)) {
        out.push_back(link->name);
    }
    return out;
}

}  // namespace onshi::pki
