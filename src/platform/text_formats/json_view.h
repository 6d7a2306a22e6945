#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boost::json {
class object;
}

namespace onshi {

// Reads answers: what is unknown is passed over, because answers only grow (design §9.12), and what is absent or of
// another type reads as empty. Views point into the document. Cheap to copy; not thread-safe.
class JsonItem {
  public:
    JsonItem() = default;
    [[nodiscard]] bool exists() const { return object_ != nullptr; }
    [[nodiscard]] std::string_view text(std::string_view name) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view name) const;
    [[nodiscard]] JsonItem object(std::string_view name) const;
    [[nodiscard]] std::vector<JsonItem> objects(std::string_view name) const;
    // Text members of this object, for parameters of a sentence.
    [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> texts() const;

  private:
    friend class JsonView;
    explicit JsonItem(const boost::json::object* object) : object_(object) {}
    const boost::json::object* object_ = nullptr;
};

// Owns a parsed answer.
class JsonView {
  public:
    // peer.protocol unless it is one JSON object.
    [[nodiscard]] static Result<JsonView> parse(std::string_view text);
    [[nodiscard]] JsonItem root() const;
    JsonView(JsonView&&) noexcept;
    JsonView& operator=(JsonView&&) noexcept;
    ~JsonView();

  private:
    struct Document;
    explicit JsonView(std::unique_ptr<Document> document);
    std::unique_ptr<Document> document_;
};

}  // namespace onshi
