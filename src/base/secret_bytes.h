#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onshi {

// A key, PIN or token: not copyable, not printable, wiped on destruction. Movable; not thread-safe while moved.
class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(std::span<const std::uint8_t> bytes) : bytes_(bytes.begin(), bytes.end()) {}
    // Takes the text and wipes the caller's copy.
    [[nodiscard]] static SecretBytes take(std::string& text);
    SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes() { wipe(); }

    // The one way to an own second copy, so that copies can be found by name.
    [[nodiscard]] SecretBytes clone() const { return SecretBytes(bytes()); }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    // Compares in constant time for equal lengths.
    [[nodiscard]] bool equals(std::span<const std::uint8_t> other) const;

  private:
    void wipe() noexcept;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace onshi
