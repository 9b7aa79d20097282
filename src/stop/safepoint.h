/* SPDX-License-Identifier: MIT */
/*
 * Safe points: moments that the application names itself (suture_safepoint()). Threads that take
 * part are asked to come, and stand there, in the kernel and with signals blocked, until they are
 * let go: no ptrace is needed for them.
 *
 *	state even: nobody is asked for     state odd: everybody shall stand; its value says which
 *	                                    gathering it is, so that none is mistaken for another
 *
 * The state is a word that the application reads (suture_safepoint_state). Each gathering changes
 * it twice; each thread that has not seen its latest value comes the slow way, which costs a
 * microsecond, and is how threads make themselves known.
 */
#ifndef STOP_SAFEPOINT_H
#define STOP_SAFEPOINT_H

#include "arch/arch.h"

#include <suture/error.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* ---- threads that take part ----------------------------------------------------------------- */

/* The word that the application reads. Once, before anything else here is used. */
void safepoint_use_state(_Atomic unsigned *state);

/*
 * The slow way of suture_safepoint(): takes part from now on; stands as long as that is asked for.
 * Returns the state. Any thread.
 */
unsigned safepoint_visit(void);

/* Takes part no longer. Any thread; also one that never did. */
void safepoint_depart(void);

/*
 * For threads of the agent, which execute code that may be replaced (libc): takes part, but does
 * not make an application one that has safe points. wake(arg) is called, by whoever gathers, to
 * make it call safepoint_visit() soon.
 */
void safepoint_join_own(void (*wake)(void *arg), void *arg);

/* ---- gathering: one at a time --------------------------------------------------------------- */

struct safepoint_stand {
	pid_t tid;
	struct arch_regs regs; /* its stack can be walked from these while it stands */
};

struct safepoint_gathering {
	struct safepoint_stand *stands; /* owned */
	size_t count;
	size_t own;	   /* of count, threads of the agent */
	uint64_t since_ns; /* the first of the application's threads stands since then; 0: none */
	pid_t absent;	   /* one that did not come, 0 when all did */
	bool over_budget;
	bool active;
};

struct safepoint_limits {
	uint64_t deadline_ns; /* for the first to come, on the clock of wait_now_stopped() */
	uint64_t patience_ns; /* for the others, from then on */
};

/* How many threads of the application take part. */
size_t safepoint_members(void);

/*
 * Asks all who take part to come, and waits. 0: all of them stand, or absent says who did not come
 * within the limits; NO_MEMORY. They stand until safepoint_release_stopped() in either case.
 */
int safepoint_gather(const struct safepoint_limits *limits, struct safepoint_gathering *gathering,
		     struct suture_error *err);

/* Lets everybody go on; may be called more than once. */
void safepoint_release_stopped(struct safepoint_gathering *gathering);

/* After the release: frees. */
void safepoint_gathering_fini(struct safepoint_gathering *gathering);

#endif
