/* SPDX-License-Identifier: MIT */
/*
 * Is a part of P what its twin in O is? Compared are the bytes outside relocation fields, and for
 * each relocation what it means: paired parts are the same, strings and constants are what they
 * hold, names outside the unit are their names. Numbers of labels and pools never matter.
 */
#ifndef BUILDER_COMPARE_H
#define BUILDER_COMPARE_H

#include "part.h"

struct comparer {
	struct arena *arena;
	const struct part_set *original;
	const struct part_set *patched;
	const char *reason; /* of the last difference: one clause, in arena */
	/*
	 * Is an offset in code of `original` the same place as one of its twin? NULL: where the
	 * offsets are equal. Given where V is compared with O, whose sections are others.
	 */
	bool (*same_place)(const struct part *original, int64_t left, int64_t right);
};

/* True when both mean the same; else comparer->reason says what differs. */
bool compare_parts(struct comparer *comparer, const struct part *original,
		   const struct part *patched);

/* Are the bytes outside relocation fields equal? Says nothing about what is referred to. */
bool compare_shapes(const struct comparer *comparer, const struct part *original,
		    const struct part *patched);

/* Do two references mean the same? */
bool compare_references(struct comparer *comparer, const struct reference *original,
			const struct reference *patched);

/* Do the exception tables of two functions, or of none, mean the same? */
bool compare_tables(struct comparer *comparer, const struct part *original,
		    const struct part *patched);

#endif
