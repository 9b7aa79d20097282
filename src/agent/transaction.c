/* SPDX-License-Identifier: MIT */
/* Apply, revert, check: see transaction.h. Runs on the worker. */
#include "agent/transaction.h"

#include "agent/commit.h"
#include "agent/hooks.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/probe.h"
#include "image/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void transaction_result_fini(struct transaction_result *result)
{
	free(result->tiers);
	free(result->blockers);
	*result = (struct transaction_result){0};
}

static void name_result(struct transaction_result *result, const struct patch_file *file)
{
	snprintf(result->name, sizeof(result->name), "%s", file->name);
	hash_text(file->hash, result->hash);
	result->functions = file->functions.count;
}

/* Blockers in words. Names are for people: where memory is short they stay out. */
static void describe_blockers(const struct plan *plan, const struct stop_blocker *blockers,
			      unsigned count, struct transaction_result *result)
{
	result->blockers = calloc(count + 1, sizeof(*result->blockers));
	if (!result->blockers)
		return;
	for (unsigned i = 0; i < count; i++) {
		const struct stop_blocker *from = &blockers[i];
		struct transaction_blocker *to = &result->blockers[result->blocker_count++];

		to->tid = from->tid;
		memcpy(to->thread, from->comm, sizeof(to->thread));
		to->thread[sizeof(to->thread) - 1] = '\0';
		to->reason = stop_reason_text(from->reason);
		to->since_us = from->since_ns / 1000;
		if (from->reason == STOP_REASON_FUNCTION)
			snprintf(to->function, sizeof(to->function), "%s",
				 plan->busy_names[from->tag]);
		for (unsigned d = 0; d < from->depth && d < TRANSACTION_BLOCKER_FRAMES; d++) {
			names_describe(&plan->image, from->backtrace[d], d == 0, to->backtrace[d],
				       TRANSACTION_FRAME_TEXT);
			to->depth++;
		}
	}
}

/* One sentence that names the thread and the function, in front of what the stop said. */
static int explain_busy(struct transaction_result *result, int rc, struct suture_error *err)
{
	const struct transaction_blocker *first = result->blockers;

	/* What is not permitted, or was not come to, has been said better. */
	if (!result->blocker_count || !err || rc == -(int)SUTURE_E_PERMISSION ||
	    rc == -(int)SUTURE_E_TIMEOUT)
		return rc;
	if (first->function[0])
		error_set(err, err->code, "thread %d (%s) is inside %s after %u attempts",
			  first->tid, first->thread, first->function, result->attempts);
	else
		error_set(err, err->code, "thread %d (%s): %s, after %u attempts", first->tid,
			  first->thread, first->reason, result->attempts);
	error_next(err, "try again, with a longer --timeout, or when that thread has gone on");
	return rc;
}

static void take_figures(struct transaction_result *result, const struct stop_result *stopped)
{
	result->rung = stopped->rung;
	result->threads = stopped->threads;
	result->attempts = stopped->attempts;
	result->pause_us = (stopped->pause_ns + 999) / 1000;
}

