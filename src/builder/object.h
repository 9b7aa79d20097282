/* SPDX-License-Identifier: MIT */
/*
 * One relocatable object file, read by libelf and checked: every index and range below may be used
 * without looking again. Names say what the compiler wrote; nothing is interpreted here.
 */
#ifndef BUILDER_OBJECT_H
#define BUILDER_OBJECT_H

#include "arena.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of object_symbol.section beside section indices. */
enum {
	OBJECT_UNDEFINED = 0,
	OBJECT_ABSOLUTE = 0x7ffffff0,
	OBJECT_COMMON,
};

struct object_reloc {
	uint64_t offset; /* in the section */
	int64_t addend;
	uint32_t type;	 /* of the architecture */
	uint32_t symbol; /* index */
};

struct object_section {
	const char *name;
	uint32_t type;	/* SHT_… */
	uint64_t flags; /* SHF_… */
	uint64_t size;
	uint64_t align;
	uint64_t entry_size;
	uint32_t link;
	uint32_t info;
	const uint8_t *data;	     /* size bytes, or NULL for SHT_NOBITS */
	struct object_reloc *relocs; /* by rising offset */
	size_t reloc_count;
	uint32_t *symbols; /* named functions, objects and labels in here, by rising value */
	size_t symbol_count;
	uint32_t group; /* section index of its COMDAT group, or 0 */
};

struct object_symbol {
	const char *name; /* "" for section symbols */
	uint64_t value;	  /* offset in the section */
	uint64_t size;
	uint32_t section;
	uint8_t type;	    /* STT_… */
	uint8_t bind;	    /* STB_… */
	uint8_t visibility; /* STV_… */
	bool outside;	    /* an assembler's label that lies in no section; held for absolute */
};

struct object {
	const char *path;
	uint16_t machine;		 /* EM_… */
	const char *file;		 /* name in the STT_FILE symbol, or NULL */
	bool lto;			 /* holds the compiler's intermediate language */
	const char *outside;		 /* such a label that its code or data refers to, or NULL */
	struct object_section *sections; /* index as in the file; [0] is empty */
	size_t section_count;
	struct object_symbol *symbols; /* index as in the file */
	size_t symbol_count;
	struct object *description; /* the same with -g, where that is another object; or NULL */
};

/* Reads path; everything is kept in arena. */
int object_read(struct arena *arena, const char *path, struct object *object,
		struct suture_error *err);

/* An object without contents, for a unit that has no such compilation. */
int object_empty(struct arena *arena, struct object *object, struct suture_error *err);

/* Relocations of section with offset in [start, end): *count of them from the result on. */
const struct object_reloc *object_relocs(const struct object_section *section, uint64_t start,
					 uint64_t end, size_t *count);

/* True when the symbol is defined in a section of this object. */
static inline bool object_defines(const struct object *object, const struct object_symbol *symbol)
{
	return symbol->section != OBJECT_UNDEFINED && symbol->section < object->section_count;
}

#endif
