/* SPDX-License-Identifier: MIT */
/*
 * Things by name: those of one name are found without looking at all others, of which an object
 * file may have ten thousands.
 */
#ifndef BUILDER_NAMEINDEX_H
#define BUILDER_NAMEINDEX_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

struct name_entry {
	const char *name; /* borrowed, not terminated: `length` bytes count */
	size_t length;
	size_t value; /* the caller's: where the thing is in a list */
};

struct name_index {
	struct name_entry *list;
	size_t count;
};

/* Room for `most` names. False when out of memory, which the arena notes. */
bool name_index_init(struct name_index *index, struct arena *arena, size_t most);

void name_index_add(struct name_index *index, const char *name, size_t length, size_t value);

/* After the last one was added, before any is looked for. */
void name_index_sort(struct name_index *index);

/* Those of that name by ascending value, *count of them; NULL where there are none. */
const struct name_entry *name_index_find(const struct name_index *index, const char *name,
					 size_t length, size_t *count);

#endif
