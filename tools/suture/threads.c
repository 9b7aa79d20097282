/* SPDX-License-Identifier: MIT */
/* suture threads. */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/patchfile.h"
#include "cli/query.h"
#include "cli/table.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_PATCH = OPTION_OWN };

static const struct argp_option list[] = {
	{.name = "patch",
	 .key = THREADS_PATCH,
	 .arg = "FILE",
	 .doc = "Say which threads would be in the way of this patch (of its revert, if it is "
		"applied)"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	const char **patch = cli->options;

	if (key != THREADS_PATCH)
		return options_parse_none(key, argument, state);
	*patch = argument;
	return 0;
}

static const struct argp threads_argp = {
	.options = list, .parser = parse, .children = options_with_target};

void cli_threads_help(void)
{
	argp_help(&threads_argp, stdout, ARGP_HELP_LONG, "suture threads");
}

static bool blocks(struct json_object *thread)
{
	return rpc_json_get_bool(thread, "blocks", false);
}

static const char *top_frame(struct json_object *thread)
{
	struct json_object *frames = rpc_json_get_array(thread, "backtrace");
	const char *top = NULL;

	if (frames && json_object_array_length(frames))
		top = json_object_get_string(json_object_array_get_idx(frames, 0));
	return top ? top : "";
}

static void add_thread(struct table *table, struct json_object *thread, bool planned)
{
	const char *function = rpc_json_get_string(thread, "function", "");
	char tid[24], verdict[256] = "";
	const char *cells[] = {tid, rpc_json_get_string(thread, "thread", ""),
			       rpc_json_get_string(thread, "state", "?"), verdict,
			       top_frame(thread)};

	snprintf(tid, sizeof(tid), "%lld", (long long)rpc_json_get_int(thread, "tid", 0));
	if (blocks(thread))
		snprintf(verdict, sizeof(verdict), "%s",
			 *function ? function : rpc_json_get_string(thread, "reason", "yes"));
	else if (planned)
		snprintf(verdict, sizeof(verdict), "no");
	table_add(table, cells);
}

static void show_backtrace(struct json_object *thread)
{
	struct json_object *frames = rpc_json_get_array(thread, "backtrace");

	printf("%lld ", (long long)rpc_json_get_int(thread, "tid", 0));
	message_put(stdout, rpc_json_get_string(thread, "thread", ""));
	fputs(":\n", stdout);
	for (size_t i = 0; frames && i < json_object_array_length(frames); i++) {
		const char *frame = json_object_get_string(json_object_array_get_idx(frames, i));

		fputs("    ", stdout);
		message_put(stdout, frame ? frame : "?");
		putchar('\n');
	}
}

static void show(const struct cli *cli, const struct subject *subject)
{
	static const struct table_column columns[] = {
		{"TID", TABLE_RIGHT},	 {"THREAD", TABLE_PLAIN}, {"STATE", TABLE_PLAIN},
		{"BLOCKS", TABLE_PLAIN}, {"AT", TABLE_CUT},	  {NULL, 0}};
	struct json_object *threads = rpc_json_get_array(subject->answer, "threads");
	const char **patch = cli->options;
	struct table *table = table_create(columns);
	size_t count = threads ? json_object_array_length(threads) : 0, blocking = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *thread = json_object_array_get_idx(threads, i);

		add_thread(table, thread, *patch != NULL);
		blocking += blocks(thread);
	}
	table_print(table);
	for (size_t i = 0; cli->verbose && i < count; i++)
		show_backtrace(json_object_array_get_idx(threads, i));
	if (*patch)
		printf("%zu of %zu threads of %s (pid %d) would be in the way of %s\n", blocking,
		       count, subject->process.name, (int)subject->process.pid,
		       patchfile_label(*patch));
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	struct json_object *threads = rpc_json_get_array(subject->answer, "threads");
	size_t count = threads ? json_object_array_length(threads) : 0, blocking = 0;

	for (size_t i = 0; i < count; i++)
		blocking += blocks(json_object_array_get_idx(threads, i));
	snprintf(text, size, "%zu threads, %zu in the way", count, blocking);
}

static int prepare(struct cli *cli, struct action *action, struct suture_error *err)
{
	const char **patch = cli->options;
	int rc = *patch ? patchfile_open(*patch, &action->fd, err) : 0;

	return rc || !*patch ? rc : patchfile_add_signature(*patch, action->params, err);
}

int cli_threads(struct cli *cli, int argc, char **argv)
{
	struct action action = {.method = "threads",
				.fd = -1,
				.show = show,
				.brief = brief,
				.timeout_us = QUERY_TIMEOUT_US};
	const char *patch = NULL;
	int exit_code;

	cli->options = &patch;
	if (options_parse(cli, &threads_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	action.params = json_object_new_object();
	rpc_json_add(action.params, "backtrace",
		     json_object_new_boolean(cli->verbose || cli->json));
	if (patch)
		rpc_json_add(action.params, "label", rpc_json_string(patchfile_label(patch)));
	exit_code = action_run(cli, &action, prepare);
	json_object_put(action.params);
	if (action.fd >= 0)
		close(action.fd);
	return exit_code;
}
