// onshi card read | new-test | attach | suspend | resume
#include <stop_token>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/app.h"
#include "cli/card_check.h"
#include "cli/card_making.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/hub_connection.h"
#include "cli/instants.h"
#include "cli/signals.h"
#include "platform/smartcard/card_program.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using smartcard::TextCredential;
using smartcard::TextRecord;

std::string_view token_name(smartcard::TokenKind kind) {
    switch (kind) {
        case smartcard::TokenKind::my_number_card: return "my_number_card";
        case smartcard::TokenKind::android_phone: return "android_phone";
        case smartcard::TokenKind::iphone: return "iphone";
    }
    return "my_number_card";
}

std::string_view pin_name(smartcard::PinState state) {
    switch (state) {
        case smartcard::PinState::usable: return "usable";
        case smartcard::PinState::last_try: return "last_try";
        case smartcard::PinState::locked: return "locked";
        case smartcard::PinState::missing: return "missing";
    }
    return "usable";
}

std::string_view sex_name(smartcard::CardSex sex) {
    switch (sex) {
        case smartcard::CardSex::male: return "male";
        case smartcard::CardSex::female: return "female";
        case smartcard::CardSex::not_applicable: return "not_applicable";
    }
    return "not_applicable";
}

std::string card_json(const KnownCard& card, const std::optional<TextRecord>& text) {
    const auto certificate = pki::summarize(card.certificate);
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("schema", "onshi.card/1");
    writer.member("token", token_name(card.overview.token));
    writer.member("pin", pin_name(card.overview.pin));
    writer.member("pin_tries_left", card.overview.pin_tries_left);
    writer.member("signature_certificate", card.overview.has_signature_certificate);
    writer.begin_object("certificate");
    writer.member("issuer", certificate.issuer);
    writer.member("serial", certificate.serial_hex);
    writer.member("authority_key_id", certificate.authority_key_id);
    writer.member("not_before", certificate.not_before);
    writer.member("not_after", certificate.not_after);
    writer.member("key", certificate.key);
    writer.member("fingerprint", certificate.fingerprint);
    writer.end_object();
    if (text) {
        writer.begin_object("text");
        writer.member("name", text->name);
        writer.member("address", text->address);
        if (text->born_on) writer.member("birth_date", to_iso(*text->born_on));
        writer.member("sex", sex_name(text->sex));
        writer.member("proven", text->proof == smartcard::TextProof::proven);
        writer.end_object();
    }
    writer.end_object();
    return json;
}

void show_card(Console& console, const KnownCard& card, const std::optional<TextRecord>& text, Instant now) {
    if (console.json()) return console.line(card_json(card, text));
    const auto certificate = pki::summarize(card.certificate);
    const std::string tries = fmt::format("{}", card.overview.pin_tries_left);
    const bool expired = now >= card.certificate.not_after;
    console.line(fmt::format("{}  PIN {} ({})", token_name(card.overview.token), pin_name(card.overview.pin),
                             console.label("label.tries_left", {{"tries_left", tries}})));
    console.line("  issuer       " + certificate.issuer);
    console.line(fmt::format("  serial       {}", certificate.serial_hex));
    console.line(fmt::format("  authority    {}", certificate.authority_key_id));
    const std::string until = to_iso(japan_day(card.certificate.not_after));
    console.line(fmt::format("  valid        {} – {}", to_iso(japan_day(card.certificate.not_before)),
                             expired ? console.marked(Mark::bad, until) : until));
    console.line(fmt::format("  key          {}", certificate.key));
    console.line(fmt::format("  fingerprint  {}", certificate.fingerprint));
    if (!text) return;
    console.line(fmt::format("  name         {}", text->name));
    console.line(fmt::format("  address      {}", text->address));
    if (text->born_on) console.line(fmt::format("  birth        {}", to_iso(*text->born_on)));
    console.line(fmt::format("  sex          {}", sex_name(text->sex)));
}

