/* SPDX-License-Identifier: MIT */
/* suture ps: processes that have an agent, or could be given one. */
#include "cli/commands.h"
#include "cli/link.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct argp ps_argp = {.parser = options_parse_none, .children = options_common};

enum { PS_TIMEOUT_US = 2000000 };

/* A row of the answer. */
struct candidate {
	const struct process *process;
	bool agent;
	int64_t patches; /* -1: not known */
	char socket[108];
	char build_id[PROCESS_BUILD_ID_TEXT];
};

void cli_ps_help(void)
{
	argp_help(&ps_argp, stdout, ARGP_HELP_LONG, "suture ps");
}

static int64_t count_patches(struct link *link)
{
	struct rpc_client_call call = {.method = "list", .fd = -1, .timeout_us = PS_TIMEOUT_US};
	struct json_object *answer = NULL, *patches;
	struct suture_error err;
	int64_t count = -1;

	if (link_call(link, &call, &answer, NULL, &err))
		return -1;
	patches = rpc_json_get_array(answer, "patches");
	if (patches)
		count = (int64_t)json_object_array_length(patches);
	json_object_put(answer);
	return count;
}

/* False when the process neither has an agent nor could have one. */
static bool look_at(const struct process *process, struct candidate *candidate)
{
	struct suture_error err;
	struct link link;
	int rc;

	*candidate = (struct candidate){.process = process, .patches = -1};
	if (process_is_kernel(process) || process->pid == getpid())
		return false;
	rc = link_open(&link, process, &err);
	if (!rc) {
		candidate->agent = true;
		snprintf(candidate->socket, sizeof(candidate->socket), "%s", link.path);
		candidate->patches = count_patches(&link);
		link_close(&link);
	} else if (err.code != SUTURE_E_NO_AGENT && process->exe[0]) {
		candidate->agent = true; /* there is one that does not talk to us */
	} else if (!process_could_have_agent(process)) {
		return false;
	}
	process_build_id(process->pid, candidate->build_id);
	return true;
}

static struct json_object *row_document(const struct candidate *candidate)
{
	struct json_object *row = json_object_new_object();

	rpc_json_add(row, "pid", json_object_new_int(candidate->process->pid));
	rpc_json_add(row, "name", rpc_json_string(candidate->process->name));
	rpc_json_add(row, "exe", rpc_json_string(candidate->process->exe));
	rpc_json_add(row, "build_id", rpc_json_string(candidate->build_id));
	rpc_json_add(row, "agent", json_object_new_boolean(candidate->agent));
	if (candidate->socket[0])
		rpc_json_add(row, "socket", rpc_json_string(candidate->socket));
	else
		json_object_object_add(row, "socket", NULL);
	if (candidate->patches >= 0)
		rpc_json_add(row, "patches", json_object_new_int64(candidate->patches));
	else
		json_object_object_add(row, "patches", NULL);
	return row;
}

static int present_json(const struct candidate *rows, size_t count)
{
	struct json_object *document = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		rpc_json_append(list, row_document(&rows[i]));
	rpc_json_add(document, "processes", list);
	return message_json(document, 0);
}

static void add_row(struct table *table, const struct candidate *row)
{
	char pid[16], patches[24], build_id[13];
	const char *cells[] = {pid,	row->process->name, row->agent ? "yes" : "no",
			       patches, build_id,	    row->process->exe};

	snprintf(pid, sizeof(pid), "%d", (int)row->process->pid);
	snprintf(build_id, sizeof(build_id), "%.12s", row->build_id);
	if (row->patches >= 0)
		snprintf(patches, sizeof(patches), "%lld", (long long)row->patches);
	else
		snprintf(patches, sizeof(patches), "-");
	table_add(table, cells);
}

static int present_table(const struct candidate *rows, size_t count)
{
	static const struct table_column columns[] = {{"PID", TABLE_RIGHT},
						      {"NAME", TABLE_NAME},
						      {"AGENT", TABLE_PLAIN},
						      {"PATCHES", TABLE_RIGHT},
						      {"BUILD-ID", TABLE_PLAIN},
						      {"EXE", TABLE_CUT},
						      {NULL, 0}};
	struct table *table;

	if (count == 0) {
		puts("no process has an agent or could be given one");
		return 0;
	}
	table = table_create(columns);
	/* Those with an agent first. */
	for (int agent = 1; agent >= 0; agent--)
		for (size_t i = 0; i < count; i++)
			if (rows[i].agent == (agent == 1))
				add_row(table, &rows[i]);
	table_print(table);
	return 0;
}

int cli_ps(struct cli *cli, int argc, char **argv)
{
	struct process_list all = {0};
	struct candidate *rows;
	int exit_code = 0;
	size_t count = 0;

	if (options_parse(cli, &ps_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	if (process_list_all(&all, &cli->err))
		return message_fail(cli, &cli->err);
	rows = calloc(all.count ? all.count : 1, sizeof(*rows));
	for (size_t i = 0; rows && i < all.count; i++)
		if (look_at(&all.items[i], &rows[count]))
			count++;
	if (!rows)
		exit_code = 1;
	else if (cli->json)
		exit_code = present_json(rows, count);
	else if (!cli->quiet)
		exit_code = present_table(rows, count);
	free(rows);
	process_list_fini(&all);
	return exit_code;
}
