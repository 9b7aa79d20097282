/* SPDX-License-Identifier: MIT */
/*
 * The stubs of scoped patches: one for each function, slot, and pair of destinations. Once
 * reachable a stub stays for good, and serves again when the same choice is wanted.
 *
 * Threads: the worker, plan phase.
 */
#ifndef AGENT_DISPATCH_H
#define AGENT_DISPATCH_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct patch;

struct dispatch {
	const struct patch *patch; /* its replacement is chosen when the slot's bit is set */
	uintptr_t entry;	   /* of the function */
	unsigned slot;
	uintptr_t set;
	uintptr_t otherwise; /* 0: not written yet */
	uintptr_t stub;
};

struct dispatch_table {
	struct dispatch *records; /* owned */
	size_t count;
	size_t capacity;
};

/*
 * The stub for this choice: an existing one, or a place whose code dispatch_finish() writes.
 * wanted->otherwise may be 0: not known yet.
 */
int dispatch_begin(struct agent *agent, const struct dispatch *wanted, uintptr_t *stub,
		   struct suture_error *err);

/* Writes the stub's code unless that was done before. */
int dispatch_finish(struct agent *agent, uintptr_t stub, uintptr_t otherwise,
		    struct suture_error *err);

/* Gives stubs back: only for a patch of which nothing ever ran. */
void dispatch_forget(struct agent *agent, const struct patch *patch);

void dispatch_table_fini(struct dispatch_table *table);

#endif
