/* SPDX-License-Identifier: MIT */
/* The agent's library: which file, and under what name the target sees it. */
#ifndef ATTACH_LIBRARY_H
#define ATTACH_LIBRARY_H

#include "cli/process.h"

/*
 * $SUTURE_AGENT, else what lies beside this program, else what is installed. UNSUPPORTED where the
 * target's file system has no such file.
 */
int library_find(const struct process *process, char path[PATH_MAX], struct suture_error *err);

#endif
