/* SPDX-License-Identifier: MIT */
/* What ninja gives to the linker for a binary, by the rules of the build folder. */
#ifndef BUILDER_NINJA_H
#define BUILDER_NINJA_H

#include "builder/compdb.h"
#include "builder/strings.h"

#include <suture/error.h>

/*
 * Adds the real paths of the objects, those in archives and in objects made of others too. Not what
 * makes a source or a header that one is compiled from: a generator is another program. None where
 * there are no rules, or none for this binary.
 */
int ninja_linked(const char *binary, const char *build_dir, const char *work_dir,
		 const struct compdb *db, struct strings *objects, struct suture_error *err);

#endif
