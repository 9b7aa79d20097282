/* SPDX-License-Identifier: MIT */
/*
 * The course of an attach: look at what can be seen without touching, choose a thread that waits
 * for something plain, stop it, look again, and send it on the errand. What does not fit is let go
 * at once; then the next, and after a pause all over again.
 */
#include "cli/attach/attach.h"

#include "base/error.h"
#include "base/file.h"
#include "cli/attach/candidates.h"
#include "cli/attach/errand.h"
#include "cli/attach/library.h"
#include "cli/attach/refuse.h"
#include "cli/attach/reply.h"
#include "cli/attach/resident.h"
#include "cli/attach/seccomp.h"
#include "cli/attach/turn.h"
#include "cli/link.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

enum {
	HASTE = -15,  /* nice value; where that is not permitted, as it is */
	PATIENCE = 8, /* rounds in which only sleeping threads are asked */
	FIRST_PAUSE_NS = 200000,
	LONGEST_PAUSE_NS = 20000000,
	LOADING_US = 10000000, /* how long the library may take to load, whatever the timeout */
};

struct attempt {
	struct remote remote;
	struct stacks stacks;
	struct errand errand;
	struct borrowed borrowed;
	struct attach_report *report;
	uint64_t deadline;
	bool sent;
	enum stack_verdict verdict; /* the last that was not STACK_FREE */
};

/* From what /proc says alone: most that don't fit are not even stopped. */
static bool looks_free(struct attempt *attempt, const struct candidate_thread *thread)
{
	enum stack_verdict verdict;
	struct arch_regs regs;

	if (thread->rank == CANDIDATE_RUNNING)
		return true;
	arch_native()->regs_from_sleep_stopped(thread->sp, thread->pc, &regs);
	verdict = stacks_judge(&attempt->stacks, &regs,
			       arch_native()->wait_is_futex(thread->number), false, false);
	if (verdict == STACK_FREE || verdict == STACK_NEEDS_REGISTERS)
		return true;
	attempt->verdict = verdict;
	return false;
}

static bool is_free(struct attempt *attempt)
{
	const struct arch_ops *arch = arch_native();
	enum stack_verdict verdict;
	struct arch_regs regs;
	bool running;
	long number;

	arch->regs_from_user_stopped(attempt->borrowed.regs, &regs);
	running = !arch->in_syscall(attempt->borrowed.regs, &number);
	if (!running && !arch->wait_rank(number))
		return false;
	verdict = stacks_judge(&attempt->stacks, &regs, !running && arch->wait_is_futex(number),
			       running, true);
	if (verdict != STACK_FREE)
		attempt->verdict = verdict;
	return verdict == STACK_FREE;
}

static int try_thread(struct attempt *attempt, const struct candidate_thread *thread,
		      struct suture_error *err)
{
	struct borrowed *borrowed = &attempt->borrowed;
	enum borrow_catch what;
	uint64_t start;
	int rc;

	if (!looks_free(attempt, thread))
		return 0;
	start = borrow_now_us();
	rc = borrow_stop(borrowed, thread->tid, attempt->deadline, &what, err);
	attempt->report->tries++;
	if (rc || what == BORROW_MISSED)
		return rc;
	if (!is_free(attempt)) {
		borrow_release(borrowed);
		return 0;
	}
	rc = seccomp_permits(thread->tid, err);
	if (rc) {
		borrow_release(borrowed);
		return rc;
	}
	rc = errand_send(&attempt->errand, borrowed, err);
	attempt->report->borrowed_us = borrow_now_us() - start;
	attempt->sent = rc == 0;
	return rc;
}

static int try_all(struct attempt *attempt, unsigned round, struct suture_error *err)
{
	static struct candidate_thread threads[CANDIDATES_MAX];
	size_t count = candidates_list(attempt->remote.pid, threads);
	int rc = stacks_refresh(&attempt->stacks, err);

	for (size_t i = 0; !rc && !attempt->sent && i < count; i++)
		if (threads[i].rank != CANDIDATE_RUNNING || round >= PATIENCE)
			rc = try_thread(attempt, &threads[i], err);
	return rc;
}

static int in_vain(const struct attempt *attempt, struct suture_error *err)
{
	static const char *const why[STACK_VERDICTS] = {
		[STACK_FREE] = "no thread waits for something plain",
		[STACK_HOLDS] = "every thread is inside the allocator, the loader or a lock",
		[STACK_HANDLER] = "all are in a signal handler",
		[STACK_UNKNOWN] = "every thread's stack has frames without unwind information",
		[STACK_NEEDS_REGISTERS] = "no thread's stack could be followed",
	};

	error_set(err, SUTURE_E_TIMEOUT, "no thread could be borrowed: %s", why[attempt->verdict]);
	if (attempt->verdict == STACK_HANDLER)
		return error_next(err, "try again; a process that was forked inside a handler "
				       "never leaves it, and can't get an agent");
	return error_next(err, "try again, or start it with LD_PRELOAD=libsuture.so");
}

