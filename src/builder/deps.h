/* SPDX-License-Identifier: MIT */
/*
 * Which units a change reaches: what each unit included at its last build, from the .d files of the
 * build tree, else from ninja's log, else by asking the compiler.
 */
#ifndef BUILDER_DEPS_H
#define BUILDER_DEPS_H

#include "builder/compdb.h"
#include "builder/diff.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

enum deps_reach {
	DEPS_NONE,     /* the unit has nothing to do with the change */
	DEPS_SOURCE,   /* its own source is edited */
	DEPS_INCLUDED, /* it includes a file that is edited */
};

struct deps_options {
	const char *build_dir;
	const char *root;     /* the folder that the diff belongs to */
	const char *work_dir; /* existing scratch folder */
	unsigned parallel;
};

/*
 * Fills reach[] for all entries with wanted[] set. A file that the diff adds reaches the units that
 * include one of the same name, since it may now be found first. Changes of comments and blanks
 * alone reach nothing.
 */
int deps_find(const struct deps_options *options, const struct compdb *db, const bool *wanted,
	      const struct diff_changes *changes, enum deps_reach *reach, struct suture_error *err);

/* Adds every file that the wanted entries are made from, as path_real() spells it. */
int deps_list(const struct deps_options *options, const struct compdb *db, const bool *wanted,
	      struct strings *files, struct suture_error *err);

/* Adds the prerequisites of the rules in a make file (a .d file), as written. */
void deps_parse_make(const char *text, size_t size, struct strings *files);

#endif
