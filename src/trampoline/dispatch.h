/* SPDX-License-Identifier: MIT */
/*
 * A stub in near memory that chooses between a replacement and what lies below it, by a bit of the
 * calling thread: where the trampoline of a scoped patch leads. The frame of a thread found in it
 * is that of the function's entry, since it touches neither stack nor registers.
 *
 *	entry:  jmp stub        stub:  testb $bit, thread's latch
 *	                               je original (or the version below)
 *	                               jmp replacement
 *
 * Threads: the agent's thread, plan phase. Like islands, stubs that were reachable stay for good.
 */
#ifndef TRAMPOLINE_DISPATCH_H
#define TRAMPOLINE_DISPATCH_H

#include "arch/arch.h"
#include "trampoline/near.h"

/* Room for a stub near site, so that a near jump there reaches it. */
int dispatch_place(struct near_memory *near, uintptr_t site, uintptr_t *stub,
		   struct suture_error *err);

/* Its code: once, before anything leads to it. */
int dispatch_write(struct near_memory *near, uintptr_t stub, const struct arch_dispatch *dispatch,
		   struct suture_error *err);

/* Gives one back that was never reachable. */
void dispatch_discard(struct near_memory *near, uintptr_t stub);

#endif
