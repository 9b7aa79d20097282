/* SPDX-License-Identifier: MIT */
/* Asking agents; see query.h. */
#include "cli/query.h"

#include "cli/options.h"

static const struct argp query_argp = {.parser = options_parse_none,
				       .children = options_with_target};

void query_help(const char *name)
{
	argp_help(&query_argp, stdout, ARGP_HELP_LONG, (char *)name);
}

int query_run(struct cli *cli, struct action *action,
	      int (*prepare)(struct cli *cli, struct action *action, struct suture_error *err),
	      int argc, char **argv)
{
	int exit_code;

	if (options_parse(cli, &query_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	action->fd = -1;
	action->timeout_us = QUERY_TIMEOUT_US;
	return action_run(cli, action, prepare);
}
