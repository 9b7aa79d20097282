/* SPDX-License-Identifier: MIT */
/*
 * One attempt at stopping: what the caller and the helper share. Internal to src/stop.
 *
 *	caller's thread                        helper (own process, same memory)
 *	session_start()  ── clone ──────────▶  READY
 *	session_command(LOOK) ──────────────▶  list, look at sleepers, stop the rest, unwind,
 *	                                       let who runs inside leave
 *	                 ◀── outcome ────────
 *	gate_close
 *	lazy: session_command(CHECK) ───────▶  who has moved or was born? unwind them
 *	                 ◀── outcome ────────
 *	write, switch, gate_open
 *	session_command(RELEASE) ───────────▶  detach everyone, exit
 *
 * Ownership goes back and forth with the words `command` and `phase`: between a command and its
 * answer everything but these two words is the helper's, else the caller's.
 *
 * The helper sleeps between commands, at once: to wake it costs what waking a processor costs (some
 * 20 us), but while it spun it would be a thread of this memory that runs, which each
 * synchronisation of the gate has to interrupt. The caller waits awake for what comes in the pause.
 */
#ifndef STOP_SESSION_H
#define STOP_SESSION_H

#include "stop/fiber.h"
#include "stop/hurry.h"
#include "stop/safepoint.h"
#include "stop/stop.h"

#include <stdatomic.h>

enum task_state {
	TASK_NEW,     /* listed, nothing known */
	TASK_ASLEEP,  /* looked at and left asleep */
	TASK_STOPPED, /* ptrace-stopped and looked at */
	TASK_STANDS,  /* at a safe point, and looked at */
	TASK_GONE,    /* dead, or a zombie */
	TASK_INERT,   /* a worker of the kernel, a zombie leader: executes no code of ours */
	TASK_STUCK,   /* seized, did not stop */
	TASK_REFUSED, /* may not be traced */
};

/* What a look at a stack says. */
enum sight {
	SIGHT_CLEAN,
	SIGHT_BUSY,	      /* reason, tag, frame are set */
	SIGHT_NEEDS_REGISTER, /* asleep: can only be told when stopped */
};

struct stop_task {
	pid_t tid;
	enum task_state state;
	bool wanted;	  /* to be stopped */
	bool seized;	  /* ours since PTRACE_SEIZE or by birth */
	bool interrupted; /* was asked to stop, has not yet been seen stopped */
	bool busy;	  /* stopped, and inside: may leave when it is let run for a moment */
	uint64_t pc;	  /* where it was stopped */
	uint64_t sp;
	bool moved;	/* checked after the gate: needs no further look */
	bool named;	/* by the latest listing */
	bool alive;	/* seen alive since that listing was complete */
	int counter_fd; /* schedstat, in the helper's own table; -1: opened when needed */
	uint64_t turns; /* how often it got a processor, when it was looked at */
	int signal;	/* taken from the kernel by a signal-delivery-stop, given back on release */
};

enum outcome {
	OUTCOME_CLEAN,
	OUTCOME_BUSY,	     /* blockers: functions or unknown frames */
	OUTCOME_STUCK,	     /* blockers: did not stop, vfork */
	OUTCOME_OVER_BUDGET, /* max_pause_ns ran out while stopped */
	OUTCOME_REFUSED,     /* blockers: traced by others, or no permission */
	OUTCOME_TABLE_FULL,  /* more threads than the table has room for */
	OUTCOME_NO_PROC,     /* /proc can't be read; error has the errno */
	OUTCOME_HELPER_DIED,
	OUTCOME_NEEDS_TRACE, /* without a helper: somebody would have to be stopped */
	OUTCOME_ABSENT,	     /* somebody did not come to its safe point */
	OUTCOME_FIBERS,	     /* fibers were added or removed meanwhile */
	OUTCOME_FORKING,     /* a fork() was under way, which would have copied the gate */
};

/*
 * Calls that a seccomp filter over the caller may kill for, and that we can do without. Nobody can
 * ask a filter, so the helper makes them first: then it is the helper that dies, not the server.
 */
enum trial { TRIAL_NONE = 0, TRIAL_PRIORITY = 1, TRIAL_TRACE = 2 };

enum helper_command {
	COMMAND_NONE,
	COMMAND_AWAIT, /* until somebody who sleeps in the way wakes; then LOOK */
	COMMAND_LOOK,
	COMMAND_CHECK,
	COMMAND_RELEASE,
};

