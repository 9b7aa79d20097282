/* SPDX-License-Identifier: MIT */
/*
 * A stub in near memory that counts a call and jumps on: the replacement of a trampoline whose
 * calls are counted. A thread found in it is between the entry and the replacement; no unwind
 * information describes it, so that a commit waits for it to leave.
 *
 * Threads: the agent's thread, plan phase. Like islands, stubs that were reachable stay for good.
 */
#ifndef TRAMPOLINE_COUNTER_H
#define TRAMPOLINE_COUNTER_H

#include "trampoline/near.h"

/* Counts in *calls, which must stay for good; near site, so that a near jump there reaches it. */
int counter_make(struct near_memory *near, uintptr_t site, const uint64_t *calls,
		 uintptr_t replacement, uintptr_t *stub, struct suture_error *err);

/* Gives one back that was never reachable. */
void counter_discard(struct near_memory *near, uintptr_t stub);

#endif
