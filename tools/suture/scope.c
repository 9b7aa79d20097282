/* SPDX-License-Identifier: MIT */
/* suture scope: which calls get a patch that is applied. */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/scopeword.h"
#include "cli/transaction.h"

#include "base/error.h"

#include <stdio.h>

static const struct argp_option list[] = {
	{.name = "add",
	 .key = SCOPEWORD_SCOPE,
	 .arg = "KEY=VALUE",
	 .doc = "to the calls of this scope too"},
	SCOPEWORD_SHARED,
	{.name = "all", .key = SCOPEWORD_ALL, .doc = "to all calls: the entries get a plain jump"},
	{.name = "clear", .key = SCOPEWORD_CLEAR, .doc = "to nobody; scopes that are open keep it"},
	TRANSACTION_OPTIONS,
	{.name = "strict", .key = TRANSACTION_STRICT, .doc = "stop every thread (rung full)"},
	{0},
};

static const struct argp scope_argp = {
	.options = list, .parser = transaction_parse, .children = options_with_target};

void cli_scope_help(void)
{
	argp_help(&scope_argp, stdout, ARGP_HELP_LONG, "suture scope");
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	char scope[256];

	scopeword_format(rpc_json_get_object(subject->answer, "scope"), scope, sizeof(scope));
	snprintf(text, size, "%s%s",
		 rpc_json_get_bool(subject->answer, "changed", true) ? "" : "already ", scope);
}

static void show(const struct cli *cli, const struct subject *subject)
{
	struct json_object *scope = rpc_json_get_object(subject->answer, "scope");
	char text[300], left[160];

	(void)cli;
	brief(subject, text, sizeof(text));
	message_put(stdout, rpc_json_get_string(subject->answer, "name", "?"));
	fputs(" in ", stdout);
	message_put(stdout, subject->process.name);
	printf(" (pid %d): ", (int)subject->process.pid);
	message_put(stdout, text);
	putchar('\n');
	scopeword_format_left(scope, left, sizeof(left));
	if (!*left)
		return;
	fputs("  ", stdout);
	message_put(stdout, left);
	putchar('\n');
}

static int check_words(struct cli *cli, const struct scopeword *word)
{
	if (scopeword_count(word) == 1 && (!word->key || word->by_share))
		return 0;
	error_set(&cli->err, SUTURE_E_USAGE, "%s",
		  word->key && !word->by_share ? "--key goes with --percent"
					       : "one of --add, --percent, --new, --all, --clear");
	error_next(&cli->err, "see 'suture help scope'");
	return message_fail(cli, &cli->err);
}

int cli_scope(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	struct action action = {
		.method = "scope",
		.changes = true,
		.follows = true,
		.tells_state = true,
		.show = show,
		.brief = brief,
	};
	int exit_code;

	cli->options = &transaction;
	if (options_parse(cli, &scope_argp, argc, argv, &transaction.operand, 1, 1, &exit_code))
		return exit_code;
	exit_code = check_words(cli, &transaction.scope);
	if (exit_code)
		return exit_code;
	return transaction_run(cli, &action, &transaction, TRANSACTION_NAME);
}
