/* SPDX-License-Identifier: MIT */
/*
 * A function that is really gated and really replaced, without the rest of Suture: its page is made
 * writable for the test, stores go straight to it. And the table of everything that is loaded.
 */
#ifndef TESTS_STOP_FIXTURE_H
#define TESTS_STOP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the ones above */
#include <cmocka.h>

#include "stop/safepoint.h"
#include "stop/stop.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The old function: calls wait_inside(), if that is set, in its middle. Lies in a section of its
 * own, whose bounds are the busy range.
 */
int fixture_old(void);
extern void (*_Atomic fixture_wait_inside)(void);
/* How often the new one ran. */
extern _Atomic unsigned long fixture_new_calls;
/* How often an old one began or ended after a new one had run, within one application. */
extern _Atomic unsigned long fixture_mixes;

enum { FIXTURE_OLD = 1, FIXTURE_NEW = 2 };

struct fixture {
	struct unwind_table *unwind;
	struct stop_range busy[2];
	struct stop_range old; /* of fixture_old() */
	struct stop_commit commit;
	struct stop_request request;
	struct stop_result result;
	struct suture_error err;
	uint8_t saved[16];
	bool to_old; /* the commit takes the jump out again */
	/* Called in the middle of a step, if set. */
	void (*before_gate)(struct fixture *fixture);
	void (*at_gate)(struct fixture *fixture);
	void (*at_undone_gate)(struct fixture *fixture);
	void (*at_write)(struct fixture *fixture);
	unsigned gates, undone_gates, writes, switches, opens, undos;
	int fail_write;
};

/* A request that replaces fixture_old() on the rung, with a gate, timeout a minute. */
void fixture_init(struct fixture *fixture, enum stop_rung rung);
/* Restores the function by hand, whatever state it is in, and checks its bytes. */
void fixture_fini(struct fixture *fixture);
int fixture_apply(struct fixture *fixture);
int fixture_revert(struct fixture *fixture);
/* Are the function's bytes those that it was compiled to? */
bool fixture_is_original(const struct fixture *fixture);

/* Waits until tid sleeps in the kernel (state S in /proc). */
void fixture_wait_asleep(pid_t tid);
pid_t fixture_gettid(void);
/* ptrace works here at all? Else tests are skipped. */
bool fixture_can_stop(void);

#endif
