/* SPDX-License-Identifier: MIT */
/* Records of .eh_frame, found by their lengths; contents matter only where relocations are. */
#include "frames.h"

#include "base/error.h"
#include "base/reader.h"

#include <elf.h>
#include <string.h>

enum { FDE_START = 8 /* length and CIE pointer come first */ };

static void note_relocs(const struct object_section *section, struct frame_record *record)
{
	size_t count;
	const struct object_reloc *relocs =
		object_relocs(section, record->offset, record->offset + record->size, &count);

	for (size_t i = 0; i < count && !record->common; i++) {
		if (relocs[i].offset == record->offset + FDE_START)
			record->start = &relocs[i];
		else if (relocs[i].offset > record->offset + FDE_START && !record->table)
			record->table = &relocs[i];
	}
}

int frames_read(struct arena *arena, const struct object *object, uint32_t index,
		struct frame_record **list, size_t *count, struct suture_error *err)
{
	const struct object_section *section = &object->sections[index];
	size_t capacity = 0;
	struct reader reader;

	*list = NULL;
	*count = 0;
	reader_init(&reader, section->data, section->data ? section->size : 0, object->path);
	while (reader_left(&reader) >= 4) {
		struct frame_record record = {.offset = reader.pos};
		uint32_t length = reader_u32(&reader);
		uint32_t id;

		if (length == 0)
			continue;
		if (length == UINT32_MAX || length < 4)
			return error_set(err, SUTURE_E_BAD_INPUT, "%s: bad .eh_frame",
					 object->path);
		record.size = (uint64_t)length + 4;
		id = reader_u32(&reader);
		record.common = id == 0;
		record.cie = record.offset + 4 - id;
		reader_skip(&reader, length - 4);
		if (reader.failed || (!record.common && record.cie > record.offset))
			return error_set(err, SUTURE_E_BAD_INPUT, "%s: bad .eh_frame",
					 object->path);
		note_relocs(section, &record);
		*list = arena_grow(arena, *list, *count, &capacity, sizeof(**list));
		if (!*list)
			return error_no_memory(err);
		(*list)[(*count)++] = record;
	}
	return 0;
}

int frames_find_tables(struct arena *arena, struct part_set *set, struct suture_error *err)
{
	const struct object *object = set->object;

	for (uint32_t i = 1; i < object->section_count; i++) {
		struct frame_record *list;
		size_t count;
		int code;

		if (strcmp(object->sections[i].name, ".eh_frame") != 0)
			continue;
		code = frames_read(arena, object, i, &list, &count, err);
		if (code)
			return code;
		for (size_t k = 0; k < count; k++) {
			const struct object_symbol *start;
			const struct object_symbol *table;
			struct part *part;

			if (!list[k].start || !list[k].table)
				continue;
			start = &object->symbols[list[k].start->symbol];
			table = &object->symbols[list[k].table->symbol];
			if (!object_defines(object, start) || !object_defines(object, table))
				continue;
			part = part_at(set, start->section,
				       (int64_t)start->value + list[k].start->addend);
			if (!part)
				continue;
			part->lsda_section = table->section;
			part->lsda_offset = table->value + (uint64_t)list[k].table->addend;
		}
	}
	return 0;
}
