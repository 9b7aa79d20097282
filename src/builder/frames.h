/* SPDX-License-Identifier: MIT */
/* The .eh_frame of an object: which function has which exception table, and cutting it down. */
#ifndef BUILDER_FRAMES_H
#define BUILDER_FRAMES_H

#include "part.h"

/* One record; references are to relocations of the section, or NULL. */
struct frame_record {
	uint64_t offset;		  /* of the length field */
	uint64_t size;			  /* with the length field */
	bool common;			  /* a CIE */
	uint64_t cie;			  /* FDE: offset of its CIE */
	const struct object_reloc *start; /* FDE: of the function's address */
	const struct object_reloc *table; /* FDE: of the exception table's address */
};

/* Reads all records of section `index`; *list lives in arena. */
int frames_read(struct arena *arena, const struct object *object, uint32_t index,
		struct frame_record **list, size_t *count, struct suture_error *err);

/* Notes in each function part which exception table is its. */
int frames_find_tables(struct arena *arena, struct part_set *set, struct suture_error *err);

#endif
