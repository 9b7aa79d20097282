/* SPDX-License-Identifier: MIT */
/* The .suture.* sections of one object file; patch/format.h has the records. */
#ifndef BUILDER_TABLES_H
#define BUILDER_TABLES_H

#include "writer.h"

#include "patch/format.h"

enum tables_kind {
#define TABLES_ENUM(field, section, record) TABLES_##field,
	FORMAT_SECTIONS(TABLES_ENUM)
#undef TABLES_ENUM
		TABLES_COUNT
};

struct tables {
	struct writer *writer;
	uint32_t word_type;		 /* relocation type of an absolute 64-bit field */
	uint32_t sections[TABLES_COUNT]; /* writer's index, 0 until used */
};

/* A field of a record that the linker fills: address or offset of `symbol` plus addend. */
struct tables_field {
	size_t offset; /* in the record */
	uint32_t symbol;
	int64_t addend;
};

void tables_init(struct tables *tables, struct writer *writer, uint32_t word_type);

/* A field that refers to a string, which is added. */
struct tables_field tables_string(struct tables *tables, size_t offset, const char *text);

/* A field that refers to the record at `at` of another section. */
struct tables_field tables_record(struct tables *tables, size_t offset, enum tables_kind kind,
				  uint64_t at);

/* Appends a record with `count` fields to be filled; returns its offset in the section. */
uint64_t tables_add(struct tables *tables, enum tables_kind kind, const void *record, size_t size,
		    const struct tables_field *fields, size_t count);

#endif