static int set_state(struct agent *agent, struct patch *patch, enum patch_state state,
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

static void keep(struct agent *agent, struct patch *patch)
{
	pthread_mutex_lock(&agent->lock);
	for (struct patch *each = agent->patches; each; each = each->next)
		if (each == patch) {
			pthread_mutex_unlock(&agent->lock);
			return;
		}
	patch->next = agent->patches;
	agent->patches = patch;
	pthread_mutex_unlock(&agent->lock);
}

static void count_pause(struct agent *agent, const struct stop_result *stopped)
{
	pthread_mutex_lock(&agent->lock);
	pauses_add(&agent->pauses, stopped->pause_ns);
	snprintf(agent->last_rung, sizeof(agent->last_rung), "%s", stop_rung_name(stopped->rung));
	pthread_mutex_unlock(&agent->lock);
}

/* Where a patch goes when its commit was given up. */
static enum patch_state state_before(const struct patch *patch, bool applying, int rc)
{
	if (rc == -(int)SUTURE_E_UNCERTAIN)
		return PATCH_BROKEN;
	if (!applying)
		return PATCH_APPLIED;
	return patch->applied_at.tv_sec ? PATCH_REVERTED : PATCH_LOADED;
}

/* pre_ hooks: any may veto. What ran before a veto ran; the state is as before. */
static int run_pre_hooks(struct plan *plan, struct suture_error *err)
{
	int rc = fault_injected("plan.hooks")
			 ? error_set(err, SUTURE_E_INTERNAL, "fault injected at plan.hooks")
			 : 0;

	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = hooks_run(plan->remove[i], FORMAT_HOOK_PRE_REVERT, err);
	if (!rc && plan->add) {
		hooks_construct(plan->add);
		rc = hooks_run(plan->add, FORMAT_HOOK_PRE_APPLY, err);
	}
	return rc;
}

/* post_ hooks can only be reported: the switch has happened. */
static int run_post_hooks(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < plan->remove_count; i++) {
		int one = hooks_run(plan->remove[i], FORMAT_HOOK_POST_REVERT, rc ? NULL : err);

		rc = rc ? rc : one;
	}
	if (plan->add) {
		int one = hooks_run(plan->add, FORMAT_HOOK_POST_APPLY, rc ? NULL : err);

		rc = rc ? rc : one;
	}
	return rc;
}

static int enter_states(struct plan *plan, struct suture_error *err)
{
	int rc = plan->add ? set_state(plan->agent, plan->add, PATCH_APPLYING, err) : 0;

	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = set_state(plan->agent, plan->remove[i], PATCH_REVERTING, err);
	return rc;
}

static void leave_states(struct plan *plan, int rc)
{
	/* Jumps may lead to it: it must not be unloaded. */
	if (plan->add && rc == -(int)SUTURE_E_UNCERTAIN)
		plan->add->ran = true;
	if (plan->add && plan->add->state == PATCH_APPLYING)
		set_state(plan->agent, plan->add,
			  rc ? state_before(plan->add, true, rc) : PATCH_APPLIED, NULL);
	for (size_t i = 0; i < plan->remove_count; i++)
		if (plan->remove[i]->state == PATCH_REVERTING)
			set_state(plan->agent, plan->remove[i],
				  rc ? state_before(plan->remove[i], false, rc) : PATCH_REVERTED,
				  NULL);
}

/* From a built plan to its effect; the plan is finished by the caller. */
static int carry_out(struct plan *plan, const struct transaction_options *options,
		     uint64_t started_us, struct transaction_result *result,
		     struct suture_error *err)
{
	struct stop_result stopped = {0};
	int rc = run_pre_hooks(plan, err);

	if (rc)
		return rc;
	rc = enter_states(plan, err);
	if (!rc) {
		result->prepare_us = now_us() - started_us;
		rc = commit_run(plan, options, &stopped, err);
		take_figures(result, &stopped);
	}
	leave_states(plan, rc);
	if (rc) {
		describe_blockers(plan, stopped.blockers, stopped.blocker_count, result);
		return explain_busy(result, rc, err);
	}
	if (plan->add)
		plan->add->ran = true;
	count_pause(plan->agent, &stopped);
	result->changed = true;
	return run_post_hooks(plan, err);
}

/* All applied patches, for --replace. The caller frees *patches. */
static int all_applied(const struct agent *agent, struct patch ***patches, size_t *count,
		       struct suture_error *err)
{
	struct patch **list = calloc(agent->applied + 1, sizeof(struct patch *));

	if (!list)
		return error_no_memory(err);
	for (struct patch *patch = agent->patches; patch; patch = patch->next)
		if (patch->state == PATCH_APPLIED)
			list[(*count)++] = patch;
	*patches = list;
	return 0;
}

/* Names are the operators' handles: one applied patch of a name. */
static int check_name(const struct agent *agent, const struct patch_file *file, bool replace,
		      struct suture_error *err)
{
	const struct patch *other = agent_find(agent, file->name);

	if (!other || other->state != PATCH_APPLIED || replace)
		return 0;
	error_set(err, SUTURE_E_NAME_TAKEN, "another patch named %s is applied", file->name);
	return error_next(err, "revert %s first, or apply with --replace", file->name);
}

static bool is_applied(const struct agent *agent, const struct patch_file *file)
{
	const struct patch *patch = agent_find_hash(agent, file->hash);

	return patch && patch->state == PATCH_APPLIED;
}

