/* SPDX-License-Identifier: MIT */
/* Borrowing by ptrace; see borrow.h. */
#include "cli/attach/borrow.h"

#include "base/error.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum {
	EVENT_STOP = 128, /* PTRACE_EVENT_STOP */
	SYSCALL_STOP = SIGTRAP | 0x80,
	SETXID = 33, /* glibc's: who calls setuid() waits until every thread has taken it */
	STOP_LEAST_US = 2000000,
	RUN_LIMIT_US = 60000000,
	SPIN_US = 200, /* how long to look for the end without sleeping */
	NAP_NS = 50000,
	CHILD_NS = 1000000,
};

uint64_t borrow_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void nap(void)
{
	struct timespec time = {.tv_nsec = NAP_NS};

	nanosleep(&time, NULL);
}

static int gone(struct suture_error *err)
{
	return error_set(err, SUTURE_E_NO_PROCESS, "the process ended meanwhile");
}

static int lost(const struct borrowed *borrowed, struct suture_error *err)
{
	error_set(err, SUTURE_E_UNCERTAIN, "thread %d did not come back", (int)borrowed->tid);
	return error_next(err, "restart the program when it can be");
}

static bool get_regs(const struct borrowed *borrowed, void *regs)
{
	struct iovec vector = {regs, arch_native()->user_regs_size};

	return ptrace(PTRACE_GETREGSET, borrowed->tid, NT_PRSTATUS, &vector) == 0;
}

static bool set_regs(const struct borrowed *borrowed, void *regs)
{
	struct iovec vector = {regs, arch_native()->user_regs_size};

	return ptrace(PTRACE_SETREGSET, borrowed->tid, NT_PRSTATUS, &vector) == 0;
}

static bool set_mask(const struct borrowed *borrowed, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, borrowed->tid, sizeof(mask), &mask) == 0;
}

/* Until something that we trace changes state: SIGCHLD, which the caller has blocked. */
static void sleep_for_child(void)
{
	const struct timespec limit = {.tv_nsec = CHILD_NS};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &limit);
}

/* Waits for its next stop, at most until limit; 0 on time, 1 when it is gone, 2 too late. */
static int wait_stop(const struct borrowed *borrowed, uint64_t limit, int *status)
{
	for (;;) {
		pid_t got = waitpid(borrowed->tid, status, __WALL | WNOHANG);

		if (got == borrowed->tid)
			return WIFSTOPPED(*status) ? 0 : 1;
		if (got < 0 && errno != EINTR)
			return 1;
		if (borrow_now_us() > limit)
			return 2;
		sleep_for_child();
	}
}

int borrow_stop(struct borrowed *borrowed, pid_t tid, uint64_t deadline, enum borrow_catch *what,
		struct suture_error *err)
{
	uint64_t limit = borrow_now_us() + STOP_LEAST_US;
	int status, rc;

	if (limit < deadline)
		limit = deadline;

	*borrowed = (struct borrowed){.tid = tid};
	*what = BORROW_MISSED;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0) {
		if (errno == ESRCH)
			return 0;
		error_errno(err, SUTURE_E_PERMISSION, errno, "thread %d can't be traced", (int)tid);
		return error_next(err, "run suture as root, or see /proc/sys/kernel/yama/"
				       "ptrace_scope");
	}
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return 0;
	rc = wait_stop(borrowed, limit, &status);
	if (rc == 1)
		return 0;
	if (rc == 2) {
		error_set(err, SUTURE_E_UNSTOPPABLE_THREAD, "thread %d did not stop in time",
			  (int)tid);
		return error_next(err,
				  "the machine is very busy, or it waits for a disk: try again "
				  "with a longer --timeout");
	}
	if (status >> 16 != EVENT_STOP || WSTOPSIG(status) != SIGTRAP) {
		/* A signal on its way, or the whole process is being stopped. */
		int signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;

		ptrace(PTRACE_DETACH, tid, NULL, (void *)(long)signal);
		return 0;
	}
	if (!get_regs(borrowed, borrowed->regs))
		return 0;
	/* At once: then it holds as well if we should die. */
	if (arch_native()->syscall_restart_stopped(borrowed->regs))
		set_regs(borrowed, borrowed->regs);
	borrowed->at_event = true;
	*what = BORROW_CAUGHT;
	return 0;
}

void borrow_release(struct borrowed *borrowed)
{
	ptrace(PTRACE_DETACH, borrowed->tid, NULL, NULL);
}

int borrow_begin(struct borrowed *borrowed, struct suture_error *err)
{
	struct iovec vectors = {borrowed->vectors, sizeof(borrowed->vectors)};

	if (ptrace(PTRACE_GETREGSET, borrowed->tid, (long)arch_native()->vector_set, &vectors) < 0)
		return error_errno(err, SUTURE_E_UNSUPPORTED, errno, "its vector registers");
	if (vectors.iov_len >= sizeof(borrowed->vectors))
		return error_set(err, SUTURE_E_UNSUPPORTED, "its vector registers are too many");
	borrowed->vectors_size = vectors.iov_len;
	if (ptrace(PTRACE_GETSIGMASK, borrowed->tid, sizeof(borrowed->mask), &borrowed->mask) < 0 ||
	    !set_mask(borrowed, UINT64_MAX))
		return error_errno(err, SUTURE_E_UNSUPPORTED, errno, "its signal mask");
	return 0;
}

