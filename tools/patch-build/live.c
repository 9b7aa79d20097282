/* SPDX-License-Identifier: MIT */
/* Looks, some time apart; see live.h. */
#include "live.h"

#include "base/error.h"
#include "base/file.h"
#include "cli/link.h"
#include "cli/patchfile.h"
#include "cli/process.h"
#include "rpc/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOKS = 5, APART_MS = 40, LOOK_TIMEOUT_US = 10000000 };

/* A thread that was inside a function at each look so far. */
struct stay {
	int64_t tid;
	char *function; /* owned */
	char *thread;	/* owned: its name */
	unsigned looks;
};

struct stays {
	struct stay *list; /* owned */
	size_t count;
};

static void stays_fini(struct stays *stays)
{
	for (size_t i = 0; i < stays->count; i++) {
		free(stays->list[i].function);
		free(stays->list[i].thread);
	}
	free(stays->list);
}

/* The first look says who is to be watched. */
static int stays_init(struct stays *stays, struct json_object *threads, struct suture_error *err)
{
	size_t count = threads ? json_object_array_length(threads) : 0;

	stays->list = calloc(count + 1, sizeof(*stays->list));
	if (!stays->list)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct json_object *thread = json_object_array_get_idx(threads, i);
		struct stay *stay = &stays->list[stays->count];

		if (!rpc_json_get_bool(thread, "blocks", false) ||
		    !*rpc_json_get_string(thread, "function", ""))
			continue;
		stays->count++;
		stay->tid = rpc_json_get_int(thread, "tid", 0);
		stay->function = strdup(rpc_json_get_string(thread, "function", ""));
		stay->thread = strdup(rpc_json_get_string(thread, "thread", ""));
		if (!stay->function || !stay->thread)
			return error_no_memory(err);
	}
	return 0;
}

static void stays_note(struct stays *stays, struct json_object *threads)
{
	size_t count = threads ? json_object_array_length(threads) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *thread = json_object_array_get_idx(threads, i);

		for (size_t k = 0; k < stays->count; k++) {
			struct stay *stay = &stays->list[k];

			stay->looks += stay->tid == rpc_json_get_int(thread, "tid", 0) &&
				       strcmp(stay->function,
					      rpc_json_get_string(thread, "function", "")) == 0;
		}
	}
}

static int look(struct link *link, int patch, struct json_object *params, struct stays *stays,
		struct suture_error *err)
{
	const struct timespec apart = {.tv_nsec = APART_MS * 1000000L};
	const struct rpc_client_call call = {
		.method = "threads", .params = params, .fd = patch, .timeout_us = LOOK_TIMEOUT_US};
	int rc = 0;

	for (int i = 0; i < LOOKS && !rc; i++) {
		struct json_object *result = NULL;

		if (i)
			nanosleep(&apart, NULL);
		rc = link_call(link, &call, &result, NULL, err);
		if (!rc && !i)
			rc = stays_init(stays, rpc_json_get_array(result, "threads"), err);
		if (!rc)
			stays_note(stays, rpc_json_get_array(result, "threads"));
		json_object_put(result);
	}
	return rc;
}

static int ask(pid_t pid, const char *patch, struct stays *stays, struct suture_error *err)
{
	struct json_object *params = json_object_new_object();
	struct process process;
	cleanup_fd int fd = -1;
	struct link link;
	int rc = 0;

	if (!process_read(pid, &process))
		rc = error_set(err, SUTURE_E_NO_PROCESS, "there is no such process");
	if (!rc)
		rc = patchfile_open(patch, &fd, err);
	if (!rc)
		rc = patchfile_add_signature(patch, params, err);
	if (!rc && !rpc_json_add(params, "label", rpc_json_string(patchfile_label(patch))))
		rc = error_no_memory(err);
	if (!rc)
		rc = link_open(&link, &process, err);
	if (!rc) {
		rc = look(&link, fd, params, stays, err);
		link_close(&link);
	}
	json_object_put(params);
	return rc;
}

int live_look(pid_t pid, const char *patch, struct strings *notes, struct suture_error *err)
{
	struct stays stays = {0};
	struct suture_error why = {0};

	if (ask(pid, patch, &stays, &why))
		strings_add_format(notes, "pid %d was not looked at: %s", (int)pid, why.message);
	for (size_t i = 0; i < stays.count; i++)
		if (stays.list[i].looks == LOOKS)
			strings_add_format(notes,
					   "%s may never return: thread %lld (%s) of pid %d was in "
					   "it at each of %d looks, and while one is, apply "
					   "answers BUSY_STACK",
					   stays.list[i].function, (long long)stays.list[i].tid,
					   stays.list[i].thread, (int)pid, LOOKS);
	stays_fini(&stays);
	return strings_ok(notes) ? 0 : error_no_memory(err);
}
