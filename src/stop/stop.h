/* SPDX-License-Identifier: MIT */
/*
 * Stopping the world, looking at every stack, and committing while nobody can be in between.
 *
 * stop_run() is called by the agent's thread, which is never stopped: it waits, runs the commit's
 * steps itself, and says go on. A helper process that shares our memory (clone(CLONE_VM), one per
 * attempt) lists the threads, stops and unwinds them by ptrace. Callbacks therefore run once each,
 * on the caller's thread, with its own TLS; those named _stopped must not allocate, lock, print, or
 * call what may: a stopped thread may hold any lock.
 *
 * WHY LAZY IS EXACT. An old function is one of the busy ranges; G is the moment when
 * gate_close_stopped() has returned: every entry holds a jump to itself, and every processor has
 * passed a full barrier and a synchronisation of its instruction stream since (that is gate_close's
 * duty).
 *  1. Before G every thread on the list was either stopped and unwound, or asleep and unwound. For
 *     a sleeper the kernel's count of its turns on a processor was read first, then SP and PC,
 * which the kernel gives only for a thread that is off the processor, then its stack.
 *  2. After G counts are read again. Same count: the thread has executed nothing since before its
 *     stack was read, so it is still outside. Another count: it is stopped and unwound now; inside
 *     an old function, the gate is undone and the attempt is repeated. A thread that sits at the
 * gate itself is outside: it has executed nothing of the function.
 *  3. After G threads are listed again. One that is new on the list was born before G or after.
 *     It is stopped and unwound like one that moved. A listing counts only if every thread that
 *     it named is still alive afterwards: the kernel's walk breaks off only at a thread that it
 * just named and that died (proc_task_readdir). So no thread that was born before the listing
 * escapes.
 *  4. A thread born after that listing begins on an empty stack in code that is not old: its
 * creator ran after G, and was outside old functions, or was in clone() called by one and hence
 * inside. It can come into an old function only through an entry, and all entries are closed.
 *  5. So when write_stopped() begins no thread is inside an old function, and none can get in until
 *     gate_open_stopped(), when what it enters is new. Never a mix: no new function ran before, no
 *     old one is entered afterwards.
 * Functions of the idle set that are not replaced have no gate: a thread may enter one after its
 * check, but everything that is replaced and that it calls from there is new already: of one
 * version. Data being replaced has no gate either, so that a request that writes data is full.
 *
 * FUNCTIONS THAT ARE NEVER FREE. Threads that run inside are let run on, and only they, a moment at
 * a time (10 ms in all, or the budget), before the gate is closed; whoever is found outside stays
 * stopped. A thread that sleeps inside is not waited for while others stand; before the next
 * attempt the helper waits until it wakes, so that it is caught on its way out (wake.c).
 *
 * WHY A GATE MUST NOT CUT AN INSTRUCTION. A sleeper may wake, execute a first instruction of one
 * byte (push) and stand at the second byte when the entry is closed: with half of a jump there it
 * would be lost. So either the first instruction is as long as the gate, or the gate changes the
 * first byte alone (trampoline/waiting.h). gate_close_stopped() has the choice, and gate_possible
 * its promise. The argument above is the same for both: who is behind the first instruction is
 * inside, and goes on in unchanged bytes until (2) finds it.
 *
 * WHY FULL IS EXACT. Every thread is stopped; threads are listed again until a listing names nobody
 * new; with all others stopped no one is left to give birth or to die (argument 3 holds at once).
 *
 * WHY A SAFE POINT IS EXACT. Who stands there has signals blocked and sleeps in the kernel until
 * the caller lets it go; its stack was walked from registers that it left itself. The others are
 * looked at as by the rungs above: by the same code and argument, except that, where nobody needs
 * to be stopped, the caller does it without a helper.
 *
 * SUSPENDED FIBERS are walked when every thread is stopped or stands. One that was added after the
 * list was copied (the generation tells, on lazy behind G) makes the attempt repeat.
 *
 * WHEN THE HELPER DIES the kernel lets every thread run on. It clears a word in our memory first
 * (CLONE_CHILD_CLEARTID in exit_mm, tracees are let go in exit_notify): the word still set after G
 * proves that nobody ran before G. So with a gate (used on full as well): dead before
 * G → gate_undo, nothing changed, next attempt; dead after G and, on lazy, after the second count:
 * the caller just finishes: the gate holds everyone until all is new. Data and hooks are an
 * exception in one way: dead before write_stopped() → gate_undo; dead in it → the caller finishes,
 * and who reads the data from outside the gated functions may have seen half of it. Without any
 * gate (gate_when_stopped is false), and with the helper dead within the microseconds of
 * write_stopped(), the write is completed all the same, but threads may meanwhile run; the result
 * says so (helper_died).
 */
