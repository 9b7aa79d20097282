/* SPDX-License-Identifier: MIT */
/*
 * Stacks that the application switches to by itself (suture_fiber_add() in suture.h has the
 * contract). Suspended ones belong to no thread: they are walked when all threads are stopped.
 *
 * A snapshot is taken before a stop, since the list must not be locked in one. Its generation says
 * whether it still holds: every change of the list changes that first.
 */
#ifndef STOP_FIBER_H
#define STOP_FIBER_H

#include <suture/error.h>
#include <suture/suture.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, at the start: a child of fork() finds the list whole, and its lock free. */
void fiber_guard_fork(void);

/* Any thread. */
int fiber_add(const struct suture_fiber *fiber);
void fiber_remove(const void *stack);

/* Is any registered? Any thread. */
bool fiber_any(void);

struct fiber_snapshot {
	struct suture_fiber *fibers; /* owned; by rising stack */
	bool *running;		     /* owned; for fiber_look_stopped() */
	size_t count;
	uintptr_t context_end; /* return address of a function that makecontext() starts */
	unsigned generation;
};

int fiber_snapshot_take(struct fiber_snapshot *snapshot, struct suture_error *err);
void fiber_snapshot_fini(struct fiber_snapshot *snapshot);

/* Has the list changed, or begun to, since the snapshot was taken? */
bool fiber_changed_stopped(const struct fiber_snapshot *snapshot);

/* The fiber on whose stack the address is, or NULL. */
const struct suture_fiber *fiber_at_stopped(const struct fiber_snapshot *snapshot,
					    uintptr_t address);

#endif
