/* SPDX-License-Identifier: MIT */
/* suture check. */
#include "cli/check_all.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/table.h"
#include "cli/transaction.h"

#include "base/error.h"
#include "base/text.h"
#include "rpc/error.h"

#include <stdio.h>
#include <string.h>

enum { CHECK_ALL_FUNCTIONS = TRANSACTION_OWN };

static const struct argp_option list[] = {
	TRANSACTION_OPTIONS,
	SCOPEWORD_OPTIONS,
	{.name = "all-functions",
	 .key = CHECK_ALL_FUNCTIONS,
	 .arg = "FILE",
	 .doc = "Say which trampoline would serve each function of FILE; no process is asked"},
	{0},
};

static const struct argp check_argp = {
	.options = list, .parser = transaction_parse, .children = options_with_target};

void cli_check_help(void)
{
	argp_help(&check_argp, stdout, ARGP_HELP_LONG, "suture check");
}

/* The nearest thing to an error in an answer that says "refused" or "busy". */
static void first_refusal(struct json_object *answer, struct suture_error *err)
{
	struct json_object *refusals = rpc_json_get_array(answer, "refusals");
	struct json_object *first = refusals ? json_object_array_get_idx(refusals, 0) : NULL;
	bool busy = strcmp(rpc_json_get_string(answer, "result", ""), "busy") == 0;

	error_set(err,
		  busy ? SUTURE_E_BUSY_STACK
		       : suture_code_from_name(rpc_json_get_string(first, "code", "DEPENDENCY")),
		  "%s",
		  rpc_json_get_string(first, "message",
				      busy ? suture_code_text(SUTURE_E_BUSY_STACK) : "refused"));
	error_next(err, "%s", rpc_json_get_string(first, "next", ""));
}

static int judge(struct json_object *answer)
{
	struct suture_error err;

	if (strcmp(rpc_json_get_string(answer, "result", ""), "ok") == 0)
		return 0;
	first_refusal(answer, &err);
	return suture_code_exit(err.code);
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	const char *result = rpc_json_get_string(subject->answer, "result", "?");
	char pause[DURATION_TEXT_SIZE];
	struct suture_error err;

	if (rpc_json_get_bool(subject->answer, "pending", false)) {
		snprintf(text, size, "ok, would wait for %.200s",
			 rpc_json_get_string(subject->answer, "waits_for", "?"));
	} else if (rpc_json_get_bool(subject->answer, "already", false)) {
		snprintf(text, size, "ok, applied already");
	} else if (strcmp(result, "ok") == 0) {
		duration_format(
			(uint64_t)rpc_json_get_int(subject->answer, "predicted_pause_us", 0),
			pause);
		snprintf(text, size, "ok, would pause about %s", pause);
	} else {
		first_refusal(subject->answer, &err);
		snprintf(text, size, "%s: %.*s", suture_code_name(err.code),
			 text_fit(err.message, 200), err.message);
	}
}

static void show_functions(struct json_object *functions)
{
	static const struct table_column columns[] = {{"FUNCTION", TABLE_CUT},
						      {"TRAMPOLINE", TABLE_PLAIN},
						      {"STOP", TABLE_PLAIN},
						      {NULL, 0}};
	struct table *table = table_create(columns);

	for (size_t i = 0; functions && i < json_object_array_length(functions); i++) {
		struct json_object *function = json_object_array_get_idx(functions, i);
		const char *cells[] = {rpc_json_get_string(function, "name", "?"),
				       rpc_json_get_string(function, "tier", ""),
				       rpc_json_get_bool(function, "lazy", false) ? "lazy"
										  : "full"};

		table_add(table, cells);
	}
	table_print(table);
}

/* Every refusal, in the four-part form. */
static void show_refusals(const struct cli *cli, const struct subject *subject)
{
	struct json_object *refusals = rpc_json_get_array(subject->answer, "refusals");
	size_t count = refusals ? json_object_array_length(refusals) : 0;
	struct suture_error err;

	if (count == 0) {
		first_refusal(subject->answer, &err);
		message_error(cli, &err, subject->answer, NULL);
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *refusal = json_object_array_get_idx(refusals, i);

		error_set(&err, suture_code_from_name(rpc_json_get_string(refusal, "code", "")),
			  "%s", rpc_json_get_string(refusal, "message", "refused"));
		error_next(&err, "%s", rpc_json_get_string(refusal, "next", ""));
		message_error(cli, &err, i ? NULL : subject->answer, NULL);
	}
	fprintf(stderr, "  %s (pid %d) was not changed\n", subject->process.name,
		(int)subject->process.pid);
}

static void show(const struct cli *cli, const struct subject *subject)
{
	struct json_object *functions = rpc_json_get_array(subject->answer, "functions");
	size_t count = functions ? json_object_array_length(functions) : 0;
	char pause[DURATION_TEXT_SIZE];

	if (strcmp(rpc_json_get_string(subject->answer, "result", ""), "ok") != 0) {
		show_refusals(cli, subject);
		return;
	}
	if (rpc_json_get_bool(subject->answer, "pending", false)) {
		printf("ok: %s (pid %d) would keep it until ", subject->process.name,
		       (int)subject->process.pid);
		message_put(stdout, rpc_json_get_string(subject->answer, "waits_for", "?"));
		puts(" is loaded, which is looked at then");
		return;
	}
	if (rpc_json_get_bool(subject->answer, "already", false)) {
		printf("ok: applied already to %s (pid %d), apply would change nothing\n",
		       subject->process.name, (int)subject->process.pid);
		return;
	}
	duration_format((uint64_t)rpc_json_get_int(subject->answer, "predicted_pause_us", 0),
			pause);
	fputs("ok: ", stdout);
	transaction_put_extent((int64_t)count, rpc_json_get_int(subject->answer, "data", 0));
	printf(" of %s (pid %d) can be replaced, pause about %s%s\n", subject->process.name,
	       (int)subject->process.pid, pause,
	       strcmp(rpc_json_get_string(subject->answer, "rung", ""), "full") == 0
		       ? ", by a full stop"
		       : "");
	if (cli->verbose)
		show_functions(functions);
}

/* An agent may answer a refusal as an error; the document is the same as if it had not. */
static void complete(const struct subject *subject, struct json_object *document)
{
	struct json_object *blockers = rpc_json_get_array(subject->details, "blockers");
	struct json_object *refusals = json_object_new_array();
	bool busy = subject->exit_code == 5;

	if (!busy && subject->exit_code != 4 && subject->exit_code != 7) {
		json_object_put(refusals);
		return;
	}
	if (!busy)
		rpc_json_append(refusals, rpc_error_document(&subject->err));
	rpc_json_add(document, "result", rpc_json_string(busy ? "busy" : "refused"));
	rpc_json_add(document, "functions", json_object_new_array());
	rpc_json_add(document, "refusals", refusals);
	rpc_json_add(document, "blockers",
		     blockers ? json_object_get(blockers) : json_object_new_array());
}

int cli_check(struct cli *cli, int argc, char **argv)
{
	struct transaction transaction = {.timeout_us = TRANSACTION_TIMEOUT_US};
	struct action action = {
		.method = "check",
		.tells_state = true,
		.judge = judge,
		.complete = complete,
		.show = show,
		.brief = brief,
	};
	int exit_code;

	if (check_all_wanted(argc, argv))
		return check_all_run(cli, argc, argv);
	cli->options = &transaction;
	if (options_parse(cli, &check_argp, argc, argv, &transaction.operand, 1, 1, &exit_code))
		return exit_code;
	return transaction_run(cli, &action, &transaction, TRANSACTION_FILE);
}
