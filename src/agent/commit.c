/* SPDX-License-Identifier: MIT */
/*
 * The commit of a plan; see commit.h. Functions that end in _stopped run on the worker while the
 * application's threads are stopped or held at the gate: no allocation, no locks, no libc.
 */
#include "agent/commit.h"

#include "agent/hooks.h"
#include "agent/migration.h"
#include "agent/plan_internal.h"
#include "base/error.h"
#include "base/log.h"

struct commit {
	struct plan *plan;
	bool gated;	 /* this attempt went through the gate */
	int edit_result; /* of the edit set's last step, for the message */
	int hook_result; /* what a hook returned, if it failed */
	size_t switched; /* patches whose hooks of the switch have run: those that go come first */
	bool not_migrated;
};

static int gate_close_stopped(void *arg)
{
	struct commit *commit = arg;

	commit->gated = true;
	commit->edit_result = code_edit_gate_close_stopped(&commit->plan->edits);
	return commit->edit_result;
}

/* The hooks of the switch for the i-th patch: those that go come first, then those that come. */
static int run_hooks_stopped(const struct plan *plan, size_t i, bool back)
{
	bool goes = i < plan->remove_count;

	if (goes && plan->hookless)
		return 0;
	return hooks_run_stopped(goes ? plan->remove[i] : plan_comes(plan, i - plan->remove_count),
				 goes == back ? FORMAT_HOOK_ON_SWITCH : FORMAT_HOOK_ON_UNSWITCH);
}

static int switch_stopped(void *arg)
{
	struct commit *commit = arg;
	size_t count = commit->plan->remove_count + plan_comes_count(commit->plan);

	commit->not_migrated = migration_run_stopped(commit->plan);
	if (commit->not_migrated)
		return -(int)SUTURE_E_HOOK_VETO;
	while (commit->switched < count) {
		commit->hook_result = run_hooks_stopped(commit->plan, commit->switched, false);
		if (commit->hook_result)
			return -(int)SUTURE_E_HOOK_FAILED;
		commit->switched++;
	}
	return 0;
}

static void undo_stopped(void *arg)
{
	struct commit *commit = arg;
	int rc;

	/* Whose hook of the switch has run gets the opposite one. */
	while (commit->switched)
		run_hooks_stopped(commit->plan, --commit->switched, true);
	migration_undo_stopped(commit->plan);
	rc = code_edit_undo_stopped(&commit->plan->edits);
	/* The first failure is the one to tell, unless undoing it failed too. */
	if (rc)
		commit->edit_result = rc;
	commit->gated = false;
}

static int write_stopped(void *arg)
{
	struct commit *commit = arg;

	commit->not_migrated = migration_enumerate_stopped(commit->plan);
	if (commit->not_migrated)
		return -(int)SUTURE_E_HOOK_VETO;
	commit->edit_result = commit->gated ? code_edit_write_rest_stopped(&commit->plan->edits)
					    : code_edit_write_all_stopped(&commit->plan->edits);
	return commit->edit_result;
}

static void gate_open_stopped(void *arg)
{
	struct commit *commit = arg;

	commit->edit_result = code_edit_gate_open_stopped(&commit->plan->edits);
	/* Old code will run on: with its own objects. */
	if (commit->edit_result && commit->edit_result != -(int)SUTURE_E_UNCERTAIN)
		migration_undo_stopped(commit->plan);
}

static bool any_switch_hook(const struct plan *plan)
{
	bool any = migration_wanted(plan);

	for (size_t c = 0; c < plan_comes_count(plan); c++)
		any = any || hooks_any(plan_comes(plan, c), FORMAT_HOOK_ON_SWITCH);
	for (size_t i = 0; !plan->hookless && i < plan->remove_count; i++)
		any = any || hooks_any(plan->remove[i], FORMAT_HOOK_ON_UNSWITCH);
	return any;
}

