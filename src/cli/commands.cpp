#include "cli/commands.h"

#include "cli/app.h"

namespace onshi::cli {

// In the order of help: what a desk uses first, then operators, then vendors.
void add_all_commands(CommandTree& tree) {
    add_eligibility_commands(tree);
    add_server_commands(tree);
    add_card_commands(tree);
    add_demo_commands(tree);
}

}  // namespace onshi::cli
