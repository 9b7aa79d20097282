/* SPDX-License-Identifier: MIT */
/*
 * A unified diff, and what it makes of the sources. GNU patch(1) applies it to copies in a scratch
 * folder; the result counts, so that headers are only read for the names in them. No name may lead
 * out of the source folder.
 */
#ifndef BUILDER_DIFF_H
#define BUILDER_DIFF_H

#include "builder/hunks.h"
#include "builder/state.h"
#include "builder/strings.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

/* One file's headers; names as written without quotes and timestamps, NULL for /dev/null. */
struct diff_file {
	char *old_name;
	char *new_name;
	bool renamed; /* git's "rename from/to" or "copy from/to" */
};

struct diff {
	char *path; /* owned */
	struct diff_file *files;
	size_t count;
};

/* Reads the headers. Refuses what is no unified text diff (SUTURE_E_DIFF_FAILED). */
int diff_read(const char *path, struct diff *diff, struct suture_error *err);
int diff_parse(const char *text, size_t size, struct diff *diff, struct suture_error *err);
void diff_fini(struct diff *diff);

/*
 * Finds the source folder (the first of `roots`) and the number of leading folders to strip with
 * which every file that the diff expects is there. Refuses names that lead out of it.
 */
int diff_locate(const struct diff *diff, const struct strings *roots, size_t *root, unsigned *strip,
		struct suture_error *err);

/* One file as it was and as the diff makes it. A text is NULL where the file isn't there. */
struct diff_change {
	char *name; /* relative to the source folder */
	char *path; /* absolute: source folder and name */
	char *old_text;
	size_t old_size;
	char *new_text;
	size_t new_size;
	struct hunks hunks;
	size_t line_base;	/* added lines are numbered from here on: numbers_base() */
	struct numbers numbers; /* of the new text's lines; empty where one text is missing */
	bool same_tokens;	/* only comments, blanks and line breaks differ */
};

struct diff_changes {
	struct diff_change *list; /* by name */
	size_t count;
};

/* Where the originals are read. */
struct diff_originals {
	const char *root;	   /* the source folder */
	unsigned strip;		   /* leading folders in the diff's names */
	const char *baseline;	   /* below which they lie, at their absolute paths; or NULL */
	const struct state *state; /* of the files in it; or NULL */
	bool reverse;		   /* the diff is to be taken out of them */
};

/*
 * Applies the diff to copies in `scratch` (an empty folder) and compares. Files that stay the same
 * are left out. The caller calls diff_changes_fini(), after failures too.
 */
int diff_apply(const struct diff *diff, const struct diff_originals *originals, const char *scratch,
	       struct diff_changes *changes, struct suture_error *err);
void diff_changes_fini(struct diff_changes *changes);

#endif
