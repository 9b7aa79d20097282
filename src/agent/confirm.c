/* SPDX-License-Identifier: MIT */
/* Timers of patches that are to be confirmed; see confirm.h. */
#include "agent/confirm_internal.h"

#include "agent/pending.h"
#include "base/error.h"
#include "base/hash.h"
#include "rpc/json.h"

#include <stdlib.h>
#include <time.h>

static const char *const state_names[] = {
	[CONFIRM_PENDING] = "pending",	   [CONFIRM_OVERDUE] = "overdue",
	[CONFIRM_CONFIRMED] = "confirmed", [CONFIRM_REVERTED] = "reverted",
	[CONFIRM_LOST] = "reverted",	   [CONFIRM_STUCK] = "stuck",
};

uint64_t confirm_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

bool confirm_is_open(const struct confirm *confirm)
{
	return confirm->state == CONFIRM_PENDING || confirm->state == CONFIRM_OVERDUE;
}

/* Is it about the patch as it is in force now? */
static bool is_current(const struct confirm *confirm)
{
	return confirm->applied_at.tv_sec == confirm->patch->applied_at.tv_sec &&
	       confirm->applied_at.tv_nsec == confirm->patch->applied_at.tv_nsec;
}

bool confirm_in_force(const struct confirm *confirm)
{
	return confirm_is_open(confirm) && is_current(confirm) && confirm->patch->order != 0;
}

const struct confirm *confirm_of(const struct agent *agent, const struct patch *patch)
{
	for (const struct confirm *each = agent->confirms; each; each = each->next)
		if (each->patch == patch && is_current(each))
			return each;
	return NULL;
}

const struct confirm *confirm_open(const struct agent *agent)
{
	for (const struct confirm *each = agent->confirms; each; each = each->next)
		if (confirm_in_force(each))
			return each;
	return NULL;
}

static void collect_applied(const struct agent *agent, struct confirm *confirm)
{
	for (unsigned order = 1; order < agent->next_order; order++)
		for (struct patch *patch = agent->patches; patch; patch = patch->next)
			if (patch->order == order)
				confirm->before[confirm->before_count++] = patch;
}

static void collect_waiting(const struct agent *agent, struct confirm *confirm)
{
	for (const struct pending *each = agent->pending; each; each = each->next)
		confirm->dropped[confirm->dropped_count++] =
			(struct confirm_dropped){each->patch, each->options.count};
}

int confirm_prepare(struct agent *agent, uint64_t within_us, struct confirm **confirm,
		    struct suture_error *err)
{
	struct confirm *made = calloc(1, sizeof(*made));
	size_t most = 1;

	if (!made)
		return error_no_memory(err);
	pthread_mutex_lock(&agent->lock);
	for (struct patch *patch = agent->patches; patch; patch = patch->next)
		most++;
	made->before = calloc(most, sizeof(struct patch *));
	made->replaced = calloc(most, sizeof(struct patch *));
	made->dropped = calloc(most, sizeof(*made->dropped));
	if (made->before)
		collect_applied(agent, made);
	if (made->dropped)
		collect_waiting(agent, made);
	pthread_mutex_unlock(&agent->lock);
	if (!made->before || !made->replaced || !made->dropped) {
		confirm_discard(made);
		return error_no_memory(err);
	}
	made->within_us = within_us;
	*confirm = made;
	return 0;
}

void confirm_discard(struct confirm *confirm)
{
	if (!confirm)
		return;
	free(confirm->before);
	free(confirm->replaced);
	free(confirm->dropped);
	free(confirm);
}

/* Entries of which nothing will be asked any more. */
static void drop_old(struct agent *agent)
{
	struct confirm **at = &agent->confirms;

	while (*at) {
		struct confirm *confirm = *at;

		if (is_current(confirm)) {
			at = &confirm->next;
			continue;
		}
		*at = confirm->next;
		confirm_discard(confirm);
	}
}

/* Once, although it may have been replaced, come back, and been replaced again. */
static void add_replaced(struct confirm *confirm, struct patch *patch)
{
	for (size_t i = 0; i < confirm->replaced_count; i++)
		if (confirm->replaced[i] == patch)
			return;
	if (patch != confirm->patch)
		confirm->replaced[confirm->replaced_count++] = patch;
}

static void add_dropped(struct confirm *confirm, const struct confirm_dropped *dropped)
{
	for (size_t i = 0; i < confirm->dropped_count; i++)
		if (confirm->dropped[i].patch == dropped->patch)
			return;
	if (dropped->patch != confirm->patch)
		confirm->dropped[confirm->dropped_count++] = *dropped;
}

/* Of those that waited before only those are left that do not any more, nor are in force. */
static void collect_dropped(struct confirm *confirm)
{
	size_t count = confirm->dropped_count;

	confirm->dropped_count = 0;
	for (size_t i = 0; i < count; i++)
		if (confirm->dropped[i].patch->state == PATCH_REVERTED)
			add_dropped(confirm, &confirm->dropped[i]);
}

/*
 * What is gone since confirm_prepare() was replaced. One that was itself unconfirmed is not to come
 * back: what that one had replaced is.
 */