#ifndef STOP_STOP_H
#define STOP_STOP_H

#include "unwind/unwind.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum stop_rung {
	STOP_RUNG_AUTO, /* lazy where gate_possible, no data and no switch_stopped, else full */
	STOP_RUNG_LAZY,
	STOP_RUNG_FULL,
	STOP_RUNG_SAFEPOINT, /* while all who call suture_safepoint() stand there; see gather.c */
};

/* "lazy", "full"…; static storage. */
const char *stop_rung_name(enum stop_rung rung);

/* Addresses in which no thread may be: neither its PC nor, minus one, any return address. */
struct stop_range {
	uintptr_t start;
	uintptr_t end;
	/*
	 * Where the gate is written: a PC at exactly start or site has executed nothing of the
	 * function (but an entry mark) and is outside. A gate on the entry mark does not hold who
	 * is behind the mark: then this is start. 0 for ranges that are not
	 * entered at start or are not replaced: .cold parts, the idle set.
	 */
	uintptr_t site;
	uint32_t tag; /* the caller's, for messages */
};

/*
 * The steps of the commit, in this order, each at most once an attempt, on the caller's thread:
 *
 *	with a gate:    gate_close → (gate_undo: nothing changed, perhaps another attempt)
 *	                           → write → switch → gate_open
 *	                                   ↘ failed: undo (write failed or switch failed; restores
 *	                                     everything, gate included)
 *	without:        write → switch, or undo after one that failed
 *
 * Functions return 0, or a negative enum suture_code, which stop_run() returns with err->code set
 * and a message to be replaced by who knows better. undo must leave everything as it was before
 * gate_close.
 */
struct stop_commit {
	/*
	 * Every entry can be closed while threads run: in one store, and so that a thread behind
	 * the first instruction finds bytes that are as they were.
	 */
	bool gate_possible;
	bool gate_when_stopped; /* every entry can be closed while none runs; implied by the above
				 */
	bool writes_data;	/* no gate keeps its readers out. Forces full */
	int (*gate_close_stopped)(void *arg); /* with a sync of all processors, see G above */
	void (*gate_undo_stopped)(void *arg); /* also after a gate_close that failed */
	int (*write_stopped)(void *arg);      /* the rest behind the gate, or everything */
	int (*switch_stopped)(void *arg);     /* on_switch hooks; NULL: none. Forces full */
	void (*gate_open_stopped)(void *arg);
	void (*undo_stopped)(void *arg);
	void *arg;
};

/*
 * Is a stop exact for it that leaves sleepers asleep? What STOP_RUNG_AUTO asks before each attempt:
 * fibers may come up in between.
 */
bool stop_may_be_lazy(const struct stop_commit *commit);

struct stop_request {
	const struct unwind_table *unwind;
	/*
	 * If set, called with threads running before each attempt, to bring the table up to date
	 * with what was loaded and unloaded meanwhile. May replace *unwind; the old one stays valid
	 * till stop_run() returns.
	 */
	int (*refresh)(void *arg, const struct unwind_table **unwind, struct suture_error *err);
	void *refresh_arg;
	const struct stop_range *busy; /* by rising start, not overlapping */
	size_t busy_count;
	enum stop_rung rung;
	uint64_t timeout_ns; /* from the call until the last attempt is given up; 0: one attempt */
	uint64_t max_pause_ns; /* an attempt over this is given up before it writes; 0: no limit */
	const struct stop_commit *commit;
};

