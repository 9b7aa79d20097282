/* SPDX-License-Identifier: MIT */
/* suture detach: the agent stops serving; what it has patched stays so. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"

#include <stdio.h>

enum { DETACH_TIMEOUT_US = 10000000 };

static const struct argp detach_argp = {.parser = options_parse_none,
					.children = options_with_process};

void cli_detach_help(void)
{
	argp_help(&detach_argp, stdout, ARGP_HELP_LONG, "suture detach [PID]");
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
		.of = GROUP_AS_IT_IS,
		.show = show,
		.brief = brief,
	};
	int exit_code;

	if (options_parse_process(cli, &detach_argp, argc, argv, &exit_code))
		return exit_code;
	return action_run(cli, &action, NULL);
}
