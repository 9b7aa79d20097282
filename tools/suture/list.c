/* SPDX-License-Identifier: MIT */
/* suture list. */
#include "cli/await.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/query.h"
#include "cli/restored.h"
#include "cli/scopeword.h"
#include "cli/table.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

void cli_list_help(void)
{
	query_help("suture list");
}

static void add_patch(struct table *table, struct json_object *patch)
{
	struct json_object *functions = rpc_json_get_array(patch, "functions");
	char order[24], count[24], calls[24], scope[256];
	const char *cells[] = {order,
			       rpc_json_get_string(patch, "name", "?"),
			       rpc_json_get_string(patch, "state", "?"),
			       count,
			       calls,
			       scope,
			       rpc_json_get_string(patch, "applied_at", "-")};
	int64_t called = rpc_json_get_int(patch, "calls", -1);

	snprintf(order, sizeof(order), "%lld", (long long)rpc_json_get_int(patch, "order", 0));
	snprintf(count, sizeof(count), "%zu", functions ? json_object_array_length(functions) : 0);
	scopeword_format(rpc_json_get_object(patch, "scope"), scope, sizeof(scope));
	/* Counting calls is opt-in: absent or null when off. */
	if (called < 0)
		snprintf(calls, sizeof(calls), "-");
	else
		snprintf(calls, sizeof(calls), "%lld", (long long)called);
	table_add(table, cells);
}

static void show_functions(struct json_object *patch)
{
	struct json_object *functions = rpc_json_get_array(patch, "functions");

	message_put(stdout, rpc_json_get_string(patch, "name", "?"));
	fputs(":\n", stdout);
	for (size_t i = 0; functions && i < json_object_array_length(functions); i++) {
		struct json_object *function = json_object_array_get_idx(functions, i);
		const char *name = json_object_is_type(function, json_type_string)
					   ? json_object_get_string(function)
					   : rpc_json_get_string(function, "name", "?");

		fputs("  ", stdout);
		message_put(stdout, name ? name : "?");
		putchar('\n');
	}
}

/* What has not been decided yet. */
static void show_confirm(const struct subject *subject, struct json_object *patch)
{
	struct json_object *confirm = rpc_json_get_object(patch, "confirm");
	const char *name = rpc_json_get_string(patch, "name", "?");
	const char *state = rpc_json_get_string(confirm, "state", "");

	if (strcmp(state, "pending") == 0) {
		await_hint(stdout, subject, confirm, name);
	} else if (strcmp(state, "overdue") == 0) {
		message_put(stdout, name);
		printf(" was not confirmed: being taken out, %lld attempts so far\n",
		       (long long)rpc_json_get_int(confirm, "attempts", 0));
	}
}

/* What one that is not in force waits for, and what should be known of one that had to wait. */
static void show_pending(struct json_object *patch)
{
	const char *waits = rpc_json_get_string(patch, "waits_for", "");
	const char *problem = rpc_json_get_string(patch, "problem", "");
	const char *note = rpc_json_get_string(patch, "note", "");

	if (!*waits && !*problem && !*note)
		return;
	message_put(stdout, rpc_json_get_string(patch, "name", "?"));
	if (*waits)
		fputs(" waits for ", stdout);
	else
		fputs(": ", stdout);
	message_put(stdout, *waits ? waits : *problem ? problem : note);
	if (!*waits && *problem && rpc_json_get_bool(patch, "again", false))
		fputs("; it is tried again by itself", stdout);
	putchar('\n');
}

/* Where calls are counted: does anybody still use what was replaced? */
static void show_old_code(struct json_object *patch)
{
	struct json_object *old = rpc_json_get_object(patch, "old_code");
	int64_t threads = rpc_json_get_int(old, "threads", -1);

	if (!old)
		return;
	message_put(stdout, rpc_json_get_string(patch, "name", "?"));
	printf(": old code called %lld times by the patch",
	       (long long)rpc_json_get_int(old, "calls", 0));
	if (threads >= 0)
		printf(", %lld threads in it after the commit", (long long)threads);
	putchar('\n');
}

static void show(const struct cli *cli, const struct subject *subject)
{
	static const struct table_column columns[] = {
		{"ORDER", TABLE_RIGHT},	  {"PATCH", TABLE_NAME},
		{"STATE", TABLE_PLAIN},	  {"FUNCTIONS", TABLE_RIGHT},
		{"CALLS", TABLE_RIGHT},	  {"SCOPE", TABLE_CUT},
		{"APPLIED", TABLE_PLAIN}, {NULL, 0}};
	struct json_object *patches = rpc_json_get_array(subject->answer, "patches");
	size_t count = patches ? json_object_array_length(patches) : 0;
	struct table *table;

	if (count == 0) {
		printf("no patches in %s (pid %d)\n", subject->process.name,
		       (int)subject->process.pid);
		restored_warn(subject->answer);
		return;
	}
	table = table_create(columns);
	for (size_t i = 0; i < count; i++)
		add_patch(table, json_object_array_get_idx(patches, i));
	table_print(table);
	for (size_t i = 0; i < count; i++) {
		show_confirm(subject, json_object_array_get_idx(patches, i));
		show_pending(json_object_array_get_idx(patches, i));
		show_old_code(json_object_array_get_idx(patches, i));
	}
	for (size_t i = 0; cli->verbose && i < count; i++)
		show_functions(json_object_array_get_idx(patches, i));
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	struct json_object *patches = rpc_json_get_array(subject->answer, "patches");
	size_t count = patches ? json_object_array_length(patches) : 0;
	size_t used;

	used = (size_t)snprintf(text, size, "%zu patch%s", count, count == 1 ? "" : "es");
	for (size_t i = 0; i < count && used < size; i++) {
		struct json_object *patch = json_object_array_get_idx(patches, i);

		used += (size_t)snprintf(text + used, size - used, "%s%s%s", i ? ", " : ": ",
					 rpc_json_get_string(patch, "name", "?"),
					 rpc_json_get_bool(patch, "pending", false) ? " (pending)"
										    : "");
	}
}

/* What is only mapped interests those who look closely. */
static int prepare(struct cli *cli, struct action *action, struct suture_error *err)
{
	if (!cli->verbose)
		return 0;
	action->params = json_object_new_object();
	if (!rpc_json_add(action->params, "reverted", json_object_new_boolean(true)))
		return error_no_memory(err);
	return 0;
}

int cli_list(struct cli *cli, int argc, char **argv)
{
	struct action action = {.method = "list", .show = show, .brief = brief};
	int exit_code = query_run(cli, &action, prepare, argc, argv);

	json_object_put(action.params);
	return exit_code;
}
