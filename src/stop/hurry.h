/* SPDX-License-Identifier: MIT */
/*
 * Where hundreds of threads run on a few processors, whoever works with the priority of one of them
 * gets its hundredth of a processor: a stop, of which the look before the pause takes ten
 * milliseconds of work, would take a minute. When what takes no time elsewhere has taken long, the
 * thread goes on with the best of the ordinary priorities. Not otherwise: it would take turns from
 * players; and not in real time, which is for the pause.
 */
#ifndef STOP_HURRY_H
#define STOP_HURRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Scheduling of a thread, to be restored; see priority.c. */
struct priority {
	bool saved;
	bool raised;
	uint8_t attr[64]; /* struct sched_attr */
};

/* Of a thread, which alone uses it. All zero: in no hurry. */
struct hurry {
	uint64_t start_ns;
	struct priority priority;
};

/* Something begins that is soon done. */
void hurry_start(struct hurry *hurry);
/* Is there no seccomp filter over the calling thread, which might kill it for being in a hurry? */
bool hurry_is_harmless(void);
/* Has it taken long? Then the thread is in a hurry from now on, until the end; true when it is. */
bool hurry_check_stopped(struct hurry *hurry);
void hurry_end(struct hurry *hurry);

#endif
