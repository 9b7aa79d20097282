/* SPDX-License-Identifier: MIT */
/* Counting the calls of a patch's functions (apply --count). Worker, plan phase. */
#ifndef AGENT_CALLS_H
#define AGENT_CALLS_H

#include "agent/agent.h"

/* The address that counts a call of the patch's function and goes on to its replacement. */
int calls_stub(struct agent *agent, struct patch *patch, size_t function, uintptr_t site,
	       uintptr_t *stub, struct suture_error *err);

/*
 * The same for what it replaced: *target, where the patch would call it, becomes the address that
 * counts such a call first.
 */
int calls_old_stub(struct agent *agent, struct patch *patch, size_t function, uintptr_t site,
		   uintptr_t *target, struct suture_error *err);

/* Gives stubs back: only for a patch of which nothing ever ran. */
void calls_discard(struct agent *agent, const struct patch *patch);

#endif
