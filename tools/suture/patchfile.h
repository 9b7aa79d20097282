/* SPDX-License-Identifier: MIT */
/* The patch file on its way to agents. */
#ifndef CLI_PATCHFILE_H
#define CLI_PATCHFILE_H

#include "rpc/json.h"

#include <suture/error.h>

/*
 * Copies the file into sealed memory and returns its descriptor: every agent gets the same bytes,
 * none can be changed under its reader, and nobody waits for a slow file system but us.
 * BAD_INPUT, PERMISSION, BAD_PATCH_FILE (not an ELF file).
 */
int patchfile_open(const char *path, int *fd, struct suture_error *err);

/*
 * PATCH.so.minisig, where there is one, goes along as the parameter "signature"; whether it is
 * right, and by the right key, is for the agent to say.
 */
int patchfile_add_signature(const char *path, struct json_object *params, struct suture_error *err);

/* The text of PATCH.so.minisig; *text (the caller frees it) is NULL where there is none. */
int patchfile_signature(const char *path, char **text, size_t *size, struct suture_error *err);

/* What the agent calls the file in its messages: its base name. Borrowed from path. */
const char *patchfile_label(const char *path);

#endif
