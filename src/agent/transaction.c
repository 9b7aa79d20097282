/* SPDX-License-Identifier: MIT */
/* What apply, revert and check have in common; see transaction.h. Runs on the worker. */
#include "agent/transaction_internal.h"

#include "agent/blockers.h"
#include "agent/commit.h"
#include "agent/gone.h"
#include "agent/hooks.h"
#include "agent/migration.h"
#include "agent/residency.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t transaction_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void transaction_result_fini(struct transaction_result *result)
{
	free(result->tiers);
	free(result->blockers);
	free(result->replaced);
	*result = (struct transaction_result){0};
}

void transaction_name(struct transaction_result *result, const struct patch_file *file)
{
	snprintf(result->name, sizeof(result->name), "%s", file->name);
	hash_text(file->hash, result->hash);
	result->functions = file->functions.count;
	result->data = 0;
	for (size_t i = 0; i < file->data.count; i++)
		result->data += patch_data_is_written(&file->data.records[i]);
}

void transaction_figures(struct transaction_result *result, const struct stop_result *stopped)
{
	result->rung = stopped->rung;
	result->threads = stopped->threads;
	result->attempts = stopped->attempts;
	result->pause_us = (stopped->pause_ns + 999) / 1000;
}

bool transaction_begin(struct agent *agent, const struct patch_file *file,
		       struct transaction_result *result)
{
	const struct patch *patch;

	*result = (struct transaction_result){0};
	transaction_name(result, file);
	/* What can't be settled now is in nobody's way: its modules are gone. */
	gone_settle(agent, NULL);
	patch = agent_find_hash(agent, file->hash);
	return patch && patch->state == PATCH_APPLIED;
}

int transaction_set_state(struct agent *agent, struct patch *patch, enum patch_state state,
			  struct suture_error *err)
{
	int rc;

	pthread_mutex_lock(&agent->lock);
	rc = patch_set_state(patch, state, err);
	if (!rc && state == PATCH_APPLIED && !patch->order) {
		patch->order = agent->next_order++;
		clock_gettime(CLOCK_REALTIME, &patch->applied_at);
		agent->applied++;
	}
	if (!rc && state == PATCH_REVERTED && patch->order) {
		patch->order = 0;
		agent->applied--;
	}
	pthread_mutex_unlock(&agent->lock);
	return rc;
}

void transaction_keep(struct plan *plan)
{
	pthread_mutex_lock(&plan->agent->lock);
	plan->add->next = plan->agent->patches;
	plan->agent->patches = plan->add;
	pthread_mutex_unlock(&plan->agent->lock);
	plan->fresh = false;
}

static void count_pause(struct agent *agent, const struct stop_result *stopped)
{
	pthread_mutex_lock(&agent->lock);
	pauses_add(&agent->pauses, stopped->pause_ns);
	snprintf(agent->last_rung, sizeof(agent->last_rung), "%s", stop_rung_name(stopped->rung));
	pthread_mutex_unlock(&agent->lock);
}

static void look_for_old_code(struct plan *plan)
{
	struct stop_result stopped = {0};
	long threads = residency_look(plan, &stopped);

	if (threads >= 0)
		count_pause(plan->agent, &stopped);
	pthread_mutex_lock(&plan->agent->lock);
	plan->add->old_threads = threads;
	pthread_mutex_unlock(&plan->agent->lock);
}

/* Where a patch goes when its commit was given up. */
static enum patch_state state_before(const struct plan *plan, const struct patch *patch, int rc)
{
	if (rc == -(int)SUTURE_E_UNCERTAIN)
		return PATCH_BROKEN;
	if (plan_goes(plan, patch))
		return PATCH_APPLIED;
	return patch == plan->add ? plan->was : PATCH_REVERTED;
}

/* pre_ hooks: any may veto. What ran before a veto ran; the state is as before. */
static int run_pre_hooks(struct plan *plan, struct suture_error *err)
{
	int rc = fault_at("plan.hooks", err);

	for (size_t i = 0; !rc && !plan->unasked && i < plan->remove_count; i++)
		rc = hooks_run(plan->remove[i], FORMAT_HOOK_PRE_REVERT, err);
	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++) {
		hooks_construct(plan_comes(plan, c));
		rc = hooks_run(plan_comes(plan, c), FORMAT_HOOK_PRE_APPLY, err);
	}
	return rc;
}

