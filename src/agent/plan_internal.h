/* SPDX-License-Identifier: MIT */
/* What the parts of plan_build() share; nobody else includes this. */
#ifndef AGENT_PLAN_INTERNAL_H
#define AGENT_PLAN_INTERNAL_H

#include "agent/plan.h"

/* The edits of data: what comes, and what is put back. */
int plan_data(struct plan *plan, struct suture_error *err);

#endif
