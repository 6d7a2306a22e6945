// onshi pdf eligibility | verify | declaration
#include <array>

#include <fmt/format.h>

#include "base/sha256.h"
#include "cli/app.h"
#include "cli/card_check.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/instants.h"
#include "exchange/api/values.h"
#include "exchange/capsule/capsule.h"
#include "exchange/papers/eligibility_paper.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pdf/document.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/capsule_trust.h"

namespace onshi::cli {

namespace {

using capsule::Verdict;

class PdfEligibility final : public Command {
  public:
    static constexpr CommandText text{
        "pdf", "eligibility", "Get the holder's eligibility as a signed QR code on a page to carry along.",
        "  onshi pdf eligibility --card --terminal ./desk --out eligibility.pdf\n"
        "  onshi pdf eligibility --card-image cards/001.json --pin-file pin --terminal ./desk --out eligibility.pdf"};
    void declare(Options& options) override {
        card_.declare_source(options);
        card_.declare_pin(options);
        options.flag(spend_last_try_, "--spend-last-try", "verify the PIN even when a mistake would lock it");
        options.text(out_, "--out", "FILE", "where the PDF goes (mode 0600)").required();
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto hub = connect_as(*profile, session);
        if (!hub) return fail(std::move(hub));
        auto body = ask(session, *profile, *hub);
        if (!body) return fail(std::move(body));
        auto answer = JsonView::parse(*body);
        if (!answer) return fail(std::move(answer));
        const std::string code(answer->root().object("capsule").text("text"));
        if (code.empty()) {
            // Nobody is eligible; the answer says why.
            show(session.console(), *answer, nullptr);
            return Exit::not_found;
        }
        auto scanned = capsule::read_capsule(code);
        if (!scanned) return fail(ErrorCode::peer_protocol, "the hub's capsule cannot be read");
        auto drawn = draw(scanned->capsule, code);
        if (!drawn) return fail(std::move(drawn));
        show(session.console(), *answer, &scanned->capsule);
        return Exit::done;
    }

  private:
    Result<std::string> ask(Session& session, const TerminalProfile& profile, HubConnection& hub) {
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto known = read_known_card(card);
        if (!known) return fail(std::move(known));
        auto last_try = may_use_pin(known->overview, session.console(), spend_last_try_);
        if (!last_try) return fail(std::move(last_try));
        auto pin = read_pin(card_, session.console());
        if (!pin) return fail(std::move(pin));
        const CardCheckParts parts{
            hub, profile, card, *known, ByPin{*pin, *last_try}, session, eligibility::Purpose::capsule};
        return run_conversation(hub, check_by_card(parts, std::string(), eligibility::Registration::not_asked));
    }
    Result<void> draw(const capsule::Capsule& capsule, const std::string& code) const {
        auto document = pdf::Document::create(out_, {.title = "医療保険の資格情報"});
        if (!document) return fail(std::move(document));
        auto drawn = papers::draw_eligibility(*document, capsule, code);
        if (!drawn) return drawn;
        return document->finish();
    }
    void show(Console& console, const JsonView& answer, const capsule::Capsule* capsule) const {
        const JsonItem root = answer.root();
        if (!console.json()) {
            if (capsule == nullptr)
                return console.line(
                    fmt::format("✘ {} {}", root.object("result").text("name"), root.object("result").text("cause")));
            return console.line(fmt::format("✔ {}  {}", out_, to_iso(japan_day(capsule->expires_at))));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.eligibility_pdf/1");
        writer.member("receipt", root.text("receipt"));
        writer.member("result", root.object("result").text("name"));
        if (capsule != nullptr) {
            writer.member("file", out_);
            writer.member("code", root.object("capsule").text("text"));
            writer.member("expires_at", api::to_rfc3339(capsule->expires_at));
        }
        writer.end_object();
        console.line(json);
    }
    CardChoice card_;
    TerminalChoice terminal_;
    std::string out_;
    bool spend_last_try_ = false;
};

class PdfVerify final : public Command {
  public:
    static constexpr CommandText text{
        "pdf", "verify", "Say whether a scanned QR code of eligibility is genuine, without asking any hub.",
        "  onshi pdf verify --code scanned.txt --terminal ./desk\n"
        "  onshi pdf verify --code scanned.txt --terminal ./desk --card    # and that its card is here"};
    void declare(Options& options) override {
        options.text(code_file_, "--code", "FILE", "the code's text as a scanner writes it").required();
        card_.declare_source(options);
        card_.declare_pin(options);
        options.settings({"terminal_store_folder"});
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto code = read_text_file(code_file_);
        if (!code) return fail(std::move(code));
        auto scanned = capsule::read_capsule(*code);
        if (!scanned) return fail(std::move(scanned));
        auto trust = load_trust(session);
        if (!trust) return fail(std::move(trust));
        std::string card;
        if (card_.reader_card || !card_.image.empty()) {
            auto present = prove_card(session);
            if (!present) return fail(std::move(present));
            card = std::move(*present);
        }
        const Instant now = session.clock().now();
        const Verdict verdict = capsule::judge(*scanned, *trust, card, now);
        show(session.console(), *scanned, *trust, verdict, !card.empty(), now);
        return verdict == Verdict::genuine ? Exit::done : Exit::failed;
    }

