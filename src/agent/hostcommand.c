/* SPDX-License-Identifier: MIT */
/* See hostcommand.h. */
#include "agent/hostcommand.h"

#include "agent/command_parts.h"
#include "agent/late.h"
#include "base/error.h"
#include "base/forkguard.h"
#include "patch/file.h"
#include "rpc/params.h"
#include "stop/stop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LONGEST_ARGUMENT = 4096,
	DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
	LONGEST_US = 2000 * 1000 * 1000,
};

struct entry {
	char name[SUTURE_COMMAND_NAME + 1];
	struct suture_command command;
	void *arg;
	bool running;
	struct entry *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards entries and what they hold */
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;	 /* some entry runs no more */
static struct entry *entries;

/* ---- registering ---------------------------------------------------------------------------- */

static struct entry **find(const char *name)
{
	struct entry **at = &entries;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static int set(struct entry **at, const char *name, const struct suture_command *command, void *arg)
{
	struct entry *entry = *at;

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -(int)SUTURE_E_NO_MEMORY;
		snprintf(entry->name, sizeof(entry->name), "%s", name);
		*at = entry;
	}
	entry->command = *command;
	entry->arg = arg;
	return 0;
}

int hostcommand_register(const char *name, const struct suture_command *command, void *arg)
{
	struct entry **at;
	int rc = 0;

	/* Names of commands are like those of patches. */
	if (!name || !patch_name_valid(name) || strlen(name) > SUTURE_COMMAND_NAME ||
	    (command && !command->run))
		return -(int)SUTURE_E_USAGE;
	pthread_mutex_lock(&lock);
	while (*(at = find(name)) && (*at)->running)
		pthread_cond_wait(&ended, &lock);
	if (command) {
		rc = set(at, name, command, arg);
	} else if (*at) {
		struct entry *gone = *at;

		*at = gone->next;
		free(gone);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

/* A call that was under way in the parent never ends here. */
static void forget_calls(void)
{
	pthread_cond_init(&ended, NULL);
	for (struct entry *entry = entries; entry; entry = entry->next)
		entry->running = false;
}

void hostcommand_guard_fork(void)
{
	fork_guard_add(&lock, false, forget_calls);
}

struct json_object *hostcommand_names(void)
{
	struct json_object *list = json_object_new_array();

	pthread_mutex_lock(&lock);
	for (const struct entry *entry = entries; entry; entry = entry->next)
		rpc_json_append(list, json_object_new_string(entry->name));
	pthread_mutex_unlock(&lock);
	return list;
}

/* ---- calling -------------------------------------------------------------------------------- */

void hostcommand_answer(struct suture_call *call, const char *format, va_list args)
{
	size_t used = strlen(call->answer);

	vsnprintf(call->answer + used, call->answer_size - used, format, args);
}

struct run {
	struct entry *entry;
	struct suture_call *call;
	int result;
};

static void run_step(void *arg)
{
	struct run *run = arg;

	run->result = run->entry->command.run(run->call, run->entry->arg);
}

static int failed(const struct run *run, const char *step, struct suture_error *err)
{
	error_set(err, SUTURE_E_COMMAND_FAILED, "%s: %s%s%s returned %d", run->entry->name,
		  run->call->answer, *run->call->answer ? "; " : "", step, run->result);
	return -(int)SUTURE_E_COMMAND_FAILED;
}

static int steps(struct run *run, uint64_t timeout_ns, struct stop_result *stopped,
		 struct suture_error *err)
{
	const struct suture_command *command = &run->entry->command;
	uint64_t deadline = scoping_deadline(timeout_ns), now;
	int rc;

	if (command->prepare) {
		run->result = command->prepare(run->call, run->entry->arg);
		if (run->result)
			return failed(run, "prepare", err);
	}
	now = scoping_deadline(0);
	rc = stop_at_safepoint(run_step, run, deadline > now ? deadline - now : 0, stopped, err);
	if (!rc && run->result)
		rc = failed(run, "run", err);
	if (command->finish) {
		int done = command->finish(run->call, run->entry->arg);

		if (!rc && done) {
			run->result = done;
			rc = failed(run, "finish", err);
		}
	}
	return rc;
}

/* What there is, for the one who asked for something else. */
static void list_names(struct suture_error *err)
{
	char text[SUTURE_ERROR_NEXT_SIZE - 32] = "";
	size_t used = 0;

	for (const struct entry *entry = entries; entry && used < sizeof(text); entry = entry->next)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
					 entry->name);
	if (*text)
		error_next(err, "there are: %s", text);
	else if (late_unheard() & LATE_COMMANDS)
		error_next(err, "the program registered its commands before it had an agent: start "
				"it with libsuture.so");
	else
		error_next(err, "the application calls suture_command_register()");
}

static struct entry *begin(const char *name, struct suture_error *err)
{
	struct entry *entry;

	pthread_mutex_lock(&lock);
	entry = *find(name);
	if (entry) {
		entry->running = true;
	} else {
		error_set(err, SUTURE_E_UNSUPPORTED, "no command %s is registered", name);
		list_names(err);
	}
	pthread_mutex_unlock(&lock);
	return entry;
}

static void end(struct entry *entry)
{
	pthread_mutex_lock(&lock);
	entry->running = false;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
}

/* Texts without NUL, borrowed from params. */
static int take_arguments(struct json_object *params, const char **argv, int *argc,
			  struct suture_error *err)
{
	struct json_object *list = rpc_json_get_array(params, "args");
	size_t count = list ? json_object_array_length(list) : 0;

	if (count > SUTURE_COMMAND_ARGUMENTS)
		return error_set(err, SUTURE_E_USAGE, "args: at most %d", SUTURE_COMMAND_ARGUMENTS);
	for (size_t i = 0; i < count; i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *text = json_object_is_type(one, json_type_string)
					   ? json_object_get_string(one)
					   : NULL;
		size_t length = text ? (size_t)json_object_get_string_len(one) : 0;

		if (!text || length > LONGEST_ARGUMENT || strlen(text) != length)
			return error_set(err, SUTURE_E_USAGE, "args: texts of at most %d bytes",
					 LONGEST_ARGUMENT);
		argv[i] = text;
	}
	*argc = (int)count;
	return 0;
}

static struct json_object *answer_of(const char *name, const char *text,
				     const struct stop_result *stopped)
{
	struct json_object *answer = json_object_new_object();

	rpc_json_add(answer, "result", json_object_new_string("called"));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	rpc_json_add(answer, "name", rpc_json_string(name));
	rpc_json_add(answer, "answer", rpc_json_string(text));
	rpc_json_add(answer, "threads", json_object_new_int((int)stopped->threads));
	rpc_json_add(answer, "attempts", json_object_new_int((int)stopped->attempts));
	rpc_json_add(answer, "pause_us", json_object_new_uint64((stopped->pause_ns + 999) / 1000));
	return answer;
}

int hostcommand_run(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **out, struct suture_error *err)
{
	static const char *const known[] = {"name", "args", "timeout_us", NULL};
	const char *argv[SUTURE_COMMAND_ARGUMENTS + 1] = {NULL}, *name = NULL;
	char text[SUTURE_COMMAND_ANSWER] = "";
	struct suture_call asked = {.argv = argv, .answer = text, .answer_size = sizeof(text)};
	struct run run = {.call = &asked};
	struct transaction_result result = {0};
	struct stop_result stopped = {0};
	uint64_t timeout = DEFAULT_TIMEOUT_US;
	struct event_actor who;
	int rc = rpc_params_only(params, known, err);

	(void)fd;
	event_actor_take(server_call_peer(call), &who);
	if (!rc)
		rc = rpc_params_need_string(params, "name", SUTURE_COMMAND_NAME, &name, err);
	if (!rc)
		rc = take_arguments(params, argv, &asked.argc, err);
	if (!rc)
		rc = rpc_params_u64(params, "timeout_us", LONGEST_US, &timeout, err);
	if (rc)
		return rc;
	run.entry = begin(name, err);
	if (!run.entry)
		return -(int)err->code;
	rc = steps(&run, timeout * 1000, &stopped, err);
	end(run.entry);
	snprintf(result.name, sizeof(result.name), "%s", name);
	result.changed = !rc;
	result.pause_us = (stopped.pause_ns + 999) / 1000;
	command_record(server_call_context(call), "call", &who, rc, &result, err);
	if (!rc)
		*out = answer_of(name, text, &stopped);
	return rc;
}
