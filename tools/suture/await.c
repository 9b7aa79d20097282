/* SPDX-License-Identifier: MIT */
/* Asks `list` until the outcome is known; see await.h. */
#include "cli/await.h"

#include "base/error.h"
#include "cli/duration.h"
#include "cli/message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AWAIT_STEP_US = 200000, AWAIT_CALL_US = 10000000 };

void await_hint(FILE *to, const struct subject *subject, struct json_object *confirm,
		const char *name)
{
	char left[DURATION_TEXT_SIZE];

	duration_format((uint64_t)rpc_json_get_int(confirm, "left_us", 0), left);
	message_put(to, name);
	fprintf(to, " reverts itself in %s unless confirmed: suture confirm ", left);
	message_put(to, name);
	fprintf(to, " -p %d\n", (int)subject->process.pid);
}

/* The entry of that hash in the answer to `list`; borrowed. */
static struct json_object *find(struct json_object *answer, const char *hash)
{
	struct json_object *patches = rpc_json_get_array(answer, "patches");

	for (size_t i = 0; patches && i < json_object_array_length(patches); i++) {
		struct json_object *patch = json_object_array_get_idx(patches, i);

		if (strcmp(rpc_json_get_string(patch, "hash", ""), hash) == 0)
			return patch;
	}
	return NULL;
}

/* 0: not known yet; 1: it stays; a negative code: it is gone. */
static int look(struct subject *subject, struct json_object *answer, const char *hash,
		const char *name)
{
	struct json_object *patch = find(answer, hash);
	struct json_object *confirm = rpc_json_get_object(patch, "confirm");
	const char *state = rpc_json_get_string(confirm, "state", "");

	if (strcmp(state, "pending") == 0 || strcmp(state, "overdue") == 0)
		return 0;
	if (strcmp(rpc_json_get_string(patch, "state", ""), "applied") == 0)
		return 1;
	if (strcmp(state, "stuck") == 0)
		return error_set(&subject->err, SUTURE_E_UNCERTAIN,
				 "%s was not confirmed, and taking it out failed", name);
	error_set(&subject->err, SUTURE_E_NOT_CONFIRMED, "%s was %s", name,
		  strcmp(state, "reverted") == 0 ? "not confirmed in time"
						 : "taken out by somebody before it was confirmed");
	return error_next(&subject->err, "suture events -p %d tells what happened",
			  (int)subject->process.pid);
}

void await_confirmation(const struct cli *cli, const struct action *action, struct subject *subject)
{
	const char *hash = rpc_json_get_string(subject->answer, "hash", "");
	const char *name = rpc_json_get_string(subject->answer, "name", "?");
	struct json_object *params = json_object_new_object();
	struct rpc_client_call call = {
		.method = "list", .params = params, .fd = -1, .timeout_us = AWAIT_CALL_US};
	int rc = 0;

	(void)action;
	if (!cli->quiet) {
		fputs("suture: ", stderr);
		await_hint(stderr, subject, rpc_json_get_object(subject->answer, "confirm"), name);
	}
	rpc_json_add(params, "reverted", json_object_new_boolean(true));
	while (rc == 0) {
		struct json_object *answer = NULL;

		rc = link_call(&subject->link, &call, &answer, NULL, &subject->err);
		if (!rc)
			rc = look(subject, answer, hash, name);
		json_object_put(answer);
		if (rc == 0)
			usleep(AWAIT_STEP_US);
	}
	json_object_put(params);
	if (rc < 0 && subject->err.code == SUTURE_E_UNCERTAIN) {
		struct process process;

		/* Nothing was asked of it that changes anything. */
		if (!process_read(subject->process.pid, &process))
			error_set(&subject->err, SUTURE_E_NO_PROCESS,
				  "the process ended before %s was confirmed", name);
	}
	if (rc > 0)
		subject->err.code = SUTURE_OK;
	subject->exit_code = suture_code_exit(subject->err.code);
}
