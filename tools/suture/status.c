/* SPDX-License-Identifier: MIT */
/* suture status. */
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/query.h"
#include "cli/restored.h"
#include "cli/scopeword.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_WATCH = OPTION_OWN, STATUS_STEP_US = 1000000 };

static const struct argp_option status_list[] = {
	{.name = "watch", .key = STATUS_WATCH, .doc = "once a second, until ^C or its end"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	bool *watch = cli->options;

	if (key != STATUS_WATCH)
		return options_parse_none(key, argument, state);
	*watch = true;
	return 0;
}

static const struct argp status_argp = {
	.options = status_list, .parser = parse, .children = options_with_target};

void cli_status_help(void)
{
	argp_help(&status_argp, stdout, ARGP_HELP_LONG, "suture status");
}

static void put_line(const char *key, const char *value)
{
	printf("%-9s ", key);
	message_put(stdout, value);
	putchar('\n');
}

/* "patches" is a number; a newer agent may list them. */
static int64_t patch_count(struct json_object *answer)
{
	struct json_object *list = rpc_json_get_array(answer, "patches");

	return list ? (int64_t)json_object_array_length(list)
		    : rpc_json_get_int(answer, "patches", 0);
}

static void format_rungs(struct json_object *agent, char *text, size_t size)
{
	struct json_object *rungs = rpc_json_get_array(agent, "rungs");
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; rungs && i < json_object_array_length(rungs) && used < size; i++) {
		const char *rung = json_object_get_string(json_object_array_get_idx(rungs, i));

		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
					 rung ? rung : "?");
	}
}

static void show_pauses(struct json_object *pauses)
{
	char p50[DURATION_TEXT_SIZE], p99[DURATION_TEXT_SIZE], max[DURATION_TEXT_SIZE], text[128];
	int64_t count = rpc_json_get_int(pauses, "count", 0);

	if (count == 0) {
		put_line("pauses", "none yet");
		return;
	}
	duration_format((uint64_t)rpc_json_get_int(pauses, "p50_us", 0), p50);
	duration_format((uint64_t)rpc_json_get_int(pauses, "p99_us", 0), p99);
	duration_format((uint64_t)rpc_json_get_int(pauses, "max_us", 0), max);
	snprintf(text, sizeof(text), "%lld: median %s, p99 %s, longest %s", (long long)count, p50,
		 p99, max);
	put_line("pauses", text);
}

/* A line for each power of two in which there are any. */
static void show_histogram(struct json_object *pauses)
{
	struct json_object *buckets = rpc_json_get_array(pauses, "buckets");
	int64_t below = 0;

	for (size_t i = 0; buckets && i < json_object_array_length(buckets); i++) {
		struct json_object *bucket = json_object_array_get_idx(buckets, i);
		int64_t count = rpc_json_get_int(bucket, "count", 0);
		char bound[DURATION_TEXT_SIZE], text[64];

		if (count == below)
			continue;
		duration_format((uint64_t)rpc_json_get_int(bucket, "le_us", 0), bound);
		snprintf(text, sizeof(text), "%6lld up to %s", (long long)(count - below), bound);
		put_line("", text);
		below = count;
	}
}

static void show_unconfirmed(struct json_object *answer)
{
	struct json_object *list = rpc_json_get_array(answer, "unconfirmed");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *name = rpc_json_get_string(one, "name", "?");
		char left[DURATION_TEXT_SIZE], text[160];

		duration_format((uint64_t)rpc_json_get_int(one, "left_us", 0), left);
		if (strcmp(rpc_json_get_string(one, "state", ""), "pending") == 0)
			snprintf(text, sizeof(text), "%.64s, to be confirmed within %s", name,
				 left);
		else
			snprintf(text, sizeof(text), "%.64s, not confirmed: being taken out", name);
		put_line("waiting", text);
	}
}

/* Patches that only some calls get, and how many values have not got them. */
static void show_scopes(struct json_object *answer)
{
	struct json_object *scopes = rpc_json_get_array(answer, "scopes");
	char text[700], scope[256], left[160];

	for (size_t i = 0; scopes && i < json_object_array_length(scopes); i++) {
		struct json_object *one = json_object_array_get_idx(scopes, i);

		scopeword_format(one, scope, sizeof(scope));
		scopeword_format_left(one, left, sizeof(left));
		snprintf(text, sizeof(text), "%.64s: %s; %s", rpc_json_get_string(one, "name", "?"),
			 scope, left);
		put_line("scope", text);
	}
}

