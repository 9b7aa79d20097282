/* SPDX-License-Identifier: MIT */
/*
 * The helper: a process of its own that shares our memory, since a thread can't trace its siblings.
 * It also shares its caller's TLS, so that no libc function is called, which may touch errno, a
 * lock or the allocator's cache: raw system calls only. Every signal is blocked here.
 */
#include "stop/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { UNSHARE_FILES = 2 /* CLOSE_RANGE_UNSHARE */ };

/* Plenty for the kernel's struct sigaction of any architecture; all zero is SIG_DFL. */
struct kernel_action {
	uint64_t words[8];
};

/*
 * A descriptor table with nothing in it but the task directory: the thousand files that we open are
 * not the application's, and its sockets are not held open by us.
 */
static void own_files(struct stop_session *session)
{
#ifdef SYS_close_range
	unsigned keep = (unsigned)session->task_dir;
	struct rlimit limit;

	if (arch_syscall(SYS_close_range, keep + 1, ~0U, UNSHARE_FILES, 0, 0, 0) != 0)
		return;
	if (keep)
		arch_syscall(SYS_close_range, 0, keep - 1, 0, 0, 0, 0);
	session->private_files = true;
	/* Limits belong to the process, and the helper is one. */
	if (arch_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0) == 0) {
		limit.rlim_cur = limit.rlim_max;
		arch_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&limit, 0, 0, 0);
	}
#else
	(void)session;
#endif
}

/* Should a filter kill us, nobody wants to see what is the application's memory as well. */
static void no_core(void)
{
	/* Not 0: where a program takes the core, the kernel knows "none" by 1 alone. */
	struct rlimit limit = {1, 1};

	arch_syscall(SYS_prlimit64, 0, RLIMIT_CORE, (long)&limit, 0, 0, 0);
}

static void try_out(struct stop_session *session, pid_t own)
{
	no_core();
	if (session->may_raise) {
		session->trial = TRIAL_PRIORITY;
		atomic_signal_fence(memory_order_seq_cst);
		priority_try_stopped(own);
		atomic_signal_fence(memory_order_seq_cst);
	}
	if (session->may_trace) {
		session->trial = TRIAL_TRACE;
		atomic_signal_fence(memory_order_seq_cst);
		/* Nobody has that number. */
		arch_syscall(SYS_ptrace, PTRACE_SEIZE, 0, 0, 0, 0, 0);
		atomic_signal_fence(memory_order_seq_cst);
	}
	session->trial = TRIAL_NONE;
}

/*
 * Did exec() or the end of the process take the thread that we serve before it was to take us
 * along? Nobody would ever give a command, and a new program would have a child that it did not
 * start.
 */
static bool is_orphan(const struct stop_session *session)
{
	return arch_syscall(SYS_tgkill, session->leader, session->caller, 0, 0, 0, 0) == -ESRCH;
}

/* False: there is nobody to work for. */
static bool prepare(struct stop_session *session)
{
	struct kernel_action standard = {{0}};
	long pid = arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	long fd;

	/* The kernel sends no SIGCHLD for stops where it is ignored: ours must not be. */
	arch_syscall(SYS_rt_sigaction, SIGCHLD, (long)&standard, 0, 8, 0, 0);
	/* Nobody to work for: end, and so let go of everyone. */
	arch_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	arch_syscall(SYS_prctl, PR_SET_NAME, (long)STOP_HELPER_NAME, 0, 0, 0, 0);
	own_files(session);
	/* Of our own number, which needs no permission; the memory is the same. */
	fd = session->private_files ? arch_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/mem",
						   O_RDONLY | O_CLOEXEC, 0, 0, 0)
				    : -1;
	unwind_memory_init_stopped(&session->memory, (pid_t)pid, fd < 0 ? -1 : (int)fd);
	if (session->filtered)
		try_out(session, (pid_t)pid);
	/* Last, so that one that was just ending is gone by now. */
	return !is_orphan(session);
}

static void raise_stopped(struct stop_session *session, pid_t tid)
{
	struct priority *priority =
		tid == session->caller ? &session->caller_priority : &session->helper_priority;

	/* Where there is no helper, it is nobody. */
	if (!session->may_raise || (tid == session->helper && session->solo))
		return;
	priority_save(tid, priority);
	priority_raise_stopped(tid, priority);
}

void helper_pause_begin_stopped(struct stop_session *session, pid_t own)
{
	if (session->raised)
		return;
	session->raised = true;
	/* The other one sleeps, and is in nobody's way yet. */
	raise_stopped(session, own == session->caller ? session->helper : session->caller);
	/* At a safe point somebody stands already. */
	if (!session->pause_start_ns)
		session->pause_start_ns = wait_now_stopped();
	raise_stopped(session, own);
}

void helper_do_stopped(struct stop_session *session, enum helper_command what)
{
	switch (what) {
	case COMMAND_AWAIT:
		wake_await_stopped(session);
		look_first_stopped(session);
		break;
	case COMMAND_LOOK:
		look_first_stopped(session);
		break;
	case COMMAND_CHECK:
		look_again_stopped(session);
		break;
	case COMMAND_RELEASE:
		trace_release_all_stopped(session);
		if (!session->pause_end_ns)
			session->pause_end_ns = wait_now_stopped();
		/* To close a thousand files takes time, which is the application's. */
		priority_restore_stopped(session->helper, &session->helper_priority);
		break;
	case COMMAND_NONE:
	default:
		break;
	}
}

int helper_main(void *arg)
{
	struct stop_session *session = arg;
	enum helper_command what = COMMAND_NONE;
	uint32_t done = 0;

	if (!prepare(session))
		return 0;
	for (;;) {
		/* Release: partner of the caller's acquire in wait_change_stopped(). */
		atomic_store_explicit(&session->phase, done + 1, memory_order_release);
		wait_wake_stopped(&session->phase);
		if (what == COMMAND_RELEASE)
			return 0;
		done = wait_change_stopped(&session->command, done, 0);
		what = session->what;
		helper_do_stopped(session, what);
	}
}
