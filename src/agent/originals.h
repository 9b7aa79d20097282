/* SPDX-License-Identifier: MIT */
/* The pointers through which a patch calls what it replaces (suture_original()). Plan phase. */
#ifndef AGENT_ORIGINALS_H
#define AGENT_ORIGINALS_H

#include "agent/plan.h"

/*
 * Fills the slots of one that comes, whose trampolines are planned: with the version that each
 * function lies on, which stays as long as it does, else with the old code's island. Nothing of the
 * patch runs yet. UNPATCHABLE_ENTRY where an original can't be called.
 */
int originals_fill(struct plan *plan, struct patch *patch, struct suture_error *err);

#endif