class CardRead final : public Command {
  public:
    static constexpr CommandText text{"card", "read",
                                      "Show what a card says: issuer, validity, tries left; with a PIN its four data.",
                                      "  onshi card read --card\n"
                                      "  onshi card read --card --reader \"My Number Reader\" --json\n"
                                      "  onshi card read --card-image cards/001.json --pin-file pin"};
    void declare(Options& options) override {
        card_.declare_source(options);
        options.text(card_.pin_file, "--pin-file", "FILE",
                     "file of mode 0600 with the PIN of the text AP: shows name, address, birth, sex");
        options.text(number_b_file_, "--number-b-file", "FILE", "the same with number B in place of the PIN");
    }
    Result<Exit> run(Session& session) override {
        // A reader is what a card lies on unless an image was named.
        if (card_.image.empty()) card_.reader_card = true;
        auto open = OpenCard::open(card_, session);
        if (!open) return fail(std::move(open));
        smartcard::MyNumberCard card((*open)->channel());
        auto known = read_known_card(card);
        if (!known) return fail(std::move(known));
        auto record = read_four_data(card, session.console());
        if (!record) return fail(std::move(record));
        show_card(session.console(), *known, *record, session.clock().now());
        return Exit::done;
    }

  private:
    Result<std::optional<TextRecord>> read_four_data(smartcard::MyNumberCard& card, Console& console) const {
        const auto& file = card_.pin_file.empty() ? number_b_file_ : card_.pin_file;
        if (file.empty()) return std::optional<TextRecord>();
        auto credential = read_pin_file(file);
        if (!credential) return fail(std::move(credential));
        const auto kind = card_.pin_file.empty() ? TextCredential::number_b : TextCredential::pin;
        auto record = read_card_text(card, kind, *credential, console);
        if (!record) return fail(std::move(record));
        return std::optional(std::move(*record));
    }
    CardChoice card_;
    std::string number_b_file_;
};

class CardNewTest final : public Command {
  public:
    static constexpr CommandText text{
        "card", "new-test", "Make the image of a virtual card, of a synthetic person or of an invented one.",
        "  onshi card new-test --installation ./demo --person 42 --out card.json\n"
        "  onshi card new-test --installation ./demo --name \"見本　花子\" --birth 1985-04-12 --out card.json"};
    void declare(Options& options) override {
        options.text(order_.installation, "--installation", "DIR", "the demo installation whose CAs issue the card")
            .required();
        auto person = options.integer(order_.person, "--person", "N", "index of a synthetic person");
        options.text(order_.name, "--name", "TEXT", "an invented holder, unknown to every registry").excludes(person);
        options.text(order_.birth, "--birth", "DAY", "birth date of the invented holder").excludes(person);
        options.text(order_.pin_file, "--pin-file", "FILE", "file of mode 0600 with the PIN; else 1234")
            .excludes(person);
        options.text(out_, "--out", "FILE", "where the image goes (new, mode 0600)").required();
    }
    Result<Exit> run(Session& session) override {
        auto image = make_test_card(order_, session);
        if (!image) return fail(std::move(image));
        auto saved = smartcard::save_card_image(*image, out_);
        if (!saved) return fail(std::move(saved));
        if (session.console().json()) {
            std::string json;
            JsonWriter writer(json);
            writer.begin_object();
            writer.member("schema", "onshi.card_image/1");
            writer.member("file", out_);
            writer.member("expires_on", to_iso(image->expires_on));
            writer.end_object();
            session.console().line(json);
        } else {
            session.console().line(out_);
        }
        return Exit::done;
    }

  private:
    TestCardOrder order_;
    std::string out_;
};

class CardAttach final : public Command {
  public:
    static constexpr CommandText text{"card", "attach",
                                      "Plug a virtual card into a reader of the vpcd driver until told to stop.",
                                      "  onshi card attach cards/001.json --vpcd 127.0.0.1:35963"};
    void declare(Options& options) override {
        options.text(image_, "image", "IMAGE", "the card's image").required();
        options.text(vpcd_, "--vpcd", "HOST:PORT", "where the driver listens").required();
        options.text(state_, "--state", "FILE", "tries left and changed PINs; IMAGE.state when not given");
    }
    Result<Exit> run(Session& session) override {
        smartcard::AttachOptions options;
        options.image = image_;
        options.state = state_.empty() ? image_ + ".state" : state_;
        auto address = smartcard::VpcdAddress::parse(vpcd_);
        if (!address) return fail(std::move(address));
        options.reader = *address;
        std::stop_source stop;
        SignalWatch signals({[&stop] { stop.request_stop(); }, nullptr, Hangup::stops});
        signals.start();
        Console& console = session.console();
        console.note_label("label.simulated_card", {{"file", image_}});
        auto ended = smartcard::attach_card(options, stop.get_token(), [&console] { console.line("card in reader"); });
        signals.finish();
        if (!ended) return fail(std::move(ended));
        return Exit::done;
    }

  private:
    std::string image_;
    std::string vpcd_;
    std::string state_;
};

