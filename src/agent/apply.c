/* SPDX-License-Identifier: MIT */
/* Apply; see transaction.h. Runs on the worker. */
#include "agent/gone.h"
#include "agent/pending.h"
#include "agent/transaction_internal.h"
#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int latest_first(const void *a, const void *b)
{
	const struct patch *left = *(struct patch *const *)a, *right = *(struct patch *const *)b;

	return left->order > right->order ? -1 : left->order < right->order;
}

/* All applied patches, for --replace: as they would be taken out. The caller frees *patches. */
static int all_applied(const struct agent *agent, struct patch ***patches, size_t *count,
		       struct suture_error *err)
{
	struct patch **list = calloc(agent->applied + 1, sizeof(struct patch *));

	if (!list)
		return error_no_memory(err);
	for (struct patch *patch = agent->patches; patch; patch = patch->next)
		if (patch->state == PATCH_APPLIED)
			list[(*count)++] = patch;
	qsort(list, *count, sizeof(*list), latest_first);
	*patches = list;
	return 0;
}

int transaction_check_name(const struct agent *agent, const struct patch_file *file,
			   const struct patch *goes, struct suture_error *err)
{
	const struct patch *other = agent->patches;

	while (other && (other == goes || strcmp(other->name, file->name) != 0 ||
			 (other->state != PATCH_APPLIED && other->state != PATCH_PENDING) ||
			 memcmp(other->file.hash, file->hash, FORMAT_HASH_SIZE) == 0))
		other = other->next;
	if (!other)
		return 0;
	error_set(err, SUTURE_E_NAME_TAKEN, "another patch named %s is %s", file->name,
		  patch_state_name(other->state));
	return error_next(err, "revert %s first, or apply with --replace", file->name);
}

int transaction_plan(struct plan *plan, struct patch_file *file,
		     const struct transaction_options *options, struct suture_error *err)
{
	struct patch **replaced = NULL;
	size_t count = 0;
	int rc = options->replace ? 0 : transaction_check_name(plan->agent, file, NULL, err);

	plan->count = options->count;
	if (!rc && !scope_wish_is_empty(&options->scope))
		rc = scoping_plan(plan, file, &options->scope, err);
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
	if (!rc && plan->missing && (options->replace || options->at_once || plan->scope)) {
		error_set(err, SUTURE_E_UNSUPPORTED, "%s has to wait for %s, and can't %s then",
			  plan->add->name, plan->missing,
			  options->replace ? "replace others"
			  : plan->scope	   ? "be scoped"
					   : "be confirmed");
		rc = error_next(err, "apply it without --%s, or when that is loaded",
				options->replace ? "replace"
				: plan->scope	 ? "scope"
						 : "confirm-within");
	}
	if (!rc && !plan->missing)
		rc = plan_build(plan, err);
	free(replaced);
	return rc;
}

/* It can't be put in yet: on the list of those that wait, if it is not there already. */
static int wait(struct plan *plan, const struct transaction_options *options, uint64_t generation,
		struct transaction_result *result, struct suture_error *err)
{
	const char *missing = plan->missing ? plan->missing : "";
	int rc = 0;

	result->pending = true;
	snprintf(result->waits, sizeof(result->waits), "%s", missing);
	if (plan->add->state == PATCH_PENDING)
		return 0;
	/* With nothing missing it is due at once. */
	rc = pending_keep(plan->agent, plan->add, options,
			  plan->missing ? generation : generation - 1, missing, err);
	if (rc)
		return rc;
	if (plan->fresh)
		transaction_keep(plan);
	modules_watch(plan->agent);
	result->changed = true;
	return 0;
}

/* Can what it is in be unloaded again? Then somebody must notice. */
static void watch_modules_of(struct agent *agent, const struct patch *patch)
{
	for (size_t i = 0; i < patch->file.modules.count; i++)
		if (!(patch->file.modules.records[i].flags & FORMAT_MODULE_EXECUTABLE)) {
			modules_watch(agent);
			return;
		}
}

/* Patches that wait are replaced like those in force. */
static void drop_pending(struct agent *agent)
{
	while (agent->pending) {
		struct patch *patch = agent->pending->patch;

		transaction_set_state(agent, patch, PATCH_REVERTED, NULL);
		pending_drop(agent, patch);
	}
}

