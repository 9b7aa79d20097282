/* SPDX-License-Identifier: MIT */
/*
 * Some system calls return EINTR after a ptrace stop, although no signal was delivered. Setting the
 * result to -ERESTARTNOHAND before the thread goes on makes the kernel restart the call unless a
 * signal with a handler is pending: what the program would have seen without us. Finite timeouts
 * start afresh: late, never early. Callable while threads are stopped.
 */
#include "arch/x86_64/regs.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum { ERESTARTNOHAND = 514 }; /* the kernel's own number, never seen by programs */

/*
 * Calls that give EINTR themselves where others let the kernel restart them. Without effect until
 * they return, so that they can be run again. Of connect that holds while the first is under way: a
 * blocking second one waits for its end, as the kernel has it where there is no SO_SNDTIMEO. Not
 * close: the descriptor is gone.
 */
static bool is_restartable(uint64_t number)
{
	switch (number) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_rt_sigtimedwait: /* sigwaitinfo, sigwait */
#ifdef SYS_io_uring_enter
	case SYS_io_uring_enter:
#endif
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_io_getevents:
#ifdef SYS_io_pgetevents
	case SYS_io_pgetevents:
#endif
	case SYS_read: /* of a socket with SO_RCVTIMEO, and kin */
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_write: /* with SO_SNDTIMEO, and kin */
	case SYS_connect:
	case SYS_writev:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_msgrcv:
	case SYS_msgsnd:
		return true;
	default:
		return false;
	}
}

bool x86_syscall_restart_stopped(void *user_regs)
{
	struct user_regs_struct *user = user_regs;

	if ((int64_t)user->orig_rax < 0 || (int64_t)user->rax != -EINTR ||
	    !is_restartable(user->orig_rax))
		return false;
	user->rax = (uint64_t)(int64_t)-ERESTARTNOHAND;
	return true;
}
