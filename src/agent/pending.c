/* SPDX-License-Identifier: MIT */
/* Patches that wait for their modules; see pending.h. */
#include "agent/pending.h"

#include "agent/gone.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where threads are in the way, or have no turns: longer tries, and longer times between them. */
enum { TRY_NS = 2000000000, TRY_DOUBLINGS = 2, AGAIN_US = 500000, AGAIN_DOUBLINGS = 6 };

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void say(struct agent *agent, struct pending *pending, const char *waits,
		const char *problem)
{
	pthread_mutex_lock(&agent->lock);
	snprintf(pending->waits, sizeof(pending->waits), "%.255s", waits);
	snprintf(pending->problem, sizeof(pending->problem), "%.255s", problem);
	pending->again = pending->again_at != 0;
	pthread_mutex_unlock(&agent->lock);
}

const struct pending *pending_find(const struct agent *agent, const struct patch *patch)
{
	for (const struct pending *each = agent->pending; each; each = each->next)
		if (each->patch == patch)
			return each;
	return NULL;
}

int pending_keep(struct agent *agent, struct patch *patch,
		 const struct transaction_options *options, uint64_t generation, const char *waits,
		 struct suture_error *err)
{
	struct pending *pending = calloc(1, sizeof(*pending)), **end;
	int rc = pending ? 0 : error_no_memory(err);

	if (rc)
		return rc;
	*pending = (struct pending){.patch = patch, .options = *options, .generation = generation};
	snprintf(pending->waits, sizeof(pending->waits), "%s", waits);
	pthread_mutex_lock(&agent->lock);
	rc = patch_set_state(patch, PATCH_PENDING, err);
	for (end = &agent->pending; *end; end = &(*end)->next)
		;
	if (!rc)
		*end = pending;
	pthread_mutex_unlock(&agent->lock);
	if (rc)
		free(pending);
	return rc;
}

void pending_drop(struct agent *agent, const struct patch *patch)
{
	struct pending *dropped = NULL;

	pthread_mutex_lock(&agent->lock);
	for (struct pending **at = &agent->pending; *at; at = &(*at)->next)
		if ((*at)->patch == patch) {
			dropped = *at;
			*at = dropped->next;
			break;
		}
	pthread_mutex_unlock(&agent->lock);
	free(dropped);
}

static unsigned at_most(unsigned number, unsigned most)
{
	return number < most ? number : most;
}

/* True when it was put in: those behind it may have waited for that. */
static bool try(struct agent *agent, struct pending *pending)
{
	struct transaction_options options = pending->options;
	struct transaction_result result;
	struct suture_error err;
	int rc;

	options.timeout_ns = (uint64_t)TRY_NS << at_most(pending->tries, TRY_DOUBLINGS);
	options.kept = false;
	pending->generation = modules_generation();
	pending->again_at = 0;
	rc = transaction_resume(agent, pending->patch, &options, &result, &err);
	if (!rc ? !result.pending : !pending->problem[0])
		events_add(&agent->events, &(struct event_note){.what = "pending_apply",
								.name = result.name,
								.hash = result.hash,
								.err = rc ? &err : NULL,
								.text = rc ? NULL : PENDING_LATE,
								.pause_us = result.pause_us});
	if (rc) {
		if (suture_code_retryable(err.code)) {
			uint64_t wait = (uint64_t)AGAIN_US
					<< at_most(pending->tries, AGAIN_DOUBLINGS);

			pending->again_at = now_us() + wait;
			pending->tries++;
		}
		say(agent, pending, "", err.message);
	} else if (result.pending) {
		say(agent, pending, result.waits, "");
	}
	rc = rc || result.pending;
	transaction_result_fini(&result);
	return !rc;
}

void pending_settle(struct agent *agent)
{
	struct pending *pending = agent->pending;

	while (pending) {
		bool due = pending->generation != modules_generation() ||
			   (pending->again_at && pending->again_at <= now_us());
		bool done = due && try(agent, pending);

		/* What was put in is off the list; those built on it are due now. */
		for (struct pending *each = agent->pending; done && each; each = each->next)
			each->again_at = 1;
		pending = done ? agent->pending : pending->next;
	}
}

/* When to look again, where nothing tells us to. */
static uint64_t next_try(const struct agent *agent, bool unfinished)
{
	uint64_t next = unfinished ? now_us() + AGAIN_US : UINT64_MAX;

	for (const struct pending *each = agent->pending; each; each = each->next)
		if (each->again_at && each->again_at < next)
			next = each->again_at;
	return next;
}

void pending_look(struct agent *agent)
{
	/* Before the look: what changes meanwhile is a reason for another one. */
	uint64_t generation = modules_generation();
	int rc;

	atomic_store(&agent->changing, true);
	rc = gone_settle(agent, NULL);
	pending_settle(agent);
	atomic_store(&agent->changing, false);
	modules_seen(agent, generation, next_try(agent, rc != 0));
}

void pending_fini(struct agent *agent)
{
	while (agent->pending)
		pending_drop(agent, agent->pending->patch);
}
