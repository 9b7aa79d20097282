/* SPDX-License-Identifier: MIT */
/*
 * Functions of one file that got another name and are what they were: the running one is meant,
 * with the variables inside it. Pointers to it that the program has stored stay equal to new ones.
 * One that changed as well is a new function: what says that it is the old one is its code.
 */
#ifndef BUILDER_RENAMED_H
#define BUILDER_RENAMED_H

#include "part.h"

#include <stdbool.h>

struct renames {
	struct rename *list; /* in the arena of renamed_pair() */
	size_t count;
};

/*
 * Pairs what looks alike among the functions that nothing else has paired, in exactly one way, and
 * the variables inside. False: no memory.
 */
bool renamed_pair(struct arena *arena, const struct part_set *original,
		  const struct part_set *patched, struct renames *renames);

/* Once all else is paired: parts again what was not the same. */
void renamed_confirm(struct arena *arena, const struct part_set *original,
		     const struct part_set *patched, const struct renames *renames);

#endif
