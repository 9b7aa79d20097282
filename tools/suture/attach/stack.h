/* SPDX-License-Identifier: MIT */
/*
 * What a thread of another process is in the middle of: its stack by call frame information, read
 * from outside, and whether it holds nothing that starting a thread needs.
 */
#ifndef ATTACH_STACK_H
#define ATTACH_STACK_H

#include "cli/attach/modules.h"

#include "unwind/unwind.h"

enum stack_verdict {
	STACK_FREE,    /* may be borrowed */
	STACK_HOLDS,   /* is in the allocator, the loader, a lock */
	STACK_HANDLER, /* is in a signal handler, which may have interrupted one of those */
	STACK_UNKNOWN, /* has a frame that is not understood */
	STACK_NEEDS_REGISTERS,
	STACK_VERDICTS,
};

/* Functions of one kind. */
struct symbol_set {
	struct symbol *items; /* owned */
	size_t count;
};

struct stacks {
	const struct remote *remote; /* borrowed */
	struct modules modules;
	struct unwind_table *table;
	struct unwind_memory memory;
	struct symbol_set waits; /* of the C library: those that wait for a condition */
	struct symbol_set holds; /* of it, and allocators of the program's own */
	bool own_allocator;	 /* the main program has one */
};

/*
 * Reads modules and their unwind information; again by stacks_refresh() when they have changed.
 * AGENT_BUSY: the process has begun another program since the memory was opened.
 */
int stacks_init(struct stacks *stacks, const struct remote *remote, struct suture_error *err);
int stacks_refresh(struct stacks *stacks, struct suture_error *err);
void stacks_fini(struct stacks *stacks);

/*
 * Walks from those registers. futex: it is asleep in one, which only a wait for a condition makes
 * a plain wait. running: it is in no system call at all, and must then not be in the C library.
 * certain: it is stopped; the modules it is in are looked up again, so that none is taken for
 * another.
 */
enum stack_verdict stacks_judge(struct stacks *stacks, const struct arch_regs *regs, bool futex,
				bool running, bool certain);

#endif
