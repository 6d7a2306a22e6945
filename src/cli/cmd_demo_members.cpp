// onshi demo members
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/cp932.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "installation/demo_installation.h"
#include "installation/members_file.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::int64_t rows_max = 1'000'000;
constexpr int lost_days_ago = 10;

// What insurers of a demo's nation would send next: newcomers from the resident register, with the faults that are
// planted in their records, and changes of members it has.
class DemoMembers final : public Command {
  public:
    static constexpr CommandText text{
        "demo", "members", "Write a members' file for a demo: people not yet registered, planted faults, some changes.",
        "  onshi demo members members.csv --folder ./demo --additions 500 --changes 100\n"
        "  onshi demo members members.csv --folder ./demo --encoding cp932\n"
        "  onshi demo members loss.csv --folder ./demo --additions 0 --changes 0 --lose-card 001.json"};
    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "the file to be made").required();
        options.text(folder_, "--folder", "DIR", "folder of the demo").required();
        options.integer(additions_, "--additions", "N", "people to register, at most as many as there are")
            .range(0, rows_max);
        options.integer(changes_, "--changes", "N", "members whose limit category changes").range(0, rows_max);
        options
            .integer(mistaken_, "--mistaken", "N", "so many of the additions carry another person's name and reading")
            .range(0, rows_max);
        options.text(lost_card_, "--lose-card", "NAME",
                     "also the loss of coverage, ten days ago, of whoever holds this card of the demo: 001.json");
        options.text(encoding_, "--encoding", "NAME", "as insurers' systems write it").one_of({"utf-8", "cp932"});
    }
    Result<Exit> run(Session& session) override {
        auto description = installation::read_demo_installation(folder_);
        if (!description) return fail(std::move(description));
        auto nation = installation::nation_of(*description);
        if (!nation) return fail(std::move(nation));
        std::string out = installation::MembersFileWriter::header() + "\n";
        const std::uint64_t added = append_additions(*nation, *description, out);
        const std::uint64_t changed = append_changes(*nation, *description, out);
        auto lost = append_loss(*nation, *description, out);
        if (!lost) return fail(std::move(lost));
        if (encoding_ == "cp932") {
            auto encoded = encode_cp932(out);
            if (!encoded) return fail(std::move(encoded));
            out = std::move(encoded->bytes);
        }
        auto written = write_new_file(file_, out);
        if (!written) return fail(std::move(written));
        show(session.console(), added, changed);
        return Exit::done;
    }

  private:
    // From the first resident on whom the registry does not know.
    std::uint64_t append_additions(const synth::Nation& nation, const installation::DemoInstallation& demo,
                                   std::string& out) const {
        const installation::MembersFileWriter writer(nation);
        synth::PersonMaker maker(nation);
        std::uint64_t added = 0;
        const auto wanted = static_cast<std::uint64_t>(additions_);
        for (std::uint64_t index = demo.persons; index < demo.counts.residents && added < wanted; ++index) {
            const auto& person = maker.make(index);
            const auto record = installation::current_record(nation, person);
            if (!record) continue;
            // Somebody else's name on this person's number, as when a form was filled in for two.
            synth::SyntheticPerson written = person;
            const bool mistaken = added < static_cast<std::uint64_t>(mistaken_);
            if (mistaken) written.coverages[*record].sent_name = synth::SentName::other_family;
            if (mistaken) written.coverages[*record].sent_kana = synth::SentKana::other_family;
            writer.add(written, *record, out);
            ++added;
        }
        return added;
    }
    std::uint64_t append_changes(const synth::Nation& nation, const installation::DemoInstallation& demo,
                                 std::string& out) const {
        const installation::MembersFileWriter writer(nation);
        synth::PersonMaker maker(nation);
        std::uint64_t changed = 0;
        const auto wanted = static_cast<std::uint64_t>(changes_);
        for (std::uint64_t index = 0; index < demo.persons && changed < wanted; ++index) {
            const auto& person = maker.make(index);
            const auto record = installation::current_record(nation, person);
            const bool known = record && person.coverages[*record].is_known(nation.settings().as_of);
            if (!known) continue;
            writer.change(person, *record, out);
            ++changed;
        }
        return changed;
    }
    Result<void> append_loss(const synth::Nation& nation, const installation::DemoInstallation& demo,
                             std::string& out) const {
        if (lost_card_.empty()) return {};
        const auto card = std::ranges::find(demo.cards, lost_card_, &installation::DemoCard::file);
        if (card == demo.cards.end()) return fail(ErrorCode::command_usage, "--lose-card " + lost_card_);
        synth::PersonMaker maker(nation);
        const auto& person = maker.make(card->person);
        const auto record = installation::current_record(nation, person);
        if (!record) return fail(ErrorCode::command_usage, "--lose-card: its holder is not insured today");
        installation::MembersFileWriter(nation).lose(person, *record, nation.settings().as_of.plus_days(-lost_days_ago),
                                                     out);
        return {};
    }
    void show(Console& console, std::uint64_t added, std::uint64_t changed) const {
        if (!console.json()) {
            return console.line(fmt::format("✔ {}: {} additions, {} changes", file_, added, changed));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.demo_members/1");
        writer.member("file", file_);
        writer.member("additions", added);
        writer.member("changes", changed);
        writer.end_object();
        console.line(json);
    }
    std::string file_;
    std::string folder_;
    std::int64_t mistaken_ = 0;
    std::string lost_card_;
    std::string encoding_ = "utf-8";
    std::int64_t additions_ = 500;
    std::int64_t changes_ = 100;
};

}  // namespace

void add_demo_members_command(CommandTree& tree) {
    tree.add<DemoMembers>();
}

}  // namespace onshi::cli
