/* SPDX-License-Identifier: MIT */
/*
 * What a borrowed thread is sent for: it starts one thread, and that loads the library and calls
 * its start function. The library's loading never happens on the borrowed thread: a constructor
 * elsewhere may be waiting for it.
 */
#ifndef ATTACH_ERRAND_H
#define ATTACH_ERRAND_H

#include "cli/attach/borrow.h"
#include "cli/attach/library.h"
#include "cli/attach/stack.h"

/* Where things are in the target. */
struct errand_map {
	struct arch_errand errand; /* functions of the C library */
	uint64_t syscall_at;
};

struct errand {
	const struct remote *remote;
	const struct process *process;
	struct library *library;
	struct errand_map places; /* errand_find() */
	bool make_dumpable;
	uint64_t mapping, data, path; /* in the target */
	bool waits;		      /* the new thread, for the library */
	struct arch_errand answer;
	int failed; /* to give it the library: failure.code */
	struct suture_error failure;
};

/*
 * Looks up the C library's functions. UNSUPPORTED for programs without one that we know.
 */
int errand_find(struct errand *errand, const struct remote *remote, const struct modules *modules,
		struct suture_error *err);

/*
 * Sends the thread, which was stopped and judged free, and puts it back in any case. From then on
 * it is back where it was. Errors: nothing was loaded.
 */
int errand_send(struct errand *errand, struct borrowed *borrowed, struct suture_error *err);

#endif
