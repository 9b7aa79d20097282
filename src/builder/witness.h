/* SPDX-License-Identifier: MIT */
/*
 * Units that the diff does not reach, and whose object has the copy of an inline function that runs
 * (copies.h). The objects of the build tree say which ones may; what they are compiled to now is
 * what counts.
 */
#ifndef BUILDER_WITNESS_H
#define BUILDER_WITNESS_H

#include "builder/compile.h"
#include "builder/plan.h"

/* Adds the objects that show `functions`, as far as there are any, to `objects`. */
int witness_find(const struct plan *plan, const struct compile_options *options, const char *binary,
		 const struct strings *functions, struct strings *objects,
		 struct suture_error *err);

#endif
