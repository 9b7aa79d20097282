/* SPDX-License-Identifier: MIT */
/*
 * Stopping and releasing by ptrace. Runs on the helper. What has to hold: a thread that stopped for
 * a signal gets that signal back when it is released; a system call that we interrupted is
 * restarted, and that is arranged as soon as the thread stops, so that it holds if the helper dies
 * as well.
 */
#include "stop/session.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum {
	STOP_EVENT = 128,	    /* PTRACE_EVENT_STOP */
	POLL_NS = 1000000,	    /* how long to sleep for a SIGCHLD at most */
	LAGGARD_NS = 2000000,	    /* when to ask why a thread doesn't stop */
	CROWD_NS = 5000000,	    /* how often to look who runs instead of it */
	LINGER_STEP_NS = 20000,	    /* how long the busy run before they are looked at again */
	LINGER_NS = 10000000,	    /* how long all that may take */
	ASLEEP_LIMIT_NS = 50000000, /* uninterruptible: others shall not wait longer for it */
};

#define RUNNING_LIMIT_NS UINT64_C(2000000000) /* runnable, but gets no processor */

static long trace(int request, pid_t tid, long address, long data)
{
	return arch_syscall(SYS_ptrace, request, tid, address, data, 0, 0);
}

static long wait_for(pid_t tid, int *status)
{
	return arch_syscall(SYS_wait4, tid, (long)status, __WALL | WNOHANG, 0, 0, 0);
}

static void block(struct stop_session *session, const struct stop_task *task,
		  enum stop_reason reason, enum outcome outcome)
{
	struct stop_blocker blocker;

	blocker.reason = reason;
	blocker.tag = 0;
	blocker.busy_frame = 0;
	session->depth = 0;
	session->complete = false;
	walk_report_stopped(session, task, &blocker);
	if (session->outcome == OUTCOME_CLEAN || outcome == OUTCOME_REFUSED)
		session->outcome = outcome;
}

/* ---- seizing -------------------------------------------------------------------------------- */

static void seize(struct stop_session *session, struct stop_task *task)
{
	uint64_t flags;
	char state;
	long rc;

	if (task->seized)
		return;
	rc = session->may_trace ? trace(PTRACE_SEIZE, task->tid, 0, PTRACE_O_TRACECLONE) : -EPERM;
	if (rc == 0) {
		task->seized = true;
		return;
	}
	if (rc == -ESRCH) {
		task->state = TASK_GONE;
		return;
	}
	/* Born of a seized thread it is ours already, and its first stop is to be waited for. */
	if (arch_syscall(SYS_waitid, P_PID, task->tid, 0, WSTOPPED | WNOWAIT | WNOHANG | __WALL, 0,
			 0) == 0) {
		task->seized = true;
		return;
	}
	state = tasks_read_stat_stopped(session, task->tid, &flags);
	task->wanted = false;
	/* A dead leader is listed until its last thread is gone. */
	if (state == 'Z' && task->tid == session->leader) {
		task->state = TASK_INERT;
	} else if (state == 0 || state == 'Z' || state == 'X') {
		task->state = TASK_GONE;
	} else {
		task->state = TASK_REFUSED;
		session->error = (int)-rc;
		block(session, task,
		      tasks_read_tracer_stopped(session, task->tid) ? STOP_REASON_TRACED
								    : STOP_REASON_REFUSED,
		      OUTCOME_REFUSED);
	}
}

/* Asks it to stop. One that died meanwhile is found out by who waits for it. */
static void interrupt(struct stop_session *session, struct stop_task *task)
{
	long rc = trace(PTRACE_INTERRUPT, task->tid, 0, 0);

	if (rc == 0 || rc == -ESRCH) {
		task->interrupted = true;
		return;
	}
	task->wanted = false;
	task->state = TASK_REFUSED;
	session->error = (int)-rc;
	block(session, task, STOP_REASON_REFUSED, OUTCOME_REFUSED);
}

/* ---- looking at a stopped thread ------------------------------------------------------------ */

static void look(struct stop_session *session, struct stop_task *task, bool by_us)
{
	_Alignas(16) uint8_t user_regs[ARCH_MAX_USER_REGS];
	struct stop_blocker blocker;
	const struct arch_ops *arch = arch_native();
	struct iovec regs = {user_regs, sizeof(user_regs)};
	struct arch_regs start;
	long rc = trace(PTRACE_GETREGSET, task->tid, NT_PRSTATUS, (long)&regs);

	if (rc == -ESRCH) {
		task->state = TASK_GONE; /* killed while stopped: it executes nothing any more */
		return;
	}
	if (rc != 0) {
		session->error = (int)-rc;
		block(session, task, STOP_REASON_REFUSED, OUTCOME_REFUSED);
		return;
	}
	/* Only in the stop that we asked for: what a signal interrupts is the signal's affair. */
	if (by_us && arch->syscall_restart_stopped(user_regs))
		trace(PTRACE_SETREGSET, task->tid, NT_PRSTATUS, (long)&regs);
	arch->regs_from_user_stopped(user_regs, &start);
	task->pc = start.pc;
	task->sp = start.value[arch->dwarf_sp];
	task->busy = false;
	blocker.reason = STOP_REASON_NONE;
	blocker.tag = 0;
	blocker.busy_frame = 0;
	switch (walk_stopped(session, &start, &blocker)) {
	case SIGHT_CLEAN:
		break;
	case SIGHT_NEEDS_REGISTER:
		blocker.reason = STOP_REASON_UNKNOWN_FRAME;
		blocker.busy_frame = session->depth ? session->depth - 1 : 0;
		/* fallthrough */
	case SIGHT_BUSY:
	default:
		task->busy = true;
		if (session->outcome == OUTCOME_CLEAN)
			session->outcome = OUTCOME_BUSY;
		break;
	}
	walk_report_stopped(session, task, &blocker);
}

