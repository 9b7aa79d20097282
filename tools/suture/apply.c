/* SPDX-License-Identifier: MIT */
/* suture apply (load). */
#include "cli/await.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/transaction.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/message.h"

#include <errno.h>

enum {
	APPLY_REPLACE = TRANSACTION_OWN,
	APPLY_CONFIRM,
	APPLY_WAIT,
	APPLY_COUNT,
	APPLY_BEST_EFFORT,
};

enum { CONFIRM_LEAST_US = 100000 }; /* the agent takes no less */

static const struct argp_option list[] = {
	TRANSACTION_OPTIONS,
	{.name = "replace",
	 .key = APPLY_REPLACE,
	 .doc = "in one step take out the patches that this one supersedes"},
	{.name = "strict", .key = TRANSACTION_STRICT, .doc = "stop every thread (rung full)"},
	{.name = "confirm-within",
	 .key = APPLY_CONFIRM,
	 .arg = "TIME",
	 .doc = "it reverts itself unless 'suture confirm' comes in time"},
	{.name = "wait",
	 .key = APPLY_WAIT,
	 .doc = "with --confirm-within: return when that is decided (6: it was reverted)"},
	SCOPEWORD_OPTIONS,
	{.name = "count",
	 .key = APPLY_COUNT,
	 .doc = "count the calls of its functions, for suture list"},
	{.name = "best-effort",
	 .key = APPLY_BEST_EFFORT,
	 .doc = "several processes: keep what worked when one fails"},
	{0},
};

static error_t parse_confirm(struct cli *cli, const char *argument, uint64_t *us)
{
	if (duration_parse(argument, "--confirm-within", us, &cli->err))
		return EINVAL;
	if (*us >= CONFIRM_LEAST_US)
		return 0;
	error_set(&cli->err, SUTURE_E_USAGE, "--confirm-within: '%.*s' is shorter than %d ms",
		  text_fit(argument, 40), argument, CONFIRM_LEAST_US / 1000);
	error_next(&cli->err, "see 'suture help apply'");
	return EINVAL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct transaction *transaction = cli->options;

	switch (key) {
	case APPLY_REPLACE:
		transaction->replace = true;
		return 0;
	case APPLY_CONFIRM:
		return parse_confirm(cli, argument, &transaction->confirm_us);
	case APPLY_WAIT:
		transaction->wait = true;
		return 0;
	case APPLY_COUNT:
		transaction->count = true;
		return 0;
	case APPLY_BEST_EFFORT:
		transaction->best_effort = true;
		return 0;
	case ARGP_KEY_INIT:
	case ARGP_KEY_ERROR:
		return options_parse_none(key, argument, state);
	default:
		return transaction_option(transaction, key, argument, state);
	}
}

static const struct argp apply_argp = {
	.options = list, .parser = parse, .children = options_with_target};

void cli_apply_help(void)
{
	argp_help(&apply_argp, stdout, ARGP_HELP_LONG, "suture apply");
}

int cli_apply(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	struct action action = {
		.method = "apply",
		.changes = true,
		.follows = true,
		.tells_state = true,
		.show = transaction_show,
		.brief = transaction_brief,
	};
	int exit_code;

	cli->options = &transaction;
	if (options_parse(cli, &apply_argp, argc, argv, &transaction.operand, 1, 1, &exit_code))
		return exit_code;
	if (transaction.wait && !transaction.confirm_us) {
		error_set(&cli->err, SUTURE_E_USAGE, "--wait is for --confirm-within");
		error_next(&cli->err, "see 'suture help apply'");
		return message_fail(cli, &cli->err);
	}
	if (scopeword_count(&transaction.scope) > 1) {
		error_set(&cli->err, SUTURE_E_USAGE, "one of --scope, --percent, --new");
		error_next(&cli->err, "'suture scope' adds to it later");
		return message_fail(cli, &cli->err);
	}
	action.settle = transaction.wait ? await_confirmation : NULL;
	action.undo = !transaction.best_effort;
	action.check_first = !transaction.best_effort;
	return transaction_run(cli, &action, &transaction, TRANSACTION_FILE);
}
