/* SPDX-License-Identifier: MIT */
/* What runs when the program starts, before main(): it has run, and what it did stays. */
#ifndef BUILDER_STARTUP_H
#define BUILDER_STARTUP_H

#include "part.h"

#include <stdbool.h>

enum startup {
	STARTUP_NO,	   /* others use it too, or nobody does */
	STARTUP_RUNS,	   /* in the lists, or only called by what is */
	STARTUP_HANDS_OUT, /* only used there, and its address is taken: it may be called later */
};

enum startup startup_of(const struct part_set *set, const struct part *part);

/* Is it the compiler's own, which constructs the global objects of a file? */
bool startup_constructs(const struct part *part);

/* A section that lists functions to be called at start or exit. */
bool startup_is_list(const struct object_section *section);

/* Is the function in such a list? */
bool startup_lists(const struct part_set *set, const struct part *part);

#endif
