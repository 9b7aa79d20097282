/* SPDX-License-Identifier: MIT */
/* Who traces a thread. Any thread. */
#ifndef BASE_TRACER_H
#define BASE_TRACER_H

#include <sys/types.h>

/*
 * The process that traces thread tid of this or another process, by /proc/TID/status; 0: none, or
 * it can't be read. Opens a file: never while threads are stopped.
 */
pid_t tracer_of(pid_t tid);

#endif
