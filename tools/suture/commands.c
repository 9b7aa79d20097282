/* SPDX-License-Identifier: MIT */
/* The table of commands and the way into them. */
#include "cli/commands.h"
#include "cli/cli.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define TRANSACTION_ARGUMENTS "TARGET [--timeout TIME] [--max-pause TIME] [--at WHEN] [--strict]"

const struct cli_command cli_commands[] = {
	{"build", NULL, "-C BUILD_DIR --binary EXE [OPTION...] DIFF", "make a patch from a diff",
	 cli_build, cli_build_help},
	{"ps", NULL, "", "processes that have an agent, or could be given one", cli_ps,
	 cli_ps_help},
	{"attach", NULL, "PID|TARGET [--timeout TIME] [--make-dumpable]",
	 "put the agent into running processes", cli_attach, cli_attach_help},
	{"detach", NULL, "PID|TARGET", "stop serving; patches stay in", cli_detach,
	 cli_detach_help},
	{"check", NULL, "PATCH.so TARGET [--timeout TIME] [--max-pause TIME] [--at WHEN]",
	 "everything that apply would do, short of doing it", cli_check, cli_check_help},
	{"apply", "load",
	 "PATCH.so " TRANSACTION_ARGUMENTS " [--replace] [--confirm-within TIME [--wait]]"
	 " [--scope KEY=VALUE|--percent N|--new KEY]",
	 "put a patch into running processes", cli_apply, cli_apply_help},
	{"revert", "unload", "NAME " TRANSACTION_ARGUMENTS, "take a patch out again", cli_revert,
	 cli_revert_help},
	{"scope", NULL,
	 "NAME TARGET --add KEY=VALUE|--percent N|--new KEY|--all|--clear [--timeout TIME]",
	 "which calls get a patch that is applied", cli_scope, cli_scope_help},
	{"confirm", NULL, "NAME TARGET", "a patch applied with --confirm-within stays", cli_confirm,
	 cli_confirm_help},
	{"list", NULL, "TARGET", "patches: order, state, functions, calls, when", cli_list,
	 cli_list_help},
	{"status", NULL, "TARGET", "agent, threads, patches, pauses", cli_status, cli_status_help},
	{"info", NULL, "PATCH.so [--key PUBLIC_KEY] [--binary FILE]", "what is in a patch file",
	 cli_info, cli_info_help},
	{"threads", NULL, "TARGET [--patch FILE]",
	 "each thread, and whether it would be in the way of a patch", cli_threads,
	 cli_threads_help},
	{"call", NULL, "COMMAND [ARG...] TARGET [--timeout TIME]",
	 "run a command that the application registered, at its safe point", cli_call,
	 cli_call_help},
	{"events", NULL, "[-f] [--last N] TARGET",
	 "what happened: who did what, and what came of it", cli_events, cli_events_help},
	{"metrics", NULL, "TARGET", "counters and pauses, in Prometheus' text format", cli_metrics,
	 cli_metrics_help},
	{"install", NULL, "PATCH.so [--replace] | --list",
	 "keep a patch for every start of its build", cli_install, cli_install_help},
	{"uninstall", NULL, "NAME [--build-id ID]", "keep it no longer", cli_uninstall,
	 cli_uninstall_help},
	{"restore", NULL, "TARGET [--timeout TIME]", "apply now what is installed", cli_restore,
	 cli_restore_help},
	{"watch", NULL, "-C BUILD_DIR --binary EXE [--source DIR] TARGET",
	 "rebuild and apply on every save", cli_watch, cli_watch_help},
	{"completion", NULL, "bash", "a script that completes names and pids", cli_completion,
	 cli_completion_help},
	{"help", NULL, "[COMMAND]", "this overview, or about one command", cli_help, NULL},
	{.name = NULL},
};

const struct cli_command *cli_command_find(const char *name)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (strcmp(command->name, name) == 0 ||
		    (command->alias && strcmp(command->alias, name) == 0))
			return command;
	return NULL;
}

static int show_version(const struct cli *cli)
{
	struct json_object *document;

	if (!cli->json) {
		puts("suture " SUTURE_VERSION);
		return message_flush(0);
	}
	document = json_object_new_object();
	rpc_json_add(document, "version", rpc_json_string(SUTURE_VERSION));
	return message_json(document, 0);
}

/* Options in front of the command are the common ones. */
static int first_word(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' &&
	       (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-q") == 0 ||
		strcmp(argv[i], "-v") == 0 || strncmp(argv[i], "--color=", 8) == 0))
		i++;
	return i;
}

static int no_command(struct cli *cli, const char *word)
{
	if (word) {
		error_set(&cli->err, SUTURE_E_USAGE, "unknown option '%.*s' before the command",
			  text_fit(word, 64), word);
		error_next(&cli->err, "suture COMMAND [OPTION...]; see 'suture help'");
	} else {
		error_set(&cli->err, SUTURE_E_USAGE, "no command");
		error_next(&cli->err, "'suture help' lists what there is");
	}
	return message_fail(cli, &cli->err);
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {0};
	int word = first_word(argc, argv);
	const struct cli_command *command;
	const char *name = word < argc ? argv[word] : NULL;

	options_look_ahead(&cli, argc, argv);
	if (!name)
		return no_command(&cli, NULL);
	if (strcmp(name, "--version") == 0)
		return show_version(&cli);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return cli_help(&cli, 1, argv);
	if (name[0] == '-')
		return no_command(&cli, name);
	command = cli_command_find(name);
	if (!command || !command->run) {
		char *words[] = {argv[0], argv[word]};

		return cli_help(&cli, 2, words); /* says what is wrong with the name */
	}
	cli.command = command->name;
	/* The options in front go behind: the command reads them as its own. */
	for (int i = word; i > 1; i--)
		argv[i] = argv[i - 1];
	argv[1] = (char *)command->name;
	return command->run(&cli, argc - 1, argv + 1);
}
