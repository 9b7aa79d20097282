/* SPDX-License-Identifier: MIT */
/*
 * The host API of libsuture.so, for programs that link it. A program that does not gets the same
 * agent by LD_PRELOAD: it starts by itself in either case, before main().
 */
#ifndef SUTURE_SUTURE_H
#define SUTURE_SUTURE_H

#include <suture/command.h>
#include <suture/late.h>
#include <suture/objects.h>
#include <suture/scope.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0". Static storage. Any thread. */
const char *suture_version(void);

/*
 * Starts the agent if it does not run: after a fork(), where the child has none, or when
 * SUTURE_DISABLE was set at the start. Returns 0 if it runs afterwards, else a negative enum
 * suture_code. Any thread; not from a signal handler.
 */
int suture_start(void);

/* Path of the admin socket, or NULL when the agent does not run. Valid while the process lives. */
const char *suture_socket_path(void);

/*
 * Modules were loaded or unloaded: have patches that wait for one put in. The agent notices by
 * itself when dlopen() and dlclose() are used; this is for programs that want it noticed for
 * certain, right after a dlopen(). Returns at once, before the patch is in: it goes in by the
 * agent's thread, and constructors of the module have run the old code in any case. Any thread;
 * async-signal-safe. NULL in a process without the agent, unless the program is linked to it.
 */
void suture_modules_changed(void) __attribute__((weak));

/* ---- safe points ---------------------------------------------------------------------------- */

/*
 * suture_safepoint() says: at this moment this thread holds no lock that others may need, and is in
 * the middle of nothing. A server calls it once a tick, in each thread that has ticks. With
 * `suture apply --at safepoint` a patch is applied while all threads that take part stand there;
 * those that take no part are stopped as usual. The functions that call suture_safepoint() are on
 * the stack while it stands, and can't be among those replaced.
 *
 * A thread takes part from its first call on, until it ends or calls suture_safepoint_leave();
 * its next call after that makes it take part again. One that takes part and does not come for
 * long holds patches up: leave before you wait for something slow. Nobody stands for long: when
 * somebody is late all go on, and it is tried again.
 *
 * Any thread; not from a signal handler. errno is kept. While a thread stands, signals to it wait.
 *
 * Costs one relaxed load, a comparison with a thread-local and a predicted branch. Does nothing in
 * a process without the agent. The agent is found wherever it comes from: linked, preloaded, or
 * attached while the program runs (then not by libraries that are loaded after it).
 */
#pragma GCC visibility push(default)
extern unsigned suture_safepoint_state __attribute__((weak)); /* changes when all shall come */
unsigned suture_safepoint_visit(void) __attribute__((weak));  /* the slow way; returns the state */
void suture_safepoint_depart(void) __attribute__((weak));
#pragma GCC visibility pop

static inline void suture_safepoint(void)
{
	/* What the state was when this thread, in this file, last looked: at first nothing. */
	static __thread unsigned seen;
	const unsigned *state = SUTURE_FOUND(suture_safepoint_state);

	/* Relaxed: what a commit writes is made visible by the futex that the slow way waits on. */
	if (state && __builtin_expect(__atomic_load_n(state, __ATOMIC_RELAXED) != seen, 0))
		seen = SUTURE_FOUND(suture_safepoint_visit)();
}

/* This thread takes part no longer. Any thread. */
static inline void suture_safepoint_leave(void)
{
	void (*depart)(void) = SUTURE_FOUND(suture_safepoint_depart);

	if (depart)
		depart();
}

/* ---- fibers --------------------------------------------------------------------------------- */

/*
 * Stacks that the application switches to by itself (coroutines, ucontext): tell about them, and
 * what a suspended one is in the middle of is not replaced under it. While any is registered,
 * patches stop all threads for a moment (the full stop).
 *
 * The agent must be able to walk a suspended fiber from the registers that its switch has saved:
 *
 *  - context: the ucontext_t that swapcontext() saves into when it leaves the fiber (and that
 *    makecontext() fills for a new one). Or, with context NULL,
 *  - saved_sp: the variable in which the switch leaves the fiber's stack pointer, and registers[]:
 *    what each word of the stack holds from there upward, as DWARF register numbers, ended by the
 *    return address, behind which is the stack pointer after the switch has returned.
 *    SUTURE_FIBER_OTHER for words that are something else. On x86-64 rbx is 3, rbp 6, r12 to r15
 *    12 to 15, the return address 16: for a switch that does push rbp, rbx, r12, r13, r14, r15;
 *    mov [save], rsp that is {15, 14, 13, 12, 3, 6, SUTURE_FIBER_RETURN}. While *saved_sp is NULL
 *    nothing is on the stack. Callee-saved registers must be among them, where code without a
 *    frame of its own (-fomit-frame-pointer is the default) is to be walked through.
 *
 * A fiber that some thread's stack pointer is in counts as running: its saved registers are not
 * looked at then. Code that is on the stack needs call frame information (compilers write it).
 */
enum {
	SUTURE_FIBER_REGISTERS = 16,
	SUTURE_FIBER_RETURN = 16, /* x86-64: the return address */
	SUTURE_FIBER_OTHER = 255,
};

struct suture_fiber {
	const void *stack; /* lowest address */
	size_t stack_size; /* bytes */
	const void *context;
	void *const *saved_sp;
	unsigned char registers[SUTURE_FIBER_REGISTERS];
};

/*
 * Before the first switch to it. *fiber is copied; what it points to must stay readable until
 * suture_fiber_remove(). Returns 0, or a negative enum suture_code: USAGE when it makes no sense or
 * the stack overlaps that of another one, NO_MEMORY. Any thread; not from a signal handler.
 *
 * In a process without the agent both functions are NULL, unless the program is linked to it.
 */
int suture_fiber_add(const struct suture_fiber *fiber) __attribute__((weak));

/* After the last switch from it, before its stack is freed. Unknown stacks are ignored. */
void suture_fiber_remove(const void *stack) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
