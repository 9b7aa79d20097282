/* SPDX-License-Identifier: MIT */
/* See threads.h. Threads are held for a look, as check holds them, and nothing is changed. */
#include "agent/threads.h"

#include "agent/admit.h"
#include "agent/plan.h"
#include "base/error.h"
#include "image/names.h"
#include "rpc/json.h"
#include "rpc/params.h"
#include "trust/minisign.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FRAME_TEXT = 160 };

/*
 * A patch that is in force is asked about as its revert would: then its own code is in the way. Its
 * name goes to `name`.
 */
static int plan_for(struct plan *plan, int fd, const char *signature, const char *label,
		    char name[PATCH_NAME_LIMIT + 1], struct suture_error *err)
{
	struct patch_file file;
	struct patch *patch;
	int rc = admit_patch(fd, signature, label, &file, err);

	if (rc)
		return rc;
	snprintf(name, PATCH_NAME_LIMIT + 1, "%s", file.name);
	patch = agent_find_hash(plan->agent, file.hash);
	if (patch && patch->state == PATCH_APPLIED)
		rc = plan_remove(plan, &patch, 1, err);
	else
		rc = plan_add(plan, &file, err);
	/* Nobody can be in the way of one that has to wait for its module. */
	if (!rc)
		rc = plan->missing ? agent_refresh_unwind(plan->agent, err) : plan_build(plan, err);
	patch_file_fini(&file);
	return rc;
}

static const char *state_name(enum stop_thread_state state)
{
	switch (state) {
	case STOP_THREAD_ASLEEP:
		return "asleep";
	case STOP_THREAD_RUNNING:
		return "running";
	case STOP_THREAD_UNSEEN:
		break;
	}
	return "unseen";
}

static struct json_object *describe(const struct plan *plan, const struct image *image,
				    const struct stop_thread *thread, bool planned, bool whole)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *frames = json_object_new_array();
	const struct stop_blocker *view = &thread->view;
	bool inside = view->reason == STOP_REASON_FUNCTION;
	char text[FRAME_TEXT];

	rpc_json_add(answer, "tid", json_object_new_int(view->tid));
	rpc_json_add(answer, "thread", rpc_json_string(view->comm));
	rpc_json_add(answer, "state", json_object_new_string(state_name(thread->state)));
	/* Without a patch nobody blocks one; code that can't be unwound blocks any. */
	if (planned)
		rpc_json_add(answer, "blocks",
			     json_object_new_boolean(view->reason != STOP_REASON_NONE));
	rpc_json_add(answer, "reason", rpc_json_string(stop_reason_text(view->reason)));
	rpc_json_add(answer, "function",
		     rpc_json_string(inside ? plan->busy_names[view->tag] : ""));
	for (unsigned i = 0; i < view->depth && (whole || i == 0); i++) {
		names_describe(image, view->backtrace[i], i == 0, text, sizeof(text));
		rpc_json_append(frames, rpc_json_string(text));
	}
	rpc_json_add(answer, "backtrace", frames);
	return answer;
}

static int look(const struct plan *plan, const struct image *image, bool planned, bool whole,
		struct json_object **result, struct suture_error *err)
{
	struct stop_request request = {.unwind = plan->agent->unwind,
				       .busy = plan->busy,
				       .busy_count = plan->busy_count,
				       .rung = STOP_RUNG_AUTO};
	struct stop_result stopped = {0};
	struct stop_thread *threads = NULL;
	struct json_object *list;
	size_t count = 0;
	int rc = stop_inspect(&request, &threads, &count, &stopped, err);

	if (rc)
		return rc;
	*result = json_object_new_object();
	list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		rpc_json_append(list, describe(plan, image, &threads[i], planned, whole));
	rpc_json_add(*result, "pid", json_object_new_int(getpid()));
	rpc_json_add(*result, "threads", list);
	rpc_json_add(*result, "pause_us", json_object_new_uint64((stopped.pause_ns + 999) / 1000));
	free(threads);
	return 0;
}

/* Whoever holds threads for a look is on record too. */
static void record(struct agent *agent, const struct peer *peer, const char *name, int rc,
		   struct json_object *answer, const struct suture_error *err)
{
	struct event_actor who;
	uint64_t pause_us = rc ? 0 : (uint64_t)rpc_json_get_int(answer, "pause_us", 0);

	event_actor_take(peer, &who);
	events_add(&agent->events, &(struct event_note){.what = "threads",
							.who = &who,
							.name = name,
							.err = rc ? err : NULL,
							.pause_us = pause_us});
}

int threads_run(struct server_call *call, struct json_object *params, int fd,
		struct json_object **result, struct suture_error *err)
{
	static const char *const known[] = {"backtrace", "label", "signature", NULL};
	const char *label = "the patch", *signature = NULL;
	struct agent *agent = server_call_context(call);
	char name[PATCH_NAME_LIMIT + 1] = "";
	bool whole = false;
	struct image image;
	struct plan plan;
	int rc = rpc_params_only(params, known, err);

	if (!rc)
		rc = rpc_params_bool(params, "backtrace", &whole, err);
	if (!rc)
		rc = rpc_params_string(params, "label", 255, &label, err);
	if (!rc)
		rc = rpc_params_string(params, "signature", MINISIGN_TEXT_LIMIT, &signature, err);
	if (!rc)
		rc = image_take(&image, err);
	if (rc)
		return rc;
	plan_init(&plan, agent);
	if (fd >= 0)
		rc = plan_for(&plan, fd, signature, label, name, err);
	else
		rc = agent_refresh_unwind(agent, err);
	if (!rc)
		rc = look(&plan, &image, fd >= 0, whole, result, err);
	plan_fini(&plan);
	image_fini(&image);
	record(agent, server_call_peer(call), name, rc, *result, err);
	return rc;
}
