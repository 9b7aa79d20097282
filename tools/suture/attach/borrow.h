/* SPDX-License-Identifier: MIT */
/*
 * A thread of another process that is stopped, made to do something else, and put back as it was:
 * registers with vectors, signal mask, and the system call that it was in goes on. No breakpoint
 * and no single step: both reset an ignored SIGTRAP. Signals are blocked meanwhile and come late.
 *
 * While it is away the caller must not be killed by a signal that it can block: it blocks all of
 * them before borrow_stop(), SIGCHLD too.
 */
#ifndef ATTACH_BORROW_H
#define ATTACH_BORROW_H

#include "arch/arch.h"

#include <suture/error.h>

#include <sys/types.h>

enum { BORROW_VECTORS = 32768 }; /* bytes; the largest known state is 11,008 */

struct borrowed {
	pid_t tid;
	_Alignas(16) uint8_t regs[ARCH_MAX_USER_REGS];
	uint8_t vectors[BORROW_VECTORS];
	size_t vectors_size;
	uint64_t mask;
	bool handled;  /* one of its signal handlers has run meanwhile */
	bool at_event; /* stopped where the kernel will look whether a call has to restart */
};

/* What came of asking for a thread. */
enum borrow_catch {
	BORROW_CAUGHT,
	BORROW_MISSED, /* gone, or about to take a signal: it was let go */
};

/*
 * Stops the thread, which on a busy machine takes until it is its turn: two seconds at least, else
 * until deadline. PERMISSION, or UNSTOPPABLE_THREAD. Its registers are then in borrowed->regs,
 * already such that an interrupted call starts again. What is caught needs borrow_release().
 */
int borrow_stop(struct borrowed *borrowed, pid_t tid, uint64_t deadline, enum borrow_catch *what,
		struct suture_error *err);

/* Lets go of a thread that has done nothing else. */
void borrow_release(struct borrowed *borrowed);

/* Saves the rest of its state and blocks every signal. */
int borrow_begin(struct borrowed *borrowed, struct suture_error *err);

/* Makes it do one system call by the instruction at `at`. */
int borrow_syscall(struct borrowed *borrowed, uint64_t at, long number,
		   const uint64_t arguments[ARCH_MAX_CALL], int64_t *result,
		   struct suture_error *err);

/*
 * Makes it run from entry until done(context) is true, and stops it. Those of its signals get
 * through without which others might wait for it for ever.
 */
int borrow_run(struct borrowed *borrowed, uint64_t entry, uint64_t argument, uint64_t top,
	       bool (*done)(void *context), void *context, struct suture_error *err);

/* Puts everything back and lets go. UNCERTAIN if it can't. */
int borrow_return(struct borrowed *borrowed, struct suture_error *err);

uint64_t borrow_now_us(void);

#endif