/* Lets it go on from a stop that is not the one waited for; no signal is lost. */
static bool pass(struct borrowed *borrowed, int request, int status)
{
	int signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;

	if (signal == SYSCALL_STOP)
		signal = 0;
	borrowed->handled |= signal != 0;
	return ptrace(request, borrowed->tid, NULL, (void *)(long)signal) == 0;
}

static bool is_syscall_stop(int status)
{
	return WSTOPSIG(status) == SYSCALL_STOP;
}
static bool is_event_stop(int status)
{
	return status >> 16 == EVENT_STOP;
}

/* Waits for one kind of stop; from all others it goes on by request. */
static int to_stop(struct borrowed *borrowed, bool (*wanted)(int status), int request,
		   struct suture_error *err)
{
	int status;

	for (;;) {
		int rc = wait_stop(borrowed, borrow_now_us() + RUN_LIMIT_US, &status);

		if (rc == 1)
			return gone(err);
		if (rc == 2)
			return lost(borrowed, err);
		if (wanted(status))
			return 0;
		if (!pass(borrowed, request, status))
			return gone(err);
	}
}

static int to_syscall_stop(struct borrowed *borrowed, struct suture_error *err)
{
	if (ptrace(PTRACE_SYSCALL, borrowed->tid, NULL, NULL) < 0)
		return gone(err);
	return to_stop(borrowed, is_syscall_stop, PTRACE_SYSCALL, err);
}

int borrow_syscall(struct borrowed *borrowed, uint64_t at, long number,
		   const uint64_t arguments[ARCH_MAX_CALL], int64_t *result,
		   struct suture_error *err)
{
	_Alignas(16) uint8_t regs[ARCH_MAX_USER_REGS];
	int rc;

	memcpy(regs, borrowed->regs, sizeof(regs));
	arch_native()->set_syscall(regs, at, number, arguments);
	borrowed->at_event = false;
	if (!set_regs(borrowed, regs))
		return gone(err);
	rc = to_syscall_stop(borrowed, err); /* on its way in */
	if (!rc)
		rc = to_syscall_stop(borrowed, err); /* and out */
	if (!rc && !get_regs(borrowed, regs))
		rc = gone(err);
	if (!rc)
		*result = arch_native()->result(regs);
	return rc;
}

/* Signals of a fault that the thread causes itself, and SETXID, stay unblocked. */
static uint64_t mask_away(void)
{
	static const int open[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SETXID};
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		mask &= ~(UINT64_C(1) << (open[i] - 1));
	return mask;
}

/* Only from an event stop does the kernel look whether a call has to be restarted. */
static int to_event_stop(struct borrowed *borrowed, struct suture_error *err)
{
	int rc;

	if (ptrace(PTRACE_INTERRUPT, borrowed->tid, NULL, NULL) < 0)
		return gone(err);
	rc = to_stop(borrowed, is_event_stop, PTRACE_CONT, err);
	borrowed->at_event = rc == 0;
	return rc;
}

int borrow_run(struct borrowed *borrowed, uint64_t entry, uint64_t argument, uint64_t top,
	       bool (*done)(void *context), void *context, struct suture_error *err)
{
	_Alignas(16) uint8_t regs[ARCH_MAX_USER_REGS];
	uint64_t start = borrow_now_us();

	memcpy(regs, borrowed->regs, sizeof(regs));
	arch_native()->set_call(regs, entry, argument, top);
	borrowed->at_event = false;
	if (!set_regs(borrowed, regs) || !set_mask(borrowed, mask_away()) ||
	    ptrace(PTRACE_CONT, borrowed->tid, NULL, NULL) < 0)
		return gone(err);
	while (!done(context)) {
		uint64_t away = borrow_now_us() - start;
		int status;
		pid_t got = waitpid(borrowed->tid, &status, __WALL | WNOHANG);

		if (got == borrowed->tid &&
		    (!WIFSTOPPED(status) || !pass(borrowed, PTRACE_CONT, status)))
			return gone(err);
		if (away > RUN_LIMIT_US)
			return lost(borrowed, err);
		if (away > SPIN_US)
			nap();
		else
			sched_yield();
	}
	return to_event_stop(borrowed, err);
}

int borrow_return(struct borrowed *borrowed, struct suture_error *err)
{
	struct iovec vectors = {borrowed->vectors, borrowed->vectors_size};
	int rc = 0;

	/* At a system call it has to go on from there; it does not get far. */
	if (!borrowed->at_event) {
		if (ptrace(PTRACE_INTERRUPT, borrowed->tid, NULL, NULL) < 0 ||
		    ptrace(PTRACE_CONT, borrowed->tid, NULL, NULL) < 0)
			return gone(err);
		rc = to_event_stop(borrowed, err);
	}
	if (rc)
		return rc;
	/* A handler's return made the kernel forget how much of a sleep was left. */
	if (borrowed->handled)
		arch_native()->forget_rest(borrowed->regs);
	if (ptrace(PTRACE_SETREGSET, borrowed->tid, (long)arch_native()->vector_set, &vectors) <
		    0 ||
	    !set_regs(borrowed, borrowed->regs) || !set_mask(borrowed, borrowed->mask))
		return gone(err);
	return ptrace(PTRACE_DETACH, borrowed->tid, NULL, NULL) < 0 ? gone(err) : 0;
}
