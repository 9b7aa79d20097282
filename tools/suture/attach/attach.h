/* SPDX-License-Identifier: MIT */
/* Starting an agent in a process that runs, through one of its threads. */
#ifndef ATTACH_ATTACH_H
#define ATTACH_ATTACH_H

#include "cli/process.h"

#include <stdint.h>

struct attach_options {
	uint64_t timeout_us;
	bool make_dumpable; /* let its user trace it from now on, where that is not so */
};

struct attach_report {
	uint64_t borrowed_us; /* how long the thread was away */
	uint64_t total_us;
	unsigned tries; /* threads that were stopped for a look */
	bool served;	/* somebody else had just attached: nothing was done */
};

/*
 * Loads libsuture.so into the process unless it is there, and calls its suture_start(). Tries until
 * its time is over. TIMEOUT: no thread could be borrowed. UNCERTAIN: a thread is lost.
 */
int attach_process(const struct process *process, const struct attach_options *options,
		   struct attach_report *report, struct suture_error *err);

/*
 * True for the child of a fork() whose parent has an agent: the library is there, and nobody has
 * started it in this process. An agent that was told to stop is not meant.
 */
bool attach_is_orphan(const struct process *process);

#endif