static int refresh(void *arg, const struct unwind_table **unwind, struct suture_error *err)
{
	struct agent *agent = arg;
	int rc = agent_refresh_unwind(agent, err);

	if (!rc)
		*unwind = agent->unwind;
	return rc;
}

/* The plan's bytes are in force: nothing below can fail. */
static void settle(struct plan *plan)
{
	plan->committed = true;
	plan->agent->islands.stale = true;
	/* Before versions go: `before` and `after` point to them. */
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct plan_site *planned = &plan->sites[i];

		planned->site->known = planned->after ? *planned->after : *planned->before;
		planned->site->has_known = true;
	}
	plan_data_settle(plan);
	for (size_t i = 0; i < plan->agent->sites.count; i++)
		for (size_t r = 0; r < plan->remove_count; r++)
			site_remove(plan->agent->sites.sites[i], plan->remove[r]);
	for (size_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].turns)
			site_top(plan->sites[i].site)->trampoline =
				plan->sites[i].version.trampoline;
	for (size_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].version.patch)
			site_push_reserved(plan->sites[i].site, &plan->sites[i].version);
}

static int explain(const struct commit *commit, int rc, struct suture_error *err)
{
	/* Whatever it was given up for: it could not be undone. */
	if (commit->plan->edits.state == CODE_EDIT_BROKEN)
		return code_edit_error(&commit->plan->edits, -(int)SUTURE_E_UNCERTAIN, err);
	if (commit->not_migrated)
		return migration_explain(commit->plan, err);
	if (commit->hook_result) {
		error_set(err, SUTURE_E_HOOK_FAILED, "a hook of the switch returned %d",
			  commit->hook_result);
		return error_context(err, "everything was put back");
	}
	if (commit->edit_result)
		return code_edit_error(&commit->plan->edits, commit->edit_result, err);
	return rc;
}

static struct stop_commit steps_of(struct commit *commit, const char **why)
{
	struct plan *plan = commit->plan;

	return (struct stop_commit){
		/* Behind a gate the application could not enumerate its objects. */
		.gate_possible =
			!migration_wanted(plan) && code_edit_set_can_gate(&plan->edits, true, why),
		.gate_when_stopped = !migration_wanted(plan) &&
				     code_edit_set_can_gate(&plan->edits, false, NULL),
		.writes_data = code_edit_set_has_data(&plan->edits),
		.gate_close_stopped = gate_close_stopped,
		.gate_undo_stopped = undo_stopped,
		.write_stopped = write_stopped,
		.switch_stopped = any_switch_hook(plan) ? switch_stopped : NULL,
		.gate_open_stopped = gate_open_stopped,
		.undo_stopped = undo_stopped,
		.arg = commit,
	};
}

enum stop_rung commit_rung(struct plan *plan, const struct transaction_options *options)
{
	struct commit commit = {.plan = plan};
	struct stop_commit steps = steps_of(&commit, NULL);

	if (options->rung != STOP_RUNG_AUTO)
		return options->rung;
	return stop_may_be_lazy(&steps) ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
}

int commit_run(struct plan *plan, const struct transaction_options *options,
	       struct stop_result *stopped, struct suture_error *err)
{
	struct commit commit = {.plan = plan};
	const char *why = "";
	struct stop_commit steps = steps_of(&commit, &why);
	struct stop_request request = {
		.unwind = plan->agent->unwind,
		.refresh = refresh,
		.refresh_arg = plan->agent,
		.busy = plan->busy,
		.busy_count = plan->busy_count,
		.rung = options->rung,
		.timeout_ns = options->timeout_ns,
		.max_pause_ns = options->max_pause_ns,
		.commit = &steps,
	};
	int rc;

	if (!steps.gate_possible)
		log_debug("a full stop is needed: %s", why);
	rc = stop_run(&request, stopped, err);
	if (!rc && commit.edit_result)
		rc = commit.edit_result; /* the gates did not open: undone, or UNCERTAIN */
	if (rc)
		return explain(&commit, rc, err);
	settle(plan);
	return 0;
}
