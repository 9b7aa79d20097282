/* SPDX-License-Identifier: MIT */
/*
 * Variables that a patch takes over from those it replaces: the same by identity (module, unit,
 * owner, name), of the same type. Their values live on; what constructed them does not run again.
 * Plan phase.
 */
#ifndef AGENT_INHERIT_H
#define AGENT_INHERIT_H

#include "agent/plan.h"

/*
 * taken[i]: where file->variables.records[i] lives already, or 0. The patches that go are
 * plan->remove. Refuses what would be another type under the same name, what can't be told apart,
 * and constructors of both new and old objects. The caller frees *taken.
 */
int inherit_find(const struct plan *plan, const struct patch_file *file, uintptr_t **taken,
		 struct suture_error *err);

/* A patch that is mapped already keeps the variables that it has: refused where others live. */
int inherit_check(const struct plan *plan, const struct patch *patch, struct suture_error *err);

/* Is the constructor one of objects that were taken over? */
bool inherit_constructed(const struct patch *patch, size_t constructor);

#endif
