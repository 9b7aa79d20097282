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
#include "agent/threads.h"
#include "base/error.h"
#include "rpc/params.h"
#include "trust/minisign.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
	LONGEST_US = 2000 * 1000 * 1000, /* about half an hour */
	EVENTS_LIMIT = EVENT_RING,
};

static const uint64_t longest_confirm_us = 24ULL * 3600 * 1000000;

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

int command_options(struct server_call *call, struct json_object *params,
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
	"timeout_us", "max_pause_us", "rung",  "at",	"strict",
	"replace",    "count",	      "name",  "label", "confirm_within_us",
	"signature",  "scope",	      "share", "new",	"key",
	NULL};

/* The answer, or what was in the way for the error's data. */
int command_answer(struct agent *agent, int rc, const char *verb, struct transaction_result *result,
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

/* What there is to say besides done and not done; NULL: nothing. */
static const char *pending_text(const struct transaction_result *result, char text[EVENT_TEXT_SIZE])
{
	if (!result->pending)
		return NULL;
	if (result->waits[0])
		snprintf(text, EVENT_TEXT_SIZE, "pending, waits for %.200s", result->waits);
	else
		snprintf(text, EVENT_TEXT_SIZE, "was pending");
	return text;
}

/* For the record of what was done, and for metrics. */
void command_record(struct agent *agent, const char *what, const struct event_actor *who, int rc,
		    const struct transaction_result *result, const struct suture_error *err)
{
	char text[EVENT_TEXT_SIZE];

	events_add(&agent->events, &(struct event_note){.what = what,
							.who = who,
							.name = result->name,
							.hash = result->hash,
							.err = rc ? err : NULL,
							.unchanged = !result->changed,
							.text = pending_text(result, text),
							.pause_us = result->pause_us});
}

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

/* Until when it is to be confirmed; null: it stays. */
static void add_confirm(struct agent *agent, const char *name, struct json_object *answer)
{
	const struct patch *patch;

	pthread_mutex_lock(&agent->lock);
	patch = agent_find(agent, name);
	json_object_object_add(answer, "confirm", patch ? confirm_json(agent, patch) : NULL);
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
	command_record(agent, "apply", &who, rc, &result, err);
	snprintf(name, sizeof(name), "%s", result.name);
	rc = command_answer(agent, rc, "applied", &result, out);
	if (!rc)
		add_confirm(agent, name, *out);
	return rc;
}

static int run_check(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **out, struct suture_error *err)
{
	struct agent *agent = server_call_context(call);
	struct transaction_options options = {0};
	struct transaction_result result = {0};
	struct patch_file file;
	uint64_t within = 0;
	int rc = parse_confirm(params, &within, err);

	if (!rc)
		rc = take_file(call, params, fd, &options, &file, err);
	if (rc)
		return rc;
	options.at_once = within != 0;
	rc = confirm_admits(agent, &file, options.replace, err);
	if (rc) {
		patch_file_fini(&file);
		return rc;
	}
	atomic_store(&agent->changing, true);
	return command_answer(agent, transaction_check(agent, &file, &options, &result, err), NULL,
			      &result, out);
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
	command_record(agent, "confirm", &who, rc, &result, err);
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
	events_add(&agent->events, &(struct event_note){.what = "detach", .who = &who});
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
