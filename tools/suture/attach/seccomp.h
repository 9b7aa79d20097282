/* SPDX-License-Identifier: MIT */
/*
 * Would a seccomp filter let the target do what loading an agent takes, and what an agent does that
 * is there? Asked before, since a filter may kill at the first call that it does not like.
 */
#ifndef ATTACH_SECCOMP_H
#define ATTACH_SECCOMP_H

#include <suture/error.h>

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * tid is stopped by us. UNSUPPORTED with the call that is forbidden, or where there are filters
 * that only root may read.
 */
int seccomp_permits(pid_t tid, struct suture_error *err);

/*
 * The same for a thread of an agent, of which anything may be asked: what only fails is its own
 * affair. 0 where the filters can't be read.
 */
int seccomp_spares(pid_t tid, struct suture_error *err);

/* 2: the thread has filters. */
int seccomp_mode(pid_t tid);

/*
 * Runs one filter for a call; returns what it says (SECCOMP_RET_…), SECCOMP_RET_KILL_PROCESS for a
 * program that is not well formed.
 */
uint32_t seccomp_evaluate(const struct sock_filter *program, size_t count, uint32_t arch,
			  long number, const uint64_t arguments[6]);

#endif
