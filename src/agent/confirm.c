/* SPDX-License-Identifier: MIT */
/* Timers of patches that are to be confirmed; see confirm.h. */
#include "agent/confirm.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "rpc/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ATTEMPT_NS =
		1000 * 1000 * 1000, /* for one try to take it out, so that others have a turn */
	RETRY_US = 1000 * 1000,
	RETRY_LONGEST_US = 30 * 1000 * 1000,
};

static const char *const state_names[] = {
	[CONFIRM_PENDING] = "pending",	   [CONFIRM_OVERDUE] = "overdue",
	[CONFIRM_CONFIRMED] = "confirmed", [CONFIRM_REVERTED] = "reverted",
	[CONFIRM_STUCK] = "stuck",
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool is_open(const struct confirm *confirm)
{
	return confirm->state == CONFIRM_PENDING || confirm->state == CONFIRM_OVERDUE;
}

/* Is it about the patch as it is in force now? */
static bool is_current(const struct confirm *confirm)
{
	return confirm->applied_at.tv_sec == confirm->patch->applied_at.tv_sec &&
	       confirm->applied_at.tv_nsec == confirm->patch->applied_at.tv_nsec;
}

/* Of those that are open only these count: it may have been reverted by hand, or replaced. */
static bool in_force(const struct confirm *confirm)
{
	return is_open(confirm) && is_current(confirm) && confirm->patch->order != 0;
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
		if (in_force(each))
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
	if (made->before)
		collect_applied(agent, made);
	pthread_mutex_unlock(&agent->lock);
	if (!made->before || !made->replaced) {
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

/*
 * What is gone since confirm_prepare() was replaced. One that was itself unconfirmed is not to come
 * back: what that one had replaced is.
 */
static void collect_replaced(const struct agent *agent, struct confirm *confirm)
{
	for (size_t i = 0; i < confirm->before_count; i++) {
		struct patch *gone = confirm->before[i];
		const struct confirm *other = confirm_of(agent, gone);

		if (gone->order || gone == confirm->patch)
			continue;
		if (!other || !is_open(other))
			confirm->replaced[confirm->replaced_count++] = gone;
		for (size_t k = 0; other && is_open(other) && k < other->replaced_count; k++)
			if (other->replaced[k] != confirm->patch)
				confirm->replaced[confirm->replaced_count++] = other->replaced[k];
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
	confirm->due_us = now_us() + confirm->within_us;
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

		if (!confirm || !in_force(confirm))
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
		if (now_us() < confirm->due_us) {
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
		if (in_force(each) && each->due_us < due)
			due = each->due_us;
	pthread_mutex_unlock(&agent->lock);
	return due;
}

static struct confirm *take_due(struct agent *agent)
{
	struct confirm *found = NULL;
	uint64_t now = now_us();

	pthread_mutex_lock(&agent->lock);
	for (struct confirm *each = agent->confirms; each && !found; each = each->next)
		if (in_force(each) && each->due_us <= now)
			found = each;
	if (found)
		found->state = CONFIRM_OVERDUE; /* from here on it can't be confirmed */
	pthread_mutex_unlock(&agent->lock);
	return found;
}

/* Out with it; in the same commit what it replaced comes back. */
static int take_out(struct agent *agent, struct confirm *confirm, struct transaction_result *result,
		    struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = ATTEMPT_NS};

	if (confirm->replaced_count)
		return transaction_swap(agent, confirm->patch, confirm->replaced,
					confirm->replaced_count, &options, result, err);
	return transaction_revert(agent, confirm->patch->name, &options, result, err);
}

/* What it replaced, one by one: it was taken out alone. What does not come back is told. */
static void bring_back(struct agent *agent, const struct confirm *confirm)
{
	struct transaction_options options = {.timeout_ns = 10ULL * ATTEMPT_NS};

	for (size_t i = 0; i < confirm->replaced_count; i++) {
		struct transaction_result result = {0};
		struct suture_error err;
		int rc;

		options.count = confirm->replaced[i]->counters != NULL;
		rc = transaction_resume(agent, confirm->replaced[i], &options, &result, &err);

		events_add(
			&agent->events,
			&(struct event_note){
				.what = "apply",
				.name = result.name,
				.hash = result.hash,
				.err = rc ? &err : NULL,
				.text = rc ? NULL : "back, since its successor was not confirmed",
				.pause_us = result.pause_us});
		transaction_result_fini(&result);
	}
}

/* Busy attempts are told at 1, 2, 4, 8, …: the ring is for other things too. */
static bool worth_telling(int rc, unsigned attempts)
{
	return rc == 0 || (attempts & (attempts - 1)) == 0;
}

static void attempt(struct agent *agent, struct confirm *confirm)
{
	struct transaction_result result = {0};
	struct suture_error err;
	char text[EVENT_TEXT_SIZE];
	int rc = take_out(agent, confirm, &result, &err);
	/* Those that came before it are not worth keeping a bad patch for. */
	bool alone = rc && !suture_code_retryable(err.code) && err.code != SUTURE_E_UNCERTAIN &&
		     confirm->replaced_count && confirm->patch->order;

	if (alone) {
		struct transaction_options options = {.timeout_ns = ATTEMPT_NS};

		transaction_result_fini(&result);
		rc = transaction_revert(agent, confirm->patch->name, &options, &result, &err);
	}
	confirm->attempts++;
	if (rc)
		snprintf(text, sizeof(text),
			 "not confirmed in time; attempt %u to take it out: %.*s",
			 confirm->attempts, text_fit(err.message, 150), err.message);
	else
		snprintf(text, sizeof(text), "not confirmed within %.1f s, taken out",
			 (double)confirm->within_us / 1e6);
	if (worth_telling(rc, confirm->attempts))
		events_add(&agent->events, &(struct event_note){.what = "confirm_timeout",
								.name = confirm->patch->name,
								.hash = result.hash,
								.err = rc ? &err : NULL,
								.text = text,
								.pause_us = result.pause_us});
	transaction_result_fini(&result);
	pthread_mutex_lock(&agent->lock);
	if (!confirm->patch->order) {
		confirm->state = CONFIRM_REVERTED;
	} else if (rc == -(int)SUTURE_E_UNCERTAIN) {
		confirm->state = CONFIRM_STUCK;
	} else {
		unsigned doublings = confirm->attempts < 6 ? confirm->attempts - 1 : 5;
		uint64_t wait = (uint64_t)RETRY_US << doublings;

		confirm->due_us = now_us() + (wait < RETRY_LONGEST_US ? wait : RETRY_LONGEST_US);
	}
	pthread_mutex_unlock(&agent->lock);
	if (confirm->state == CONFIRM_REVERTED && alone)
		bring_back(agent, confirm);
}

void confirm_run(struct agent *agent)
{
	struct confirm *confirm = take_due(agent);

	/* One at a time: the server asks again at once when more is due. */
	if (!confirm)
		return;
	atomic_store(&agent->changing, true);
	attempt(agent, confirm);
	atomic_store(&agent->changing, false);
}

static struct json_object *wall_time(uint64_t left_us)
{
	return rpc_json_time(time(NULL) + (time_t)((left_us + 500000) / 1000000));
}

struct json_object *confirm_json(const struct agent *agent, const struct patch *patch)
{
	const struct confirm *confirm = confirm_of(agent, patch);
	struct json_object *answer;
	uint64_t now = now_us(), left;

	if (!confirm || (is_open(confirm) && !patch->order))
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
