/* SPDX-License-Identifier: MIT */
/* What check, apply and revert share; see transaction.h. */
#include "cli/transaction.h"

#include "base/text.h"
#include "cli/await.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/patchfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

error_t transaction_option(struct transaction *transaction, int key, char *argument,
			   struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case TRANSACTION_TIMEOUT:
		return duration_parse(argument, "--timeout", &transaction->timeout_us, &cli->err)
			       ? EINVAL
			       : 0;
	case TRANSACTION_MAX_PAUSE:
		return duration_parse(argument, "--max-pause", &transaction->max_pause_us,
				      &cli->err)
			       ? EINVAL
			       : 0;
	case TRANSACTION_AT:
		if (strcmp(argument, "any") != 0 && strcmp(argument, "safepoint") != 0)
			return options_fail(state, "--at is one of any, safepoint, not '%.*s'",
					    text_fit(argument, 40), argument);
		transaction->at = argument;
		return 0;
	case TRANSACTION_STRICT:
		transaction->strict = true;
		return 0;
	default:
		return scopeword_option(&transaction->scope, key, argument, state);
	}
}

error_t transaction_parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;

	if (key == ARGP_KEY_INIT || key == ARGP_KEY_ERROR)
		return options_parse_none(key, argument, state);
	return transaction_option(cli->options, key, argument, state);
}

struct json_object *transaction_params(const struct transaction *transaction)
{
	struct json_object *params = json_object_new_object();
	bool ok =
		rpc_json_add(params, "timeout_us", json_object_new_uint64(transaction->timeout_us));

	if (transaction->max_pause_us)
		ok = ok && rpc_json_add(params, "max_pause_us",
					json_object_new_uint64(transaction->max_pause_us));
	if (transaction->at)
		ok = ok && rpc_json_add(params, "at", rpc_json_string(transaction->at));
	if (transaction->strict)
		ok = ok && rpc_json_add(params, "strict", json_object_new_boolean(true));
	if (transaction->replace)
		ok = ok && rpc_json_add(params, "replace", json_object_new_boolean(true));
	if (transaction->count)
		ok = ok && rpc_json_add(params, "count", json_object_new_boolean(true));
	if (transaction->confirm_us)
		ok = ok && rpc_json_add(params, "confirm_within_us",
					json_object_new_uint64(transaction->confirm_us));
	ok = ok && scopeword_add(&transaction->scope, params);
	if (ok)
		return params;
	json_object_put(params);
	return NULL;
}

static int prepare_file(struct cli *cli, struct action *action, struct suture_error *err)
{
	const struct transaction *transaction = cli->options;
	int rc = patchfile_open(transaction->operand, &action->fd, err);

	return rc ? rc : patchfile_add_signature(transaction->operand, action->params, err);
}

int transaction_run(struct cli *cli, struct action *action, const struct transaction *transaction,
		    enum transaction_subject subject)
{
	int exit_code;

	action->fd = -1;
	action->params = transaction_params(transaction);
	action->timeout_us = transaction->timeout_us;
	if (subject == TRANSACTION_FILE)
		rpc_json_add(action->params, "label",
			     rpc_json_string(patchfile_label(transaction->operand)));
	if (subject == TRANSACTION_NAME)
		rpc_json_add(action->params, "name", rpc_json_string(transaction->operand));
	exit_code = action_run(cli, action, subject == TRANSACTION_FILE ? prepare_file : NULL);
	json_object_put(action->params);
	if (action->fd >= 0)
		close(action->fd);
	return exit_code;
}

/* "functions" is a number; a newer agent may list them. */
static int64_t function_count(struct json_object *answer)
{
	struct json_object *list = rpc_json_get_array(answer, "functions");

	return list ? (int64_t)json_object_array_length(list)
		    : rpc_json_get_int(answer, "functions", 0);
}

static const char *plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

void transaction_brief(const struct subject *subject, char *text, size_t size)
{
	const char *result = rpc_json_get_string(subject->answer, "result", "?");
	char pause[DURATION_TEXT_SIZE];

	if (rpc_json_get_bool(subject->answer, "pending", false)) {
		snprintf(text, size, "pending, waits for %.200s",
			 rpc_json_get_string(subject->answer, "waits_for", "?"));
		return;
	}
	duration_format((uint64_t)rpc_json_get_int(subject->answer, "pause_us", 0), pause);
	if (!rpc_json_get_bool(subject->answer, "changed", true))
		snprintf(text, size, "already %s", result);
	else if (!rpc_json_get_int(subject->answer, "attempts", 1))
		snprintf(text, size, "%s, it was pending", result);
	else
		snprintf(text, size, "%s, paused %s", result, pause);
}

