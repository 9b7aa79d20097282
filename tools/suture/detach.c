/* SPDX-License-Identifier: MIT */
/* suture detach PID: the agent stops serving; what it has patched stays so. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"

#include <stdio.h>

enum { DETACH_TIMEOUT_US = 10000000 };

static const struct argp detach_argp = {.parser = options_parse_none, .children = options_common};

void cli_detach_help(void)
{
	argp_help(&detach_argp, stdout, ARGP_HELP_LONG, "suture detach PID");
}

static void show(const struct cli *cli, const struct subject *subject)
{
	(void)cli;
	message_put(stdout, subject->process.name);
	printf(" (pid %d) is served no longer; its patches stay in force\n",
	       (int)subject->process.pid);
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	(void)subject;
	snprintf(text, size, "detached");
}

int cli_detach(struct cli *cli, int argc, char **argv)
{
	struct action action = {
		.method = "detach",
		.fd = -1,
		.timeout_us = DETACH_TIMEOUT_US,
		.changes = true,
		.keep_orphans = true,
		.show = show,
		.brief = brief,
	};
	const char *operand;
	int exit_code;

	if (options_parse(cli, &detach_argp, argc, argv, &operand, 1, 1, &exit_code))
		return exit_code;
	if (target_set(&cli->target, TARGET_PID, operand, &cli->err))
		return message_fail(cli, &cli->err);
	return action_run(cli, &action, NULL);
}
