/* SPDX-License-Identifier: MIT */
/* Who was in the way of a commit, in words. After the stop; needs the plan for its names. */
#ifndef AGENT_BLOCKERS_H
#define AGENT_BLOCKERS_H

#include "agent/transaction.h"

/* Names are for people: where memory is short they stay out. */
void blockers_describe(const struct plan *plan, const struct stop_blocker *blockers, unsigned count,
		       struct transaction_result *result);

/* One sentence that names the thread and the function, in front of what the stop said. */
int blockers_explain(struct transaction_result *result, int rc, struct suture_error *err);

#endif