void transaction_put_extent(int64_t functions, int64_t data)
{
	if (functions || !data)
		printf("%lld function%s", (long long)functions, plural(functions));
	if (data)
		printf("%sdata of %lld variable%s", functions ? ", " : "", (long long)data,
		       plural(data));
}

static void show_replaced(struct json_object *answer)
{
	struct json_object *names = rpc_json_get_array(answer, "replaced");

	for (size_t i = 0; names && i < json_object_array_length(names); i++) {
		fputs(i ? ", " : "  took out ", stdout);
		message_put(stdout, json_object_get_string(json_object_array_get_idx(names, i)));
	}
	if (names && json_object_array_length(names))
		putchar('\n');
}

/* "applied fix to arena (pid 4120)". */
static void put_heading(const struct cli *cli, const struct subject *subject, const char *result)
{
	if (cli->color_out)
		fputs("\033[32m", stdout);
	message_put(stdout, result);
	if (cli->color_out)
		fputs("\033[0m", stdout);
	putchar(' ');
	message_put(stdout, rpc_json_get_string(subject->answer, "name", "?"));
	fputs(strcmp(result, "applied") == 0 ? " to " : " in ", stdout);
	message_put(stdout, subject->process.name);
	printf(" (pid %d)", (int)subject->process.pid);
}

static void show_confirm(const struct subject *subject)
{
	struct json_object *confirm = rpc_json_get_object(subject->answer, "confirm");

	if (strcmp(rpc_json_get_string(confirm, "state", ""), "pending") != 0)
		return;
	fputs("  ", stdout);
	await_hint(stdout, subject, confirm, rpc_json_get_string(subject->answer, "name", "?"));
}

/* A name that the application does not use is no error: it may come. But it should be seen. */
static void show_scope(const struct subject *subject)
{
	char left[160];

	scopeword_format_left(rpc_json_get_object(subject->answer, "scope"), left, sizeof(left));
	if (*left) {
		fputs("  ", stdout);
		message_put(stdout, left);
		putchar('\n');
	}
}

/* Not in force, and not refused: what it takes, and what it will not be able to do. */
static void show_pending(const struct cli *cli, const struct subject *subject)
{
	if (!rpc_json_get_bool(subject->answer, "changed", true))
		fputs("still ", stdout);
	put_heading(cli, subject, "pending");
	fputs(": waits for ", stdout);
	message_put(stdout, rpc_json_get_string(subject->answer, "waits_for", "?"));
	puts("\n  goes in by itself when that is loaded; its constructors will have run the old "
	     "code");
}

void transaction_show(const struct cli *cli, const struct subject *subject)
{
	struct json_object *answer = subject->answer;
	const char *result = rpc_json_get_string(answer, "result", "?");
	int64_t functions = function_count(answer),
		threads = rpc_json_get_int(answer, "threads", 0);
	int64_t attempts = rpc_json_get_int(answer, "attempts", 1);
	char pause[DURATION_TEXT_SIZE], prepare[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	if (rpc_json_get_bool(answer, "pending", false)) {
		show_pending(cli, subject);
		return;
	}
	if (!rpc_json_get_bool(answer, "changed", true)) {
		fputs("already ", stdout);
		put_heading(cli, subject, result);
		puts(", nothing changed");
		show_scope(subject);
		show_confirm(subject);
		return;
	}
	put_heading(cli, subject, result);
	/* Nothing was stopped for one that had only been waiting. */
	if (!rpc_json_get_int(answer, "attempts", 1)) {
		puts(": it was pending");
		return;
	}
	duration_format((uint64_t)rpc_json_get_int(answer, "pause_us", 0), pause);
	duration_format((uint64_t)rpc_json_get_int(answer, "prepare_us", 0), prepare);
	duration_format((uint64_t)rpc_json_get_int(answer, "total_us", 0), total);
	fputs(": ", stdout);
	transaction_put_extent(functions, rpc_json_get_int(answer, "data", 0));
	printf("\n  paused %s (", pause);
	message_put(stdout, rpc_json_get_string(answer, "rung", "?"));
	printf(", %lld thread%s, %lld attempt%s), prepared in %s, %s in all\n", (long long)threads,
	       plural(threads), (long long)attempts, plural(attempts), prepare, total);
	show_replaced(answer);
	show_scope(subject);
	show_confirm(subject);
}
