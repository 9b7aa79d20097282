/* SPDX-License-Identifier: MIT */
/* The commit of a plan: the only part that runs while threads are stopped. */
#ifndef AGENT_COMMIT_H
#define AGENT_COMMIT_H

#include "agent/plan.h"
#include "agent/transaction.h"

/*
 * Stops the threads, checks them, writes all edits of the plan or none. On success the plan is
 * committed and sites hold their new versions. stopped is filled in every case.
 */
int commit_run(struct plan *plan, const struct transaction_options *options,
	       struct stop_result *stopped, struct suture_error *err);

/* The rung that it would take now. */
enum stop_rung commit_rung(struct plan *plan, const struct transaction_options *options);

#endif
