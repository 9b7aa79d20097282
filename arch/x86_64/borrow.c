/* SPDX-License-Identifier: MIT */
/*
 * What a thread's registers have to be for it to do something else for a moment, and which system
 * calls it may be taken out of. Numbers of restarts are the kernel's own, never seen by programs.
 */
#include "arch/x86_64/borrow.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
};

enum { FLAG_TRAP = 0x100, FLAG_DIRECTION = 0x400, RED_ZONE = 128, RETURN_ADDRESS = 8 };

/* errand.S knows these by number. */
_Static_assert(offsetof(struct arch_errand, pthread_create) == 8, "errand.S");
_Static_assert(offsetof(struct arch_errand, munmap) == 56, "errand.S");
_Static_assert(offsetof(struct arch_errand, thread_entry) == 88, "errand.S");
_Static_assert(offsetof(struct arch_errand, thread) == 112, "errand.S");
_Static_assert(offsetof(struct arch_errand, dismissed) == 152, "errand.S");
_Static_assert(offsetof(struct arch_errand, nap) == 160, "errand.S");
_Static_assert(offsetof(struct arch_errand, naps) == 176, "errand.S");
_Static_assert(offsetof(struct arch_errand, memory) == 184, "errand.S");
_Static_assert(offsetof(struct arch_errand, frame) == 208, "errand.S");
_Static_assert(offsetof(struct arch_errand, text) == 248, "errand.S");

unsigned x86_wait_rank(long number)
{
	switch (number) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		return 1;
	case SYS_poll:
	case SYS_ppoll:
	case SYS_select:
	case SYS_pselect6:
		return 2;
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_pause:
	case SYS_rt_sigsuspend: /* its own mask comes back with the call */
		return 3;
	case SYS_accept:
	case SYS_accept4:
		return 4;
	case SYS_wait4:
	case SYS_waitid:
		return 5;
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_msgrcv:
	case SYS_mq_timedreceive:
		return 6;
	case SYS_rt_sigtimedwait:
		return 7;
	case SYS_futex:
	case SYS_restart_syscall: /* poll, a sleep or a futex, interrupted once already */
		return 8;
	default:
		return 0;
	}
}

bool x86_wait_is_futex(long number)
{
	return number == SYS_futex || number == SYS_restart_syscall;
}

bool x86_in_syscall(const void *user_regs, long *number)
{
	const struct user_regs_struct *user = user_regs;

	if ((int64_t)user->orig_rax < 0)
		return false;
	switch (-(int64_t)user->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		*number = (long)user->orig_rax;
		return true;
	default:
		return false;
	}
}

/* orig_rax -1: the kernel sees no call that it would have to restart. */
static void leave_call(struct user_regs_struct *user)
{
	user->orig_rax = UINT64_MAX;
	user->eflags &= ~(unsigned long long)(FLAG_TRAP | FLAG_DIRECTION);
}

void x86_set_syscall(void *user_regs, uint64_t at, long number, const uint64_t *arguments)
{
	struct user_regs_struct *user = user_regs;

	leave_call(user);
	user->rip = at;
	user->rax = (uint64_t)number;
	user->rdi = arguments[0];
	user->rsi = arguments[1];
	user->rdx = arguments[2];
	user->r10 = arguments[3];
	user->r8 = arguments[4];
	user->r9 = arguments[5];
}

void x86_set_call(void *user_regs, uint64_t entry, uint64_t argument, uint64_t top)
{
	struct user_regs_struct *user = user_regs;

	leave_call(user);
	user->rip = entry;
	user->rdi = argument;
	user->rax = 0;
	user->rbp = 0;
	/* As behind a call: the stack is aligned but for the return address. */
	user->rsp = ((top - RED_ZONE) & ~(uint64_t)63) - RETURN_ADDRESS;
}

int64_t x86_result(const void *user_regs)
{
	const struct user_regs_struct *user = user_regs;

	return (int64_t)user->rax;
}

void x86_forget_rest(void *user_regs)
{
	struct user_regs_struct *user = user_regs;

	if ((int64_t)user->rax == -ERESTART_RESTARTBLOCK)
		user->rax = (uint64_t)(int64_t)-ERESTARTNOHAND;
}
