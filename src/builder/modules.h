/* SPDX-License-Identifier: MIT */
/* One patch over several binaries: a program and its libraries, or several libraries. */
#ifndef BUILDER_MODULES_H
#define BUILDER_MODULES_H

#include "builder/building.h"

/*
 * Builds the diff for each binary of build->options by itself, verified and refused as when it is
 * the only one. Code has to lie near the module that it was compiled for, so each gives a patch
 * file of its own; each carries the one of the binaries behind it, and the first is the patch.
 * Where one is refused, nothing is written.
 */
int modules_build(struct build *build, const char *work_dir, struct suture_error *err);

#endif
