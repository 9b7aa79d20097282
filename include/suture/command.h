/* SPDX-License-Identifier: MIT */
/*
 * Commands: the application registers what an operator may ask it to do while it runs, and
 * `suture call NAME [ARG…] TARGET` does it at the safe point, where the application holds no lock
 * and is in the middle of nothing (suture_safepoint(), suture.h):
 *
 *	static int reload(struct suture_call *call, void *arg);
 *
 *	suture_command_register("reload-tables", reload, &tables);
 *
 * A table reload in three steps: `prepare` parses and checks while the game runs, and refuses what
 * is broken; `run` swaps a pointer at the safe point; `finish` frees the old table later. Only run
 * has to be given.
 */
#ifndef SUTURE_COMMAND_H
#define SUTURE_COMMAND_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One call: what was asked, and what is answered. The agent's; valid during the call. */
struct suture_call {
	int argc;		 /* arguments of the operator, without the command's name */
	const char *const *argv; /* texts; argv[argc] is NULL */
	char *answer;		 /* text for the operator, to be filled in by suture_answer() */
	size_t answer_size;	 /* bytes of room, with the NUL */
	void *data;		 /* the command's own, from one step to the next; NULL at first */
};

enum {
	SUTURE_COMMAND_NAME = 63,      /* bytes of a name: [A-Za-z0-9._-]+ */
	SUTURE_COMMAND_ANSWER = 4096,  /* bytes of an answer, with the NUL */
	SUTURE_COMMAND_ARGUMENTS = 32, /* of one call */
};

/* 0, or another value: the call failed, its answer says why. */
typedef int suture_command_step(struct suture_call *call, void *arg);

/*
 * The steps of a command. prepare and finish run on a thread of the agent while the application
 * runs: they may take locks, allocate, read files. run runs on that thread while all threads that
 * take part in safe points stand at theirs: the application's data is at rest and may be changed.
 * It must not wait for any other thread, and be quick: the game stands still.
 *
 *	prepare → run → finish       prepare failed: neither run nor finish
 *	                             run failed, or no safe point came: finish cleans up
 */
struct suture_command {
	suture_command_step *prepare; /* NULL: none */
	suture_command_step *run;
	suture_command_step *finish; /* NULL: none */
};

#pragma GCC visibility push(default)
int suture_agent_command(const char *name, const struct suture_command *command, void *arg)
	__attribute__((weak));
/* Appends to the answer, as printf(); what does not fit is cut off. For the steps of commands. */
void suture_answer(struct suture_call *call, const char *format, ...)
	__attribute__((weak, format(printf, 2, 3)));
#pragma GCC visibility pop

/*
 * Registers a command, or replaces the one of that name. 0, or a negative enum suture_code (USAGE:
 * the name is none; NO_MEMORY). command is copied; arg must stay valid. Any thread, not from a
 * signal handler. In a process without the agent nothing happens, and 0 is returned.
 */
static inline int suture_command_register_steps(const char *name,
						const struct suture_command *command, void *arg)
{
	return suture_agent_command ? suture_agent_command(name, command, arg) : 0;
}

/* The same for one that only has to run at the safe point. */
static inline int suture_command_register(const char *name, suture_command_step *run, void *arg)
{
	struct suture_command command = {NULL, run, NULL};

	return suture_command_register_steps(name, &command, arg);
}

/* Nobody may call it any more. A call under way is waited for: not from within one. */
static inline void suture_command_unregister(const char *name)
{
	if (suture_agent_command)
		suture_agent_command(name, NULL, NULL);
}

#ifdef __cplusplus
}
#endif

#endif
