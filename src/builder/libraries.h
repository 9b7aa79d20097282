/* SPDX-License-Identifier: MIT */
/*
 * What the libraries offer that the binary is linked with: new code may use a name of theirs that
 * the binary has not used so far. As this machine's loader finds them.
 */
#ifndef BUILDER_LIBRARIES_H
#define BUILDER_LIBRARIES_H

#include <suture/error.h>

#include <stdbool.h>

struct libraries;

/* Asks the loader. *libraries stays NULL where one of them is not found here. */
int libraries_open(const char *binary, const char *work_dir, struct libraries **libraries,
		   struct suture_error *err);
void libraries_close(struct libraries *libraries);

bool libraries_define(const struct libraries *libraries, const char *name);

#endif
