/* SPDX-License-Identifier: MIT */
/* What differs between a variable and its twin, in words: for a refusal. */
#ifndef BUILDER_DIFFERENCE_H
#define BUILDER_DIFFERENCE_H

#include "compare.h"

/* Does the linker or the loader fill places of it? */
bool difference_has_addresses(const struct object *object, const struct part *part);

/* Is every address in them the same, and only what stands beside them other bytes? */
bool difference_spares_addresses(struct comparer *comparer, const struct part *original,
				 const struct part *patched);

/*
 * The next run of bytes from *from on, within original, that are beside all addresses and other
 * ones than in patched; false: there is none. *from is left behind it.
 */
struct difference_run {
	uint64_t offset;
	uint64_t size;
};
bool difference_next_run(const struct comparer *comparer, const struct part *original,
			 const struct part *patched, uint64_t *from, struct difference_run *run);

/*
 * "5 (4 bytes) -> 6 (4 bytes)"; of tables with addresses the first entry that differs: "on_open ->
 * on_open_once at byte 16 of 24". Lives in the comparer's arena; "" when out of memory.
 */
const char *difference_text(struct comparer *comparer, const struct part *original,
			    const struct part *patched);

#endif
