/* SPDX-License-Identifier: MIT */
/* suture confirm: a patch that was applied with --confirm-within stays. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"

#include <stdio.h>

enum { CONFIRM_TIMEOUT_US = 10000000 };

static const struct argp confirm_argp = {.parser = options_parse_none,
					 .children = options_with_target};

void cli_confirm_help(void)
{
	argp_help(&confirm_argp, stdout, ARGP_HELP_LONG, "suture confirm");
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	snprintf(text, size, "%s",
		 rpc_json_get_bool(subject->answer, "changed", true) ? "confirmed"
								     : "already confirmed");
}

static void show(const struct cli *cli, const struct subject *subject)
{
	char text[32];

	(void)cli;
	brief(subject, text, sizeof(text));
	printf("%s: ", text);
	message_put(stdout, rpc_json_get_string(subject->answer, "name", "?"));
	fputs(" stays in ", stdout);
	message_put(stdout, subject->process.name);
	printf(" (pid %d)\n", (int)subject->process.pid);
}

int cli_confirm(struct cli *cli, int argc, char **argv)
{
	struct action action = {
		.method = "confirm",
		.fd = -1,
		.timeout_us = CONFIRM_TIMEOUT_US,
		.changes = true,
		.follows = true,
		.show = show,
		.brief = brief,
	};
	const char *name;
	int exit_code;

	if (options_parse(cli, &confirm_argp, argc, argv, &name, 1, 1, &exit_code))
		return exit_code;
	action.params = json_object_new_object();
	rpc_json_add(action.params, "name", rpc_json_string(name));
	exit_code = action_run(cli, &action, NULL);
	json_object_put(action.params);
	return exit_code;
}
