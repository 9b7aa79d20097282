/* SPDX-License-Identifier: MIT */
/*
 * Other calls for a patch that is in force: wider, narrower, all.
 *
 *	from scope to scope   the rules change; no thread is stopped
 *	to all                first all scopes that are entered get the new code, then, when those
 *	                      that were entered before have been left, the entries get a plain jump
 *	from all              first all scopes are told that they have the new code, then the
 * entries get stubs, then the rules change
 *
 * So a chain of calls inside a scope never sees both codes; outside, what apply and revert promise.
 *
 * Threads: the worker.
 */
#ifndef AGENT_RESCOPE_H
#define AGENT_RESCOPE_H

#include "agent/transaction.h"

int rescope_run(struct agent *agent, const char *name, const struct scope_wish *wish,
		const struct transaction_options *options, struct transaction_result *result,
		struct suture_error *err);

#endif
