/* SPDX-License-Identifier: MIT */
/* What the parts of plan_build() and the commit share; nobody else includes this. */
#ifndef AGENT_PLAN_INTERNAL_H
#define AGENT_PLAN_INTERNAL_H

#include "agent/plan.h"

/* The edits of data: what comes, and what is put back. */
int plan_data(struct plan *plan, struct suture_error *err);

/* It is carried out: those that stay lie on what those found that went. Can't fail. */
void plan_data_settle(const struct plan *plan);

#endif
