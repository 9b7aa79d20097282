/* SPDX-License-Identifier: MIT */
/* suture events: the agent's record of what was done, and -f: what is being done. */
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/eventlog.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_TIMEOUT_US = 10000000, EVENTS_STEP_US = 250000, EVENTS_MOST = 256 };

struct events_options {
	bool follow;
	int64_t last; /* how many of the past; -1: all that are kept */
};

static const struct argp_option list[] = {
	{.name = "follow", .key = 'f', .doc = "go on with what happens from now on, until ^C"},
	{.name = "last", .key = 'l', .arg = "N", .doc = "only the last N (all that are kept)"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct events_options *options = cli->options;
	char *end;

	switch (key) {
	case 'f':
		options->follow = true;
		return 0;
	case 'l':
		errno = 0;
		options->last = strtol(argument, &end, 10);
		if (errno || end == argument || *end || options->last < 0)
			return options_fail(state, "--last: '%.*s' is not a number",
					    text_fit(argument, 40), argument);
		if (options->last > EVENTS_MOST)
			options->last = EVENTS_MOST;
		return 0;
	default:
		return options_parse_none(key, argument, state);
	}
}

static const struct argp events_argp = {
	.options = list, .parser = parse, .children = options_with_target};

void cli_events_help(void)
{
	argp_help(&events_argp, stdout, ARGP_HELP_LONG, "suture events");
}

static void put_events(const struct cli *cli, const struct subject *subject,
		       struct json_object *answer, bool many)
{
	struct json_object *events = rpc_json_get_array(answer, "events");
	int64_t lost = rpc_json_get_int(answer, "lost", 0);

	if (lost && !cli->json)
		fprintf(stderr, "suture: %lld older events of pid %d are no longer kept\n",
			(long long)lost, (int)subject->process.pid);
	for (size_t i = 0; events && i < json_object_array_length(events); i++) {
		struct json_object *event = json_object_array_get_idx(events, i);

		if (cli->json)
			puts(rpc_json_line(event));
		else
			eventlog_put(cli, subject, event, many);
	}
}

static void show_all(const struct cli *cli, const struct group *group)
{
	eventlog_title(group->many);
	for (size_t i = 0; i < group->count; i++)
		if (group->subjects[i].err.code == SUTURE_OK)
			put_events(cli, &group->subjects[i], group->subjects[i].answer,
				   group->many);
}

/* One question to one process; what is new is printed. False: it is gone. */
static bool poll_one(const struct cli *cli, struct action *action, struct subject *subject,
		     uint64_t *since, int64_t limit, bool many)
{
	struct json_object *params = json_object_new_object();

	rpc_json_add(params, "since", json_object_new_uint64(*since));
	if (limit >= 0)
		rpc_json_add(params, "limit", json_object_new_int64(limit));
	action->params = params;
	action_call(cli, action, "events", subject);
	action->params = NULL;
	json_object_put(params);
	if (subject->err.code != SUTURE_OK) {
		message_error(cli, &subject->err, NULL, NULL);
		return false;
	}
	put_events(cli, subject, subject->answer, many);
	*since = (uint64_t)rpc_json_get_int(subject->answer, "next", (int64_t)*since);
	json_object_put(subject->answer);
	subject->answer = NULL;
	return true;
}

/* Until all are gone (3), or whoever reads us is. One JSON document a line with --json. */
static int follow(struct cli *cli, struct action *action, const struct events_options *options)
{
	struct group group;
	uint64_t *since;
	int64_t limit = options->last;
	size_t left;
	int exit_code = 0;

	if (group_find(cli, GROUP_ADOPTED, &group, &cli->err)) {
		group_fini(&group);
		return message_fail(cli, &cli->err);
	}
	since = calloc(group.count, sizeof(*since));
	if (!cli->json && !cli->quiet)
		eventlog_title(group.many);
	do {
		left = 0;
		for (size_t i = 0; since && i < group.count; i++) {
			struct subject *subject = &group.subjects[i];

			if (subject->linked &&
			    !poll_one(cli, action, subject, &since[i], limit, group.many)) {
				link_close(&subject->link);
				subject->linked = false;
			}
			left += subject->linked;
		}
		limit = -1;
		if (fflush(stdout) != 0)
			break;
		if (left)
			usleep(EVENTS_STEP_US);
	} while (left);
	for (size_t i = 0; i < group.count; i++)
		exit_code = message_worse(exit_code, group.subjects[i].exit_code);
	free(since);
	group_fini(&group);
	return exit_code;
}

int cli_events(struct cli *cli, int argc, char **argv)
{
	struct events_options options = {.last = -1};
	struct action action = {
		.method = "events",
		.fd = -1,
		.timeout_us = EVENTS_TIMEOUT_US,
		.show_all = show_all,
	};
	int exit_code;

	cli->options = &options;
	if (options_parse(cli, &events_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	if (options.follow)
		return follow(cli, &action, &options);
	action.params = json_object_new_object();
	if (options.last >= 0)
		rpc_json_add(action.params, "limit", json_object_new_int64(options.last));
	exit_code = action_run(cli, &action, NULL);
	json_object_put(action.params);
	return exit_code;
}
