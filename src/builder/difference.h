/* SPDX-License-Identifier: MIT */
/* What differs between a variable and its twin, in words: for a refusal. */
#ifndef BUILDER_DIFFERENCE_H
#define BUILDER_DIFFERENCE_H

#include "compare.h"

/* Does the linker or the loader fill places of it? */
bool difference_has_addresses(const struct object *object, const struct part *part);

/* Bytes between addresses that differ, or one address that does. */
struct difference_run {
	uint64_t offset;
	uint64_t size;
	bool address;
};

/*
 * Can all that differs between the two be written over the old one while it is in use? Bytes can,
 * and whole addresses, where both have theirs in the same places: so that what two patches write of
 * one variable is the same run or apart.
 */
bool difference_can_be_written(struct comparer *comparer, const struct part *original,
			       const struct part *patched);

/* The next run from *from on, which is left behind it; false: there is none. */
bool difference_next_run(struct comparer *comparer, const struct part *original,
			 const struct part *patched, uint64_t *from, struct difference_run *run);

/*
 * "5 (4 bytes) -> 6 (4 bytes)"; of what is long or has addresses the first entry that differs:
 * "on_open -> on_open_once at byte 16 of 24". Lives in the comparer's arena; "" when out of memory.
 */
const char *difference_text(struct comparer *comparer, const struct part *original,
			    const struct part *patched);

#endif
