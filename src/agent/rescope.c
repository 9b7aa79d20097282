/* SPDX-License-Identifier: MIT */
/* See rescope.h. */
#include "agent/rescope.h"

#include "agent/transaction_internal.h"

#include "base/error.h"
#include "base/log.h"
#include "scope/thread.h"

/* Scopes of a key that were entered under older rules, and have not the slot's new code. */
struct older {
	unsigned slot;
	uint64_t key;
	uint64_t sequence;
};

static pid_t find_older(const void *arg)
{
	const struct older *older = arg;

	return scope_try_give(older->slot, older->key, older->sequence);
}

static int publish(struct scoping *scope, uint64_t *sequence, struct suture_error *err)
{
	struct scope_rules *rules;
	int rc = scoping_prepare(scope, &rules, err);

	if (!rc)
		*sequence = scope_put(rules);
	return rc;
}

/* Every scope of the key that is entered from now on gets the slot's bit; waits for the others. */
static int give_all(const struct scoping *scope, uint64_t deadline, struct suture_error *err)
{
	struct scope_rule rule = {.key = scoping_key(scope), .all = true};
	struct older older = {.slot = scope->slot, .key = rule.key};
	struct scope_rules *rules;
	int rc = scope_prepare(scope->slot, &rule, &rules, err);

	if (rc)
		return rc;
	older.sequence = scope_put(rules);
	return scoping_wait(find_older, &older, deadline, "that was entered before", err);
}

static int turn(struct agent *agent, struct patch *patch, const struct scoping *stubs,
		const struct transaction_options *options, uint64_t deadline,
		struct transaction_result *result, struct suture_error *err)
{
	struct transaction_options left = *options;
	uint64_t now = scoping_deadline(0);
	struct plan plan;
	int rc;

	left.timeout_ns = deadline > now ? deadline - now : 0;
	plan_init(&plan, agent);
	plan.turn = patch;
	plan.stubs = stubs;
	rc = plan_build(&plan, err);
	if (!rc)
		rc = transaction_carry_out(&plan, &left, transaction_now_us(), result, err);
	plan_fini(&plan);
	return rc;
}

static void set_scope(struct agent *agent, struct patch *patch, struct scoping *scope)
{
	struct scoping *before = patch->scope;

	pthread_mutex_lock(&agent->lock);
	patch->scope = scope;
	if (scope)
		scope->in_force = true;
	pthread_mutex_unlock(&agent->lock);
	scoping_destroy(before);
}

static int widen_to_all(struct agent *agent, struct patch *patch,
			const struct transaction_options *options,
			struct transaction_result *result, struct suture_error *err)
{
	uint64_t deadline = scoping_deadline(options->timeout_ns), sequence;
	unsigned slot = patch->scope->slot;
	int rc = give_all(patch->scope, deadline, err);

	if (!rc)
		rc = turn(agent, patch, NULL, options, deadline, result, err);
	scope_give(slot, false);
	if (rc) {
		/* As it was; where memory is short for that, no more than it had. */
		if (publish(patch->scope, &sequence, NULL))
			scope_withdraw(slot);
		return rc;
	}
	set_scope(agent, patch, NULL);
	scope_release(slot);
	return 0;
}

/* scope is taken over. */
static int narrow_from_all(struct agent *agent, struct patch *patch, struct scoping *scope,
			   const struct transaction_options *options,
			   struct transaction_result *result, struct suture_error *err)
{
	uint64_t deadline = scoping_deadline(options->timeout_ns), sequence;
	int rc = transaction_check_dependents(agent, patch, err);

	if (!rc)
		rc = scoping_permits(&patch->file, err);
	if (!rc)
		rc = scope_slot_take(&scope->slot, err);
	if (rc) {
		scoping_destroy(scope);
		return rc;
	}
	rc = give_all(scope, deadline, err);
	if (!rc)
		rc = turn(agent, patch, scope, options, deadline, result, err);
	if (rc) {
		scope_release(scope->slot);
		scoping_destroy(scope);
		return rc;
	}
	scope_give(scope->slot, false);
	set_scope(agent, patch, scope);
	return publish(scope, &sequence, err);
}

/* scope is taken over. */
static int change_rules(struct agent *agent, struct patch *patch, struct scoping *scope,
			struct transaction_result *result, struct suture_error *err)
{
	uint64_t sequence;
	int rc = publish(scope, &sequence, err);

	if (rc) {
		scoping_destroy(scope);
		return rc;
	}
	set_scope(agent, patch, scope);
	result->changed = true;
	return 0;
}

static int find(struct agent *agent, const char *name, struct patch **patch,
		struct suture_error *err)
{
	*patch = agent_find(agent, name);
	if (*patch && (*patch)->state == PATCH_APPLIED)
		return 0;
	error_set(err, SUTURE_E_NOT_APPLIED, "no patch named %s is applied here", name);
	return error_next(err, "see suture list for those that are");
}

int rescope_run(struct agent *agent, const char *name, const struct scope_wish *wish,
		const struct transaction_options *options, struct transaction_result *result,
		struct suture_error *err)
{
	uint64_t started = transaction_now_us();
	struct scoping *scope = NULL;
	struct patch *patch;
	bool changed;
	int rc = find(agent, name, &patch, err);

	if (rc)
		return rc;
	transaction_name(result, &patch->file);
	/* What it had when it was last scoped is of no concern once it was given to all. */
	if (!wish->all)
		rc = scoping_make(patch->scope, wish, &scope, &changed, err);
	if (rc)
		return rc;
	if (wish->all)
		rc = patch->scope ? widen_to_all(agent, patch, options, result, err) : 0;
	else if (!patch->scope)
		rc = narrow_from_all(agent, patch, scope, options, result, err);
	else if (changed)
		rc = change_rules(agent, patch, scope, result, err);
	else
		scoping_destroy(scope);
	result->total_us = transaction_now_us() - started;
	log_info("scope %s: %s", name, rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}
