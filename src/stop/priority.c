/* SPDX-License-Identifier: MIT */
/*
 * Priorities of the caller and the helper. Real-time for the pause only: with as many spinning
 * threads as processors, a coordinator of normal priority makes a pause of milliseconds one of
 * seconds. Where it isn't permitted we go without. Raw system calls.
 */
#include "stop/session.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { RAISED_NICE = -20 };

/* The kernel's struct sched_attr, first published size; libc has none. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

void priority_save(pid_t tid, struct priority *priority)
{
	struct scheduling attr = {.size = sizeof(attr)};

	_Static_assert(sizeof(attr) <= sizeof(priority->attr), "the copy must hold it");
	*priority = (struct priority){0};
	if (arch_syscall(SYS_sched_getattr, tid, (long)&attr, sizeof(attr), 0, 0, 0) != 0)
		return;
	attr.size = sizeof(attr);
	memcpy(priority->attr, &attr, sizeof(attr));
	priority->saved = true;
}

void priority_try_stopped(pid_t tid)
{
	struct priority priority;
	struct scheduling attr;

	priority_save(tid, &priority);
	memcpy(&attr, priority.attr, sizeof(attr));
	arch_syscall(SYS_sched_setattr, tid, (long)&attr, 0, 0, 0, 0);
	if (attr.policy == SCHED_OTHER)
		arch_syscall(SYS_setpriority, PRIO_PROCESS, tid, attr.nice, 0, 0, 0);
}

void priority_hurry_stopped(pid_t tid, struct priority *priority)
{
	struct scheduling attr;

	priority_save(tid, priority);
	if (!priority->saved)
		return;
	memcpy(&attr, priority->attr, sizeof(attr));
	/* Any other one the application has chosen for it. */
	if (attr.policy != SCHED_OTHER)
		return;
	priority->raised = true;
	arch_syscall(SYS_setpriority, PRIO_PROCESS, tid, RAISED_NICE, 0, 0, 0);
}

void priority_raise_stopped(pid_t tid, struct priority *priority)
{
	struct scheduling attr;

	if (!priority->saved || priority->raised)
		return;
	memcpy(&attr, priority->attr, sizeof(attr));
	/* Already real-time: the application knows what it wants. */
	if (attr.policy != SCHED_OTHER && attr.policy != SCHED_BATCH && attr.policy != SCHED_IDLE)
		return;
	/* Before the call: whoever restores must know of it even if the helper dies in between. */
	priority->raised = true;
	attr.policy = SCHED_FIFO;
	attr.priority = 1;
	attr.nice = 0;
	if (arch_syscall(SYS_sched_setattr, tid, (long)&attr, 0, 0, 0, 0) == 0)
		return;
	memcpy(&attr, priority->attr, sizeof(attr));
	if (attr.policy == SCHED_OTHER)
		arch_syscall(SYS_setpriority, PRIO_PROCESS, tid, RAISED_NICE, 0, 0, 0);
}

void priority_restore_stopped(pid_t tid, struct priority *priority)
{
	if (!priority->raised)
		return;
	arch_syscall(SYS_sched_setattr, tid, (long)priority->attr, 0, 0, 0, 0);
	priority->raised = false;
}
