/* SPDX-License-Identifier: MIT */
/* suture attach PID. */
#include "cli/attach/attach.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/link.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"

#include <stdio.h>

enum { OPTION_TIMEOUT = OPTION_OWN };

#define DEFAULT_TIMEOUT_US UINT64_C(10000000)

static const struct argp_option list[] = {
	{.name = "timeout",
	 .key = OPTION_TIMEOUT,
	 .arg = "TIME",
	 .doc = "how long to wait for a thread that can be borrowed (10s)"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;

	if (key == OPTION_TIMEOUT)
		return duration_parse(argument, "--timeout", cli->options, &cli->err) ? EINVAL : 0;
	return options_parse_none(key, argument, state);
}

static const struct argp attach_argp = {
	.options = list, .parser = parse, .children = options_common};

void cli_attach_help(void)
{
	argp_help(&attach_argp, stdout, ARGP_HELP_LONG, "suture attach PID");
}

static int present(const struct cli *cli, const struct process *process, bool changed,
		   const struct attach_report *report)
{
	char away[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];
	struct json_object *document;

	if (cli->json) {
		document = json_object_new_object();
		rpc_json_add(document, "result", rpc_json_string("attached"));
		rpc_json_add(document, "changed", json_object_new_boolean(changed));
		rpc_json_add(document, "pid", json_object_new_int(process->pid));
		rpc_json_add(document, "borrowed_us",
			     json_object_new_int64((int64_t)report->borrowed_us));
		rpc_json_add(document, "total_us",
			     json_object_new_int64((int64_t)report->total_us));
		rpc_json_add(document, "tries", json_object_new_int64(report->tries));
		return message_json(document, 0);
	}
	if (cli->quiet)
		return 0;
	message_put(stdout, process->name);
	if (!changed) {
		printf(" (pid %d) has an agent already\n", (int)process->pid);
	} else {
		duration_format(report->borrowed_us, away);
		duration_format(report->total_us, total);
		printf(" (pid %d) has an agent: one thread was away for %s, all took %s\n",
		       (int)process->pid, away, total);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Only the agent's own answer shows that there is one. */
static int greet(const struct process *process, struct suture_error *err)
{
	struct link link;
	int rc = link_open(&link, process, err);

	if (!rc)
		link_close(&link);
	return rc;
}

int cli_attach(struct cli *cli, int argc, char **argv)
{
	uint64_t timeout_us = DEFAULT_TIMEOUT_US;
	struct attach_report report = {0};
	struct process process;
	const char *operand;
	bool changed = false;
	int exit_code, rc;

	cli->options = &timeout_us;
	if (options_parse(cli, &attach_argp, argc, argv, &operand, 1, 1, &exit_code))
		return exit_code;
	if (target_set(&cli->target, TARGET_PID, operand, &cli->err))
		return message_fail(cli, &cli->err);
	if (!process_read(cli->target.pid, &process)) {
		error_set(&cli->err, SUTURE_E_NO_PROCESS, "no process has pid %d",
			  (int)cli->target.pid);
		error_next(&cli->err, "'suture ps' lists processes");
		return message_fail(cli, &cli->err);
	}
	rc = greet(&process, &cli->err);
	if (rc == -(int)SUTURE_E_NO_AGENT) {
		rc = attach_process(&process, timeout_us, &report, &cli->err);
		changed = true;
		if (!rc)
			rc = greet(&process, &cli->err);
	}
	return rc ? message_fail(cli, &cli->err) : present(cli, &process, changed, &report);
}
