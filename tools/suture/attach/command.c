/* SPDX-License-Identifier: MIT */
/* suture attach: an agent for one process, or for each of a family. */
#include "cli/action.h"
#include "cli/attach/attach.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"

#include <stdio.h>

enum { OPTION_TIMEOUT = OPTION_OWN, OPTION_MAKE_DUMPABLE };

#define DEFAULT_TIMEOUT_US UINT64_C(10000000)

static const struct argp_option list[] = {
	{.name = "timeout",
	 .key = OPTION_TIMEOUT,
	 .arg = "TIME",
	 .doc = "how long to wait for a thread that can be borrowed (10s)"},
	{.name = "make-dumpable",
	 .key = OPTION_MAKE_DUMPABLE,
	 .doc = "a daemon that gave up root: let its user trace it from now on"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct attach_options *options = cli->options;

	if (key == OPTION_TIMEOUT)
		return duration_parse(argument, "--timeout", &options->timeout_us, &cli->err)
			       ? EINVAL
			       : 0;
	if (key == OPTION_MAKE_DUMPABLE) {
		options->make_dumpable = true;
		return 0;
	}
	return options_parse_none(key, argument, state);
}

static const struct argp attach_argp = {
	.options = list, .parser = parse, .children = options_with_process};

void cli_attach_help(void)
{
	argp_help(&attach_argp, stdout, ARGP_HELP_LONG, "suture attach [PID]");
}

static struct json_object *document(const struct subject *subject, bool changed,
				    const struct attach_report *report)
{
	struct json_object *document = json_object_new_object();

	rpc_json_add(document, "result", rpc_json_string("attached"));
	rpc_json_add(document, "changed", json_object_new_boolean(changed));
	rpc_json_add(document, "pid", json_object_new_int(subject->process.pid));
	rpc_json_add(document, "borrowed_us", json_object_new_int64((int64_t)report->borrowed_us));
	rpc_json_add(document, "total_us", json_object_new_int64((int64_t)report->total_us));
	rpc_json_add(document, "tries", json_object_new_int64(report->tries));
	return document;
}

static void perform(const struct cli *cli, const struct action *action, struct subject *subject)
{
	struct attach_report report = {0};
	const struct attach_options *options = cli->options;
	struct process now;
	bool changed = false;
	int rc = -(int)subject->err.code;

	(void)action;
	/* One that is there already, and started as root, could not stop threads either. */
	if (rc == -(int)SUTURE_E_NO_AGENT ||
	    (!rc && options->make_dumpable && !process_is_dumpable(&subject->process))) {
		rc = attach_process(&subject->process, options, &report, &subject->err);
		changed = !report.served;
		/* Only the agent's own answer shows that there is one. */
		if (!rc && !subject->linked)
			rc = link_open(&subject->link, &subject->process, &subject->err);
		subject->linked = rc == 0;
	}
	/* Whatever was found wrong with one that is no more. */
	if (rc && !process_read(subject->process.pid, &now))
		rc = error_set(&subject->err, SUTURE_E_NO_PROCESS, "%s (pid %d) ended meanwhile",
			       subject->process.name, (int)subject->process.pid);
	subject->untouched = rc && !report.tries;
	if (!rc) {
		subject->err.code = SUTURE_OK;
		subject->answer = document(subject, changed, &report);
	}
	subject->exit_code = suture_code_exit(subject->err.code);
}

static void brief(const struct subject *subject, char *text, size_t size)
{
	char away[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	if (!rpc_json_get_bool(subject->answer, "changed", false)) {
		snprintf(text, size, "has an agent already");
		return;
	}
	duration_format((uint64_t)rpc_json_get_int(subject->answer, "borrowed_us", 0), away);
	duration_format((uint64_t)rpc_json_get_int(subject->answer, "total_us", 0), total);
	snprintf(text, size, "has an agent: one thread was away for %s, all took %s", away, total);
}

static void show(const struct cli *cli, const struct subject *subject)
{
	char text[128];

	(void)cli;
	brief(subject, text, sizeof(text));
	message_put(stdout, subject->process.name);
	printf(" (pid %d) %s\n", (int)subject->process.pid, text);
}

int cli_attach(struct cli *cli, int argc, char **argv)
{
	struct action action = {
		.fd = -1,
		.follows = true,
		.of = GROUP_WHOLE,
		.perform = perform,
		.show = show,
		.brief = brief,
	};
	struct attach_options options = {.timeout_us = DEFAULT_TIMEOUT_US};
	int exit_code;

	cli->options = &options;
	if (options_parse_process(cli, &attach_argp, argc, argv, &exit_code))
		return exit_code;
	if (cli->target.kind == TARGET_ALL || cli->target.kind == TARGET_SOCKET) {
		error_set(&cli->err, SUTURE_E_USAGE,
			  "--all and -s mean processes that have an agent");
		error_next(&cli->err, "name those that shall get one: PID, -n NAME or --tree PID");
		return message_fail(cli, &cli->err);
	}
	return action_run(cli, &action, NULL);
}
