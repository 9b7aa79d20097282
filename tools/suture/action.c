/* SPDX-License-Identifier: MIT */
/* Carrying out a command on processes; see action.h. */
#include "cli/action.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/family.h"
#include "cli/message.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ENDING_NAPS = 200 };

/* The agent's own deadline comes first: it can say what was in the way. */
static const uint64_t grace_us = 60000000;

static void show_progress(void *context, const char *method, struct json_object *params)
{
	const struct cli *cli = context;
	const char *text = rpc_json_get_string(params, "message", NULL);

	if (!cli->verbose || !text || strcmp(method, "progress") != 0)
		return;
	fputs("suture: ", stderr);
	message_put(stderr, text);
	fputc('\n', stderr);
}

/* Who ends closes its descriptors first, and is seen to have ended a moment later. */
static bool has_ended(pid_t pid)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	struct process process;

	for (int i = 0; i < ENDING_NAPS; i++) {
		if (!process_read(pid, &process))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

void action_call(const struct cli *cli, const struct action *action, const char *method,
		 struct subject *subject)
{
	struct rpc_client_call call = {
		.method = method,
		.params = action->params,
		.fd = action->fd,
		.timeout_us = action->timeout_us + grace_us,
		.notified = show_progress,
		.context = (void *)cli,
	};

	if (!link_call(&subject->link, &call, &subject->answer, &subject->details, &subject->err)) {
		subject->err.code = SUTURE_OK;
		return;
	}
	if (subject->err.code == SUTURE_E_UNCERTAIN && !subject->details) {
		if (has_ended(subject->process.pid))
			error_set(&subject->err, SUTURE_E_NO_PROCESS,
				  "the process ended before it answered");
		else if (!action->changes)
			error_set(&subject->err, SUTURE_E_AGENT_BUSY,
				  "the connection ended before the answer");
	} else if (subject->err.code == SUTURE_E_TIMEOUT && !subject->details && action->changes) {
		error_set(&subject->err, SUTURE_E_UNCERTAIN, "the agent did not answer in time");
	}
	if (subject->err.code == SUTURE_E_UNCERTAIN && !subject->err.next[0])
		error_next(&subject->err, "'suture list -p %d' tells what is applied",
			   (int)subject->process.pid);
	subject->exit_code = suture_code_exit(subject->err.code);
}

static const char *state_of(const struct action *action, const struct subject *subject, char *text,
			    size_t size)
{
	const char *state = "was not changed";

	if (!action->tells_state || subject->err.code == SUTURE_E_NO_PROCESS)
		return NULL;
	if (subject->exit_code == 8)
		state = "is in a state that is not known";
	else if (subject->exit_code == 6)
		state = "runs its old code again";
	else if (subject->exit_code == 1)
		state = "was not changed, as far as is known";
	snprintf(text, size, "%s (pid %d) %s", subject->process.name, (int)subject->process.pid,
		 state);
	return text;
}

/*
 * True when every process from the first would take it. A busy one counts as willing: that passes.
 * Those which are willing get an error that says why nothing was done.
 */
static bool all_willing(struct cli *cli, struct action *action, struct group *group, size_t first)
{
	size_t refused = 0;

	for (size_t i = first; i < group->count; i++) {
		struct subject *subject = &group->subjects[i];
		const char *result;

		if (subject->linked)
			action_call(cli, action, "check", subject);
		if (group_drop_ended(group, i)) {
			i--;
			continue;
		}
		result = rpc_json_get_string(subject->answer, "result", "");
		if (subject->err.code == SUTURE_OK && strcmp(result, "refused") == 0) {
			struct json_object *refusals =
				rpc_json_get_array(subject->answer, "refusals");
			struct json_object *reason =
				refusals ? json_object_array_get_idx(refusals, 0) : NULL;

			error_set(&subject->err,
				  suture_code_from_name(rpc_json_get_string(reason, "code", "")),
				  "%s", rpc_json_get_string(reason, "message", "refused"));
			error_next(&subject->err, "%s", rpc_json_get_string(reason, "next", ""));
			subject->exit_code = suture_code_exit(subject->err.code);
		}
		json_object_put(subject->answer);
		subject->answer = NULL;
		if (subject->linked && suture_code_retryable(subject->err.code)) {
			json_object_put(subject->details);
			subject->details = NULL;
			subject->err.code = SUTURE_OK;
			subject->exit_code = 0;
		}
		refused += subject->err.code != SUTURE_OK && !group_is_stillborn(subject);
	}
	for (size_t i = first; refused && i < group->count; i++)
		if (group->subjects[i].err.code == SUTURE_OK) {
			error_set(&group->subjects[i].err, SUTURE_E_DEPENDENCY,
				  "not begun: another process refused");
			error_next(&group->subjects[i].err,
				   "--best-effort changes those that would take it");
			group->subjects[i].exit_code = 4;
		}
	return refused == 0;
}

static struct json_object *document_of(const struct action *action, const struct subject *subject)
{
	struct json_object *document;

	if (subject->err.code == SUTURE_OK)
		return json_object_get(subject->answer);
	document = message_document(&subject->err, subject->details);
	rpc_json_add(document, "pid", json_object_new_int(subject->process.pid));
	if (action->complete)
		action->complete(subject, document);
	return document;
}

static int present_json(const struct action *action, const struct group *group, int exit_code)
{
	struct json_object *document, *list;

	if (!group->many)
		return message_json(document_of(action, &group->subjects[0]), exit_code);
	document = json_object_new_object();
	list = json_object_new_array();
	for (size_t i = 0; i < group->count; i++)
		rpc_json_append(list, document_of(action, &group->subjects[i]));
	rpc_json_add(document, "processes", list);
	return message_json(document, exit_code);
}

static void present_errors(const struct cli *cli, const struct action *action,
			   const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct subject *subject = &group->subjects[i];
		char state[128];

		if (subject->err.code != SUTURE_OK)
			message_error(cli, &subject->err, subject->details,
				      state_of(action, subject, state, sizeof(state)));
	}
}

