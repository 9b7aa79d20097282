/* SPDX-License-Identifier: MIT */
/* What differs between a variable and its twin, in words: for a refusal. */
#ifndef BUILDER_DIFFERENCE_H
#define BUILDER_DIFFERENCE_H

#include "compare.h"

/* Does the linker or the loader fill places of it? */
bool difference_has_addresses(const struct object *object, const struct part *part);

/*
 * "5 (4 bytes) -> 6 (4 bytes)"; of tables with addresses the first entry that differs: "on_open ->
 * on_open_once at byte 16 of 24". Lives in the comparer's arena; "" when out of memory.
 */
const char *difference_text(struct comparer *comparer, const struct part *original,
			    const struct part *patched);

#endif