enum stop_reason {
	STOP_REASON_NONE,
	STOP_REASON_FUNCTION,	   /* inside busy[tag] */
	STOP_REASON_UNKNOWN_FRAME, /* a frame without usable unwind information */
	STOP_REASON_UNSTOPPABLE,   /* did not stop: uninterruptible in the kernel */
	STOP_REASON_VFORK,	   /* waits for a vfork child, which uses its stack */
	STOP_REASON_TRACED,	   /* another tracer has it */
	STOP_REASON_REFUSED,	   /* the kernel refused to trace it */
	STOP_REASON_ABSENT,	   /* takes part in safe points and did not come */
};

/* Static storage. */
const char *stop_reason_text(enum stop_reason reason);

enum { STOP_MAX_BLOCKERS = 8, STOP_MAX_BACKTRACE = 64, STOP_COMM_SIZE = 16 };

struct stop_blocker {
	pid_t tid; /* 0: a suspended fiber */
	char comm[STOP_COMM_SIZE];
	enum stop_reason reason;
	uint32_t tag;				 /* of the busy range, for STOP_REASON_FUNCTION */
	uint64_t since_ns;			 /* how long every attempt has found it so */
	unsigned depth;				 /* entries of backtrace */
	unsigned busy_frame;			 /* the entry that blocks */
	uintptr_t backtrace[STOP_MAX_BACKTRACE]; /* [0] exact PC, then return addresses */
};

/* Filled on success and on failure. */
struct stop_result {
	enum stop_rung rung;
	unsigned threads;  /* looked at in the last attempt, the caller not counted */
	unsigned asleep;   /* of those, left asleep */
	unsigned standing; /* of those, at a safe point */
	unsigned attempts;
	uint64_t pause_ns; /* first thread stopped or gate closed, to last one released */
	uint64_t longest_failed_pause_ns; /* of the attempts that were given up */
	bool helper_died;
	unsigned blocker_count;
	struct stop_blocker blockers[STOP_MAX_BLOCKERS];
};

/*
 * Commits while every thread is outside the busy ranges. 0: committed. Else nothing is changed:
 * BUSY_STACK, UNSTOPPABLE_THREAD, TIMEOUT (safe point; all retried with growing pauses until the
 * timeout; result->blockers says who), PAUSE_BUDGET, PERMISSION (err->next says what to allow),
 * NEEDS_SAFEPOINT, UNSUPPORTED, NO_MEMORY, or what a commit function returned. One call at a time
 * in a process. Leaves signals, priorities, descriptors and child processes of the application as
 * they were.
 */
int stop_run(const struct stop_request *request, struct stop_result *result,
	     struct suture_error *err);

/*
 * A program that took our place by exec() while a helper was at work has its remains for a child.
 * Only
 * __WALL and __WCLONE see that; an agent in the new program buries it. Before the first stop_run().
 */
void stop_bury_strays(void);

/*
 * Calls run(arg) on the caller's thread while every thread that takes part in safe points stands at
 * its own. The others run on. NEEDS_SAFEPOINT where none takes part, TIMEOUT with who did not come
 * in the message; result has attempts, threads and the pause.
 */
int stop_at_safepoint(void (*run)(void *arg), void *arg, uint64_t timeout_ns,
		      struct stop_result *result, struct suture_error *err);

enum stop_thread_state {
	STOP_THREAD_ASLEEP,  /* in the kernel, left there */
	STOP_THREAD_RUNNING, /* was stopped to look */
	STOP_THREAD_UNSEEN,  /* could not be looked at: reason says why */
};

struct stop_thread {
	struct stop_blocker view; /* reason NONE: outside all busy ranges */
	enum stop_thread_state state;
	bool complete; /* the backtrace reached the outermost frame (or was cut at 64) */
};

/*
 * Looks at every thread but the caller, and at suspended fibers that are in the way (tid 0), as an
 * attempt would, lets them go and commits nothing (request->commit is not used). *threads is the
 * caller's, to be freed with free().
 */
int stop_inspect(const struct stop_request *request, struct stop_thread **threads, size_t *count,
		 struct stop_result *result, struct suture_error *err);

#endif
