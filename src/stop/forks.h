/* SPDX-License-Identifier: MIT */
/*
 * Forks and closed gates keep out of each other's way. In a lazy stop threads run while the gate is
 * closed, and a fork() then would copy the closed gate: nobody ever opens it in the child, which
 * would wait there for ever. So a fork() that comes while the gate is closed waits until it is
 * open, and a gate is not closed while a fork() is under way: that attempt is repeated.
 *
 * A raw clone() and _Fork() run no handlers and are not seen (docs/LIMITS.md).
 */
#ifndef STOP_FORKS_H
#define STOP_FORKS_H

#include <stdbool.h>

enum { FORKS_WAIT_SECONDS = 5 /* which fork() waits at most; a closed gate lasts milliseconds */ };

/*
 * Once, at the start, before other handlers of fork() of ours: theirs may have to wait for locks,
 * and run before these.
 */
void forks_guard_begin(void);

/* Before a gate is closed. False: a fork() is under way. The caller's thread, nobody waits. */
bool forks_hold_stopped(void);

/* Behind a gate that is open again, after forks_hold_stopped() was true. */
void forks_release_stopped(void);

#endif
