/* SPDX-License-Identifier: MIT */
/*
 * The agent's library, and how it gets to a target that may see other files than we do: by its
 * path where that is the same file for both and its user may read it, else in memory that the
 * target makes (a memfd).
 */
#ifndef ATTACH_LIBRARY_H
#define ATTACH_LIBRARY_H

#include "cli/process.h"

struct library {
	char own[PATH_MAX]; /* our file */
	bool by_memory;
	char path[PATH_MAX]; /* as the target sees it; by memory: not known yet */
};

/* $SUTURE_AGENT, else what lies beside this program, else what is installed. */
int library_find(const struct process *process, struct library *library, struct suture_error *err);

/* Fills the memfd that the target has made, and sets path. */
int library_fill(const struct process *process, int fd, struct library *library,
		 struct suture_error *err);

#endif
