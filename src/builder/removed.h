/* SPDX-License-Identifier: MIT */
/*
 * Functions and variables that the diff takes out of all units, while something of the program
 * still refers to them: the patched tree would not link. In the running program the old one would
 * go on to answer, which is nothing that its sources say.
 */
#ifndef BUILDER_REMOVED_H
#define BUILDER_REMOVED_H

#include "builder/building.h"

/* Adds a refusal for each. After compiling; objects of other units are those of the build tree. */
int removed_refuse(struct build *build, struct suture_error *err);

#endif
