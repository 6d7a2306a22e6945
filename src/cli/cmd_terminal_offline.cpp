// onshi terminal deferred | visual-account
#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/list_writer.h"
#include "cli/render_answer.h"
#include "cli/terminal_profile.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/answer_units.h"
#include "terminal/deferred.h"
#include "terminal/offline_visits.h"
#include "terminal/visual_accounts.h"

namespace onshi::cli {

namespace {

using terminal::LocalStore;

constexpr std::string_view by_number = "by_number";

// One thing that is not closed, whatever it is.
struct OpenRow {
    std::string id;     // of the request's file, or of the check
    std::string state;  // open, refused, differs, unreadable
    std::string row;    // what the counter could go by
    std::string why;    // the refusal's code, or what differs
    std::string receipt;
    Instant asked_at;
};

class TerminalDeferred final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "deferred",
        "Checks that met no hub and are still open, and answers that came out otherwise; oldest first.",
        "  onshi terminal deferred --terminal ./desk\n"
        "  onshi terminal deferred --terminal ./desk --json\n"
        "  onshi terminal deferred --terminal ./desk --show 5b0c…    # what is known from the last visit\n"
        "  onshi terminal deferred --terminal ./desk --done 5b0c…    # somebody has seen to it"};
    void declare(Options& options) override {
        auto show = options.text(show_, "--show", "ID", "show what the last visit's answer was, for one visit by card");
        options.text(done_, "--done", "ID", "take a visit by card off the list: somebody has seen to it")
            .excludes(show);
        options.settings({"terminal_store_folder"});
        terminal_.declare(options);
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto store = LocalStore::open(terminal_store_folder(*resolved, *profile), profile->folder / "store.key",
                                      session.random());
        if (!store) return fail(std::move(store));
        if (!show_.empty()) return show_last_visit(session.console(), **store);
        if (!done_.empty()) return take_off(**store);
        auto rows = collect(**store);
        if (!rows) return fail(std::move(rows));
        ListWriter list(session.console(), {"id", "state", "row", "asked_at", "days", "for", "why", "receipt"});
        for (const auto& row : *rows) show(list, row, session.clock().now());
        list.finish();
        return Exit::done;
    }

