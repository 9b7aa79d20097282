/* SPDX-License-Identifier: MIT */
/* Seccomp filters, as far as everybody may see them. Any thread. */
#ifndef BASE_FILTERS_H
#define BASE_FILTERS_H

#include <sys/types.h>

/*
 * How many are over thread tid of this or another process, by /proc/TID/status; they become more,
 * never fewer. -1: it can't be read, or the kernel (before 5.9) does not say. Opens a file: never
 * while threads are stopped.
 */
int filters_of(pid_t tid);

#endif
