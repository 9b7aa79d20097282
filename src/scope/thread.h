/* SPDX-License-Identifier: MIT */
/*
 * The scopes that a thread has open, and what was decided when they were entered.
 *
 * A thread's latch is one word, thread-local, a bit per slot (rules.h): set, and calls of that
 * slot's patch get the new code. Stubs at the patched entries read it and nothing else. Bits are
 * set when a key is entered that is not open yet, and stay until that scope is left: what an
 * operator does meanwhile shows in scopes that are entered later.
 *
 * Threads: scope_enter() to scope_end() any, not signal handlers; they take a lock at a thread's
 * first scope and at the first and last use of a value. The rest: the worker.
 */
#ifndef SCOPE_THREAD_H
#define SCOPE_THREAD_H

#include <suture/error.h>
#include <suture/scope.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

void scope_enter(const char *key, const char *value);
void scope_leave(void);
void scope_current(struct suture_scope *scope);
void scope_adopt(const struct suture_scope *scope);
void scope_end(const char *key, const char *value);

/* Where the latch lies from the thread pointer, the same in all threads. */
int64_t scope_latch_offset(void);

/* ---- the worker's view ---------------------------------------------------------------------- */

/* Bits that any thread holds, or is about to. */
uint64_t scope_held_by_any(void);

/* Is any thread evaluating these rules? */
struct scope_rules;
bool scope_is_read(const struct scope_rules *rules);

/*
 * For a slot that was withdrawn: closes it if no open scope has its bit, and returns 0; else a
 * thread with such a scope.
 */
pid_t scope_try_close(unsigned slot);

/*
 * For a slot whose rule is for all values since that sequence: 0 if every open scope of the key (0:
 * every outermost one) has its bit, and work that is handed over gets it too; else a thread with a
 * scope that was entered before.
 */
pid_t scope_try_give(unsigned slot, uint64_t key, uint64_t sequence);

#endif
