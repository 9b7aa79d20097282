/* SPDX-License-Identifier: MIT */
/*
 * One `suture attach` at a time: another one would meet a traced thread, or a library that is half
 * loaded. A lock on /proc/PID/mem, which only who may trace the process can open; the kernel gives
 * it back when its holder ends. Through another mount of /proc it is another lock.
 */
#ifndef ATTACH_TURN_H
#define ATTACH_TURN_H

#include "cli/process.h"

#include <stdint.h>

/*
 * Waits for the others until deadline (us); *fd holds the lock until it is closed; -1 where there
 * is none to be had, which is no error: who may not open it is told why by what comes next.
 * *waited: somebody was there before. AGENT_BUSY: somebody still is.
 */
int turn_take(const struct process *process, uint64_t deadline, int *fd, bool *waited,
	      struct suture_error *err);

#endif
