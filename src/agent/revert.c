/* SPDX-License-Identifier: MIT */
/* Revert; see transaction.h. Runs on the worker. */
#include "agent/gone.h"
#include "agent/pending.h"
#include "agent/transaction_internal.h"
#include "base/error.h"
#include "base/log.h"
#include "base/probe.h"

#include <stdio.h>
#include <string.h>

static int find_for_revert(struct agent *agent, const char *name, struct patch **patch,
			   struct transaction_result *result, struct suture_error *err)
{
	*patch = agent_find(agent, name);
	if (!*patch || (*patch)->state == PATCH_LOADED) {
		error_set(err, SUTURE_E_NOT_APPLIED, "no patch named %s was ever applied here",
			  name);
		return error_next(err, "see suture list for those that are");
	}
	transaction_name(result, &(*patch)->file);
	if ((*patch)->state == PATCH_BROKEN)
		return error_set(err, SUTURE_E_UNCERTAIN, "%s is in an uncertain state", name);
	return 0;
}

/* Nobody may be left standing on a patch that goes. */
int transaction_check_dependents(const struct agent *agent, const struct patch *patch,
				 struct suture_error *err)
{
	for (const struct patch *other = agent->patches; other; other = other->next)
		for (size_t i = 0; i < other->file.depends.count; i++) {
			if ((other->state != PATCH_APPLIED && other->state != PATCH_PENDING) ||
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
	uint64_t started = transaction_now_us();
	struct patch *patch;
	struct plan plan;
	int rc;

	*result = (struct transaction_result){0};
	snprintf(result->name, sizeof(result->name), "%s", name);
	gone_settle(agent, NULL);
	rc = find_for_revert(agent, name, &patch, result, err);
	if (rc || patch->state == PATCH_REVERTED)
		return rc;
	probe2(revert_start, result->name, result->hash);
	plan_init(&plan, agent);
	rc = transaction_check_dependents(agent, patch, err);
	if (!rc && patch->state == PATCH_PENDING) {
		rc = transaction_set_state(agent, patch, PATCH_REVERTED, err);
		if (!rc)
			pending_drop(agent, patch);
		result->changed = result->pending = !rc;
	} else if (!rc) {
		rc = plan_remove(&plan, &patch, 1, err);
		if (!rc)
			rc = plan_build(&plan, err);
		if (!rc)
			rc = transaction_carry_out(&plan, options, started, result, err);
	}
	plan_fini(&plan);
	result->total_us = transaction_now_us() - started;
	probe3(revert_end, result->name, -rc, result->pause_us);
	log_info("revert %s: %s", name, rc ? suture_code_name((enum suture_code) - rc) : "done");
	return rc;
}

int transaction_withdraw(struct agent *agent, struct patch *const *patches, size_t count,
			 bool hooks, const struct transaction_options *options,
			 struct suture_error *err)
{
	struct transaction_result result = {0};
	struct plan plan;
	int rc;

	plan_init(&plan, agent);
	plan.unasked = true;
	plan.hookless = !hooks;
	rc = plan_remove(&plan, patches, count, err);
	if (!rc)
		rc = plan_build(&plan, err);
	if (!rc)
		rc = transaction_carry_out(&plan, options, transaction_now_us(), &result, err);
	plan_fini(&plan);
	transaction_result_fini(&result);
	return rc;
}
