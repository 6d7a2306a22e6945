#include "cli/hub_settings.h"

#include <algorithm>
#include <array>
#include <variant>

#include "base/ensure.h"

namespace onshi::cli {

namespace {

using hub::Profile;
using settings::ResolvedSettings;
using settings::Value;

using Field = std::variant<std::string hub::Settings::*, std::int64_t hub::Settings::*, std::uint16_t hub::Settings::*,
                           int hub::Settings::*, double hub::Settings::*, bool hub::Settings::*,
                           std::vector<std::string> hub::Settings::*, Profile hub::Settings::*, Level hub::Settings::*>;

struct Binding {
    std::string_view key;
    Field field;
};

const std::array bindings{
    Binding{"profile", &hub::Settings::profile},
    Binding{"hub_id", &hub::Settings::hub_id},
    Binding{"lane", &hub::Settings::lane},
    Binding{"listen_address", &hub::Settings::listen_address},
    Binding{"port", &hub::Settings::port},
    Binding{"metrics_port", &hub::Settings::metrics_port},
    Binding{"store", &hub::Settings::store},
    Binding{"secrets_folder", &hub::Settings::secrets_folder},
    Binding{"key_device", &hub::Settings::key_device},
    Binding{"server_certificate", &hub::Settings::server_certificate},
    Binding{"server_key", &hub::Settings::server_key},
    Binding{"organisation_ca_certificate", &hub::Settings::organisation_ca_certificate},
    Binding{"organisation_ca_key", &hub::Settings::organisation_ca_key},
    Binding{"card_roots", &hub::Settings::card_roots},
    Binding{"card_policies", &hub::Settings::card_policies},
    Binding{"trust_epoch", &hub::Settings::trust_epoch},
    Binding{"card_status_lists", &hub::Settings::card_status_lists},
    Binding{"card_status_seconds", &hub::Settings::card_status_seconds},
    Binding{"ocsp_responder", &hub::Settings::ocsp_responder},
    Binding{"face_engines", &hub::Settings::face_engines},
    Binding{"loops", &hub::Settings::loops},
    Binding{"pin_cpus", &hub::Settings::pin_cpus},
    Binding{"intake_folder", &hub::Settings::intake_folder},
    Binding{"hold_another_person", &hub::Settings::hold_another_person},
    Binding{"hold_one_name", &hub::Settings::hold_one_name},
    Binding{"hold_address", &hub::Settings::hold_address},
    Binding{"correction_minutes", &hub::Settings::correction_minutes},
    Binding{"ordinances_file", &hub::Settings::ordinances_file},
    Binding{"webhook_roots", &hub::Settings::webhook_roots},
    Binding{"proof_hour", &hub::Settings::proof_hour},
    Binding{"misses_per_hour", &hub::Settings::misses_per_hour},
    Binding{"requests_per_second", &hub::Settings::requests_per_second},
    Binding{"connections_per_address", &hub::Settings::connections_per_address},
    Binding{"log_level", &hub::Settings::log_level},
    Binding{"log_access", &hub::Settings::log_access},
};

// Puts one resolved value into its field. The table has checked words and ranges.
struct Take {
    hub::Settings& into;
    const ResolvedSettings& from;
    std::string_view key;

    void operator()(std::string hub::Settings::* field) const { into.*field = from.text(key); }
    void operator()(std::int64_t hub::Settings::* field) const { into.*field = from.integer(key); }
    void operator()(std::uint16_t hub::Settings::* field) const {
        into.*field = static_cast<std::uint16_t>(from.integer(key));
    }
    void operator()(int hub::Settings::* field) const { into.*field = static_cast<int>(from.integer(key)); }
    void operator()(double hub::Settings::* field) const { into.*field = from.number(key); }
    void operator()(bool hub::Settings::* field) const { into.*field = from.boolean(key); }
    void operator()(std::vector<std::string> hub::Settings::* field) const { into.*field = from.texts(key); }
    void operator()(Profile hub::Settings::* field) const {
        into.*field = from.text(key) == "demo" ? Profile::demo : Profile::production;
    }
    void operator()(Level hub::Settings::* field) const {
        const auto level = find_level(from.text(key));
        ENSURE(level.has_value());
        into.*field = *level;
    }
};

std::string level_name(Level level) {
    for (const char* name : {"debug", "info", "warn", "error", "off"}) {
        if (find_level(name) == level) return name;
    }
    return "off";
}

struct Give {
    const hub::Settings& from;

    Value operator()(std::string hub::Settings::* field) const { return from.*field; }
    Value operator()(std::int64_t hub::Settings::* field) const { return from.*field; }
    Value operator()(std::uint16_t hub::Settings::* field) const { return std::int64_t{from.*field}; }
    Value operator()(int hub::Settings::* field) const { return std::int64_t{from.*field}; }
    Value operator()(double hub::Settings::* field) const { return from.*field; }
    Value operator()(bool hub::Settings::* field) const { return from.*field; }
    Value operator()(std::vector<std::string> hub::Settings::* field) const { return from.*field; }
    Value operator()(Profile hub::Settings::* field) const {
        return std::string(from.*field == Profile::demo ? "demo" : "production");
    }
    Value operator()(Level hub::Settings::* field) const { return level_name(from.*field); }
};

}  // namespace

hub::Settings hub_settings(const ResolvedSettings& resolved) {
    hub::Settings settings;
    for (const auto& [key, field] : bindings) std::visit(Take{settings, resolved, key}, field);
    return settings;
}

std::vector<std::string_view> hub_setting_keys() {
    std::vector<std::string_view> keys;
    for (const auto& binding : bindings) keys.push_back(binding.key);
    return keys;
}

Value hub_setting_value(const hub::Settings& settings, std::string_view key) {
    const auto found = std::ranges::find(bindings, key, &Binding::key);
    ENSURE(found != bindings.end());
    return std::visit(Give{settings}, found->field);
}

}  // namespace onshi::cli