  private:
    static Result<std::vector<OpenRow>> collect(LocalStore& store) {
        std::vector<OpenRow> rows;
        auto requests = run_to_end(terminal::open_deferred(store));
        if (!requests) return fail(std::move(requests));
        // The request's name is the client's own; nothing in it is about a person.
        for (const auto& check : requests->items) {
            rows.push_back({oqs::request_name({oqs::Message::eligibility, check.suffix}),
                            "open",
                            std::string(by_number),
                            {},
                            {},
                            check.asked_at});
        }
        auto visits = run_to_end(terminal::list_visits(store));
        if (!visits) return fail(std::move(visits));
        for (const auto& visit : visits->items) {
            rows.push_back({visit.check_id,
                            visit.refused.empty() ? "open" : "refused",
                            std::string(to_string(visit.row)),
                            visit.refused,
                            {},
                            visit.asked_at});
        }
        auto differences = run_to_end(terminal::list_differences(store));
        if (!differences) return fail(std::move(differences));
        for (const auto& found : differences->items) {
            std::string members;
            for (const auto& member : found.members) members.append(members.empty() ? "" : " ").append(member);
            rows.push_back({found.check_id, "differs", std::string(to_string(found.row)), std::move(members),
                            found.receipt, found.asked_at});
        }
        add_unreadable(rows, "deferred", requests->unreadable);
        add_unreadable(rows, "visit", visits->unreadable);
        add_unreadable(rows, "difference", differences->unreadable);
        std::ranges::sort(rows, {}, [](const OpenRow& row) { return std::pair(row.asked_at, row.id); });
        return rows;
    }
    // Nothing is known of them but that somebody was served: the staff looks at that day's papers.
    static void add_unreadable(std::vector<OpenRow>& rows, std::string_view kind,
                               const std::vector<terminal::LocalRecord>& records) {
        for (const auto& record : records) {
            rows.push_back({record.key,
                            "unreadable",
                            std::string(kind),
                            std::string(error_name(ErrorCode::terminal_records_unreadable)),
                            {},
                            record.at});
        }
    }
    static void show(ListWriter& list, const OpenRow& row, Instant now) {
        const auto days = (now - row.asked_at).count() / (std::int64_t{24} * 3600 * 1'000'000);
        const auto asked_at = terminal::local_digits(row.asked_at);
        // What differs is the staff's at once; what is open becomes theirs by its deadline (domain-rules §6.5).
        const auto escalation = terminal::escalation_of(row.asked_at, now);
        const bool staff = row.state != "open" && escalation == terminal::Escalation::none;
        const auto whom = staff ? to_string(terminal::Escalation::staff) : to_string(escalation);
        if (list.wants_cells()) {
            return list.cells({row.id, row.state, row.row, asked_at, fmt::format("{}", days), std::string(whom),
                               row.why, row.receipt});
        }
        if (!list.wants_json()) {
            return list.line(fmt::format("{}  {}  {}  {}  {} d  {}{}{}", row.id, row.state, row.row, asked_at, days,
                                         whom, row.why.empty() ? "" : "  " + row.why,
                                         row.receipt.empty() ? "" : "  " + row.receipt));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.deferred_check/1");
        writer.member("id", row.id);
        if (row.row == by_number) writer.member("request", row.id);
        writer.member("state", row.state);
        writer.member("row", row.row);
        writer.member("asked_at", asked_at);
        writer.member("days", days);
        writer.member("for", whom);
        if (!row.why.empty()) writer.member("why", row.why);
        if (!row.receipt.empty()) writer.member("receipt", row.receipt);
        writer.end_object();
        list.object(json);
    }
    // Personal data, on the staff's own screen: whoever looks asks the patient whether it is unchanged.
    Result<Exit> show_last_visit(Console& console, LocalStore& store) const {
        auto visits = run_to_end(terminal::list_visits(store));
        if (!visits) return fail(std::move(visits));
        for (const auto& visit : visits->items) {
            if (visit.check_id != show_) continue;
            if (visit.told.empty()) return Exit::not_found;
            if (console.json()) {
                console.line(visit.told);
                return Exit::done;
            }
            console.note_label("label.last_visit");
            auto lines = render_answer(console, visit.told);
            if (!lines) return fail(std::move(lines));
            for (const auto& line : *lines) console.line(line);
            return Exit::done;
        }
        return Exit::not_found;
    }
    [[nodiscard]] Result<Exit> take_off(LocalStore& store) const {
        auto forgotten = run_to_end(terminal::forget_visit(store, done_));
        if (!forgotten) return fail(std::move(forgotten));
        return *forgotten ? Exit::done : Exit::not_found;
    }
    TerminalChoice terminal_;
    std::string show_;
    std::string done_;
};

class TerminalVisualAccount final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "visual-account",
        "Let a member of staff confirm persons by eye at this terminal's kiosk, by a password of their own.",
        "  onshi terminal visual-account --terminal ./desk --account staff-1 --password-file password\n"
        "  onshi terminal visual-account --terminal ./desk --account staff-1 --remove"};
    void declare(Options& options) override {
        options.text(account_, "--account", "ACCOUNT", "the account's reference, as the hub knows it").required();
        auto password = options.text(password_file_, "--password-file", "FILE",
                                     "file of mode 0600 with the password; without it the password is asked for");
        options.flag(remove_, "--remove", "take the account off this terminal").excludes(password);
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        const auto file = profile->folder / visual_accounts_file;
        if (remove_) {
            auto removed = terminal::remove_visual_account(file, account_);
            if (!removed) return fail(std::move(removed));
            return *removed ? Exit::done : Exit::not_found;
        }
        Console& console = session.console();
        auto password = password_file_.empty() ? console.ask_secret(console.label("label.ask_password"))
                                               : read_pin_file(password_file_);
        if (!password) return fail(std::move(password));
        auto set = terminal::set_visual_password(file, account_, *password, session.random());
        if (!set) return fail(std::move(set));
        return Exit::done;
    }

  private:
    TerminalChoice terminal_;
    std::string account_;
    std::string password_file_;
    bool remove_ = false;
};

}  // namespace

void add_terminal_offline_commands(CommandTree& tree) {
    tree.add<TerminalDeferred>();
    tree.add<TerminalVisualAccount>();
}

}  // namespace onshi::cli