static bool same_before(const struct group *group, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (group->subjects[i].err.code == group->subjects[index].err.code &&
		    group->subjects[i].err.next[0])
			return true;
	return false;
}

/* A row has no room for the way out: for the first process of each kind of trouble. */
static void present_ways_out(const struct group *group)
{
	fflush(stdout);
	for (size_t i = 0; i < group->count; i++) {
		const struct subject *subject = &group->subjects[i];

		if (subject->err.code == SUTURE_OK || !subject->err.next[0] ||
		    same_before(group, i))
			continue;
		fputs("  next: ", stderr);
		message_put(stderr, subject->process.name);
		fprintf(stderr, " (pid %d): ", (int)subject->process.pid);
		message_put(stderr, subject->err.next);
		fputc('\n', stderr);
	}
}

static void present_rows(const struct cli *cli, const struct action *action,
			 const struct group *group)
{
	static const struct table_column columns[] = {
		{"PID", TABLE_RIGHT}, {"NAME", TABLE_PLAIN}, {"RESULT", TABLE_WRAP}, {NULL, 0}};
	struct table *table = table_create(columns);

	for (size_t i = 0; i < group->count; i++) {
		const struct subject *subject = &group->subjects[i];
		char pid[16], brief[256];
		const char *cells[] = {pid, subject->process.name, brief};

		snprintf(pid, sizeof(pid), "%d", (int)subject->process.pid);
		if (subject->err.code == SUTURE_OK)
			action->brief(subject, brief, sizeof(brief));
		else
			snprintf(brief, sizeof(brief), "%s: %.*s",
				 suture_code_name(subject->err.code),
				 text_fit(subject->err.message, 200), subject->err.message);
		table_add(table, cells);
	}
	table_print(table);
	if (cli->verbose)
		present_errors(cli, action, group);
	else
		present_ways_out(group);
}

