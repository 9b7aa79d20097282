/* SPDX-License-Identifier: MIT */
/* suture call: runs a command that the application registered, at its safe point. */
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/transaction.h"

#include <suture/command.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct argp_option list[] = {
	{.name = "timeout",
	 .key = TRANSACTION_TIMEOUT,
	 .arg = "TIME",
	 .doc = "wait for the safe point for so long (10s)"},
	{0},
};

static const struct argp call_argp = {
	.options = list, .parser = transaction_parse, .children = options_with_target};

void cli_call_help(void)
{
	argp_help(&call_argp, stdout, ARGP_HELP_LONG, "suture call");
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	const char *answer = rpc_json_get_string(subject->answer, "answer", "");
	char pause[DURATION_TEXT_SIZE];

	duration_format((uint64_t)rpc_json_get_int(subject->answer, "pause_us", 0), pause);
	snprintf(text, size, "%.*s%sstood %s", (int)strcspn(answer, "\n"), answer,
		 *answer ? ", " : "", pause);
}

/* The command's own words, and nothing else unless asked for. */
static void show(const struct cli *cli, const struct subject *subject)
{
	const char *answer = rpc_json_get_string(subject->answer, "answer", "");
	char pause[DURATION_TEXT_SIZE];

	message_put(stdout, answer);
	if (*answer && answer[strlen(answer) - 1] != '\n')
		putchar('\n');
	if (*answer && !cli->verbose)
		return;
	duration_format((uint64_t)rpc_json_get_int(subject->answer, "pause_us", 0), pause);
	printf("%s done in ", rpc_json_get_string(subject->answer, "name", "?"));
	message_put(stdout, subject->process.name);
	printf(" (pid %d), at the safe point for %s\n", (int)subject->process.pid, pause);
}

int cli_call(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	const char *words[1 + SUTURE_COMMAND_ARGUMENTS] = {NULL};
	struct json_object *arguments = json_object_new_array();
	struct action action = {
		.method = "call",
		.fd = -1,
		.changes = true,
		.show = show,
		.brief = brief,
	};
	int exit_code;

	cli->options = &transaction;
	if (options_parse(cli, &call_argp, argc, argv, words, 1, 1 + SUTURE_COMMAND_ARGUMENTS,
			  &exit_code)) {
		json_object_put(arguments);
		return exit_code;
	}
	for (size_t i = 1; i <= SUTURE_COMMAND_ARGUMENTS && words[i]; i++)
		rpc_json_append(arguments, rpc_json_string(words[i]));
	action.params = json_object_new_object();
	rpc_json_add(action.params, "name", rpc_json_string(words[0]));
	rpc_json_add(action.params, "args", arguments);
	rpc_json_add(action.params, "timeout_us", json_object_new_uint64(transaction.timeout_us));
	action.timeout_us = transaction.timeout_us;
	exit_code = action_run(cli, &action, NULL);
	json_object_put(action.params);
	return exit_code;
}
