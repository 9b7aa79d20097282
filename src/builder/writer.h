/* SPDX-License-Identifier: MIT */
/*
 * Writing a relocatable object: sections, symbols and relocations in the order in which they are
 * added, so that equal input gives equal bytes.
 */
#ifndef BUILDER_WRITER_H
#define BUILDER_WRITER_H

#include "arena.h"

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>

struct writer_reloc {
	uint64_t offset;
	uint32_t type;
	uint32_t symbol; /* writer's index */
	int64_t addend;
};

struct writer_section {
	const char *name;
	uint32_t type;
	uint64_t flags;
	uint64_t align;
	uint64_t entry_size;
	uint8_t *data; /* in arena; NULL for SHT_NOBITS */
	uint64_t size;
	uint64_t capacity;
	struct writer_reloc *relocs;
	size_t reloc_count;
	size_t reloc_capacity;
	uint32_t symbol; /* its section symbol */
};

struct writer_symbol {
	const char *name;
	uint32_t section; /* writer's index; 0: undefined */
	uint64_t value;
	uint64_t size;
	uint8_t type;
	uint8_t bind;
	uint8_t visibility;
	uint32_t final; /* index in the written table */
};

struct writer {
	struct arena *arena;
	uint16_t machine;
	struct writer_section *sections; /* [0] is empty */
	size_t section_count;
	size_t section_capacity;
	struct writer_symbol *symbols; /* [0] is empty */
	size_t symbol_count;
	size_t symbol_capacity;
};

/* Out of memory is noted in the arena; indices are then 0. */
void writer_init(struct writer *writer, struct arena *arena, uint16_t machine);

/* Adds an empty section and its section symbol. */
uint32_t writer_add_section(struct writer *writer, const char *name, uint32_t type, uint64_t flags,
			    uint64_t align, uint64_t entry_size);

/* Appends bytes (zeroes where data is NULL) and returns their offset. */
uint64_t writer_append(struct writer *writer, uint32_t section, const void *data, uint64_t size);

uint32_t writer_add_symbol(struct writer *writer, const struct writer_symbol *symbol);

void writer_add_reloc(struct writer *writer, uint32_t section, const struct writer_reloc *reloc);

int writer_write(struct writer *writer, const char *path, struct suture_error *err);

#endif
