/* SPDX-License-Identifier: MIT */
/* See hurry.h. Raw system calls. */
#include "stop/hurry.h"

#include "stop/session.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

static pid_t self(void)
{
	return (pid_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

void hurry_start(struct hurry *hurry)
{
	hurry->start_ns = wait_now_stopped();
}

bool hurry_is_harmless(void)
{
	return arch_syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0, 0) == 0;
}

bool hurry_check_stopped(struct hurry *hurry)
{
	if (!hurry->priority.raised && wait_now_stopped() - hurry->start_ns > STOP_SOON_NS)
		priority_hurry_stopped(self(), &hurry->priority);
	return hurry->priority.raised;
}

void hurry_end(struct hurry *hurry)
{
	priority_restore_stopped(self(), &hurry->priority);
}