  private:
    // What the terminal was told last; it may be old, and then says so.
    Result<capsule::Trust> load_trust(Session& session) {
        auto resolved = session.settings();
        if (!resolved) return fail(std::move(resolved));
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto store = terminal::LocalStore::open(terminal_store_folder(*resolved, *profile),
                                                profile->folder / "store.key", session.random());
        if (!store) return fail(std::move(store));
        auto held = run_to_end(terminal::held_trust(**store));
        if (!held) return fail(std::move(held));
        if (!*held) return fail(ErrorCode::revocation_unavailable, "this terminal was told of no keys yet");
        return std::move(**held);
    }
    // The card signs what nobody knew before, by its PIN: it is here, and so is its holder.
    Result<std::string> prove_card(Session& session) {
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto known = read_known_card(card);
        if (!known) return fail(std::move(known));
        if (!known->certificate.card_key) return fail(ErrorCode::certificate_key, "the card's key");
        auto last_try = may_use_pin(known->overview, session.console(), false);
        if (!last_try) return fail(std::move(last_try));
        auto pin = read_pin(card_, session.console());
        if (!pin) return fail(std::move(pin));
        std::array<std::uint8_t, 32> nonce{};
        session.random().fill(nonce);
        const std::string message = "onshi-capsule-card-v1\n" + to_hex(nonce) + "\n";
        const smartcard::SignRequest request{as_bytes(message), Bytes(known->certificate_der)};
        auto checked = card.check_pin(*pin, request, *last_try, Deadline::in(card_deadline));
        if (!checked) return fail(std::move(checked));
        const auto failed = smartcard::error_code_of(*checked);
        if (failed) return fail(*failed, "");
        const auto& signature = std::get<smartcard::CardSignature>(*checked);
        const pki::CardPublicKey& key = *known->certificate.card_key;
        auto verified = pki::verify_message(key, signature.algorithm, as_bytes(message), signature.signature);
        if (!verified) return fail(std::move(verified));
        const Sha256 digest = sha256(key.subject_public_key_info());
        return std::string(as_text(digest));
    }
    static void show(Console& console, const capsule::Scanned& scanned, const capsule::Trust& trust, Verdict verdict,
                     bool card_present, Instant now) {
        const capsule::Capsule& c = scanned.capsule;
        const bool good = verdict == Verdict::genuine;
        const bool fresh = capsule::is_fresh(trust, now);
        const auto age_minutes = (now - trust.issued_at).count() / 60'000'000;
        if (!console.json()) {
            console.line(
                fmt::format("{} {}  {}", good ? "✔" : "✘", to_string(verdict),
                            console.label("label.capsule_list", {{"time", api::to_rfc3339(trust.issued_at)}})));
            if (!fresh) console.line("  " + console.label("label.capsule_list_old"));
            // What was not made by the issuer says nothing about anybody.
            if (verdict == Verdict::forged || verdict == Verdict::unknown_key) return;
            console.line(fmt::format("  {} ({})  {}", c.name, c.kana, to_iso(c.birth)));
            console.line(fmt::format("  {}  {} {} {}", c.insurer_number, c.symbol, c.number, c.branch));
            if (c.copay_percent) console.line(fmt::format("  {} %  {}", *c.copay_percent, c.limit_category));
            console.line("  " +
                         console.label(card_present ? "label.capsule_card_here" : "label.capsule_look_at_photo"));
            return;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.capsule_verdict/1");
        writer.member("verdict", to_string(verdict));
        writer.member("card_present", card_present);
        writer.member("list_issued_at", api::to_rfc3339(trust.issued_at));
        writer.member("list_age_minutes", age_minutes);
        writer.member("list_fresh", fresh);
        if (verdict != Verdict::forged && verdict != Verdict::unknown_key) {
            writer.begin_object("capsule");
            writer.member("issuer", c.issuer);
            writer.member("issued_at", api::to_rfc3339(c.issued_at));
            writer.member("expires_at", api::to_rfc3339(c.expires_at));
            writer.member("insurer_number", c.insurer_number);
            if (!c.symbol.empty()) writer.member("symbol", c.symbol);
            writer.member("number", c.number);
            if (!c.branch.empty()) writer.member("branch", c.branch);
            writer.member("name", c.name);
            if (!c.kana.empty()) writer.member("kana", c.kana);
            writer.member("birth_date", to_iso(c.birth));
            if (c.copay_percent) writer.member("copay_percent", *c.copay_percent);
            if (!c.limit_category.empty()) writer.member("limit_category", c.limit_category);
            if (c.valid_to) writer.member("valid_to", to_iso(*c.valid_to));
            writer.end_object();
        }
        writer.end_object();
        console.line(json);
    }
    CardChoice card_;
    TerminalChoice terminal_;
    std::string code_file_;
};

std::string_view sex_words(smartcard::CardSex sex) {
    switch (sex) {
        case smartcard::CardSex::male: return "男";
        case smartcard::CardSex::female: return "女";
        case smartcard::CardSex::not_applicable: break;
    }
    return "";
}

class PdfDeclaration final : public Command {
  public:
    static constexpr CommandText text{
        "pdf", "declaration", "Draw the declaration for a patient whose eligibility cannot be checked, to be signed.",
        "  onshi pdf declaration --terminal ./desk --out declaration.pdf\n"
        "  onshi pdf declaration --card --text-pin-file pin --terminal ./desk --out declaration.pdf"};
    void declare(Options& options) override {
        card_.declare_source(options);
        options.text(text_pin_file_, "--text-pin-file", "FILE",
                     "file of mode 0600 with the PIN of the text AP, which fills in the card's four data");
        options.text(out_, "--out", "FILE", "where the PDF goes (mode 0600)").required();
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        papers::Declaration declaration;
        declaration.facility = profile->facility;
        declaration.day = japan_day(session.clock().now());
        if (card_.reader_card || !card_.image.empty()) {
            auto filled = fill_in(session, declaration);
            if (!filled) return fail(std::move(filled));
        }
        auto document = pdf::Document::create(out_, {.title = "被保険者資格申立書"});
        if (!document) return fail(std::move(document));
        papers::draw_declaration(*document, declaration);
        auto finished = document->finish();
        if (!finished) return fail(std::move(finished));
        if (!session.console().json()) session.console().line(out_);
        return Exit::done;
    }

  private:
    Result<void> fill_in(Session& session, papers::Declaration& declaration) {
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto pin = text_pin_file_.empty() ? session.console().ask_secret(session.console().label("label.ask_pin"))
                                          : read_pin_file(text_pin_file_);
        if (!pin) return fail(std::move(pin));
        auto said = read_card_text(card, smartcard::TextCredential::pin, *pin, session.console());
        if (!said) return fail(std::move(said));
        declaration.name = said->name;
        declaration.address = said->address;
        if (said->born_on) declaration.birth = to_era_text(*said->born_on).value_or(to_iso(*said->born_on));
        declaration.sex = sex_words(said->sex);
        return {};
    }
    CardChoice card_;
    TerminalChoice terminal_;
    std::string text_pin_file_;
    std::string out_;
};

}  // namespace

void add_pdf_commands(CommandTree& tree) {
    tree.noun("pdf", "papers for when no hub can be asked: a signed QR code of eligibility, the declaration");
    tree.add<PdfEligibility>();
    tree.add<PdfVerify>();
    tree.add<PdfDeclaration>();
}

}  // namespace onshi::cli
