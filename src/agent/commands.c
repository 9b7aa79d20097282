/* SPDX-License-Identifier: MIT */
/*
 * The agent's commands. apply, revert and check run on the server's worker, one at a time; list
 * and status on the agent's thread, under the lock.
 */
#include "agent/commands.h"
#include "agent/command_parts.h"

#include "agent/admit.h"
#include "agent/answer.h"
#include "agent/confirm.h"
#include "agent/hostcommand.h"
#include "agent/restore.h"
#include "agent/scoping.h"
#include "agent/threads.h"
#include "base/error.h"
#include "rpc/params.h"
#include "trust/minisign.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS_LIMIT = EVENT_RING };

static const uint64_t longest_confirm_us = 24ULL * 3600 * 1000000;

static const char *const transaction_params[] = {
	"timeout_us", "max_pause_us", "rung",  "at",	"strict",
	"replace",    "count",	      "name",  "label", "confirm_within_us",
	"signature",  "scope",	      "share", "new",	"key",
	NULL};

/* Reads the file and the options that check and apply share. */
static int take_file(struct server_call *call, struct json_object *params, int fd,
		     struct transaction_options *options, struct patch_file *file,
		     struct suture_error *err)
{
	const char *label = "the patch", *signature = NULL;
	int rc = rpc_params_only(params, transaction_params, err);

	if (!rc)
		rc = command_options(call, params, options, err);
	if (!rc)
		rc = scope_command_wish(params, &options->scope, err);
	if (!rc)
		rc = rpc_params_string(params, "label", 255, &label, err);
	if (!rc)
		rc = rpc_params_string(params, "signature", MINISIGN_TEXT_LIMIT, &signature, err);
	if (!rc)
		rc = admit_patch(fd, signature, label, file, err);
	return rc;
}

static int parse_confirm(struct json_object *params, uint64_t *within, struct suture_error *err)
{
	int rc = rpc_params_u64(params, "confirm_within_us", longest_confirm_us, within, err);

	if (!rc && *within && *within < CONFIRM_LEAST_US)
		rc = error_set(err, SUTURE_E_USAGE, "confirm_within_us: at least %d",
			       CONFIRM_LEAST_US);
	return rc;
}

/* The transaction, and its timer if it is to have one. */
static int apply(struct agent *agent, struct patch_file *file, uint64_t within,
		 const struct transaction_options *options, struct transaction_result *result,
		 struct suture_error *err)
{
	struct confirm *confirm = NULL;
	uint8_t hash[FORMAT_HASH_SIZE];
	int rc = confirm_admits(agent, file, options->replace, err);

	memcpy(hash, file->hash, sizeof(hash));
	if (!rc && within)
		rc = confirm_prepare(agent, within, &confirm, err);
	if (rc) {
		snprintf(result->name, sizeof(result->name), "%s", file->name);
		patch_file_fini(file);
		return rc;
	}
	rc = transaction_apply(agent, file, options, result, err);
	if (confirm && result->changed)
		confirm_arm(agent, confirm, agent_find_hash(agent, hash));
	else
		confirm_discard(confirm);
	return rc;
}

/* Until when it is to be confirmed (null: it stays), and for which calls it is (null: all). */
static void add_terms(struct agent *agent, const char *name, struct json_object *answer)
{
	const struct patch *patch;

	pthread_mutex_lock(&agent->lock);
	patch = agent_find(agent, name);
	json_object_object_add(answer, "confirm", patch ? confirm_json(agent, patch) : NULL);
	json_object_object_add(answer, "scope", patch ? scoping_json(patch) : NULL);
	pthread_mutex_unlock(&agent->lock);
}

static int run_apply(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	char name[PATCH_NAME_LIMIT + 1];
	struct event_actor who;
	struct patch_file file;
	uint64_t within = 0;
	int rc = parse_confirm(params, &within, err);

	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = take_file(call, params, fd, &options, &file, err);
	options.at_once = within != 0;
	if (rc) {
		command_record(agent, "apply", &who, rc, &result, err);
		return rc;
	}
	atomic_store(&agent->changing, true);
	rc = apply(agent, &file, within, &options, &result, err);
	result.scope_given = !scope_wish_is_empty(&options.scope);
	command_record(agent, "apply", &who, rc, &result, err);
	snprintf(name, sizeof(name), "%s", result.name);
	rc = command_answer(agent, rc, "applied", &result, out);
	if (!rc)
		add_terms(agent, name, *out);
	return rc;
}

/* It held threads for a look: on record, like what changes something. */
static void record_check(struct agent *agent, const struct event_actor *who, int rc,
			 const struct transaction_result *result, const struct suture_error *err)
{
	events_add(&agent->events, &(struct event_note){.what = "check",
							.who = who,
							.name = result->name,
							.hash = result->hash,
							.err = rc ? err : NULL,
							.pause_us = result->pause_us});
}

static int run_check(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	struct event_actor who;
	struct patch_file file;
	uint64_t within = 0;
	int rc = parse_confirm(params, &within, err);

	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = take_file(call, params, fd, &options, &file, err);
	if (rc) {
		record_check(agent, &who, rc, &result, err);
		return rc;
	}
	options.at_once = within != 0;
	snprintf(result.name, sizeof(result.name), "%s", file.name);
	atomic_store(&agent->changing, true);
	rc = confirm_admits(agent, &file, options.replace, err);
	if (rc)
		patch_file_fini(&file);
	else
		rc = transaction_check(agent, &file, &options, &result, err);
	record_check(agent, &who, rc, &result, err);
	return command_answer(agent, rc, NULL, &result, out);
}