static void collect_replaced(const struct agent *agent, struct confirm *confirm)
{
	collect_dropped(confirm);
	for (size_t i = 0; i < confirm->before_count; i++) {
		struct patch *gone = confirm->before[i];
		const struct confirm *other = confirm_of(agent, gone);

		if (gone->order)
			continue;
		if (!other || !confirm_is_open(other)) {
			add_replaced(confirm, gone);
			continue;
		}
		for (size_t k = 0; k < other->replaced_count; k++)
			add_replaced(confirm, other->replaced[k]);
		for (size_t k = 0; k < other->dropped_count; k++)
			add_dropped(confirm, &other->dropped[k]);
	}
	free(confirm->before);
	confirm->before = NULL;
}

void confirm_arm(struct agent *agent, struct confirm *confirm, struct patch *patch)
{
	pthread_mutex_lock(&agent->lock);
	drop_old(agent);
	confirm->patch = patch;
	confirm->applied_at = patch->applied_at;
	confirm->state = CONFIRM_PENDING;
	confirm->due_us = confirm_now_us() + confirm->within_us;
	collect_replaced(agent, confirm);
	confirm->next = agent->confirms;
	agent->confirms = confirm;
	pthread_mutex_unlock(&agent->lock);
}

int confirm_admits(struct agent *agent, const struct patch_file *file, bool replace,
		   struct suture_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&agent->lock);
	for (size_t i = 0; !replace && !rc && i < file->depends.count; i++) {
		const struct patch *patch = agent_find_hash(agent, file->depends.records[i].hash);
		const struct confirm *confirm = patch ? confirm_of(agent, patch) : NULL;

		if (!confirm || !confirm_in_force(confirm))
			continue;
		error_set(err, SUTURE_E_DEPENDENCY, "%s is built on %s, which is not confirmed",
			  file->name, patch->name);
		rc = error_next(err, "confirm %s first", patch->name);
	}
	pthread_mutex_unlock(&agent->lock);
	return rc;
}

static int accept_locked(struct confirm *confirm, bool *changed, struct suture_error *err)
{
	const char *name = confirm->patch->name;

	switch (confirm->state) {
	case CONFIRM_PENDING:
		if (confirm_now_us() < confirm->due_us) {
			confirm->state = CONFIRM_CONFIRMED;
			*changed = true;
			return 0;
		}
		/* fallthrough */
	case CONFIRM_OVERDUE:
		error_set(
			err, SUTURE_E_AGENT_BUSY,
			"%s was not confirmed in time and is being taken out (%u attempts so far)",
			name, confirm->attempts);
		return error_next(err, "apply it again when it is out");
	case CONFIRM_LOST:
	case CONFIRM_REVERTED:
		error_set(err, SUTURE_E_NOT_CONFIRMED, "%s was not confirmed in time", name);
		return error_next(err,
				  "apply it again; 'suture events' tells when it was taken out");
	case CONFIRM_STUCK:
		return error_set(err, SUTURE_E_UNCERTAIN, "%s is in an uncertain state", name);
	case CONFIRM_CONFIRMED:
		break;
	}
	return 0;
}

int confirm_accept(struct agent *agent, const char *name, bool *changed, char hash[65],
		   struct suture_error *err)
{
	struct patch *patch;
	struct confirm *confirm;
	int rc = 0;

	*changed = false;
	pthread_mutex_lock(&agent->lock);
	patch = agent_find(agent, name);
	/* The list is ours to change. */
	confirm = patch ? (struct confirm *)confirm_of(agent, patch) : NULL;
	if (confirm && (patch->order || confirm->state == CONFIRM_REVERTED))
		rc = accept_locked(confirm, changed, err);
	else if (!patch || !patch->order)
		rc = error_set(err, SUTURE_E_NOT_APPLIED, "no patch named %s is applied here",
			       name);
	if (patch)
		hash_text(patch->file.hash, hash);
	pthread_mutex_unlock(&agent->lock);
	if (rc == -(int)SUTURE_E_NOT_APPLIED)
		error_next(err, "see suture list for those that are");
	return rc;
}

uint64_t confirm_due(struct agent *agent)
{
	uint64_t due = UINT64_MAX;

	pthread_mutex_lock(&agent->lock);
	for (const struct confirm *each = agent->confirms; each; each = each->next)
		if (confirm_in_force(each) && each->due_us < due)
			due = each->due_us;
	pthread_mutex_unlock(&agent->lock);
	return due;
}

static struct json_object *wall_time(uint64_t left_us)
{
	return rpc_json_time(time(NULL) + (time_t)((left_us + 500000) / 1000000));
}

struct json_object *confirm_json(const struct agent *agent, const struct patch *patch)
{
	const struct confirm *confirm = confirm_of(agent, patch);
	struct json_object *answer;
	uint64_t now = confirm_now_us(), left;

	if (!confirm || (confirm_is_open(confirm) && !patch->order))
		return NULL;
	left = confirm->state == CONFIRM_PENDING && confirm->due_us > now ? confirm->due_us - now
									  : 0;
	answer = json_object_new_object();
	rpc_json_add(answer, "state", json_object_new_string(state_names[confirm->state]));
	rpc_json_add(answer, "within_us", json_object_new_uint64(confirm->within_us));
	if (confirm->state == CONFIRM_PENDING) {
		rpc_json_add(answer, "by", wall_time(left));
		rpc_json_add(answer, "left_us", json_object_new_uint64(left));
	}
	rpc_json_add(answer, "attempts", json_object_new_int((int)confirm->attempts));
	return answer;
}

void confirm_fini(struct agent *agent)
{
	while (agent->confirms) {
		struct confirm *confirm = agent->confirms;

		agent->confirms = confirm->next;
		confirm_discard(confirm);
	}
}