static bool any_worked(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->subjects[i].err.code == SUTURE_OK)
			return true;
	return false;
}

static int present(const struct cli *cli, const struct action *action, const struct group *group)
{
	const struct subject *first = &group->subjects[0];
	int exit_code = 0;
	char state[128];

	for (size_t i = 0; i < group->count; i++)
		exit_code = message_worse(exit_code, group->subjects[i].exit_code);
	if (cli->json)
		return present_json(action, group, exit_code);
	if (action->show_all) {
		if (!cli->quiet && any_worked(group))
			action->show_all(cli, group);
		present_errors(cli, action, group);
	} else if (group->many) {
		if (!cli->quiet)
			present_rows(cli, action, group);
	} else if (first->err.code != SUTURE_OK) {
		message_error(cli, &first->err, first->details,
			      state_of(action, first, state, sizeof(state)));
	} else if (!cli->quiet) {
		action->show(cli, first);
	}
	return message_flush(exit_code);
}

static void perform(const struct cli *cli, const struct action *action, struct group *group,
		    size_t first)
{
	for (size_t i = first; i < group->count; i++) {
		struct subject *subject = &group->subjects[i];

		if (group_drop_ended(group, i)) {
			i--;
			continue;
		}
		if (action->perform)
			action->perform(cli, action, subject);
		else if (subject->linked)
			action_call(cli, action, action->method, subject);
		else
			continue;
		if (subject->untouched && group_drop_ended(group, i)) {
			i--;
			continue;
		}
		if (subject->err.code == SUTURE_OK && action->judge)
			subject->exit_code = action->judge(subject->answer);
		if (subject->err.code == SUTURE_OK)
			subject->done = process_now();
	}
}

/*
 * Those that are there, then those that were forked before their parent was changed, and so on.
 * False: some refuse, and were asked before they were changed.
 */
static bool perform_all(struct cli *cli, struct action *action, struct group *group)
{
	size_t first = 0;

	for (int round = 0; round < GROUP_ROUNDS && first < group->count; round++) {
		if (action->check_first && group->many && !all_willing(cli, action, group, first))
			return false;
		perform(cli, action, group, first);
		first = group->count;
		if (action->follows)
			group_extend(cli, action->of, group);
	}
	return true;
}

static void await_stillborn(const struct cli *cli, const struct action *action, struct group *group)
{
	const struct subject *left = group_await_stillborn(group, 0);

	if (!left)
		return;
	if (!cli->quiet)
		fprintf(stderr,
			"suture: %s (pid %d) was forked in the middle of it: waiting for its end\n",
			left->process.name, (int)left->process.pid);
	group_await_stillborn(group, action->timeout_us);
}

int action_run(struct cli *cli, struct action *action,
	       int (*prepare)(struct cli *cli, struct action *action, struct suture_error *err))
{
	struct group group;
	int exit_code, rc = group_find(cli, action->of, &group, &cli->err);
	bool willing = true;

	if (rc) {
		group_fini(&group);
		return message_fail(cli, &cli->err);
	}
	rc = prepare ? prepare(cli, action, &cli->err) : 0;
	for (size_t i = 0; rc && i < group.count; i++) {
		group.subjects[i].err = cli->err;
		group.subjects[i].exit_code = suture_code_exit(cli->err.code);
	}
	if (!rc)
		willing = perform_all(cli, action, &group);
	if (!rc && action->undo && group.many)
		family_undo(cli, action, &group);
	for (size_t i = 0; !rc && willing && action->settle && i < group.count; i++)
		if (group.subjects[i].err.code == SUTURE_OK)
			action->settle(cli, action, &group.subjects[i]);
	if (!rc)
		await_stillborn(cli, action, &group);
	exit_code = present(cli, action, &group);
	group_fini(&group);
	return exit_code;
}
