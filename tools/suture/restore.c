/* SPDX-License-Identifier: MIT */
/* suture restore: what is installed for a process is applied to it now. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/restored.h"
#include "cli/transaction.h"

#include <stdio.h>
#include <string.h>

static const struct argp_option list[] = {
	TRANSACTION_OPTIONS,
	{.name = "strict", .key = TRANSACTION_STRICT, .doc = "stop every thread (rung full)"},
	{0},
};

static const struct argp restore_argp = {
	.options = list, .parser = transaction_parse, .children = options_with_target};

void cli_restore_help(void)
{
	argp_help(&restore_argp, stdout, ARGP_HELP_LONG, "suture restore");
}

/* How many have that result. */
static size_t count(struct json_object *patches, const char *result)
{
	size_t all = patches ? json_object_array_length(patches) : 0, found = 0;

	for (size_t i = 0; i < all; i++)
		found += strcmp(rpc_json_get_string(json_object_array_get_idx(patches, i), "result",
						    ""),
				result) == 0;
	return found;
}

void restored_brief(struct json_object *answer, char *text, size_t size)
{
	struct json_object *patches = rpc_json_get_array(answer, "restored");
	size_t aside = count(patches, "set aside"), refused = count(patches, "refused");
	int used = 0;

	text[0] = '\0';
	if (aside)
		used = snprintf(text, size, ", %zu set aside", aside);
	if (refused && used >= 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, ", %zu installed but refused", refused);
}

void restored_warn(struct json_object *answer)
{
	struct json_object *patches = rpc_json_get_array(answer, "restored");

	for (size_t i = 0; patches && i < json_object_array_length(patches); i++) {
		struct json_object *patch = json_object_array_get_idx(patches, i);
		struct json_object *error = rpc_json_get_object(patch, "error");

		if (!error)
			continue;
		/* "set aside", or "refused" */
		fputs("installed, ", stdout);
		message_put(stdout, rpc_json_get_string(patch, "result", "not in force"));
		fputs(": ", stdout);
		message_put(stdout, rpc_json_get_string(error, "message", "?"));
		fputs("\n  next: ", stdout);
		message_put(stdout, rpc_json_get_string(error, "next", ""));
		putchar('\n');
	}
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	struct json_object *patches = rpc_json_get_array(subject->answer, "patches");
	size_t applied = count(patches, "applied"), already = count(patches, "already");
	size_t pending = count(patches, "pending");

	if (applied + already + pending == 0)
		snprintf(text, size, "nothing is installed for it");
	else if (pending)
		snprintf(text, size, "%zu applied, %zu applied already, %zu pending", applied,
			 already, pending);
	else
		snprintf(text, size, "%zu applied, %zu applied already", applied, already);
}

static void show(const struct cli *cli, const struct subject *subject)
{
	char text[128];

	(void)cli;
	brief(subject, text, sizeof(text));
	message_put(stdout, subject->process.name);
	printf(" (pid %d): %s\n", (int)subject->process.pid, text);
}

int cli_restore(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	struct action action = {
		.method = "restore",
		.changes = true,
		.follows = true,
		.show = show,
		.brief = brief,
	};
	int exit_code;

	cli->options = &transaction;
	if (options_parse(cli, &restore_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	return transaction_run(cli, &action, &transaction, TRANSACTION_NONE);
}
