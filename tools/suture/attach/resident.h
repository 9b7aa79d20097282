/* SPDX-License-Identifier: MIT */
/* The agent that a process has in its memory already, as seen from outside. */
#ifndef ATTACH_RESIDENT_H
#define ATTACH_RESIDENT_H

#include "cli/attach/modules.h"
#include "cli/process.h"

struct resident {
	bool loaded;	   /* or being loaded: only whole if it has begun */
	bool begun;	   /* its constructor is through */
	uint64_t start;	   /* its suture_start() */
	uint64_t dumpable; /* its suture_made_dumpable */
	uint64_t why;	   /* its suture_why; 0 in older ones */
	int filters;	   /* over it when it was started; -1: not known */
	pid_t served;	   /* the process that it was last started in, by its own number; 0: none */
};

void resident_find(const struct remote *remote, const struct modules *modules,
		   struct resident *resident);

/* The same for who has not looked into the process yet. False when that is not possible. */
bool resident_read(const struct process *process, struct resident *resident);

/* Why the agent in it did not start; false when it does not say. */
bool resident_why(const struct process *process, char text[SUTURE_ERROR_MESSAGE_SIZE]);

/* Notes in the agent that the process was made dumpable, so that a detach takes that back. */
bool resident_note_dumpable(const struct process *process);

#endif
