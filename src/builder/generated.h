/* SPDX-License-Identifier: MIT */
/* Files that a generator makes from others: grammars, scanners, tables, templates. */
#ifndef BUILDER_GENERATED_H
#define BUILDER_GENERATED_H

#include "builder/deps.h"
#include "builder/plan.h"

/* What is looked through for files that were made from an input. */
struct generated {
	const struct plan *plan;
	const struct deps_options *deps;
	const bool *wanted;	 /* the commands whose objects are in the binary */
	struct strings included; /* all files that these read; filled when first needed */
	bool listed;
};

/* By its name something that sources or headers are made from. */
bool generated_is_input(const char *name);

/*
 * A file of the binary that is made from the changed one and that the diff leaves alone: *made
 * borrowed, or NULL. The caller ends with strings_fini(&search->included).
 */
int generated_find(struct generated *search, const struct diff_change *change, const char **made,
		   struct suture_error *err);

/* Does the binary's code come from this file, too? Its path_real(). False where that isn't known.
 */
bool generated_reads(struct generated *search, const char *real);

#endif
