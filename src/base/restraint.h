/* SPDX-License-Identifier: MIT */
/*
 * What others hold over a thread of this or another process, as far as everybody may see it in
 * /proc/TID/status. Each opens a file: never while threads are stopped. Any thread.
 */
#ifndef BASE_RESTRAINT_H
#define BASE_RESTRAINT_H

#include <sys/types.h>

/* The process that traces it; 0: none, or it can't be read. */
pid_t tracer_of(pid_t tid);

/*
 * How many seccomp filters are over it; they become more, never fewer. -1: it can't be read, or the
 * kernel (before 5.9) does not say.
 */
int filters_of(pid_t tid);

#endif
