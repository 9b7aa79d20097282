/* SPDX-License-Identifier: MIT */
/* The patch file on its way to agents. */
#ifndef CLI_PATCHFILE_H
#define CLI_PATCHFILE_H

#include <suture/error.h>

/*
 * Copies the file into sealed memory and returns its descriptor: every agent gets the same bytes,
 * none can be changed under its reader, and nobody waits for a slow file system but us.
 * BAD_INPUT, PERMISSION, BAD_PATCH_FILE (not an ELF file).
 */
int patchfile_open(const char *path, int *fd, struct suture_error *err);

/* What the agent calls the file in its messages: its base name. Borrowed from path. */
const char *patchfile_label(const char *path);

#endif
