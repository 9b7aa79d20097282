/* SPDX-License-Identifier: MIT */
/*
 * What a child of fork() must find as it was between two calls, not in the middle of one.
 *
 * fork() copies locks as they stand: one that another thread of the parent holds at that moment is
 * held in the child for ever. glibc takes or resets some of its own (malloc, stdio, dl_load_lock),
 * but not that of dl_iterate_phdr(), those of locales and time zones, nor the list of modules in
 * the middle of a dlopen(). A worker that the game forks while the agent's thread is in one of them
 * would hang in its own dlopen(), setlocale() or localtime(). So the agent's threads enter the
 * guard around such calls, and fork() waits until it is free; so it does for the agent's own locks
 * that were added.
 *
 * fork() waits FORK_GUARD_SECONDS in all at most and then goes on as if nobody were inside: a
 * constructor of a module that forks, while the agent waits for the loader to be done with it, must
 * not hang.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

enum { FORK_GUARD_LOCKS = 8, FORK_GUARD_SECONDS = 5 };

/* Any thread; may be nested. Nothing is waited for inside but the loader, libc and other guarded
 * calls. */
void fork_guard_enter(void);
void fork_guard_leave(void);

/* Registers the handlers with fork(), once; before the agent's first thread. Until then nothing is
 * guarded. */
void fork_guard_begin(void);

/*
 * This lock too is free in the child, and what it guards is whole. It is held for moments only, and
 * inside the guard by nobody. in_child, if any, is called in the child before anything else of
 * ours. At most FORK_GUARD_LOCKS, by the thread that begins.
 */
void fork_guard_add(pthread_mutex_t *lock, bool recursive, void (*in_child)(void));