// Which card is to be suspended or resumed: the one at hand, or, since it is usually lost, the one that its
// certificate's issuer and serial number name.
struct CardNameChoice {
    CardChoice card;
    std::string authority_key_id;
    std::string serial;

    void declare(Options& options) {
        card.declare_source(options);
        auto authority = options.text(authority_key_id, "--authority-key-id", "HEX",
                                      "the CA's key identifier, as card read shows it");
        options.text(serial, "--serial", "HEX", "the certificate's serial number").needs(authority);
    }
};

Result<std::string> card_name_body(std::string_view authority_key_id, std::string_view serial_hex) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("authority_key_id", to_base64url(as_bytes(authority_key_id)));
    writer.member("serial", serial_hex);
    writer.end_object();
    return body;
}

Result<std::string> name_card(const CardNameChoice& choice, Session& session) {
    if (!choice.serial.empty()) {
        const auto authority = from_hex(choice.authority_key_id);
        if (!authority) return fail(ErrorCode::command_usage, "--authority-key-id is to be hexadecimal");
        return card_name_body(*authority, choice.serial);
    }
    auto open = OpenCard::open(choice.card, session);
    if (!open) return fail(std::move(open));
    smartcard::MyNumberCard card((*open)->channel());
    auto known = read_known_card(card);
    if (!known) return fail(std::move(known));
    return card_name_body(known->certificate.authority_key_id, to_hex(as_bytes(known->certificate.serial)));
}

void show_suspension(Console& console, const std::string& body, const JsonItem& answer) {
    if (console.json()) return console.line(body);
    const bool suspended = answer.boolean("suspended").value_or(false);
    std::string line = suspended ? "suspended" : "not suspended";
    const auto since = parse_rfc3339(answer.text("since"));
    if (since && since->us > 0) line += " since " + japan_date_time(*since);
    if (!answer.boolean("changed").value_or(false)) line += ", nothing had to change";
    if (!answer.text("receipt").empty())
        line += fmt::format("   {} {}", console.label("label.receipt"), answer.text("receipt"));
    console.line(line);
}

// Suspending and resuming are one command with two directions.
class CardSuspension : public Command {
  public:
    void declare(Options& options) override {
        name_.declare(options);
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto body = name_card(name_, session);
        if (!body) return fail(std::move(body));
        auto agreed = ask(session);
        if (!agreed) return fail(std::move(agreed));
        auto hub = connect_as(*profile, session);
        if (!hub) return fail(std::move(hub));
        // Repeating it changes nothing more, so it may be sent again.
        auto answer = run_conversation(*hub, hub->post(target(), std::move(*body), http::Replay::allowed));
        if (!answer) return fail(std::move(answer));
        auto document = JsonView::parse(*answer);
        if (!document) return fail(std::move(document));
        show_suspension(session.console(), *answer, document->root());
        return Exit::done;
    }

  protected:
    [[nodiscard]] virtual const char* target() const = 0;
    [[nodiscard]] virtual Result<void> ask(Session& session) const = 0;

  private:
    TerminalChoice terminal_;
    CardNameChoice name_;
};

class CardSuspend final : public CardSuspension {
  public:
    static constexpr CommandText text{
        "card", "suspend", "Stop a lost card at once, everywhere; for a terminal of the card desk.",
        "  onshi card suspend --authority-key-id 0f12… --serial 01a2b3c4 --terminal ./desk --yes\n"
        "  onshi card suspend --card --terminal ./desk"};

  protected:
    const char* target() const override { return "/v1/cards/suspend"; }
    Result<void> ask(Session& session) const override {
        return session.confirm(session.console().label("label.ask_suspend"));
    }
};

class CardResume final : public CardSuspension {
  public:
    static constexpr CommandText text{
        "card", "resume", "Let a suspended card be used again; for a terminal of the card desk.",
        "  onshi card resume --authority-key-id 0f12… --serial 01a2b3c4 --terminal ./desk"};

  protected:
    const char* target() const override { return "/v1/cards/resume"; }
    Result<void> ask(Session&) const override { return {}; }
};

}  // namespace

void add_card_commands(CommandTree& tree) {
    tree.noun("card", "cards: read one, make test ones, stop a lost one");
    tree.add<CardRead>();
    tree.add<CardNewTest>();
    tree.add<CardAttach>();
    tree.add<CardSuspend>();
    tree.add<CardResume>();
    add_card_status_command(tree);
}

}  // namespace onshi::cli
