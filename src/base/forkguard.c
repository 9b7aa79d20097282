/* SPDX-License-Identifier: MIT */
/* See forkguard.h. */
#include "base/forkguard.h"

#include "base/log.h"

#include <stddef.h>
#include <time.h>

static pthread_mutex_t guard = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static struct guarded {
	pthread_mutex_t *lock;
	bool recursive;
	void (*in_child)(void);
} locks[FORK_GUARD_LOCKS];
static size_t lock_count;

/* Of the thread that calls fork(): how many it got, from the first on; the guard itself is one
 * more. */
static __thread size_t taken;

void fork_guard_enter(void)
{
	pthread_mutex_lock(&guard);
}

void fork_guard_leave(void)
{
	pthread_mutex_unlock(&guard);
}

void fork_guard_add(pthread_mutex_t *lock, bool recursive, void (*in_child)(void))
{
	if (lock_count < FORK_GUARD_LOCKS)
		locks[lock_count++] = (struct guarded){lock, recursive, in_child};
	else
		log_error("fork(): more than %d locks", FORK_GUARD_LOCKS);
}

/* The guard last: who is inside takes no other, but who holds another may go in. */
static pthread_mutex_t *nth(size_t n)
{
	return n < lock_count ? locks[n].lock : &guard;
}

static void before_fork(void)
{
	struct timespec limit;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += FORK_GUARD_SECONDS;
	for (taken = 0; taken <= lock_count; taken++)
		if (pthread_mutex_clocklock(nth(taken), CLOCK_MONOTONIC, &limit))
			return;
}

static void after_fork_in_parent(void)
{
	while (taken)
		pthread_mutex_unlock(nth(--taken));
}

static void renew(pthread_mutex_t *lock, bool recursive)
{
	pthread_mutexattr_t kind;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind,
				  recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
	pthread_mutex_init(lock, &kind);
	pthread_mutexattr_destroy(&kind);
}

/* Made anew, not unlocked: the owner of a recursive lock is known by its thread id, which is
 * another here. */
static void after_fork_in_child(void)
{
	taken = 0;
	for (size_t i = 0; i < lock_count; i++)
		renew(locks[i].lock, locks[i].recursive);
	renew(&guard, true);
	for (size_t i = 0; i < lock_count; i++)
		if (locks[i].in_child)
			locks[i].in_child();
}

void fork_guard_begin(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