static int try_until(struct attempt *attempt, struct suture_error *err)
{
	struct timespec pause = {.tv_nsec = FIRST_PAUSE_NS};
	struct process process;
	int rc;

	for (unsigned round = 0;; round++) {
		rc = try_all(attempt, round, err);
		if (rc || attempt->sent)
			return rc;
		if (!process_read(attempt->remote.pid, &process))
			return error_set(err, SUTURE_E_NO_PROCESS, "the process ended meanwhile");
		if (borrow_now_us() > attempt->deadline)
			return in_vain(attempt, err);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < LONGEST_PAUSE_NS)
			pause.tv_nsec += pause.tv_nsec / 4;
	}
}

static int run(struct attempt *attempt, struct suture_error *err)
{
	uint64_t deadline = attempt->deadline;
	int priority = getpriority(PRIO_PROCESS, 0), rc;
	sigset_t all, before;

	/* Nothing short of SIGKILL may end us while a thread is away. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	/* A thread that is away waits for us; it must not wait for others who want our processor.
	 */
	setpriority(PRIO_PROCESS, 0, HASTE);
	rc = try_until(attempt, err);
	setpriority(PRIO_PROCESS, 0, priority);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (deadline < borrow_now_us() + LOADING_US)
		deadline = borrow_now_us() + LOADING_US;
	return rc ? rc : reply_await(&attempt->errand, deadline, err);
}

static int attach_program(const struct process *process, const struct attach_options *options,
			  uint64_t deadline, struct attach_report *report, struct suture_error *err)
{
	static struct attempt attempt;
	static struct library library;
	int rc;

	attempt = (struct attempt){.report = report,
				   .deadline = deadline,
				   .errand.process = process,
				   .errand.make_dumpable =
					   options->make_dumpable && !process_is_dumpable(process),
				   .errand.library = &library};
	rc = attach_refuse(process, err);
	if (!rc && !options->make_dumpable)
		rc = attach_refuse_undumpable(process, err);
	if (!rc)
		rc = library_find(process, &library, err);
	if (!rc)
		rc = remote_open(process->pid, &attempt.remote, err);
	if (rc)
		return rc;
	rc = stacks_init(&attempt.stacks, &attempt.remote, err);
	if (!rc)
		rc = errand_find(&attempt.errand, &attempt.remote, &attempt.stacks.modules, err);
	if (!rc)
		rc = run(&attempt, err);
	stacks_fini(&attempt.stacks);
	remote_close(&attempt.remote);
	return rc;
}

/* Whoever was before us may have done what we were asked for. */
static bool is_served(const struct process *process)
{
	struct suture_error why;
	struct link link;

	if (link_open(&link, process, &why))
		return false;
	link_close(&link);
	return true;
}

/* What was asked of its user's other processes stays known, for who takes it back. */
static int keep_dumpable(const struct process *process, int rc, struct suture_error *err)
{
	if (!rc && !resident_note_dumpable(process))
		rc = error_set(err, SUTURE_E_UNSUPPORTED,
			       "its agent is of another version, and would not take it back");
	if (rc && process_is_dumpable(process))
		error_context(err, "%s (pid %d) was made dumpable, and stays so", process->name,
			      (int)process->pid);
	return rc;
}

/* What we had open of it is no more; or was it the process, and not only its program? */
static int gone_on(const struct process *process, uint64_t started, int rc,
		   struct suture_error *err)
{
	if (rc != -(int)SUTURE_E_NO_PROCESS || !started || process_start(process->pid) != started)
		return rc;
	return error_set(err, SUTURE_E_AGENT_BUSY, "pid %d began another program",
			 (int)process->pid);
}

int attach_process(const struct process *process, const struct attach_options *options,
		   struct attach_report *report, struct suture_error *err)
{
	uint64_t start = borrow_now_us(), deadline = start + options->timeout_us;
	uint64_t started = process_start(process->pid);
	bool dumpable = process_is_dumpable(process), waited;
	const struct timespec nap = {.tv_nsec = 1000000};
	struct process now = *process;
	cleanup_fd int turn = -1;
	int rc = turn_take(process, deadline, &turn, &waited, err);

	*report = (struct attach_report){0};
	if (rc)
		return rc;
	report->served = waited && is_served(process);
	if (report->served && (dumpable || !options->make_dumpable))
		return 0;
	/* It may be a shell that is about to become something else, or be loading its libraries. */
	for (;;) {
		rc = attach_program(&now, options, deadline, report, err);
		rc = gone_on(process, started, rc, err);
		if (rc != -(int)SUTURE_E_AGENT_BUSY || borrow_now_us() > deadline)
			break;
		nanosleep(&nap, NULL);
		if (!process_read(process->pid, &now))
			break;
	}
	if (options->make_dumpable && !dumpable)
		rc = keep_dumpable(process, rc, err);
	report->total_us = borrow_now_us() - start;
	return rc;
}

bool attach_is_orphan(const struct process *process)
{
	struct resident resident;

	return resident_read(process, &resident) && resident.served &&
	       resident.served != process->inner_pid;
}
