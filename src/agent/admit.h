/* SPDX-License-Identifier: MIT */
/*
 * The one way in for patch files, whoever brings them: a client by `apply` and `check`, the start
 * by what is installed. What may be loaded at all is decided here and nowhere else.
 */
#ifndef AGENT_ADMIT_H
#define AGENT_ADMIT_H

#include "patch/file.h"

/*
 * Reads and validates what fd refers to. label is the file's name for messages. On success the
 * caller owns *file. BAD_PATCH_FILE and its kin. Plan phase, worker.
 */
int admit_patch(int fd, const char *label, struct patch_file *file, struct suture_error *err);

#endif
