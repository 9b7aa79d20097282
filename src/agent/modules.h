/* SPDX-License-Identifier: MIT */
/*
 * Notices that modules come and go, while somebody waits for that: patches that are pending, and
 * patches in libraries that may be unloaded.
 *
 * The loader calls a function of its own (r_brk of DT_DEBUG, for debuggers) whenever it loads or
 * unloads; a jump at its entry brings that call here. It runs under the loader's lock, in the
 * middle of a dlopen(): it only notes the fact and wakes the server. Where that function can't be
 * used (a debugger's breakpoint is in it, or was put back over our jump), and to be sure, the
 * loader's counters are asked from time to time as well. Who waits for nothing pays nothing.
 */
#ifndef AGENT_MODULES_H
#define AGENT_MODULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct agent;

struct modules_watch {
	atomic_bool wanted; /* set by the worker, read by the server's thread */
	/* What the worker has dealt with; the server's thread compares. No order is needed. */
	_Atomic uint64_t seen_generation;
	_Atomic uint64_t seen_notes;
	_Atomic uint64_t again_at; /* us of CLOCK_MONOTONIC */
	bool tried;		   /* the worker's: to take over the loader's call */
	_Atomic uintptr_t entry;   /* where the jump stands, or 0 */
	uint8_t jump[16];	   /* set before entry is: what stands there */
	uint8_t jump_size;
};

/* Grows with every module that is loaded or unloaded by others than us. Any thread. */
uint64_t modules_generation(void);

/* Somebody says that modules have changed: suture_modules_changed(). Any thread. */
void modules_note(void);

/* At each note the event descriptor of the server is written to; -1: nobody listens. Any thread. */
void modules_wake(int event_fd);

/* From now on; stops threads for a moment the first time, to write the jump. Worker. */
void modules_watch(struct agent *agent);

/* When the worker should look (us of CLOCK_MONOTONIC), UINT64_MAX: never. Any thread. */
uint64_t modules_due(struct agent *agent);

/* The worker has dealt with all up to that generation, and wants to look again then (us of
 * CLOCK_MONOTONIC, UINT64_MAX: only if something changes). */
void modules_seen(struct agent *agent, uint64_t generation, uint64_t again_at);

/* Is the loader's own call noticed? For status. Any thread. */
bool modules_are_told(const struct agent *agent);

#endif
