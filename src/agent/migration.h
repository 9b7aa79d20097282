/* SPDX-License-Identifier: MIT */
/*
 * Objects of types whose layout a patch changes: written anew while the application stands at its
 * safe point, all or none.
 *
 *	before the stop   how many there are is asked at a safe point of its own; memory for all of
 *them, and some more, is reserved in the stop       enumerated again (more than reserved: everybody
 * goes on, and it is tried again); references get the new addresses, hooks fill the new objects
 *	afterwards        the old objects are freed, or, where it was given up, the new ones
 *
 * Objects whose size does not change stay where they are.
 *
 * Threads: the worker.
 */
#ifndef AGENT_MIGRATION_H
#define AGENT_MIGRATION_H

#include "agent/objects.h"
#include "patch/object.h"

struct plan;
struct migration;

/* Does anything that comes or goes migrate objects? Then the commit is at the safe point. */
bool migration_wanted(const struct plan *plan);

/*
 * Counts and reserves. UNSUPPORTED: a type that nobody enumerates, objects that can't move, no way
 * back. NEEDS_SAFEPOINT, TIMEOUT.
 */
int migration_begin(struct plan *plan, uint64_t timeout_ns, struct suture_error *err);

/*
 * In the stop, in two steps: the objects are enumerated before any code is written, because the
 * application's own code does it; they are written anew when the new code is in place. 0, or -1:
 * nothing is changed, and migration_explain() says why.
 */
int migration_enumerate_stopped(struct plan *plan);
int migration_run_stopped(struct plan *plan);
void migration_undo_stopped(struct plan *plan);

/* Were there more objects than memory was reserved for? Then begin again. */
bool migration_was_short(const struct plan *plan);
int migration_explain(const struct plan *plan, struct suture_error *err);

/* Frees what is not needed any more: the old objects when it was committed, else the new ones. */
void migration_end(struct plan *plan, bool committed);

#endif
