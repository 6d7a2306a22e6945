#pragma once

// Inside this folder only: what each cmd_<noun>.cpp adds.
namespace onshi::cli {

class CommandTree;

void add_server_commands(CommandTree& tree);
void add_card_commands(CommandTree& tree);
// Under the noun `card`.
void add_card_status_command(CommandTree& tree);
void add_eligibility_commands(CommandTree& tree);
void add_payments_commands(CommandTree& tree);
void add_terminal_commands(CommandTree& tree);
// Under the noun `terminal`.
void add_terminal_run_commands(CommandTree& tree);
void add_terminal_offline_commands(CommandTree& tree);
void add_terminal_simulate_command(CommandTree& tree);
void add_audit_commands(CommandTree& tree);
void add_member_commands(CommandTree& tree);
// Under the noun `member`.
void add_withheld_commands(CommandTree& tree);
void add_subsidy_commands(CommandTree& tree);
// Under the noun `payments`.
void add_payments_ratio_command(CommandTree& tree);
void add_person_commands(CommandTree& tree);
void add_facility_commands(CommandTree& tree);
// Nouns `outage` and `disaster`.
void add_emergency_commands(CommandTree& tree);
void add_paper_commands(CommandTree& tree);
void add_pdf_commands(CommandTree& tree);
void add_cert_commands(CommandTree& tree);
void add_synth_command(CommandTree& tree);
void add_demo_commands(CommandTree& tree);
// Under the noun `demo`.
void add_demo_reader_command(CommandTree& tree);
void add_demo_members_command(CommandTree& tree);
void add_db_commands(CommandTree& tree);
void add_db_move_commands(CommandTree& tree);
// Under the noun `db`.
void add_db_index_command(CommandTree& tree);
void add_db_compact_command(CommandTree& tree);
void add_bench_commands(CommandTree& tree);
// Under the noun `bench`.
void add_bench_intake_command(CommandTree& tree);
void add_bench_nation_command(CommandTree& tree);
void add_secret_commands(CommandTree& tree);
void add_bench_overload_command(CommandTree& tree);
void add_config_commands(CommandTree& tree);
void add_completion_command(CommandTree& tree);
void add_version_command(CommandTree& tree);
void add_errors_commands(CommandTree& tree);

}  // namespace onshi::cli
