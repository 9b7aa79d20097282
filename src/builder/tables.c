/* SPDX-License-Identifier: MIT */
/* Records with references; the linker turns symbol plus offset into what the format wants. */
#include "tables.h"

#include <elf.h>
#include <string.h>

static const char *const names[TABLES_COUNT] = {
#define TABLES_NAME(field, section, record) section,
	FORMAT_SECTIONS(TABLES_NAME)
#undef TABLES_NAME
};

void tables_init(struct tables *tables, struct writer *writer, uint32_t word_type)
{
	*tables = (struct tables){.writer = writer, .word_type = word_type};
}

static uint32_t section_for(struct tables *tables, enum tables_kind kind)
{
	if (!tables->sections[kind])
		tables->sections[kind] =
			writer_add_section(tables->writer, names[kind], SHT_PROGBITS, 0,
					   kind == TABLES_strings ? 1 : 8, 0);
	return tables->sections[kind];
}

struct tables_field tables_record(struct tables *tables, size_t offset, enum tables_kind kind,
				  uint64_t at)
{
	uint32_t section = section_for(tables, kind);

	return (struct tables_field){.offset = offset,
				     .symbol = tables->writer->sections[section].symbol,
				     .addend = (int64_t)at};
}

/* The offset of text in .suture.strings, which holds each string once. */
static uint64_t intern(struct tables *tables, const char *text)
{
	uint32_t index = section_for(tables, TABLES_strings);
	const struct writer_section *section = &tables->writer->sections[index];
	uint64_t at = 0;

	while (at < section->size) {
		const char *known = (const char *)section->data + at;

		if (strcmp(known, text) == 0)
			return at;
		at += strlen(known) + 1;
	}
	return writer_append(tables->writer, index, text, strlen(text) + 1);
}

struct tables_field tables_string(struct tables *tables, size_t offset, const char *text)
{
	return tables_record(tables, offset, TABLES_strings, intern(tables, text));
}

uint64_t tables_add(struct tables *tables, enum tables_kind kind, const void *record, size_t size,
		    const struct tables_field *fields, size_t count)
{
	uint32_t section = section_for(tables, kind);
	uint64_t at = writer_append(tables->writer, section, record, size);

	for (size_t i = 0; i < count; i++) {
		struct writer_reloc reloc = {.offset = at + fields[i].offset,
					     .type = tables->word_type,
					     .symbol = fields[i].symbol,
					     .addend = fields[i].addend};

		writer_add_reloc(tables->writer, section, &reloc);
	}
	return at;
}
