#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "platform/smartcard/card_image.h"

namespace onshi::smartcard {

// What a card remembers without power: tries left and PINs that were changed. Move-only.
struct CardState {
    std::array<unsigned, credential_count> tries_left{};
    std::array<std::optional<StoredCredential>, credential_count> changed;

    // As it leaves the factory.
    [[nodiscard]] static CardState fresh(const CardImage& image);
};

// Where the state lives. One card at a time; not thread-safe.
class CardStateStore {
  public:
    CardStateStore() = default;
    CardStateStore(const CardStateStore&) = delete;
    CardStateStore& operator=(const CardStateStore&) = delete;
    virtual ~CardStateStore() = default;
    // nullopt when nothing was ever saved.
    [[nodiscard]] virtual Result<std::optional<CardState>> load(const CardImage& image) = 0;
    // Returns once the state is durable; on failure the state before may still be the one that stands.
    [[nodiscard]] virtual Result<void> save(const CardImage& image, const CardState& state) = 0;
};

// Forgets everything with the process: for tests and benches. Nothing to load.
class VolatileCardState final : public CardStateStore {
  public:
    [[nodiscard]] Result<std::optional<CardState>> load(const CardImage&) override {
        return std::optional<CardState>();
    }
    [[nodiscard]] Result<void> save(const CardImage&, const CardState&) override { return {}; }
};

// A JSON file that is replaced as a whole and synced, with its folder, on every save. Holds a lock on `FILE.lock` while
// it lives, so that two programs cannot hand out one card's tries twice. A file that does not parse, or belongs to
// another card, is refused: starting afresh would give tries back.
class FileCardState final : public CardStateStore {
  public:
    // `card.image_in_use`, `card.image_unreadable`.
    [[nodiscard]] static Result<std::unique_ptr<FileCardState>> open(std::filesystem::path file);
    ~FileCardState() override;
    [[nodiscard]] Result<std::optional<CardState>> load(const CardImage& image) override;
    [[nodiscard]] Result<void> save(const CardImage& image, const CardState& state) override;

  private:
    FileCardState(std::filesystem::path file, int lock) : file_(std::move(file)), lock_(lock) {}
    std::filesystem::path file_;
    int lock_;  // owned descriptor
};

}  // namespace onshi::smartcard
