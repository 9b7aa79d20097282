/* SPDX-License-Identifier: MIT */
/* Calls a patch's hooks and constructors. Who may be running meanwhile: docs/AUTHORING.md. */
#ifndef AGENT_HOOKS_H
#define AGENT_HOOKS_H

#include "patch/object.h"

/* Calls all hooks of that kind in the file's order until one fails; plan or retire phase. */
int hooks_run(struct patch *patch, enum format_hook_kind kind, struct suture_error *err);

/* The same while threads are stopped: returns what the hook returned, 0 when all succeeded. */
int hooks_run_stopped(const struct patch *patch, enum format_hook_kind kind);

bool hooks_any(const struct patch *patch, enum format_hook_kind kind);

/* Calls the constructors of new globals, the first time only. */
void hooks_construct(struct patch *patch);

#endif