/* All of them; the first that fails is reported. What that means is the caller's to say. */
static int run_post_hooks(struct plan *plan, struct transaction_result *result,
			  struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !plan->hookless && i < plan->remove_count; i++) {
		int one = hooks_run(plan->remove[i], FORMAT_HOOK_POST_REVERT, rc ? NULL : err);

		rc = rc ? rc : one;
	}
	for (size_t c = 0; c < plan_comes_count(plan); c++) {
		int one = hooks_run(plan_comes(plan, c), FORMAT_HOOK_POST_APPLY, rc ? NULL : err);

		result->post_apply_failed |= one != 0;
		rc = rc ? rc : one;
	}
	return rc;
}

static int enter_states(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	if (plan->add)
		plan->was = plan->add->state;
	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++)
		rc = transaction_set_state(plan->agent, plan_comes(plan, c), PATCH_APPLYING, err);
	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = transaction_set_state(plan->agent, plan->remove[i], PATCH_REVERTING, err);
	return rc;
}

static void leave_states(struct plan *plan, int rc)
{
	/* Jumps may lead to it: it must not be unloaded. */
	if (plan->add && rc == -(int)SUTURE_E_UNCERTAIN)
		plan->add->ran = true;
	for (size_t c = 0; c < plan_comes_count(plan); c++) {
		struct patch *patch = plan_comes(plan, c);

		if (patch->state == PATCH_APPLYING)
			transaction_set_state(plan->agent, patch,
					      rc ? state_before(plan, patch, rc) : PATCH_APPLIED,
					      NULL);
	}
	for (size_t i = 0; i < plan->remove_count; i++)
		if (plan->remove[i]->state == PATCH_REVERTING)
			transaction_set_state(plan->agent, plan->remove[i],
					      rc ? state_before(plan, plan->remove[i], rc)
						 : PATCH_REVERTED,
					      NULL);
}

/* What has been waited for is not waited for again. */
static void take_time(struct transaction_options *options, uint64_t since_us)
{
	uint64_t spent_ns = (transaction_now_us() - since_us) * 1000;

	options->timeout_ns = options->timeout_ns > spent_ns ? options->timeout_ns - spent_ns : 0;
}

/* At the safe point; again when more objects were born than memory was reserved for. */
static int commit_migrating(struct plan *plan, const struct transaction_options *options,
			    struct stop_result *stopped, struct suture_error *err)
{
	uint64_t begun = transaction_now_us();
	struct transaction_options left;
	int rc;

	do {
		left = *options;
		left.rung = STOP_RUNG_SAFEPOINT;
		take_time(&left, begun);
		rc = migration_begin(plan, left.timeout_ns, err);
		if (!rc)
			rc = commit_run(plan, &left, stopped, err);
	} while (rc && migration_was_short(plan) && left.timeout_ns);
	migration_end(plan, rc == 0);
	return rc;
}

/* From a built plan to its effect; the plan is finished by the caller. */
int transaction_carry_out(struct plan *plan, const struct transaction_options *options,
			  uint64_t started_us, struct transaction_result *result,
			  struct suture_error *err)
{
	struct transaction_options left = *options;
	struct stop_result stopped = {0};
	uint64_t begun;
	int rc = run_pre_hooks(plan, err);

	if (rc)
		return rc;
	begun = transaction_now_us();
	rc = scoping_begin(plan, options->timeout_ns, err);
	if (!rc)
		rc = enter_states(plan, err);
	if (!rc) {
		take_time(&left, begun);
		result->prepare_us = transaction_now_us() - started_us;
		rc = migration_wanted(plan) ? commit_migrating(plan, &left, &stopped, err)
					    : commit_run(plan, &left, &stopped, err);
		transaction_figures(result, &stopped);
	}
	scoping_end(plan, rc);
	leave_states(plan, rc);
	if (rc) {
		blockers_describe(plan, stopped.blockers, stopped.blocker_count, result);
		return blockers_explain(result, rc, err);
	}
	if (plan->add)
		plan->add->ran = true;
	count_pause(plan->agent, &stopped);
	if (plan->add && plan->count)
		look_for_old_code(plan);
	result->changed = true;
	return run_post_hooks(plan, result, err);
}
