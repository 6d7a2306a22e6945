#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"

namespace onshi::sql {

struct Null {};
struct Blob {
    std::string_view bytes;
};

// Filled in by the committer: the place of the write set in its store's order (ledger: chain lane and sequence;
// registry: lane 0 and the `known_seq` of the commit).
enum class Position : std::uint8_t { lane, sequence };

enum class ParameterKind : std::uint8_t { null, integer, text, blob, lane, sequence };

struct Parameter {
    ParameterKind kind;
    std::uint32_t size;  // of text and blob
    std::int64_t value;  // the integer, or where the bytes begin
};

// Parameters of many statements, copied into two growing buffers so that a step costs no allocation of its own.
class ParameterBuffer {
  public:
    void reserve(std::size_t parameters, std::size_t bytes) {
        parameters_.reserve(parameters);
        bytes_.reserve(bytes);
    }
    template <class T>
    void add(const T& value) {
        if constexpr (std::is_same_v<T, Null> || std::is_same_v<T, std::nullopt_t>) {
            parameters_.push_back({ParameterKind::null, 0, 0});
        } else if constexpr (std::is_same_v<T, Position>) {
            parameters_.push_back({value == Position::lane ? ParameterKind::lane : ParameterKind::sequence, 0, 0});
        } else if constexpr (std::is_same_v<T, Blob>) {
            add_bytes(ParameterKind::blob, value.bytes);
        } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            parameters_.push_back({ParameterKind::integer, 0, static_cast<std::int64_t>(value)});
        } else if constexpr (requires { value.has_value(); }) {
            if (value) {
                add(*value);
            } else {
                add(Null{});
            }
        } else {
            add_bytes(ParameterKind::text, std::string_view(value));
        }
    }
    [[nodiscard]] std::size_t count() const { return parameters_.size(); }
    [[nodiscard]] std::size_t byte_count() const { return bytes_.size(); }
    [[nodiscard]] const Parameter& at(std::size_t i) const { return parameters_[i]; }
    [[nodiscard]] std::string_view bytes_of(const Parameter& p) const {
        return std::string_view(bytes_).substr(static_cast<std::size_t>(p.value), p.size);
    }

  private:
    void add_bytes(ParameterKind kind, std::string_view bytes) {
        parameters_.push_back(
            {kind, static_cast<std::uint32_t>(bytes.size()), static_cast<std::int64_t>(bytes_.size())});
        bytes_.append(bytes);
    }
    std::vector<Parameter> parameters_;
    std::string bytes_;
};

// One statement with its parameters' place in a buffer.
struct Step {
    const class Statement* statement;
    std::uint32_t first_parameter;
    std::uint32_t parameter_count;
};

}  // namespace onshi::sql
