/* SPDX-License-Identifier: MIT */
/* How patches go that nobody confirmed, and what comes back then; see confirm.h. Worker. */
#include "agent/confirm_internal.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>

enum {
	ATTEMPT_NS =
		1000 * 1000 * 1000, /* for one try to take it out, so that others have a turn */
	RETRY_US = 1000 * 1000,
	RETRY_LONGEST_US = 30 * 1000 * 1000,
};

static struct confirm *take_due(struct agent *agent)
{
	struct confirm *found = NULL;
	uint64_t now = confirm_now_us();

	pthread_mutex_lock(&agent->lock);
	for (struct confirm *each = agent->confirms; each && !found; each = each->next)
		if (confirm_in_force(each) && each->due_us <= now)
			found = each;
	if (found)
		found->state = CONFIRM_OVERDUE; /* from here on it can't be confirmed */
	pthread_mutex_unlock(&agent->lock);
	return found;
}

static void tell_left_out(struct agent *agent, const struct patch *patch,
			  const struct suture_error *err)
{
	char hash[HASH_TEXT_SIZE];

	hash_text(patch->file.hash, hash);
	events_add(&agent->events,
		   &(struct event_note){
			   .what = "apply", .name = patch->name, .hash = hash, .err = err});
}

/*
 * What has come back in other ways is not to be brought back; nor what another patch has the name
 * of that was applied since: that is the newer one, and is not to be lain upon.
 */
static void forget_present(struct agent *agent, struct confirm *confirm)
{
	size_t count = confirm->replaced_count;

	confirm->replaced_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct patch *patch = confirm->replaced[i];
		struct suture_error err;

		if (patch->order)
			continue;
		if (transaction_check_name(agent, &patch->file, confirm->patch, &err))
			tell_left_out(agent, patch, &err);
		else
			confirm->replaced[confirm->replaced_count++] = patch;
	}
}

/* Out with it; in the same commit what it replaced comes back. */
static int take_out(struct agent *agent, struct confirm *confirm, struct transaction_result *result,
		    struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = ATTEMPT_NS};

	forget_present(agent, confirm);
	if (confirm->replaced_count)
		return transaction_swap(agent, confirm->patch, confirm->replaced,
					confirm->replaced_count, &options, result, err);
	return transaction_revert(agent, confirm->patch->name, &options, result, err);
}

static void resume(struct agent *agent, struct patch *patch, bool count)
{
	struct transaction_options options = {.timeout_ns = 10ULL * ATTEMPT_NS, .count = count};
	struct transaction_result result = {0};
	struct suture_error err;
	const char *text = NULL;
	int rc = transaction_resume(agent, patch, &options, &result, &err);

	if (!rc)
		text = result.pending ? "waits again, since its successor was not confirmed"
				      : "back, since its successor was not confirmed";
	events_add(&agent->events, &(struct event_note){.what = "apply",
							.name = result.name,
							.hash = result.hash,
							.err = rc ? &err : NULL,
							.text = text,
							.pause_us = result.pause_us});
	transaction_result_fini(&result);
}

/* What it replaced, one by one: it was taken out alone. What does not come back is told. */
static void bring_back(struct agent *agent, const struct confirm *confirm)
{
	for (size_t i = 0; i < confirm->replaced_count; i++)
		resume(agent, confirm->replaced[i], confirm->replaced[i]->counters != NULL);
}

static void let_wait_again(struct agent *agent, const struct confirm *confirm)
{
	for (size_t i = 0; i < confirm->dropped_count; i++)
		if (confirm->dropped[i].patch->state == PATCH_REVERTED)
			resume(agent, confirm->dropped[i].patch, confirm->dropped[i].count);
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
	/* Its module may have gone just now, and it with that: told already. */
	if (worth_telling(rc, confirm->attempts) && (!rc || confirm->patch->order))
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

		confirm->due_us =
			confirm_now_us() + (wait < RETRY_LONGEST_US ? wait : RETRY_LONGEST_US);
	}
	pthread_mutex_unlock(&agent->lock);
	if (confirm->state == CONFIRM_REVERTED && alone)
		bring_back(agent, confirm);
	if (confirm->state == CONFIRM_REVERTED)
		let_wait_again(agent, confirm);
}

bool confirm_lost(struct agent *agent, struct patch *patch)
{
	struct confirm *confirm;
	bool lost;

	pthread_mutex_lock(&agent->lock);
	confirm = (struct confirm *)confirm_of(agent, patch);
	lost = confirm && confirm_is_open(confirm);
	if (lost)
		confirm->state = CONFIRM_LOST;
	pthread_mutex_unlock(&agent->lock);
	return lost;
}

void confirm_settle(struct agent *agent)
{
	for (struct confirm *confirm = agent->confirms; confirm; confirm = confirm->next) {
		if (confirm->state != CONFIRM_LOST)
			continue;
		pthread_mutex_lock(&agent->lock);
		confirm->state = CONFIRM_REVERTED;
		pthread_mutex_unlock(&agent->lock);
		forget_present(agent, confirm);
		bring_back(agent, confirm);
		let_wait_again(agent, confirm);
	}
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
