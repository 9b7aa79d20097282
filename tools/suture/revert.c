/* SPDX-License-Identifier: MIT */
/* suture revert (unload). */
#include "cli/commands.h"
#include "cli/transaction.h"

static const struct argp_option list[] = {
	TRANSACTION_OPTIONS,
	{.name = "strict", .key = TRANSACTION_STRICT, .doc = "stop every thread (rung full)"},
	{0},
};

static const struct argp revert_argp = {
	.options = list, .parser = transaction_parse, .children = options_with_target};

void cli_revert_help(void)
{
	argp_help(&revert_argp, stdout, ARGP_HELP_LONG, "suture revert");
}

int cli_revert(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	struct action action = {
		.method = "revert",
		.changes = true,
		.follows = true,
		.tells_state = true,
		.show = transaction_show,
		.brief = transaction_brief,
	};
	int exit_code;

	cli->options = &transaction;
	if (options_parse(cli, &revert_argp, argc, argv, &transaction.operand, 1, 1, &exit_code))
		return exit_code;
	return transaction_run(cli, &action, &transaction, TRANSACTION_NAME);
}
