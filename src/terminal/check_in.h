#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/time.h"
#include "exchange/oqs/profile.h"
#include "platform/pki/certificate.h"
#include "platform/smartcard/cv_certificate.h"
#include "platform/smartcard/my_number_card.h"
#include "platform/smartcard/pinless_use.h"
#include "terminal/card_messages.h"
#include "terminal/card_slot.h"
#include "terminal/face_engine.h"
#include "terminal/face_file.h"
#include "terminal/hub_link.h"
#include "terminal/hub_modes.h"
#include "terminal/kiosk_machine.h"
#include "terminal/local_store.h"
#include "terminal/offline_visits.h"

namespace onshi::terminal {

// Who asks, as it stands in signed lines.
struct TerminalName {
    std::string hub_id;
    std::string facility;
    std::string terminal;
};

// References outlive the check-in.
struct CheckInParts {
    TerminalName name;
    HubLink& hub;
    LocalStore& store;
    CardSlot& slot;
    smartcard::PinlessUse* pinless = nullptr;        // nullptr: this terminal checks by PIN only
    FaceEngine* face = nullptr;                      // nullptr: it compares no faces
    std::span<const smartcard::CvRoot> photo_roots;  // who signs the photos of cards
    std::function<Result<void>(const FaceFile&)> publish;
    oqs::Profile profile;
    int last_visit_days = 0;  // how long the answer of a visit may be used while the hub is away; 0: it is not kept
    const Clock& clock;
    Random& random;
    const HubModes* modes = nullptr;  // nullptr: this terminal does not ask for them
};

// One thing that the machine wants done, with what it needs of the moment.
struct Order {
    kiosk::Action action = kiosk::Action::read_card;
    kiosk::Session session;
    SecretBytes pin;                 // verify_pin
    SecretBytes number_b;            // aim_face, when it was typed
    std::uint64_t aim = 0;           // aim_face, see begin_aim()
    std::string operator_reference;  // a visual check: whose account, and why
    std::string visual_reason;
};

// Does what the kiosk's machine wants of card, hub and exchange folder, one patient after another. What the hub does
// not answer in time becomes a signature under a held challenge, kept before the counter is told (design §9.7). Blocks,
// so it has a thread of its own; not thread-safe.
class CheckIn {
  public:
    explicit CheckIn(CheckInParts parts) : parts_(std::move(parts)) {}

    // What the machine is to hear of it; nullopt when that is nothing.
    [[nodiscard]] std::optional<kiosk::Input> carry_out(Order order);

    // Between patients: holds challenges for signing while the hub is away, and asks the hub for what it has missed.
    // Gives how long to wait before the next time.
    [[nodiscard]] std::chrono::milliseconds catch_up();
    // As the hub has told; thread-safe.
    [[nodiscard]] std::string_view desk_mode() const {
        return to_string(parts_.modes == nullptr ? organisations::DeskMode::normal : parts_.modes->mode());
    }
    // What the machine is to hear while an order is carried out. Before the first order.
    void listen(std::function<void(const kiosk::Input&)> tell) { tell_ = std::move(tell); }
    // The camera looks from an order of that number on until stop_aiming(), which also ends what has not begun.
    // Thread-safe, like stop_aiming().
    [[nodiscard]] std::uint64_t begin_aim() { return ++aims_; }
    void stop_aiming() { stopped_aims_.store(aims_.load()); }
    // Ends the connections of this thread's loop.
    void close() { parts_.hub.close(); }

  private:
    struct Card {
        std::unique_ptr<smartcard::CardChannel> channel;
        smartcard::ByteVector certificate_der;
        pki::Certificate certificate;
        std::string serial_hex;
        std::string name;  // authority and serial: what the last visit is found by
    };
    // check_in.cpp: the patient's way.
    [[nodiscard]] kiosk::Input read_card();
    [[nodiscard]] kiosk::Input verify_pin(Order order);
    [[nodiscard]] kiosk::Input check(const Order& order);
    [[nodiscard]] kiosk::Input register_card(const Order& order);
    [[nodiscard]] kiosk::Input submit(const kiosk::Session& session);
    void forget_session();
    [[nodiscard]] kiosk::Input take_answer(std::string answer);
    void keep_for_next_visit(JsonItem answer);
    // Kept in memory and tried again where the folder cannot be written.
    [[nodiscard]] Result<void> publish_face(std::string_view answer, const FaceConsents& consents,
                                            std::string_view consented, Instant given_at, Random& random);
    [[nodiscard]] Result<void> publish(FaceFile file);
    void publish_unanswered();

    // check_in_face.cpp: the holder's face and the card's photo.
    void offer_face(kiosk::Input& input);
    [[nodiscard]] std::optional<kiosk::Input> aim_face(Order order);
    [[nodiscard]] kiosk::Input match_face();
    [[nodiscard]] std::optional<kiosk::Input> read_photo();
    [[nodiscard]] int face_failures();
    void set_face_failures(int count);
    void forget_face();

    // check_in_signing.cpp: what a card signs, and what the hub says to it.
    [[nodiscard]] Result<void> open_card();
    [[nodiscard]] SignedCheck blank(const Order& order, eligibility::Purpose purpose, std::string challenge);
    [[nodiscard]] Result<void> sign(SignedCheck& check);
    [[nodiscard]] Result<std::string> fresh_challenge(Deadline deadline);
    [[nodiscard]] std::optional<std::string> ready_challenge() const;
    [[nodiscard]] bool without_hub() const { return parts_.modes != nullptr && parts_.modes->without_hub(); }
    [[nodiscard]] std::string signed_text(const SignedCheck& check) const;
    [[nodiscard]] Result<std::string> send(const SignedCheck& check, Deadline deadline);
    [[nodiscard]] Result<std::string> ask(const Order& order, bool registers);
    [[nodiscard]] kiosk::Input go_offline(const Order& order);

    // check_in_offline.cpp
    [[nodiscard]] std::optional<std::string> take_held_challenge();
    [[nodiscard]] Result<void> hold_challenges();
    [[nodiscard]] Result<std::size_t> reconcile();
    [[nodiscard]] Result<void> reconcile_one(OfflineVisit visit);
    [[nodiscard]] Result<std::string> ask_late(const OfflineVisit& visit);

    CheckInParts parts_;
    std::optional<Card> card_;
    SecretBytes pin_;  // right, and needed until it is known that the card need not sign again
    std::optional<SignedCheck> signed_;
    SecretBytes number_b_;
    SecretBytes photo_;
    bool wants_photo_ = true;
    bool face_used_ = false;   // the engine may hold pictures
    bool recognised_ = false;  // by the engine, in this session
    std::atomic<std::uint64_t> aims_ = 0;
    std::atomic<std::uint64_t> stopped_aims_ = 0;
    std::function<void(const kiosk::Input&)> tell_ = [](const kiosk::Input&) {};
    std::string challenge_;  // the next one, came with the last answer
    SteadyTime challenge_at_{};
    std::string answer_;          // the hub's, of this patient; empty: none
    bool answer_is_new_ = false;  // and nobody has looked at it yet
    bool published_ = false;
    std::deque<FaceFile> unpublished_;
    SteadyTime hold_again_at_{};
    int failures_ = 0;
};

}  // namespace onshi::terminal
