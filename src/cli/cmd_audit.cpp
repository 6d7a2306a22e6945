// onshi audit verify | heads
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/chain_heads.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/stores.h"
#include "cli/witness_file.h"
#include "domain/audit/service.h"
#include "hub/secrets.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

std::string report_json(const audit::VerifyReport& report, bool seals_checked) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.audit_report/1");
    writer.member("ok", !report.finding.has_value());
    writer.member("records", report.records);
    writer.member("seals", report.seals);
    writer.member("seal_signatures_checked", seals_checked);
    writer.member("witnesses", report.witnesses);
    if (report.finding) {
        writer.begin_object("finding");
        writer.member("lane", report.finding->lane);
        writer.member("sequence", report.finding->sequence);
        writer.member("flaw", audit::to_string(report.finding->flaw));
        writer.end_object();
    }
    writer.begin_array("heads");
    for (const auto& head : report.heads) {
        if (head.sequence == 0) continue;
        writer.begin_object();
        writer.member("lane", head.lane);
        writer.member("sequence", head.sequence);
        writer.member("hash", to_hex(head.hash));
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return text;
}

void show_report(Console& console, const audit::VerifyReport& report, bool seals_checked) {
    if (console.json()) return console.line(report_json(report, seals_checked));
    const std::string counts =
        fmt::format("{} records, {} seals, {} witnesses", report.records, report.seals, report.witnesses);
    console.line(report.finding ? console.marked(Mark::bad, "✘ broken") + "  " + counts
                                : console.marked(Mark::good, "✔ intact") + "  " + counts);
    if (!seals_checked) console.note_label("label.seals_unchecked");
    if (report.witnesses == 0) console.note_label("label.no_witness");
    for (const auto& head : report.heads) {
        if (head.sequence > 0)
            console.line(fmt::format("  lane {}: {} {}", head.lane, head.sequence, to_hex(head.hash)));
    }
}

class AuditVerify final : public Command {
  public:
    static constexpr CommandText text{
        "audit", "verify", "Walk the audit chain from its first record; beside a working hub too.",
        "  onshi audit verify --config hub.toml\n"
        "  onshi audit verify --store ./store --witness heads-2026-11-22.json --seal-key heads-2026-11-22.json"};
    void declare(Options& options) override {
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
        options.texts(witnesses_, "--witness", "FILE", "heads kept elsewhere, as audit heads printed them");
        options.texts(seal_keys_, "--seal-key", "FILE",
                      "public seal keys from such a file; else those of the secrets folder");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        audit::VerifyOptions options;
        auto taken = take_witnesses(options);
        if (taken) taken = take_seal_keys(options, settings->text("secrets_folder"));
        if (!taken) return fail(std::move(taken));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        auto report = verify_chain((*stores)->database(), options, session.console());
        if (!report) return fail(std::move(report));
        show_report(session.console(), *report, !options.seal_keys.empty());
        auto sound = without_finding(*report);
        if (!sound) return fail(std::move(sound));
        return Exit::done;
    }

  private:
    Result<void> take_witnesses(audit::VerifyOptions& options) const {
        for (const auto& path : witnesses_) {
            auto content = read_text_file(path);
            if (!content) return fail(std::move(content));
            auto file = parse_witness_file(*content);
            if (!file) return fail(file.error().code, path + ": " + file.error().detail);
            options.witnesses.insert(options.witnesses.end(), file->heads.begin(), file->heads.end());
        }
        return {};
    }
    Result<void> take_seal_keys(audit::VerifyOptions& options, const std::string& secrets_folder) const {
        for (const auto& path : seal_keys_) {
            auto content = read_text_file(path);
            if (!content) return fail(std::move(content));
            auto file = parse_witness_file(*content);
            if (!file) return fail(file.error().code, path + ": " + file.error().detail);
            options.seal_keys.insert(options.seal_keys.end(), file->seal_keys.begin(), file->seal_keys.end());
        }
        if (!seal_keys_.empty() || secrets_folder.empty()) return {};
        auto keys = hub::load_seal_keys(secrets_folder);
        if (!keys) return fail(std::move(keys));
        options.seal_keys = std::move(*keys);
        return {};
    }
    std::vector<std::string> witnesses_;
    std::vector<std::string> seal_keys_;
};

class AuditHeads final : public Command {
  public:
    static constexpr CommandText text{
        "audit", "heads",
        "Print the newest record of each lane and the public seal keys, to be kept where this machine cannot write.",
        "  onshi audit heads --config hub.toml > heads-2026-11-22.json"};
    void declare(Options& options) override {
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        auto heads = read_heads((*stores)->database(), settings->text("secrets_folder"));
        if (!heads) return fail(std::move(heads));
        session.console().line(to_json(*heads));
        return Exit::done;
    }
};

}  // namespace

void add_audit_commands(CommandTree& tree) {
    tree.noun("audit", "the chain of what was disclosed and changed");
    tree.add<AuditVerify>();
    tree.add<AuditHeads>();
}

}  // namespace onshi::cli
