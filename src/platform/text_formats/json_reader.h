#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onshi {

inline constexpr std::size_t json_depth_max = 8;
inline constexpr std::size_t json_array_max = 1024;
// Wrong fields that are noted; what is wrong besides is found when these are mended.
inline constexpr std::size_t json_errors_max = 100;
inline constexpr std::size_t json_field_name_max = 64;

// Reads one request object strictly (design §9.12): a missing, unknown or wrong field is noted with its pointer and its
// code, and reading goes on, so that a client hears of all at once. A field has one reason, the first that was found.
// Views point into the document. Not thread-safe.
class JsonObject {
  public:
    // Text, or empty when absent or wrong. Required: absence is an error. Text longer than `bytes_max` is an error.
    [[nodiscard]] std::string_view text(std::string_view name, std::size_t bytes_max);
    [[nodiscard]] std::optional<std::string_view> optional_text(std::string_view name, std::size_t bytes_max);
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
    [[nodiscard]] std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t min,
                                                               std::int64_t max);
    [[nodiscard]] std::optional<bool> optional_boolean(std::string_view name);
    // base64url of at most `bytes_max` decoded bytes; empty when absent or wrong.
    [[nodiscard]] std::string base64url(std::string_view name, std::size_t bytes_max);
    [[nodiscard]] std::optional<std::string> optional_base64url(std::string_view name, std::size_t bytes_max);
    // Reads a member object or the objects of an array with the same reader.
    void object(std::string_view name, const std::function<void(JsonObject&)>& read);
    void optional_object(std::string_view name, const std::function<void(JsonObject&)>& read);
    void objects(std::string_view name, std::size_t count_max, const std::function<void(JsonObject&)>& read);

    // The same for an array that may be absent; one that is there is not empty.
    void optional_objects(std::string_view name, std::size_t count_max, const std::function<void(JsonObject&)>& read);

    // Notes that a field that was read is wrong.
    void reject(std::string_view name, ErrorCode code);
    // A value of `parse(text)`, or nullopt with the error noted.
    template <class T>
    std::optional<T> parsed(std::string_view name, std::size_t bytes_max, Result<T> (*parse)(std::string_view)) {
        const auto raw = required(name, bytes_max);
        if (!raw) return std::nullopt;
        return keep(name, parse(*raw));
    }
    template <class T>
    std::optional<T> optional_parsed(std::string_view name, std::size_t bytes_max,
                                     Result<T> (*parse)(std::string_view)) {
        const auto raw = optional_text(name, bytes_max);
        if (!raw) return std::nullopt;
        return keep(name, parse(*raw));
    }

    struct State;
    explicit JsonObject(State& state) : state_(state) {}

  private:
    [[nodiscard]] std::optional<std::string_view> required(std::string_view name, std::size_t bytes_max);
    template <class T>
    std::optional<T> keep(std::string_view name, Result<T> value) {
        if (value) return std::optional<T>(std::move(*value));
        reject(name, value.error().code);
        return std::nullopt;
    }
    State& state_;
};

// Parses `body` and hands its object to `read`. Errors: request.malformed (no JSON object, too deep),
// request.field with every noted field. Views that `read` takes live as long as the document.
class JsonDocument {
  public:
    [[nodiscard]] static Result<JsonDocument> parse(std::string_view body);
    // The noted fields as one error, after `read` has seen the whole object.
    [[nodiscard]] Result<void> read(const std::function<void(JsonObject&)>& read);

    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

  private:
    struct Impl;
    explicit JsonDocument(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi
