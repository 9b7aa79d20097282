/* SPDX-License-Identifier: MIT */
/*
 * See forks.h. Each side says first what it is about to do, and then looks at the other one: with
 * both in one order for all (seq_cst), at least one of the two sees the other.
 */
#include "stop/forks.h"

#include "base/log.h"
#include "stop/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static atomic_uint under_way; /* forks, between their first and their last handler */
static atomic_bool held;

static void before_fork(void)
{
	const struct timespec nap = {.tv_nsec = 20000};
	uint64_t limit = wait_now_stopped() + UINT64_C(1000000000) * FORKS_WAIT_SECONDS;

	for (;;) {
		atomic_fetch_add(&under_way, 1);
		if (!atomic_load(&held) || wait_now_stopped() > limit)
			return;
		atomic_fetch_sub(&under_way, 1);
		while (atomic_load(&held) && wait_now_stopped() <= limit)
			nanosleep(&nap, NULL);
	}
}

static void after_fork_in_parent(void)
{
	atomic_fetch_sub(&under_way, 1);
}

/* The thread that closes gates is the parent's. */
static void after_fork_in_child(void)
{
	atomic_store(&under_way, 0);
	atomic_store(&held, false);
}

void forks_guard_begin(void)
{
	if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child))
		log_error("fork(): no memory for its handlers");
}

bool forks_hold_stopped(void)
{
	atomic_store(&held, true);
	if (!atomic_load(&under_way))
		return true;
	atomic_store(&held, false);
	return false;
}

void forks_release_stopped(void)
{
	atomic_store(&held, false);
}