struct stop_session {
	/* -- fixed before the helper starts -- */
	const struct stop_request *request;
	const struct unwind_table *unwind;
	bool lazy;
	bool solo;	/* no helper: the caller looks by itself, nobody can be stopped */
	bool filtered;	/* there are filters over the caller, and so over the helper */
	bool may_raise; /* priorities: no filter kills for it */
	bool may_trace;
	const struct safepoint_gathering *gathering; /* who stands at a safe point; NULL: nobody */
	struct fiber_snapshot fibers;
	struct stop_task awaited[STOP_MAX_BLOCKERS]; /* who was in the way of the last attempt */
	unsigned awaited_count;
	uint64_t await_ns;
	struct stop_thread *threads; /* inspect: one for each task; else NULL */
	pid_t leader;		     /* the process' number */
	pid_t caller;		     /* tid that is never stopped */
	pid_t helper;
	int task_dir;	      /* /proc/self/task */
	bool task_dir_shared; /* the caller keeps it open for the helper */
	uint64_t spin_ns;     /* that the caller waits awake for the answer of a CHECK */
	size_t mapping_size;

	/*
	 * Written by the helper with release, read by the caller with acquire
	 * (wait_change_stopped): 1 when ready, 1 + n when the n-th command is done. The kernel
	 * stores 0 when the helper dies, before it lets go of what the helper traced
	 * (CLONE_CHILD_CLEARTID).
	 */
	_Atomic uint32_t phase;
	/* Number of commands so far; written by the caller with release after `what`, read by the
	 * helper with acquire. */
	_Atomic uint32_t command;

	/* -- handed back and forth -- */
	enum trial trial; /* what the helper tries out, and dies of if a filter says so */
	enum helper_command what;
	enum outcome outcome;
	int error;
	bool raised;		 /* helper_pause_begin_stopped() has been here */
	uint64_t pause_start_ns; /* 0: nobody has been held up yet */
	uint64_t pause_end_ns;
	struct hurry *hurry; /* the caller's, begun with the attempt; NULL: none */
	struct priority caller_priority;
	struct priority helper_priority;
	uint64_t crowd_ns;  /* when look_crowd_stopped() was last asked */
	bool private_files; /* the helper has a descriptor table of its own */
	struct stop_task *tasks;
	size_t task_count;
	size_t task_capacity;
	uint8_t *entries; /* for getdents64 */
	size_t entries_size;
	unsigned blocker_count;
	struct stop_blocker blockers[STOP_MAX_BLOCKERS];
	struct unwind_memory memory;
	/* the backtrace of the thread being looked at */
	unsigned depth;
	bool complete;
	uintptr_t backtrace[STOP_MAX_BACKTRACE];
};

/* ---- session.c: the caller's side; threads run ---------------------------------------------- */

struct session_options {
	bool lazy;
	bool inspect;
	bool solo; /* see struct stop_session */
	struct safepoint_gathering *gathering;
	bool allow_tracer;   /* tell Yama that the helper may trace us */
	unsigned room;	     /* how often the table was too small */
	struct hurry *hurry; /* the caller's */
	/* The attempt before, if it was busy: wait for who sleeps there, for so long. */
	const struct stop_result *await;
	uint64_t await_ns;
};

int session_start(const struct stop_request *request, const struct unwind_table *unwind,
		  const struct session_options *options, struct stop_session **session,
		  struct suture_error *err);
/* Lets everyone run on, and takes the time. May be called more than once. */
void session_release_stopped(struct stop_session *session);
/* After a release: waits for the helper's end, frees all but threads. Takes NULL. */
void session_end(struct stop_session *session);
/* Sends a command and waits for its end: the outcome, or HELPER_DIED. Callable while stopped. */
enum outcome session_command_stopped(struct stop_session *session, enum helper_command what);
bool session_helper_alive_stopped(struct stop_session *session);

/* ---- everything below runs while threads are stopped: raw system calls only -------------------
 */

#define STOP_HELPER_NAME "suture-stop"

/* What looks at a few thousand threads is done in less, where it gets a processor. */
#define STOP_SOON_NS UINT64_C(50000000)

/* helper.c: what the helper executes, from its first instruction to its exit code. */
int helper_main(void *session);
/* Carries out a command: on the helper, or, where there is none, on the caller. */
void helper_do_stopped(struct stop_session *session, enum helper_command what);
/* Marks the start of the pause, once; raises the priorities. Caller or helper, whose tid own is. */
void helper_pause_begin_stopped(struct stop_session *session, pid_t own);

/* wait.c: time and futexes */
uint64_t wait_now_stopped(void);
/* Until *word differs from old; returns the new value, with acquire. Spins, then sleeps. */
uint32_t wait_change_stopped(_Atomic uint32_t *word, uint32_t old, uint64_t spin_ns);
/* The same, but sleeps at once, and for about STOP_SOON_NS at most; then it returns old. */
uint32_t wait_soon_stopped(_Atomic uint32_t *word, uint32_t old);
void wait_wake_stopped(_Atomic uint32_t *word);

/*
 * wake.c: remember who was in the way of the attempt before (the caller, before the helper starts),
 * and wait until one of them wakes: not at all where one runs already.
 */
void wake_remember(struct stop_session *session, const struct stop_result *result,
		   uint64_t limit_ns);
void wake_await_stopped(struct stop_session *session);

