/* SPDX-License-Identifier: MIT */
/* A patch for several modules: files in each other, whose tables become one. See file.h. */
#ifndef PATCH_JOIN_H
#define PATCH_JOIN_H

#include "patch/file.h"

/*
 * Puts the records of file->next, which is validated like file itself, behind those of file.
 * BAD_PATCH_FILE where both are for one module.
 */
int join_tables(struct patch_file *file, const char *label, struct suture_error *err);

/* How many records of a table are the file's own. */
#define JOIN_OWN(file, table) ((file)->table.count - ((file)->next ? (file)->next->table.count : 0))

#endif
