#include "bench/request_bodies.h"

namespace onshi::bench {

void RequestBodies::reserve(std::size_t count, std::size_t bytes) {
    text_.reserve(bytes);
    ends_.reserve(count);
}

void RequestBodies::add(std::string_view body) {
    text_.append(body);
    ends_.push_back(text_.size());
}

std::optional<std::string_view> RequestBodies::take() {
    if (next_ == ends_.size()) {
        if (use_ == BodyUse::once || ends_.empty()) return std::nullopt;
        next_ = 0;
    }
    const std::size_t begin = next_ == 0 ? 0 : ends_[next_ - 1];
    const std::size_t end = ends_[next_++];
    return std::string_view(text_).substr(begin, end - begin);
}

void RequestBodies::restart(BodyUse use) {
    use_ = use;
    next_ = 0;
}

void RequestBodies::clear() {
    text_ = std::string();
    ends_ = std::vector<std::size_t>();
    next_ = 0;
}

}  // namespace onshi::bench