/* tasks.c: /proc/self/task */
enum listing { LISTING_OK, LISTING_FULL, LISTING_FAILED };
/* Adds threads that are not in the table (state NEW) and marks those named. */
enum listing tasks_list_stopped(struct stop_session *session, size_t *added);
void tasks_open_counter_stopped(struct stop_session *session, struct stop_task *task);
/* False when the thread is dead. */
bool tasks_read_turns_stopped(struct stop_session *session, struct stop_task *task,
			      uint64_t *turns);
struct sleep_state {
	bool asleep; /* off the processor: sp and pc are its own */
	bool vfork;  /* in a call that lends its stack to a child */
	uint64_t sp;
	uint64_t pc;
};
/* False when the thread is dead or may not be looked at. */
bool tasks_read_sleep_stopped(struct stop_session *session, pid_t tid, struct sleep_state *out);
/* State letter of /proc/TID/stat, 0 when gone, and the kernel's task flags. */
char tasks_read_stat_stopped(struct stop_session *session, pid_t tid, uint64_t *flags);
/* The thread that traces tid, 0 when none or unknown. */
pid_t tasks_read_tracer_stopped(struct stop_session *session, pid_t tid);
void tasks_read_comm_stopped(struct stop_session *session, pid_t tid, char comm[STOP_COMM_SIZE]);

/* trace.c: ptrace */
/* Stops all wanted tasks and looks at their stacks. Sets the outcome when it isn't clean. */
void trace_stop_wanted_stopped(struct stop_session *session);
/* Lets busy threads run, a moment at a time, until they have left or it takes too long. */
void trace_linger_stopped(struct stop_session *session);
void trace_release_all_stopped(struct stop_session *session);

/* look.c: who is where */
void look_first_stopped(struct stop_session *session);
void look_again_stopped(struct stop_session *session);
/* Wants those to stop that were left asleep and run. */
void look_crowd_stopped(struct stop_session *session);

/* fiber.c: all suspended fibers; every thread is stopped or stands. Sets the outcome. */
void fiber_look_stopped(struct stop_session *session);

/* walk.c: one stack against the busy ranges; fills session->backtrace, and blocker on BUSY. */
enum sight walk_stopped(struct stop_session *session, const struct arch_regs *regs,
			struct stop_blocker *blocker);
/* The same for a stack of which only [start, end) is there. */
enum sight walk_within_stopped(struct stop_session *session, const struct arch_regs *regs,
			       uintptr_t start, uintptr_t end, struct stop_blocker *blocker);
/* Notes that something blocks which is no thread. */
void walk_report_other_stopped(struct stop_session *session, const char *name,
			       const struct stop_blocker *blocker);
/* Notes that a thread blocks (and in which state it is, when inspecting). */
void walk_report_stopped(struct stop_session *session, const struct stop_task *task,
			 const struct stop_blocker *blocker);

/* ---- attempt.c, explain.c: the caller's side again ------------------------------------------- */

struct attempt {
	enum outcome outcome;
	int commit_rc; /* what a commit function that failed returned; 0: none did */
	int error;     /* errno that belongs to REFUSED and NO_PROC */
};

/* gather.c: attempts at a safe point, until one commits or the time is up; sets *attempt. */
int gather_run(const struct stop_request *request, uint64_t deadline, struct stop_result *result,
	       struct attempt *attempt, struct suture_error *err);

/* One attempt, commit included. Fails when none could be made. */
int attempt_run(const struct stop_request *request, const struct session_options *options,
		struct stop_result *result, struct attempt *attempt, struct suture_error *err);

/* Sets the error that belongs to an outcome which isn't CLEAN; returns its code, negative. */
int explain_outcome(enum outcome outcome, int error, const struct stop_result *result,
		    struct suture_error *err);
/* What the kernel's refusal to trace depends on. */
struct explain_permission {
	int yama_scope; /* kernel.yama.ptrace_scope; 0 without Yama */
	bool dumpable;
	bool mixed;    /* its real, effective and saved ids are not one */
	bool filtered; /* by seccomp */
};
/* What an operator has to allow; static storage. */
const char *explain_what_to_allow(const struct explain_permission *permission);
/* The thread's name, or "". */
void explain_comm(pid_t tid, char comm[STOP_COMM_SIZE]);
/* Yama's ptrace_scope; 0 when it isn't there. */
int explain_yama_scope(void);

/* priority.c */
void priority_save(pid_t tid, struct priority *priority);
/* Makes every call of this file, and leaves the thread as it is. */
void priority_try_stopped(pid_t tid);
/* Saves it, and makes it the best ordinary one: see hurry.h. */
void priority_hurry_stopped(pid_t tid, struct priority *priority);
/* Real-time: in the pause. */
void priority_raise_stopped(pid_t tid, struct priority *priority);
void priority_restore_stopped(pid_t tid, struct priority *priority);

#endif