/*
 * One goes, and those come that were in force before, in[0] the lowest. unasked: pre_revert of what
 * goes has no say.
 */
static int swap(struct agent *agent, struct patch *out, struct patch *const *in, size_t in_count,
		bool unasked, const struct transaction_options *options,
		struct transaction_result *result, struct suture_error *err)
{
	uint64_t started = transaction_now_us();
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	transaction_name(result, &out->file);
	gone_settle(agent, NULL);
	plan_init(&plan, agent);
	plan.unasked = unasked;
	plan.recount = true;
	if (out->state != PATCH_APPLIED)
		rc = error_set(err, SUTURE_E_NOT_APPLIED, "%s is not in force any more", out->name);
	else
		rc = transaction_check_dependents(agent, out, err);
	if (!rc)
		rc = plan_remove(&plan, &out, 1, err);
	if (!rc)
		rc = scoping_plan_again(&plan, in[0], err);
	if (!rc)
		rc = plan_add_known(&plan, in[0], err);
	if (!rc && plan.missing)
		rc = error_set(err, SUTURE_E_UNSUPPORTED, "%s has to wait for %s", in[0]->name,
			       plan.missing);
	if (!rc)
		rc = plan_add_more(&plan, in + 1, in_count - 1, err);
	if (!rc)
		rc = plan_build(&plan, err);
	if (!rc)
		rc = transaction_carry_out(&plan, options, started, result, err);
	plan_fini(&plan);
	result->total_us = transaction_now_us() - started;
	log_info("%s back in: %s", in[0]->name,
		 rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

/*
 * What was replaced comes back as the plan's patch goes, in one commit. False: it could not be done
 * so, and nothing was changed.
 */
static bool take_back_at_once(struct plan *plan, const struct transaction_options *options,
			      struct suture_error *err)
{
	size_t count = plan->remove_count;
	struct patch **in = calloc(count + 1, sizeof(*in));
	struct transaction_result result;
	struct suture_error why;
	bool changed;
	int rc;

	/* The lowest first: as they were taken out, from behind. */
	for (size_t i = 0; in && i < count; i++)
		in[i] = plan->remove[count - 1 - i];
	if (!in || !count) {
		free(in);
		return false;
	}
	rc = swap(plan->agent, plan->add, in, count, true, options, &result, &why);
	changed = result.changed;
	if (changed && rc)
		error_context(err, "what it had replaced is back, and said: %s", why.message);
	transaction_result_fini(&result);
	free(in);
	return changed;
}

/*
 * post_apply said no, when the switch had happened: the patch is taken back, and what it had
 * replaced is put in again, in the same commit where that can be. err says what it said, and how
 * that went.
 */
static int take_back(struct plan *plan, const struct transaction_options *options,
		     struct transaction_result *result, struct suture_error *err)
{
	struct agent *agent = plan->agent;
	bool at_once = take_back_at_once(plan, options, err);
	struct suture_error why;
	int rc = at_once ? 0 : transaction_withdraw(agent, &plan->add, 1, true, options, &why);

	if (rc) {
		error_context(err, "%s stays applied, it could not be taken back (%s)",
			      plan->add->name, why.message);
		error_next(err, "revert it");
		return -(int)SUTURE_E_HOOK_FAILED;
	}
	for (size_t i = plan->remove_count; !at_once && i > 0; i--) {
		struct patch *patch = plan->remove[i - 1];
		struct transaction_options own = *options;
		struct transaction_result again;

		own.replace = false;
		own.count = patch->counters != NULL;
		rc = transaction_resume(agent, patch, &own, &again, &why);
		transaction_result_fini(&again);
		if (rc)
			error_context(err, "%s, which it had replaced, is out (%s)", patch->name,
				      why.message);
	}
	result->changed = false;
	error_context(err, "%s was taken back", plan->add->name);
	return -(int)SUTURE_E_HOOK_FAILED;
}

static int finish(struct plan *plan, const struct transaction_options *options, uint64_t started,
		  uint64_t generation, struct transaction_result *result, struct suture_error *err)
{
	int rc;

	if (plan->missing || options->kept)
		return wait(plan, options, generation, result, err);
	rc = transaction_carry_out(plan, options, started, result, err);
	/* Anything of it ran, or will: from now on it is part of the process. */
	if (plan->fresh && (plan->committed || plan->add->ran))
		transaction_keep(plan);
	if (!plan->committed)
		return rc;
	plan->add->late = pending_find(plan->agent, plan->add) != NULL;
	pending_drop(plan->agent, plan->add);
	if (result->post_apply_failed)
		return take_back(plan, options, result, err);
	if (options->replace)
		drop_pending(plan->agent);
	watch_modules_of(plan->agent, plan->add);
	return rc;
}

/*
 * It failed for a reason that passes: from now on it waits, and pending_settle() tries again.
 * False: it could not be kept, and the reason stands.
 */
static bool persist(struct plan *plan, const struct transaction_options *options,
		    struct transaction_result *result)
{
	return plan->add && !plan->committed &&
	       wait(plan, options, modules_generation(), result, NULL) == 0;
}

int transaction_is_met(const struct agent *agent, const struct patch_file *file,
		       const struct transaction_options *options, struct suture_error *err)
{
	const struct patch *patch = agent_find_hash(agent, file->hash), *other = agent->patches;
	int rc = scoping_is_met(patch, &options->scope, err);

	if (rc || !options->replace)
		return rc;
	while (other &&
	       (other == patch || (other->state != PATCH_APPLIED && other->state != PATCH_PENDING)))
		other = other->next;
	if (!other)
		return 0;
	error_set(err, SUTURE_E_NAME_TAKEN, "%s is applied already, and %s is %s beside it",
		  patch->name, other->name, patch_state_name(other->state));
	return error_next(err, "revert what is not to stay: suture revert %s", other->name);
}

/* With --replace all go that are in force or wait: nobody shall have to guess which. */
static int name_replaced(const struct agent *agent, const struct patch *by,
			 struct transaction_result *result, struct suture_error *err)
{
	size_t room = 0;

	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		room++;
	result->replaced = calloc(room + 1, sizeof(*result->replaced));
	if (!result->replaced)
		return error_no_memory(err);
	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		if (patch != by && (patch->state == PATCH_APPLIED || patch->state == PATCH_PENDING))
			snprintf(result->replaced[result->replaced_count++],
				 sizeof(*result->replaced), "%s", patch->name);
	return 0;
}

int transaction_apply(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err)
{
	uint64_t started = transaction_now_us(), generation = modules_generation();
	struct plan plan;
	int rc;

	if (transaction_begin(agent, file, result)) {
		rc = transaction_is_met(agent, file, options, err);
		patch_file_fini(file);
		return rc;
	}
	probe2(apply_start, result->name, result->hash);
	plan_init(&plan, agent);
	rc = transaction_plan(&plan, file, options, err);
	if (!rc && options->replace)
		rc = name_replaced(agent, plan.add, result, err);
	if (!rc)
		rc = finish(&plan, options, started, generation, result, err);
	if (rc && (options->kept || options->persists) && suture_code_retryable(err->code) &&
	    persist(&plan, options, result))
		rc = 0;
	plan_fini(&plan);
	patch_file_fini(file);
	result->total_us = transaction_now_us() - started;
	probe3(apply_end, result->name, -rc, result->pause_us);
	log_info("apply %s: %s", result->name,
		 rc		   ? suture_code_name((enum suture_code) - rc)
		 : result->pending ? "pending"
				   : "done");
	return rc;
}

int transaction_resume(struct agent *agent, struct patch *patch,
		       const struct transaction_options *options, struct transaction_result *result,
		       struct suture_error *err)
{
	uint64_t started = transaction_now_us(), generation = modules_generation();
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	transaction_name(result, &patch->file);
	plan_init(&plan, agent);
	plan.count = options->count;
	rc = transaction_check_name(agent, &patch->file, NULL, err);
	if (!rc)
		rc = scoping_plan_again(&plan, patch, err);
	if (!rc)
		rc = plan_add_known(&plan, patch, err);
	if (!rc && !plan.missing)
		rc = plan_build(&plan, err);
	if (!rc)
		rc = finish(&plan, options, started, generation, result, err);
	plan_fini(&plan);
	result->total_us = transaction_now_us() - started;
	log_info("%s back in: %s", patch->name,
		 rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

int transaction_swap(struct agent *agent, struct patch *out, struct patch *const *in, size_t count,
		     const struct transaction_options *options, struct transaction_result *result,
		     struct suture_error *err)
{
	return swap(agent, out, in, count, false, options, result, err);
}
