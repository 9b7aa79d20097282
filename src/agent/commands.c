/* SPDX-License-Identifier: MIT */
/*
 * The agent's commands. apply, revert and check run on the server's worker, one at a time; list
 * and status on the agent's thread, under the lock.
 */
#include "agent/commands.h"

#include "agent/admit.h"
#include "agent/answer.h"
#include "agent/threads.h"
#include "base/error.h"
#include "rpc/params.h"

#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
	LONGEST_US = 2000 * 1000 * 1000, /* about half an hour */
};

static int parse_rung(const char *rung, const char *at, bool strict, enum stop_rung *out,
		      struct suture_error *err)
{
	*out = STOP_RUNG_AUTO;
	if (strcmp(rung, "lazy") == 0)
		*out = STOP_RUNG_LAZY;
	else if (strcmp(rung, "full") == 0)
		*out = STOP_RUNG_FULL;
	else if (strcmp(rung, "auto") != 0)
		return error_set(err, SUTURE_E_USAGE, "rung: auto, lazy or full, not %s", rung);
	if (strict)
		*out = STOP_RUNG_FULL;
	if (strcmp(at, "safepoint") == 0)
		*out = STOP_RUNG_SAFEPOINT;
	else if (strcmp(at, "any") != 0)
		return error_set(err, SUTURE_E_USAGE, "at: any or safepoint, not %s", at);
	return 0;
}

static int parse_options(struct server_call *call, struct json_object *params,
			 struct transaction_options *options, struct suture_error *err)
{
	uint64_t timeout = DEFAULT_TIMEOUT_US, max_pause = 0, waited = server_call_waited_us(call);
	const char *rung = "auto", *at = "any";
	bool strict = false;
	int rc = rpc_params_u64(params, "timeout_us", LONGEST_US, &timeout, err);

	if (!rc)
		rc = rpc_params_u64(params, "max_pause_us", LONGEST_US, &max_pause, err);
	if (!rc)
		rc = rpc_params_string(params, "rung", 16, &rung, err);
	if (!rc)
		rc = rpc_params_string(params, "at", 16, &at, err);
	if (!rc)
		rc = rpc_params_bool(params, "strict", &strict, err);
	if (!rc)
		rc = rpc_params_bool(params, "replace", &options->replace, err);
	if (!rc)
		rc = rpc_params_bool(params, "count", &options->count, err);
	if (!rc)
		rc = parse_rung(rung, at, strict, &options->rung, err);
	options->timeout_ns = timeout > waited ? (timeout - waited) * 1000 : 0;
	options->max_pause_ns = max_pause * 1000;
	return rc;
}

static const char *const transaction_params[] = {
	"timeout_us", "max_pause_us", "rung", "at",    "strict",
	"replace",    "count",	      "name", "label", NULL};

/* The answer, or what was in the way for the error's data. */
static int answer(struct agent *agent, int rc, const char *verb, struct transaction_result *result,
		  struct json_object **out)
{
	atomic_store(&agent->changing, false);
	if (rc)
		*out = answer_blockers(result);
	else if (verb)
		*out = answer_transaction(verb, result);
	else
		*out = answer_check(result);
	transaction_result_fini(result);
	return rc;
}

static int run_with_file(struct server_call *call, struct json_object *params, int fd, bool check,
			 struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	const char *label = "the patch";
	struct patch_file file;
	int rc = rpc_params_only(params, transaction_params, err);

	if (!rc)
		rc = parse_options(call, params, &options, err);
	if (!rc)
		rc = rpc_params_string(params, "label", 255, &label, err);
	if (!rc)
		rc = admit_patch(fd, label, &file, err);
	if (rc)
		return rc;
	atomic_store(&agent->changing, true);
	if (check)
		return answer(agent, transaction_check(agent, &file, &options, &result, err), NULL,
			      &result, out);
	return answer(agent, transaction_apply(agent, &file, &options, &result, err), "applied",
		      &result, out);
}

static int run_apply(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **out, struct suture_error *err)
{
	return run_with_file(call, params, fd, false, out, err);
}

static int run_check(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **out, struct suture_error *err)
{
	return run_with_file(call, params, fd, true, out, err);
}

static int run_revert(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	const char *name = NULL;
	int rc = rpc_params_only(params, transaction_params, err);

	(void)fd;
	if (!rc)
		rc = rpc_params_need_string(params, "name", PATCH_NAME_LIMIT, &name, err);
	if (!rc)
		rc = parse_options(call, params, &options, err);
	if (rc)
		return rc;
	atomic_store(&agent->changing, true);
	return answer(agent, transaction_revert(agent, name, &options, &result, err), "reverted",
		      &result, out);
}

static int run_list(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"reverted", NULL};
	struct agent *agent = server_call_context(call);
	bool reverted = false;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	if (!rc)
		rc = rpc_params_bool(params, "reverted", &reverted, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&agent->lock);
	*out = answer_list(agent, reverted);
	pthread_mutex_unlock(&agent->lock);
	return 0;
}

static int run_status(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	static const char *const none[] = {NULL};
	int rc = rpc_params_only(params, none, err);

	(void)fd;
	if (!rc)
		*out = answer_status(server_call_context(call));
	return rc;
}

static int run_detach(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"timeout_us", NULL};
	struct json_object *document;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	if (rc)
		return rc;
	document = json_object_new_object();
	if (!rpc_json_add(document, "result", rpc_json_string("detached")) ||
	    !rpc_json_add(document, "changed", json_object_new_boolean(true)) ||
	    !rpc_json_add(document, "pid", json_object_new_int(getpid()))) {
		json_object_put(document);
		return error_no_memory(err);
	}
	server_call_finish(call);
	*out = document;
	return 0;
}

const struct server_command agent_commands[] = {
	{
		.method = "apply",
		.help = "put a patch into force; takes its file as a descriptor",
		.mutates = true,
		.takes_fd = true,
		.run = run_apply,
	},
	{
		.method = "revert",
		.help = "take a patch back, by its name",
		.mutates = true,
		.run = run_revert,
	},
	{
		.method = "check",
		.help = "everything that apply would do, short of doing it",
		.mutates = true, /* it stops threads for a look, and maps the patch for a moment */
		.takes_fd = true,
		.run = run_check,
	},
	{
		.method = "detach",
		.help = "stop serving; patches stay in force",
		.mutates = true,
		.run = run_detach,
	},
	{
		.method = "threads",
		.help = "where each thread is, and whether it would be in a patch's way",
		.mutates = true, /* it stops threads for a look */
		.takes_fd = true,
		.fd_optional = true,
		.run = threads_run,
	},
	{
		.method = "list",
		.help = "patches and their states",
		.run = run_list,
	},
	{
		.method = "status",
		.help = "agent, threads, pauses",
		.run = run_status,
	},
};

const size_t agent_command_count = sizeof(agent_commands) / sizeof(agent_commands[0]);
