/* SPDX-License-Identifier: MIT */
/* suture metrics: all processes in one exposition of Prometheus' text format. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/query.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void cli_metrics_help(void)
{
	query_help("suture metrics");
}

/*
 * Between quotation marks: backslash, quotation mark and end of line are escaped. One byte that is
 * no UTF-8, as a program's name may have, and the whole exposition is refused.
 */
static void put_value(const char *text)
{
	for (size_t length; *text; text += length) {
		length = text_char(text);
		if (length > 1)
			fwrite(text, 1, length, stdout);
		else if (*text == '\\' || *text == '"')
			printf("\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", stdout);
		else if (length == 1 && (unsigned char)*text >= 0x20 && *text != 0x7f)
			putchar(*text);
		else
			putchar('?');
		if (length == 0)
			length = 1;
	}
}

static void put_label(const char *name, const char *value)
{
	printf(",%s=\"", name);
	put_value(value);
	putchar('"');
}

/* name{process="arena",pid="4120": what follows are more labels and put_number(). */
static void begin(const char *name, const struct subject *subject)
{
	printf("%s{process=\"", name);
	put_value(subject->process.name);
	printf("\",pid=\"%d\"", (int)subject->process.pid);
}

static void put_number(int64_t value)
{
	printf("} %lld\n", (long long)value);
}

static void put_agent(const struct subject *subject)
{
	struct json_object *agent = rpc_json_get_object(subject->answer, "agent");

	begin("suture_agent_info", subject);
	put_label("version", rpc_json_get_string(agent, "version", ""));
	put_label("exe", rpc_json_get_string(subject->answer, "exe", ""));
	put_label("build_id", rpc_json_get_string(subject->answer, "build_id", ""));
	put_number(1);
}

static void put_rss(const struct subject *subject)
{
	begin("suture_agent_resident_bytes", subject);
	put_number(rpc_json_get_int(rpc_json_get_object(subject->answer, "agent"), "rss", 0));
}

static void put_applied(const struct subject *subject)
{
	begin("suture_patches_applied", subject);
	put_number(rpc_json_get_int(subject->answer, "applied", 0));
}

static void put_unconfirmed(const struct subject *subject)
{
	struct json_object *list = rpc_json_get_array(subject->answer, "unconfirmed");

	begin("suture_patches_unconfirmed", subject);
	put_number(list ? (int64_t)json_object_array_length(list) : 0);
}

static void put_patches(const struct subject *subject)
{
	struct json_object *list = rpc_json_get_array(subject->answer, "patches");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *patch = json_object_array_get_idx(list, i);
		const char *state = rpc_json_get_string(patch, "state", "");

		begin("suture_patch_applied", subject);
		put_label("patch", rpc_json_get_string(patch, "name", ""));
		put_label("hash", rpc_json_get_string(patch, "hash", ""));
		put_number(strcmp(state, "applied") == 0);
	}
}

static void put_calls(const struct subject *subject)
{
	struct json_object *list = rpc_json_get_array(subject->answer, "patches");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *patch = json_object_array_get_idx(list, i);
		int64_t calls = rpc_json_get_int(patch, "calls", -1);

		if (calls < 0)
			continue;
		begin("suture_patch_calls_total", subject);
		put_label("patch", rpc_json_get_string(patch, "name", ""));
		put_label("hash", rpc_json_get_string(patch, "hash", ""));
		put_number(calls);
	}
}

static void put_actions(const struct subject *subject)
{
	struct json_object *list = rpc_json_get_array(subject->answer, "actions");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *action = json_object_array_get_idx(list, i);

		begin("suture_actions_total", subject);
		put_label("action", rpc_json_get_string(action, "action", ""));
		put_label("result", rpc_json_get_string(action, "result", ""));
		put_number(rpc_json_get_int(action, "count", 0));
	}
}

static void put_unwritten(const struct subject *subject)
{
	begin("suture_event_lines_lost_total", subject);
	put_number(rpc_json_get_int(subject->answer, "unwritten", 0));
}

static void put_pauses(const struct subject *subject)
{
	struct json_object *pauses = rpc_json_get_object(subject->answer, "pauses");
	struct json_object *buckets = rpc_json_get_array(pauses, "buckets");
	int64_t count = rpc_json_get_int(pauses, "count", 0);
	char bound[32];

	for (size_t i = 0; buckets && i < json_object_array_length(buckets); i++) {
		struct json_object *bucket = json_object_array_get_idx(buckets, i);

		begin("suture_pause_seconds_bucket", subject);
		snprintf(bound, sizeof(bound), "%.9g",
			 (double)rpc_json_get_int(bucket, "le_us", 0) / 1e6);
		put_label("le", bound);
		put_number(rpc_json_get_int(bucket, "count", 0));
	}
	begin("suture_pause_seconds_bucket", subject);
	put_label("le", "+Inf");
	put_number(count);
	begin("suture_pause_seconds_sum", subject);
	printf("} %.6f\n", (double)rpc_json_get_int(pauses, "sum_us", 0) / 1e6);
	begin("suture_pause_seconds_count", subject);
	put_number(count);
}

static const struct {
	const char *name;
	const char *type;
	const char *help;
	void (*put)(const struct subject *subject);
} families[] = {
	{"suture_agent_info", "gauge", "The agent and the program that it is in.", put_agent},
	{"suture_agent_resident_bytes", "gauge", "Resident memory of the agent's library.",
	 put_rss},
	{"suture_patches_applied", "gauge", "Patches in force.", put_applied},
	{"suture_patches_unconfirmed", "gauge",
	 "Patches in force that revert themselves unless confirmed.", put_unconfirmed},
	{"suture_patch_applied", "gauge", "1 while the patch is in force.", put_patches},
	{"suture_patch_calls_total", "counter", "Calls of the patch's functions (apply --count).",
	 put_calls},
	{"suture_actions_total", "counter", "What was asked for, by action and result.",
	 put_actions},
	{"suture_event_lines_lost_total", "counter", "Lines that the event file did not take.",
	 put_unwritten},
	{"suture_pause_seconds", "histogram", "How long threads were held by a change.",
	 put_pauses},
};

static void show_all(const struct cli *cli, const struct group *group)
{
	(void)cli;
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		printf("# HELP %s %s\n# TYPE %s %s\n", families[f].name, families[f].help,
		       families[f].name, families[f].type);
		for (size_t i = 0; i < group->count; i++)
			if (group->subjects[i].err.code == SUTURE_OK)
				families[f].put(&group->subjects[i]);
	}
}

int cli_metrics(struct cli *cli, int argc, char **argv)
{
	struct action action = {.method = "metrics", .show_all = show_all};

	return query_run(cli, &action, NULL, argc, argv);
}