static int run_revert(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	struct event_actor who;
	const char *name = NULL;
	int rc = rpc_params_only(params, transaction_params, err);

	(void)fd;
	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = rpc_params_need_string(params, "name", PATCH_NAME_LIMIT, &name, err);
	if (!rc)
		rc = command_options(call, params, &options, err);
	if (rc)
		return rc;
	atomic_store(&agent->changing, true);
	rc = transaction_revert(agent, name, &options, &result, err);
	command_record(agent, "revert", &who, rc, &result, err);
	return command_answer(agent, rc, "reverted", &result, out);
}

static int run_restore(struct server_call *call, struct json_object *params, int fd,
		       struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct event_actor who;
	int rc = rpc_params_only(params, transaction_params, err);

	(void)fd;
	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = command_options(call, params, &options, err);
	return rc ? rc : restore_run(agent, &options, &who, out, err);
}

static int run_confirm(struct server_call *call, struct json_object *params, int fd,
		       struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"name", NULL};
	struct agent *agent = server_call_context(call);
	struct transaction_result result = {0};
	struct event_actor who;
	const char *name = NULL;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = rpc_params_need_string(params, "name", PATCH_NAME_LIMIT, &name, err);
	if (rc)
		return rc;
	rc = confirm_accept(agent, name, &result.changed, result.hash, err);
	snprintf(result.name, sizeof(result.name), "%s", name);
	command_record_quick(agent, "confirm", &who, rc, &result, err);
	if (rc)
		return rc;
	*out = json_object_new_object();
	rpc_json_add(*out, "result", json_object_new_string("confirmed"));
	rpc_json_add(*out, "changed", json_object_new_boolean(result.changed));
	rpc_json_add(*out, "pid", json_object_new_int(getpid()));
	rpc_json_add(*out, "name", rpc_json_string(name));
	rpc_json_add(*out, "hash", json_object_new_string(result.hash));
	return 0;
}

static int run_events(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"since", "limit", NULL};
	struct agent *agent = server_call_context(call);
	uint64_t since = 0, limit = EVENTS_LIMIT;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	if (!rc)
		rc = rpc_params_u64(params, "since", INT64_MAX, &since, err);
	if (!rc)
		rc = rpc_params_u64(params, "limit", EVENTS_LIMIT, &limit, err);
	if (!rc)
		*out = events_answer(&agent->events, since, limit);
	return rc;
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

/* Nobody could confirm a patch, nor take it out, when nobody serves. */
static int may_detach(struct agent *agent, struct suture_error *err)
{
	const struct confirm *confirm;
	int rc = 0;

	pthread_mutex_lock(&agent->lock);
	confirm = confirm_open(agent);
	if (confirm) {
		error_set(err, SUTURE_E_AGENT_BUSY, "%s waits for its confirmation",
			  confirm->patch->name);
		rc = error_next(err, "suture confirm %s, or suture revert %s", confirm->patch->name,
				confirm->patch->name);
	}
	pthread_mutex_unlock(&agent->lock);
	return rc;
}

static int run_metrics(struct server_call *call, struct json_object *params, int fd,
		       struct json_object **out, struct suture_error *err)
{
	static const char *const none[] = {NULL};
	int rc = rpc_params_only(params, none, err);

	(void)fd;
	if (!rc)
		*out = answer_metrics(server_call_context(call));
	return rc;
}

static int run_detach(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"timeout_us", NULL};
	struct agent *agent = server_call_context(call);
	struct event_actor who;
	struct json_object *document;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	if (rc)
		return rc;
	rc = may_detach(agent, err);
	if (rc)
		return rc;
	document = json_object_new_object();
	if (!rpc_json_add(document, "result", rpc_json_string("detached")) ||
	    !rpc_json_add(document, "changed", json_object_new_boolean(true)) ||
	    !rpc_json_add(document, "pid", json_object_new_int(getpid()))) {
		json_object_put(document);
		return error_no_memory(err);
	}
	event_actor_take(server_call_peer(call), &who);
	events_keep(&agent->events, &(struct event_note){.what = "detach", .who = &who});
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
		.method = "restore",
		.help = "apply what is installed for this build",
		.mutates = true,
		.run = run_restore,
	},
	{
		.method = "confirm",
		.help = "a patch applied with a time limit stays",
		.mutates = true,
		.at_once = true, /* the worker may be busy beyond that time */
		.run = run_confirm,
	},
	{
		.method = "scope",
		.help = "which calls get a patch: add, share, new, all, clear",
		.mutates = true,
		.run = scope_command_run,
	},
	{
		.method = "call",
		.help = "run a command that the application registered, at its safe point",
		.mutates = true,
		.run = hostcommand_run,
	},
	{
		.method = "events",
		.help = "what happened here: who, what, result",
		.run = run_events,
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
		.method = "metrics",
		.help = "counters, and the histogram of pauses",
		.run = run_metrics,
	},
	{
		.method = "status",
		.help = "agent, threads, pauses",
		.run = run_status,
	},
};

const size_t agent_command_count = sizeof(agent_commands) / sizeof(agent_commands[0]);
