/* SPDX-License-Identifier: MIT */
/* A look at the process that a patch is for, as soon as the patch is written. */
#ifndef PATCH_BUILD_LIVE_H
#define PATCH_BUILD_LIVE_H

#include "builder/strings.h"

#include <suture/error.h>

#include <sys/types.h>

/*
 * Asks the agent of a process several times which threads are inside functions of the patch. Adds a
 * note for each function that one thread was in at every look: the code alone may not show that it
 * never returns. A process that can't be asked is a note, too: the patch is none the worse.
 */
int live_look(pid_t pid, const char *patch, struct strings *notes, struct suture_error *err);

#endif
