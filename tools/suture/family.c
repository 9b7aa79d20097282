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

static bool was_changed(const struct subject *subject)
{
	return subject->linked && subject->err.code == SUTURE_OK &&
	       rpc_json_get_bool(subject->answer, "changed", false);
}

/* cause: who failed. Its code is ours too: what can be retried there, can be here. */
static void undo(struct subject *subject, const struct subject *cause, uint64_t timeout_us)
{
	struct rpc_client_call call = {
		.method = "revert", .fd = -1, .timeout_us = timeout_us + GRACE_US};
	struct json_object *params = json_object_new_object(), *answer = NULL;
	int rc;

	rpc_json_add(params, "name",
		     rpc_json_string(rpc_json_get_string(subject->answer, "name", "")));
	rpc_json_add(params, "timeout_us", json_object_new_int64((int64_t)timeout_us));
	call.params = params;
	rc = link_call(&subject->link, &call, &answer, NULL, &subject->err);
	json_object_put(params);
	json_object_put(answer);
	json_object_put(subject->answer);
	subject->answer = NULL;
	if (!rc) {
		error_set(&subject->err, cause->err.code, "taken back: it failed in %s (pid %d)",
			  cause->process.name, (int)cause->process.pid);
	} else {
		subject->err.code = SUTURE_E_UNCERTAIN;
		error_context(&subject->err, "it failed in another process, and can't be taken "
					     "back here");
		error_next(&subject->err, "'suture list -p %d' tells what is applied",
			   (int)subject->process.pid);
	}
	subject->exit_code = suture_code_exit(subject->err.code);
}

void family_undo(struct subject *subjects, size_t count, uint64_t timeout_us)
{
	const struct subject *cause = NULL;

	for (size_t i = 0; i < count && !cause; i++)
		if (subjects[i].err.code != SUTURE_OK)
			cause = &subjects[i];
	for (size_t i = 0; cause && i < count; i++)
		if (was_changed(&subjects[i]))
			undo(&subjects[i], cause, timeout_us);
}
