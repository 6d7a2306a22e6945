#include "platform/sql/read_turns.h"

#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/sql/limits.h"

namespace onshi::sql {

namespace asio = boost::asio;

namespace {

using Signature = void(Result<void>);
using Handler = asio::async_result<asio::use_awaitable_t<>, Signature>::handler_type;

}  // namespace

// Belongs to the function that is posted for it, so a loop that ends before its turn comes takes the callers with it.
struct ReadTurns::Turn {
    const ReadTurns* owner;
    asio::any_io_executor executor;
    std::vector<Item> items;
    std::vector<Handler> handlers;
    bool running = false;

    [[nodiscard]] bool takes(const ReadTurns* from, const asio::any_io_executor& caller) const {
        return owner == from && !running && items.size() < batches_per_turn_max && executor == caller;
    }
};

Task<Result<void>> ReadTurns::read(ReadBatch& batch, Deadline deadline) {
    auto initiate = [this, &batch, deadline](auto&& handler) {
        thread_local std::weak_ptr<Turn> open;
        const asio::any_io_executor executor = asio::get_associated_executor(handler);
        std::shared_ptr<Turn> turn = open.lock();
        if (!turn || !turn->takes(this, executor)) {
            turn = std::make_shared<Turn>(Turn{this, executor, {}, {}});
            open = turn;
            asio::post(executor, [turn] { turn->owner->run(*turn); });
        }
        turn->items.push_back({&batch, deadline, {}});
        turn->handlers.push_back(std::forward<decltype(handler)>(handler));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(initiate, asio::use_awaitable);
}

void ReadTurns::run(Turn& turn) const {
    turn.running = true;
    engine_(turn.items);
    for (std::size_t i = 0; i < turn.items.size(); ++i) {
        auto completion = std::move(turn.handlers[i]);
        completion(std::move(turn.items[i].outcome));
    }
}

}  // namespace onshi::sql
