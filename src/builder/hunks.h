/* SPDX-License-Identifier: MIT */
/*
 * Which lines of a patched text stand for which lines of the original: found by comparing the two
 * texts, not read from the diff, whose line numbers may be off.
 */
#ifndef BUILDER_HUNKS_H
#define BUILDER_HUNKS_H

#include <suture/error.h>

#include <stddef.h>

/* Lines [old_start, old_start + old_count) became [new_start, new_start + new_count); from 0. */
struct hunk {
	size_t old_start;
	size_t old_count;
	size_t new_start;
	size_t new_count;
};

struct hunks {
	struct hunk *list; /* owned, by rising lines, never touching each other */
	size_t count;
};

int hunks_compare(const char *old_text, size_t old_size, const char *new_text, size_t new_size,
		  struct hunks *hunks, struct suture_error *err);
void hunks_fini(struct hunks *hunks);

#endif