/* The texts of a list, as many as fit. */
static void join(struct json_object *list, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		const char *each = json_object_get_string(json_object_array_get_idx(list, i));

		snprintf(text + strlen(text), size - strlen(text), "%s%s", i ? ", " : "",
			 each ? each : "?");
	}
}

/* What it has told nobody: an operator would look for it. */
static void show_unheard(struct json_object *agent)
{
	char text[160];

	join(rpc_json_get_array(agent, "unheard"), text, sizeof(text));
	if (*text) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 " that it registered before it was attached to");
		put_line("unheard", text);
	}
}

/* What `suture call` can do here. */
static void show_commands(struct json_object *answer)
{
	char text[512];

	join(rpc_json_get_array(answer, "commands"), text, sizeof(text));
	if (*text)
		put_line("commands", text);
}

static void show(const struct cli *cli, const struct subject *subject)
{
	struct json_object *answer = subject->answer;
	struct json_object *agent = rpc_json_get_object(answer, "agent");
	char text[256], rungs[128];
	int64_t pending;

	snprintf(text, sizeof(text), "%s (pid %d)", subject->process.name,
		 (int)subject->process.pid);
	put_line("process", text);
	put_line("exe", rpc_json_get_string(answer, "exe", "?"));
	put_line("build-id", rpc_json_get_string(answer, "build_id", "-"));
	format_rungs(agent, rungs, sizeof(rungs));
	snprintf(text, sizeof(text), "suture %s, %lld KiB",
		 rpc_json_get_string(agent, "version", "?"),
		 (long long)rpc_json_get_int(agent, "rss", 0) / 1024);
	put_line("agent", text);
	put_line("rungs", *rungs ? rungs : "none: threads can't be stopped");
	show_unheard(agent);
	snprintf(text, sizeof(text), "%lld", (long long)rpc_json_get_int(answer, "threads", 0));
	put_line("threads", text);
	pending = rpc_json_get_int(answer, "pending", 0);
	if (pending)
		snprintf(text, sizeof(text), "%lld applied, %lld pending",
			 (long long)patch_count(answer), (long long)pending);
	else
		snprintf(text, sizeof(text), "%lld applied", (long long)patch_count(answer));
	put_line("patches", text);
	show_commands(answer);
	show_scopes(answer);
	show_unconfirmed(answer);
	show_pauses(rpc_json_get_object(answer, "pauses"));
	if (cli->verbose)
		show_histogram(rpc_json_get_object(answer, "pauses"));
	restored_warn(answer);
	if (!cli->verbose)
		return;
	snprintf(text, sizeof(text), "%lld bytes of code no longer used",
		 (long long)rpc_json_get_int(answer, "retired_bytes", 0));
	put_line("retired", text);
	put_line("socket", subject->link.path);
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	struct json_object *agent = rpc_json_get_object(subject->answer, "agent");
	int64_t patches = patch_count(subject->answer);
	int64_t pending = rpc_json_get_int(subject->answer, "pending", 0);
	int used = snprintf(text, size, "agent %s, %lld threads, %lld patch%s",
			    rpc_json_get_string(agent, "version", "?"),
			    (long long)rpc_json_get_int(subject->answer, "threads", 0),
			    (long long)patches, patches == 1 ? "" : "es");

	if (used > 0 && (size_t)used < size && pending)
		used += snprintf(text + used, size - (size_t)used, ", %lld pending",
				 (long long)pending);
	if (used > 0 && (size_t)used < size)
		restored_brief(subject->answer, text + used, size - (size_t)used);
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	struct action action = {.method = "status",
				.fd = -1,
				.timeout_us = QUERY_TIMEOUT_US,
				.show = show,
				.brief = brief};
	bool watch = false, redraw = isatty(STDOUT_FILENO) && !cli->json;
	int exit_code;

	cli->options = &watch;
	if (options_parse(cli, &status_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	do {
		/* On a terminal in place; elsewhere one below the other, with a line between. */
		if (watch && redraw)
			fputs("\033[H\033[J", stdout);
		exit_code = action_run(cli, &action, NULL);
		if (!watch || exit_code)
			break;
		if (!redraw && !cli->json)
			putchar('\n');
		if (fflush(stdout) != 0)
			return 1;
		usleep(STATUS_STEP_US);
	} while (watch);
	return exit_code;
}