static void stopped(struct stop_session *session, struct stop_task *task, int status)
{
	int event = status >> 16;
	int signal = WSTOPSIG(status);
	bool by_us = event == STOP_EVENT && signal == SIGTRAP;

	task->state = TASK_STOPPED;
	task->wanted = task->interrupted = false;
	/* event 0: a signal was taken from the queue for us to see, and would be lost. */
	task->signal = event == 0 ? signal : 0;
	look(session, task, by_us);
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* True when there is no use in waiting on; the reason is then in *reason. */
static bool is_hopeless(struct stop_session *session, const struct stop_task *task,
			uint64_t waited_ns, enum stop_reason *reason)
{
	struct sleep_state sleep;
	uint64_t flags;
	char state;

	*reason = STOP_REASON_UNSTOPPABLE;
	if (waited_ns < LAGGARD_NS)
		return false;
	state = tasks_read_stat_stopped(session, task->tid, &flags);
	if (state == 'R' || state == 0 || state == 't')
		return waited_ns > RUNNING_LIMIT_NS;
	if (tasks_read_sleep_stopped(session, task->tid, &sleep) && sleep.vfork) {
		*reason = STOP_REASON_VFORK;
		return true;
	}
	return waited_ns > ASLEEP_LIMIT_NS;
}

static bool over_budget(const struct stop_session *session, uint64_t now)
{
	uint64_t limit = session->request->max_pause_ns;

	return limit && session->pause_start_ns && now - session->pause_start_ns > limit;
}

/* Sleeps until something that we trace changes state, which sends us SIGCHLD. */
static void sleep_for_child(void)
{
	struct timespec limit = {.tv_nsec = POLL_NS};
	uint64_t set = UINT64_C(1) << (SIGCHLD - 1);

	arch_syscall(SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, sizeof(set), 0, 0);
}

static bool is_pending(const struct stop_task *task)
{
	return task->wanted && task->seized && task->state != TASK_GONE;
}

/* Asks all that are wanted before anybody is waited for: they stop side by side. */
static void ask_wanted(struct stop_session *session)
{
	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (!task->wanted || task->interrupted || task->state == TASK_GONE)
			continue;
		seize(session, task);
		if (is_pending(task))
			interrupt(session, task);
	}
}

static void disperse_crowd(struct stop_session *session, uint64_t now)
{
	if (!session->lazy || now - session->crowd_ns < CROWD_NS)
		return;
	session->crowd_ns = now;
	look_crowd_stopped(session);
	ask_wanted(session);
}

static void wait_until_stopped(struct stop_session *session, struct stop_task *task)
{
	uint64_t start = 0;

	for (;;) {
		enum stop_reason reason;
		int status = 0;
		long rc = wait_for(task->tid, &status);
		uint64_t now;

		if (rc == task->tid && WIFSTOPPED(status)) {
			stopped(session, task, status);
			return;
		}
		if (rc != 0 && rc != -EINTR) {
			task->state = TASK_GONE; /* exited, killed, or no longer ours */
			return;
		}
		now = wait_now_stopped();
		if (!start)
			start = now;
		if (over_budget(session, now)) {
			task->state = TASK_STUCK;
			session->outcome = OUTCOME_OVER_BUDGET;
			return;
		}
		if (is_hopeless(session, task, now - start, &reason)) {
			task->state = TASK_STUCK;
			block(session, task, reason, OUTCOME_STUCK);
			return;
		}
		if (now - start >= LAGGARD_NS)
			disperse_crowd(session, now);
		sleep_for_child();
	}
}

void trace_stop_wanted_stopped(struct stop_session *session)
{
	bool any = false;

	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (session->solo && task->wanted && task->state != TASK_GONE) {
			session->outcome = OUTCOME_NEEDS_TRACE;
			return;
		}
		if (task->wanted && task->state != TASK_GONE)
			seize(session, task);
		any |= is_pending(task);
	}
	if (!any || session->outcome == OUTCOME_REFUSED)
		return;
	helper_pause_begin_stopped(session, session->helper);
	ask_wanted(session);
	/* While one is waited for, others may come to be wanted. */
	do {
		any = false;
		for (size_t i = 0; i < session->task_count; i++) {
			if (!is_pending(&session->tasks[i]))
				continue;
			any = true;
			wait_until_stopped(session, &session->tasks[i]);
			if (session->outcome == OUTCOME_STUCK ||
			    session->outcome == OUTCOME_OVER_BUDGET)
				return;
		}
	} while (any);
}

