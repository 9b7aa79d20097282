/* SPDX-License-Identifier: MIT */
/*
 * The last look at the finished file, as the agent will see it: independent of what emitted it.
 * Every record is in range, every side relocation hits writable-before-mapping contents of a loaded
 * segment and fits with the patch placed near the target, every function is what the target has.
 */
#ifndef BUILDER_SELFCHECK_H
#define BUILDER_SELFCHECK_H

#include "binary.h"

#include <suture/error.h>

/* 0, or SUTURE_E_INTERNAL saying what is wrong with path. */
int selfcheck_run(struct arena *arena, const char *path, const struct binary *binary,
		  struct suture_error *err);

#endif
