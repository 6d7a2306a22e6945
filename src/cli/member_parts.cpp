#include "cli/member_parts.h"

#include "hub/match_policy.h"
#include "hub/secrets.h"

namespace onshi::cli {

namespace {

identity::MatchPolicy match_policy(const settings::ResolvedSettings& settings) {
    hub::Settings words;
    words.hold_another_person = settings.text("hold_another_person");
    words.hold_one_name = settings.text("hold_one_name");
    words.hold_address = settings.text("hold_address");
    return hub::match_policy(words);
}

}  // namespace

MemberParts::MemberParts(std::unique_ptr<Stores> stores, identity::NumberVault vault, const Clock& clock,
                         Random& random, const identity::MatchPolicy& policy)
    : stores_(std::move(stores)), vault_(std::move(vault)), residents_(stores_->database(), vault_) {
    intake_.emplace(coverage::IntakeParts{stores_->database(), clock, random, vault_, residents_, {}, policy});
}

Result<std::unique_ptr<MemberParts>> MemberParts::open(const settings::ResolvedSettings& settings, const Clock& clock,
                                                       Random& random) {
    const std::string& secrets = settings.text("secrets_folder");
    if (secrets.empty()) return fail(ErrorCode::config_missing, "secrets_folder");
    auto vault = hub::load_number_vault(secrets, settings.text("key_device"));
    if (!vault) return fail(std::move(vault));
    auto stores = Stores::open_to_write(settings, clock, sql::SetVolume::bulk);
    if (!stores) return fail(std::move(stores));
    return std::unique_ptr<MemberParts>(
        new MemberParts(std::move(*stores), std::move(*vault), clock, random, match_policy(settings)));
}

}  // namespace onshi::cli