/* ---- lingering ------------------------------------------------------------------------------ */

static void sleep_ns(uint64_t ns)
{
	struct timespec time = {.tv_nsec = (long)ns};

	arch_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&time, 0, 0, 0);
}

static bool is_lingering(const struct stop_task *task)
{
	return task->busy && is_pending(task);
}

static void let_busy_run(struct stop_session *session)
{
	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (!task->busy || task->state != TASK_STOPPED)
			continue;
		if (!tasks_read_turns_stopped(session, task, &task->turns))
			task->turns = 0;
		trace(PTRACE_CONT, task->tid, 0, task->signal);
		task->signal = 0;
		task->wanted = true;
		task->state = TASK_NEW;
	}
}

/* Have all had a processor, so that stopping them again says something new? */
static bool have_run(struct stop_session *session)
{
	uint64_t turns;

	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (is_lingering(task) && tasks_read_turns_stopped(session, task, &turns) &&
		    turns == task->turns)
			return false;
	}
	return true;
}

/* False: somebody sleeps inside, and will not leave soon. */
static bool stop_busy_again(struct stop_session *session)
{
	bool asleep = false;

	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];
		struct sleep_state sleep;

		if (!is_lingering(task))
			continue;
		asleep |= tasks_read_sleep_stopped(session, task->tid, &sleep) && sleep.asleep;
		interrupt(session, task);
	}
	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (!is_lingering(task))
			continue;
		wait_until_stopped(session, task);
		if (task->state == TASK_GONE)
			task->busy = false;
		if (session->outcome == OUTCOME_STUCK || session->outcome == OUTCOME_OVER_BUDGET)
			return false;
	}
	return !asleep;
}

/*
 * A function that is called all the time is hardly ever free of fifty threads at once. Whoever was
 * found outside stays stopped; those inside, and only those, run on for moments, and are looked at
 * again: each round some are caught outside. They may need a thread that is stopped: hence the
 * bound. Before the gate is closed they run unchanged code. Behind it (lazy, a thread that woke)
 * they must not stand within the gate's bytes, which gate_possible promises.
 */
void trace_linger_stopped(struct stop_session *session)
{
	uint64_t start = wait_now_stopped();

	for (;;) {
		bool busy = false, awake;
		uint64_t now;

		for (size_t i = 0; i < session->task_count; i++)
			busy |= session->tasks[i].busy && session->tasks[i].state == TASK_STOPPED;
		if (!busy)
			return;
		session->outcome = OUTCOME_CLEAN;
		session->blocker_count = 0;
		let_busy_run(session);
		do {
			sleep_ns(LINGER_STEP_NS);
			now = wait_now_stopped();
		} while (!have_run(session) && now - start < LINGER_NS &&
			 !over_budget(session, now));
		awake = stop_busy_again(session);
		now = wait_now_stopped();
		if (session->outcome != OUTCOME_BUSY || !awake || now - start > LINGER_NS ||
		    over_budget(session, now))
			return;
	}
}

/* ---- releasing ------------------------------------------------------------------------------ */

/*
 * An attempt that broke off has asked threads to stop for which nobody waited. Letting them go as
 * they are would show them the EINTR of our interruption.
 */
static void drain(struct stop_session *session, struct stop_task *task, uint64_t start)
{
	_Alignas(16) uint8_t user_regs[ARCH_MAX_USER_REGS];
	struct iovec regs = {user_regs, sizeof(user_regs)};
	enum stop_reason reason;
	int status = 0;

	for (;;) {
		long rc = wait_for(task->tid, &status);

		if (rc == task->tid && WIFSTOPPED(status))
			break;
		if (rc != 0 && rc != -EINTR)
			return;
		/* In a sleep that nothing interrupts there is no EINTR either. */
		if (is_hopeless(session, task, wait_now_stopped() - start, &reason))
			return;
		sleep_for_child();
	}
	if (status >> 16 == 0)
		task->signal = WSTOPSIG(status);
	else if (status >> 16 == STOP_EVENT && WSTOPSIG(status) == SIGTRAP &&
		 trace(PTRACE_GETREGSET, task->tid, NT_PRSTATUS, (long)&regs) == 0 &&
		 arch_native()->syscall_restart_stopped(user_regs))
		trace(PTRACE_SETREGSET, task->tid, NT_PRSTATUS, (long)&regs);
	trace(PTRACE_DETACH, task->tid, 0, task->signal);
}

void trace_release_all_stopped(struct stop_session *session)
{
	uint64_t start;

	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (task->seized && task->state == TASK_STOPPED)
			trace(PTRACE_DETACH, task->tid, 0, task->signal);
	}
	/* Of all together, not of each: where nobody gets a processor, nobody shall wait for all.
	 */
	start = wait_now_stopped();
	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (task->seized && task->interrupted && task->state != TASK_GONE)
			drain(session, task, start);
	}
	/* Whoever is seized and was never asked to stop is let go by the kernel when the helper
	 * ends; a signal that it stops for in between stays the kernel's, and is delivered then. */
}
