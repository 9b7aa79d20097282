/* SPDX-License-Identifier: MIT */
/* Check: everything that apply would do, short of doing it; see transaction.h. Worker. */
#include "agent/blockers.h"
#include "agent/commit.h"
#include "agent/migration.h"
#include "agent/transaction_internal.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static void list_tiers(const struct plan *plan, struct transaction_result *result)
{
	const struct patch_file *file = &plan->add->file;

	result->tiers = calloc(file->functions.count + 1, sizeof(*result->tiers));
	for (size_t i = 0; result->tiers && i < file->functions.count; i++) {
		const struct format_function *function = &file->functions.records[i];
		const struct trampoline *trampoline = plan_trampoline_of(plan, i);
		struct transaction_tier *tier = &result->tiers[result->tier_count++];

		snprintf(tier->name, sizeof(tier->name), "%s",
			 patch_file_string(file, function->name_ref));
		snprintf(tier->module, sizeof(tier->module), "%s",
			 patch_file_string(
				 file, patch_file_module(file, function->module_ref)->name_ref));
		if (!trampoline)
			continue;
		tier->tier = trampoline->tier;
		tier->lazy = code_edit_set_waits_at(&plan->edits, trampoline->site);
	}
}

/*
 * What the look took while threads were held, and what a commit adds: closing, filling and opening
 * the gate synchronises all processors each time, and sleepers are looked at a second time.
 */
static uint64_t predict_pause_us(const struct plan *plan, const struct stop_result *stopped)
{
	enum { SYNCS = 3, LOOK_AT_SLEEPER_NS = 3000 };
	uint64_t started = transaction_now_us();

	for (int i = 0; i < SYNCS; i++)
		code_writer_sync_stopped(&plan->agent->writer);
	return stopped->pause_ns / 1000 + (transaction_now_us() - started) +
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

	transaction_figures(result, &stopped);
	result->predicted_pause_us = predict_pause_us(plan, &stopped);
	for (size_t i = 0; !rc && i < count && blocker_count < STOP_MAX_BLOCKERS; i++)
		if (threads[i].view.reason != STOP_REASON_NONE)
			blockers[blocker_count++] = threads[i].view;
	free(threads);
	if (rc)
		return rc;
	blockers_describe(plan, blockers, blocker_count, result);
	if (!blocker_count)
		return 0;
	rc = error_set(err, SUTURE_E_BUSY_STACK, "busy right now");
	return blockers_explain(result, rc, err);
}

int transaction_check(struct agent *agent, struct patch_file *file,
		      const struct transaction_options *options, struct transaction_result *result,
		      struct suture_error *err)
{
	uint64_t started = transaction_now_us();
	struct plan plan;
	int rc = transaction_begin(agent, file, result);

	if (rc) {
		rc = transaction_is_met(agent, file, options, err);
		result->already = !rc;
		patch_file_fini(file);
		return rc;
	}
	plan_init(&plan, agent);
	rc = transaction_plan(&plan, file, options, err);
	if (!rc && plan.missing) {
		result->pending = true;
		snprintf(result->waits, sizeof(result->waits), "%s", plan.missing);
	} else if (!rc) {
		list_tiers(&plan, result);
		result->prepare_us = transaction_now_us() - started;
		if (migration_wanted(&plan))
			rc = migration_begin(&plan, options->timeout_ns, err);
		if (!rc)
			rc = look(&plan, options, result, err);
		result->rung = commit_rung(&plan, options);
	}
	plan_fini(&plan);
	patch_file_fini(file);
	result->total_us = transaction_now_us() - started;
	return rc;
}
