/* SPDX-License-Identifier: MIT */
/* All or none, and children without an agent's thread; see family.h. */
#include "cli/family.h"

#include "base/error.h"
#include "cli/attach/attach.h"

#define ADOPT_US UINT64_C(5000000)
#define GRACE_US UINT64_C(60000000)

int family_adopt(struct link *link, const struct process *process, struct suture_error *err)
{
	const struct attach_options options = {.timeout_us = ADOPT_US};
	struct attach_report report;
	struct suture_error why;
	int rc;

	if (!attach_is_orphan(process))
		return -(int)err->code;
	rc = attach_process(process, &options, &report, &why);
	if (!rc)
		return link_open(link, process, err);
	*err = why;
	/* That says all there is to say, and a row has no room for more. */
	if (rc == -(int)SUTURE_E_PERMISSION)
		return rc;
	return error_context(err, "the agent that %s (pid %d) inherited can't be started",
			     process->name, (int)process->pid);
}

static const struct subject *who_failed(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->subjects[i].err.code != SUTURE_OK &&
		    !group_is_stillborn(&group->subjects[i]))
			return &group->subjects[i];
	return NULL;
}

/* By this command: itself, or the one that it was forked from, who comes before it. */
static bool was_changed(const struct group *group, const struct subject *subject)
{
	if (!subject->linked || subject->err.code != SUTURE_OK)
		return subject->undone;
	if (rpc_json_get_bool(subject->answer, "changed", false))
		return true;
	for (const struct subject *other = group->subjects; subject->late && other < subject;
	     other++)
		if (other->process.pid == subject->process.parent)
			return was_changed(group, other);
	return false;
}

static const char *name_of_patch(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (was_changed(group, &group->subjects[i]))
			return rpc_json_get_string(group->subjects[i].answer, "name", "");
	return NULL;
}

/* cause: of a failure. Its code is ours too: what can be retried there, can be here. */
static void undo(struct subject *subject, const struct json_object *params,
		 const struct suture_error *cause, uint64_t timeout_us)
{
	struct rpc_client_call call = {.method = "revert",
				       .fd = -1,
				       .params = (struct json_object *)params,
				       .timeout_us = timeout_us + GRACE_US};
	struct json_object *answer = NULL;
	int rc = link_call(&subject->link, &call, &answer, NULL, &subject->err);

	json_object_put(answer);
	json_object_put(subject->answer);
	subject->answer = NULL;
	subject->done = process_now();
	subject->undone = true;
	/* NOT_APPLIED: forked before its parent had it. */
	if (!rc || (subject->late && rc == -(int)SUTURE_E_NOT_APPLIED)) {
		subject->err = *cause;
	} else {
		subject->err.code = SUTURE_E_UNCERTAIN;
		error_context(&subject->err, "it failed in another process, and can't be taken "
					     "back here");
		error_next(&subject->err, "'suture list -p %d' tells what is applied",
			   (int)subject->process.pid);
	}
	subject->exit_code = suture_code_exit(subject->err.code);
}

/* Found just now, and has nothing of it. */
static void leave(struct subject *subject, const struct suture_error *cause)
{
	subject->err = *cause;
	subject->exit_code = suture_code_exit(cause->code);
}

void family_undo(const struct cli *cli, const struct action *action, struct group *group)
{
	const struct subject *failed = who_failed(group);
	const char *name = failed ? name_of_patch(group) : NULL;
	struct json_object *params;
	struct suture_error cause;
	size_t first = 0;

	if (!name)
		return;
	params = json_object_new_object();
	rpc_json_add(params, "name", rpc_json_string(name));
	rpc_json_add(params, "timeout_us", json_object_new_int64((int64_t)action->timeout_us));
	error_set(&cause, failed->err.code, "taken back: it failed in %s (pid %d)",
		  failed->process.name, (int)failed->process.pid);
	for (int round = 0; round < GROUP_ROUNDS && first < group->count; round++) {
		/* From behind, so that of a parent can still be seen what was done to it. */
		for (size_t i = group->count; i > first; i--) {
			struct subject *subject = &group->subjects[i - 1];

			if (subject->linked && was_changed(group, subject))
				undo(subject, params, &cause, action->timeout_us);
			else if (subject->err.code == SUTURE_OK && !subject->answer)
				leave(subject, &cause);
		}
		first = group->count;
		group_extend(cli, action->of, group);
	}
	json_object_put(params);
}
