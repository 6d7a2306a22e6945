#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace onshi {

// Appends one JSON value to a string as it is told, without building it first: an answer of 2 KB costs one buffer.
// (Boost.JSON writes only values it has built.) Text must be UTF-8; everything stored and received here has been
// checked. Not thread-safe; the string outlives it.
class JsonWriter {
  public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    // Names are ours: letters, digits and underscores.
    void key(std::string_view name) {
        separate();
        quote_plain(name);
        out_.push_back(':');
        after_key_ = true;
    }
    void text(std::string_view value) {
        separate();
        quote(value);
    }
    void integer(std::int64_t value);
    void boolean(bool value) { literal(value ? "true" : "false"); }
    void null() { literal("null"); }

    void member(std::string_view name, std::string_view value) {
        key(name);
        text(value);
    }
    void member(std::string_view name, const char* value) { member(name, std::string_view(value)); }
    template <std::integral T>
    void member(std::string_view name, T value) {
        key(name);
        if constexpr (std::same_as<T, bool>) {
            boolean(value);
        } else {
            integer(static_cast<std::int64_t>(value));
        }
    }
    void begin_object(std::string_view name) {
        key(name);
        begin_object();
    }
    void begin_array(std::string_view name) {
        key(name);
        begin_array();
    }

  private:
    void open(char bracket) {
        separate();
        out_.push_back(bracket);
        first_ = true;
    }
    void close(char bracket) {
        out_.push_back(bracket);
        first_ = false;
    }
    void separate() {
        if (!first_ && !after_key_) out_.push_back(',');
        first_ = false;
        after_key_ = false;
    }
    void literal(std::string_view word) {
        separate();
        out_.append(word);
    }
    void quote(std::string_view value);
    void quote_plain(std::string_view value);
    void escape(char c);
    std::string& out_;
    bool first_ = true;
    bool after_key_ = false;
};

}  // namespace onshi
