// onshi card status-import
#include <filesystem>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/instants.h"
#include "domain/cards/status.h"
#include "exchange/api/values.h"
#include "hub/status_lists.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

// The card CAs of the settings, to verify lists with.
Result<cards::Authorities> load_authorities(const settings::ResolvedSettings& settings) {
    const std::string roots = settings.text("card_roots");
    if (roots.empty()) return fail(ErrorCode::config_missing, "card_roots");
    auto pem = read_text_file(roots);
    if (!pem) return fail(std::move(pem));
    auto store = pki::TrustStore::from_pem(pki::TrustPurpose::card_authentication, *pem);
    if (!store) return fail(std::move(store));
    return cards::Authorities::create(std::move(*store),
                                      {{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}},
                                      settings.integer("trust_epoch"));
}

// The one that lies there for the same CA already must not be newer.
Result<void> refuse_older(const fs::path& present, const cards::StatusList& list,
                          const cards::Authorities& authorities) {
    std::error_code error;
    if (!fs::exists(present, error)) return {};
    auto der = hub::read_status_list_file(present);
    if (!der) return {};
    // Judged at its own time: an overdue list still has its number.
    auto read = cards::read_status_list(as_bytes(*der), authorities, list.this_update);
    const bool is_newer = read && cards::compare_list_numbers(read->number, list.number) > 0;
    if (is_newer) return fail(ErrorCode::revocation_stale, present.string() + " is a newer list of the same CA");
    return {};
}

class CardStatusImport final : public Command {
  public:
    static constexpr CommandText text{
        "card", "status-import",
        "Verify a CA's list of revoked certificates and give it to the hub, which takes it over within a minute.",
        "  onshi card status-import ca.crl --config hub.toml\n"
        "  onshi card status-import ca.crl --config hub.toml --json"};
    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "the list (CRL), DER or PEM").required();
        options.settings({"card_roots", "card_status_lists"});
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const fs::path folder = settings->text("card_status_lists");
        if (folder.empty()) return fail(ErrorCode::config_missing, "card_status_lists");
        auto authorities = load_authorities(*settings);
        if (!authorities) return fail(std::move(authorities));
        auto der = hub::read_status_list_file(file_);
        if (!der) return fail(std::move(der));
        auto list = cards::read_status_list(as_bytes(*der), *authorities, session.clock().now());
        if (!list) return fail(std::move(list));
        // One file for each CA: what a newer list has replaced is of no use.
        const fs::path place = folder / fmt::format("{:08x}{}", list->ca_id, hub::status_list_suffix);
        auto laid = refuse_older(place, *list, *authorities);
        if (laid) laid = make_private_folder(folder);
        if (laid) laid = replace_file(place, *der);
        if (!laid) return fail(std::move(laid));
        show(session.console(), *list, place);
        return Exit::done;
    }

  private:
    static void show(Console& console, const cards::StatusList& list, const fs::path& place) {
        if (!console.json()) {
            return console.line(fmt::format("✔ {} certificates, as of {}, next {}   {}", list.certificates.size(),
                                            japan_date_time(list.this_update), japan_date_time(list.next_update),
                                            place.string()));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.status_list/1");
        writer.member("number", to_hex(as_bytes(list.number)));
        writer.member("certificates", list.certificates.size());
        writer.member("this_update", api::to_rfc3339(list.this_update));
        writer.member("next_update", api::to_rfc3339(list.next_update));
        writer.member("file", place.string());
        writer.end_object();
        console.line(json);
    }
    std::string file_;
};

}  // namespace

void add_card_status_command(CommandTree& tree) {
    tree.add<CardStatusImport>();
}

}  // namespace onshi::cli
