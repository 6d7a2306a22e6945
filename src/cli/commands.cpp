#include "cli/commands.h"

#include "cli/app.h"

namespace onshi::cli {

// In the order of help: what a desk uses first, then operators, then vendors.
void add_all_commands(CommandTree& tree) {
    add_eligibility_commands(tree);
    add_card_commands(tree);
    add_payments_commands(tree);
    add_terminal_commands(tree);
    add_server_commands(tree);
    add_member_commands(tree);
    add_subsidy_commands(tree);
    add_paper_commands(tree);
    add_pdf_commands(tree);
    add_person_commands(tree);
    add_facility_commands(tree);
    add_emergency_commands(tree);
    add_audit_commands(tree);
    add_db_commands(tree);
    add_db_index_command(tree);
    add_db_compact_command(tree);
    add_db_move_commands(tree);
    add_cert_commands(tree);
    add_secret_commands(tree);
    add_config_commands(tree);
    add_errors_commands(tree);
    add_demo_commands(tree);
    add_synth_command(tree);
    add_bench_commands(tree);
    add_completion_command(tree);
    add_version_command(tree);
}

}  // namespace onshi::cli
