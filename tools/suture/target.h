/* SPDX-License-Identifier: MIT */
/* TARGET: which processes a command is about. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/process.h"

enum target_kind { TARGET_NONE, TARGET_PID, TARGET_NAME, TARGET_SOCKET, TARGET_TREE, TARGET_ALL };

struct target {
	enum target_kind kind;
	pid_t pid;	  /* PID, TREE */
	const char *text; /* NAME, SOCKET; borrowed */
};

/* Sets the target from an option's value; USAGE when it makes no sense or one is set already. */
int target_set(struct target *target, enum target_kind kind, const char *value,
	       struct suture_error *err);

/*
 * The processes that it means now: NO_PROCESS when there is none. --all and --tree mean those with
 * an agent, so that list holds candidates. Not for TARGET_SOCKET, which names no process.
 */
int target_resolve(const struct target *target, struct process_list *list,
		   struct suture_error *err);

/* True when the answer is a list of processes even if it is a list of one. */
bool target_is_group(const struct target *target);

#endif
