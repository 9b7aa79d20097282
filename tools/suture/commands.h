/* SPDX-License-Identifier: MIT */
/* Options of each command for `suture help COMMAND`, to stdout. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

void cli_ps_help(void);
void cli_attach_help(void);
void cli_detach_help(void);
void cli_check_help(void);
void cli_apply_help(void);
void cli_revert_help(void);
void cli_call_help(void);
void cli_scope_help(void);
void cli_build_help(void);
void cli_confirm_help(void);
void cli_events_help(void);
void cli_list_help(void);
void cli_metrics_help(void);
void cli_watch_help(void);
void cli_completion_help(void);
void cli_status_help(void);
void cli_threads_help(void);
void cli_info_help(void);
void cli_install_help(void);
void cli_uninstall_help(void);
void cli_restore_help(void);

#endif