/* Plans what apply and check share. *file is taken over on success. */
static int plan_apply(struct plan *plan, struct patch_file *file,
		      const struct transaction_options *options, struct suture_error *err)
{
	struct patch **replaced = NULL;
	size_t count = 0;
	int rc = check_name(plan->agent, file, options->replace, err);

	plan->count = options->count;
	if (!rc && options->replace) {
		rc = all_applied(plan->agent, &replaced, &count, err);
		if (!rc)
			rc = plan_remove(plan, replaced, count, err);
	}
	if (!rc)
		rc = plan_add(plan, file, err);
	if (!rc && plan->add->state == PATCH_BROKEN)
		rc = error_set(err, SUTURE_E_UNCERTAIN, "%s is in an uncertain state",
			       plan->add->name);
	if (!rc)
		rc = plan_build(plan, err);
	free(replaced);
	return rc;
}

int transaction_apply(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err)
{
	uint64_t started = now_us();
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	name_result(result, file);
	if (is_applied(agent, file)) {
		patch_file_fini(file);
		return 0;
	}
	probe2(apply_start, result->name, result->hash);
	plan_init(&plan, agent);
	rc = plan_apply(&plan, file, options, err);
	if (!rc)
		rc = carry_out(&plan, options, started, result, err);
	/* Anything of it ran, or will: from now on it is part of the process. */
	if (plan.fresh && (plan.committed || plan.add->ran))
		keep(agent, plan.add);
	plan_fini(&plan);
	patch_file_fini(file);
	result->total_us = now_us() - started;
	probe3(apply_end, result->name, -rc, result->pause_us);
	log_info("apply %s: %s", result->name,
		 rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

static int find_for_revert(struct agent *agent, const char *name, struct patch **patch,
			   struct transaction_result *result, struct suture_error *err)
{
	*patch = agent_find(agent, name);
	if (!*patch || (*patch)->state == PATCH_LOADED) {
		error_set(err, SUTURE_E_NOT_APPLIED, "no patch named %s was ever applied here",
			  name);
		return error_next(err, "see suture list for those that are");
	}
	name_result(result, &(*patch)->file);
	if ((*patch)->state == PATCH_BROKEN)
		return error_set(err, SUTURE_E_UNCERTAIN, "%s is in an uncertain state", name);
	return 0;
}

/* Nobody may be left standing on a patch that goes. */
static int check_dependents(const struct agent *agent, const struct patch *patch,
			    struct suture_error *err)
{
	for (const struct patch *other = agent->patches; other; other = other->next)
		for (size_t i = 0; i < other->file.depends.count; i++) {
			if (other->state != PATCH_APPLIED ||
			    memcmp(other->file.depends.records[i].hash, patch->file.hash,
				   FORMAT_HASH_SIZE) != 0)
				continue;
			error_set(err, SUTURE_E_DEPENDENCY, "%s is built on %s", other->name,
				  patch->name);
			return error_next(err, "revert %s first", other->name);
		}
	return 0;
}

int transaction_revert(struct agent *agent, const char *name,
		       const struct transaction_options *options, struct transaction_result *result,
		       struct suture_error *err)
{
	uint64_t started = now_us();
	struct patch *patch;
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	snprintf(result->name, sizeof(result->name), "%s", name);
	rc = find_for_revert(agent, name, &patch, result, err);
	if (rc || patch->state == PATCH_REVERTED)
		return rc;
	probe2(revert_start, result->name, result->hash);
	plan_init(&plan, agent);
	rc = check_dependents(agent, patch, err);
	if (!rc)
		rc = plan_remove(&plan, &patch, 1, err);
	if (!rc)
		rc = plan_build(&plan, err);
	if (!rc)
		rc = carry_out(&plan, options, started, result, err);
	plan_fini(&plan);
	result->total_us = now_us() - started;
	probe3(revert_end, result->name, -rc, result->pause_us);
	log_info("revert %s: %s", name, rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

static int copy_file(const struct patch_file *file, struct patch_file *copy,
		     struct suture_error *err)
{
	uint8_t *bytes = malloc(file->size);

	if (!bytes)
		return error_no_memory(err);
	memcpy(bytes, file->bytes, file->size);
	return patch_file_parse(bytes, file->size, file->name, copy, err);
}

int transaction_swap(struct agent *agent, struct patch *out, struct patch *in,
		     const struct transaction_options *options, struct transaction_result *result,
		     struct suture_error *err)
{
	uint64_t started = now_us();
	struct patch_file file;
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	name_result(result, out ? &out->file : &in->file);
	rc = copy_file(&in->file, &file, err);
	if (rc)
		return rc;
	plan_init(&plan, agent);
	if (out)
		rc = check_dependents(agent, out, err);
	if (!rc)
		rc = plan_remove(&plan, &out, out ? 1 : 0, err);
	if (!rc)
		rc = plan_add(&plan, &file, err);
	if (!rc)
		rc = plan_build(&plan, err);
	if (!rc)
		rc = carry_out(&plan, options, started, result, err);
	plan_fini(&plan);
	patch_file_fini(&file);
	result->total_us = now_us() - started;
	log_info("%s back in: %s", in->name,
		 rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

static void list_tiers(const struct plan *plan, struct transaction_result *result)
{
	const struct patch_file *file = &plan->add->file;

	result->tiers = calloc(file->functions.count + 1, sizeof(*result->tiers));
	for (size_t i = 0; result->tiers && i < file->functions.count; i++) {
		struct transaction_tier *tier = &result->tiers[result->tier_count++];

		snprintf(tier->name, sizeof(tier->name), "%s",
			 patch_file_string(file, file->functions.records[i].name_ref));
		tier->tier = plan_tier(plan, i);
	}
}

/*
 * What the look took while threads were held, and what a commit adds: closing, filling and opening
 * the gate synchronises all processors each time, and sleepers are looked at a second time.
 */
static uint64_t predict_pause_us(const struct plan *plan, const struct stop_result *stopped)
{
	enum { SYNCS = 3, LOOK_AT_SLEEPER_NS = 3000 };
	uint64_t started = now_us();

	for (int i = 0; i < SYNCS; i++)
		code_writer_sync_stopped(&plan->agent->writer);
	return stopped->pause_ns / 1000 + (now_us() - started) +
	       stopped->asleep * LOOK_AT_SLEEPER_NS / 1000 + 1;
}

/* Looks at all threads once and lets them go: who would be in the way, and how long it took. */
static int look(struct plan *plan, const struct transaction_options *options,
		struct transaction_result *result, struct suture_error *err)
{
	struct stop_request request = {
		.unwind = plan->agent->unwind,
		.busy = plan->busy,
		.busy_count = plan->busy_count,
		.rung = options->rung,
		.timeout_ns = options->timeout_ns,
	};
	struct stop_blocker blockers[STOP_MAX_BLOCKERS];
	struct stop_result stopped = {0};
	struct stop_thread *threads = NULL;
	unsigned blocker_count = 0;
	size_t count = 0;
	int rc = stop_inspect(&request, &threads, &count, &stopped, err);

	take_figures(result, &stopped);
	result->predicted_pause_us = predict_pause_us(plan, &stopped);
	for (size_t i = 0; !rc && i < count && blocker_count < STOP_MAX_BLOCKERS; i++)
		if (threads[i].view.reason != STOP_REASON_NONE)
			blockers[blocker_count++] = threads[i].view;
	free(threads);
	if (rc)
		return rc;
	describe_blockers(plan, blockers, blocker_count, result);
	if (!blocker_count)
		return 0;
	rc = error_set(err, SUTURE_E_BUSY_STACK, "busy right now");
	return explain_busy(result, rc, err);
}

int transaction_check(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err)
{
	uint64_t started = now_us();
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	name_result(result, file);
	if (is_applied(agent, file)) {
		patch_file_fini(file);
		return 0;
	}
	plan_init(&plan, agent);
	rc = plan_apply(&plan, file, options, err);
	if (!rc) {
		list_tiers(&plan, result);
		result->prepare_us = now_us() - started;
		rc = look(&plan, options, result, err);
	}
	plan_fini(&plan);
	patch_file_fini(file);
	result->total_us = now_us() - started;
	return rc;
}
