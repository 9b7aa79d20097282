/* SPDX-License-Identifier: MIT */
/*
 * Reading .eh_frame_hdr and .eh_frame. Everything goes through the bounds-checked reader: a module
 * that somebody else built may hold anything. Plan only: allocates.
 */
#include "unwind/frame.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum {
	PE_OMIT = 0xff,
	PE_FORMAT = 0x0f,
	PE_ABSPTR = 0x00,
	PE_ULEB128 = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB128 = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_BASE = 0x70,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_INDIRECT = 0x80,
};

struct reader frame_reader(const struct frame_data *data, size_t position, size_t end)
{
	struct reader reader = data->reader;

	if (end < reader.size)
		reader.size = end;
	reader_seek(&reader, position);
	return reader;
}

static bool read_format(struct reader *reader, uint8_t format, uint64_t *value)
{
	switch (format) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		*value = reader_u64(reader);
		return true;
	case PE_ULEB128:
		*value = reader_uleb(reader);
		return true;
	case PE_SLEB128:
		*value = (uint64_t)reader_sleb(reader);
		return true;
	case PE_UDATA2:
		*value = reader_u16(reader);
		return true;
	case PE_SDATA2:
		*value = (uint64_t)(int64_t)(int16_t)reader_u16(reader);
		return true;
	case PE_UDATA4:
		*value = reader_u32(reader);
		return true;
	case PE_SDATA4:
		*value = (uint64_t)(int64_t)(int32_t)reader_u32(reader);
		return true;
	default:
		return false;
	}
}

bool frame_pointer(const struct frame_data *data, struct reader *reader, uint8_t encoding,
		   uintptr_t data_base, uintptr_t *value)
{
	uintptr_t place = data->base + reader->pos;
	uint64_t raw;

	if (encoding == PE_OMIT || (encoding & PE_INDIRECT) ||
	    !read_format(reader, encoding & PE_FORMAT, &raw) || reader->failed)
		return false;
	switch (encoding & PE_BASE) {
	case 0:
		*value = raw;
		return true;
	case PE_PCREL:
		*value = place + raw;
		return true;
	case PE_DATAREL:
		*value = data_base + raw;
		return true;
	default:
		return false;
	}
}

/* Length and end of the record at position; false at the terminator and at the end. */
static bool record_start(const struct frame_data *data, struct reader *reader, size_t position,
			 size_t *end, size_t *id_at, uint64_t *id)
{
	uint64_t length;

	*reader = frame_reader(data, position, SIZE_MAX);
	length = reader_u32(reader);
	if (length == UINT32_MAX)
		length = reader_u64(reader);
	if (reader->failed || length < 4 || length > reader_left(reader))
		return false;
	*end = reader->pos + length;
	reader->size = *end;
	*id_at = reader->pos;
	*id = reader_u32(reader); /* four bytes in .eh_frame even after a 64-bit length */
	return true;
}

/* Skips a pointer of any encoding (the personality routine's). */
static bool skip_pointer(struct reader *reader, uint8_t encoding)
{
	uint64_t ignored;

	return encoding == PE_OMIT || read_format(reader, encoding & PE_FORMAT, &ignored);
}

static bool read_augmentation(struct reader *reader, const char *letters, struct frame_cie *cie)
{
	if (letters[0] == '\0')
		return true;
	/* Without a size in front, what follows can't be skipped: old "eh" and unknown ones. */
	if (letters[0] != 'z')
		return false;
	cie->has_augmentation = true;
	cie->program = reader_uleb(reader);
	if (cie->program > reader_left(reader))
		return false;
	cie->program += reader->pos;
	for (letters++; *letters; letters++) {
		switch (*letters) {
		case 'R':
			cie->fde_encoding = reader_u8(reader);
			break;
		case 'P':
			if (!skip_pointer(reader, reader_u8(reader)))
				return false;
			break;
		case 'L':
			reader_u8(reader);
			break;
		case 'S':
			cie->signal_frame = true;
			break;
		default: /* B: signed return addresses, and what is not invented yet */
			return false;
		}
	}
	return !reader->failed && reader->pos <= cie->program;
}

bool frame_read_cie(const struct frame_data *data, size_t position, struct frame_cie *cie)
{
	struct frame_cie found = {.position = position, .fde_encoding = PE_ABSPTR};
	struct reader reader;
	const char *letters;
	size_t id_at;
	uint64_t id;
	uint8_t version;

	if (!record_start(data, &reader, position, &found.end, &id_at, &id) || id != 0)
		return false;
	version = reader_u8(&reader);
	letters = reader_string(&reader);
	if (reader.failed || (version != 1 && version != 3))
		return false;
	found.code_align = reader_uleb(&reader);
	found.data_align = reader_sleb(&reader);
	found.return_column = version == 1 ? reader_u8(&reader) : reader_uleb(&reader);
	if (reader.failed || !read_augmentation(&reader, letters, &found))
		return false;
	if (!found.has_augmentation)
		found.program = reader.pos;
	*cie = found;
	return true;
}

bool frame_read_fde(const struct frame_data *data, size_t position, struct frame_cie *cie,
		    struct frame_fde *fde)
{
	struct frame_fde found = {.position = position};
	struct reader reader;
	size_t id_at;
	uint64_t id, length;
	uintptr_t size;

	if (!record_start(data, &reader, position, &found.program_end, &id_at, &id) || id == 0 ||
	    id > id_at)
		return false;
	found.cie = id_at - id;
	/* Functions of one unit follow each other: the CIE is mostly the one before. */
	if (cie->position != found.cie || cie->end == 0)
		if (!frame_read_cie(data, found.cie, cie))
			return false;
	if (!frame_pointer(data, &reader, cie->fde_encoding, 0, &found.start) ||
	    !frame_pointer(data, &reader, cie->fde_encoding & PE_FORMAT, 0, &size))
		return false;
	found.end = found.start + size;
	if (cie->has_augmentation) {
		length = reader_uleb(&reader);
		reader_skip(&reader, length);
	}
	found.program = reader.pos;
	if (reader.failed || found.end < found.start)
		return false;
	*fde = found;
	return true;
}

/* ---- listing -------------------------------------------------------------------------------- */

static int list_add(struct frame_list *list, uintptr_t start, size_t position,
		    struct suture_error *err)
{
	if (list->count == list->capacity) {
		size_t wanted = list->capacity ? list->capacity * 2 : 256;
		void *grown = realloc(list->entries, wanted * sizeof(*list->entries));

		if (!grown)
			return error_no_memory(err);
		list->entries = grown;
		list->capacity = wanted;
	}
	list->entries[list->count++] = (struct frame_entry){start, position};
	return 0;
}

/* The usual table: sorted pairs of 32-bit offsets from the header. *done is false without one. */
static int list_from_table(const struct unwind_object *object, const struct frame_data *data,
			   struct reader *reader, uintptr_t count, struct frame_list *list,
			   struct suture_error *err)
{
	for (uintptr_t i = 0; i < count; i++) {
		uintptr_t start = object->eh_frame_hdr + (uintptr_t)(int32_t)reader_u32(reader);
		uintptr_t fde = object->eh_frame_hdr + (uintptr_t)(int32_t)reader_u32(reader);
		int rc;

		if (reader->failed)
			break;
		if (fde < object->data_start || fde >= object->data_end)
			continue;
		rc = list_add(list, start, fde - data->base, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int list_from_records(const struct frame_data *data, size_t position, size_t end,
			     struct frame_list *list, struct suture_error *err)
{
	struct frame_data bounded = *data;
	struct frame_cie cie = {0};

	if (end < bounded.reader.size)
		bounded.reader.size = end;
	for (;;) {
		struct frame_fde fde;
		struct reader reader;
		size_t next, id_at;
		uint64_t id;
		int rc;

		if (!record_start(&bounded, &reader, position, &next, &id_at, &id))
			return 0;
		if (id != 0 && frame_read_fde(&bounded, position, &cie, &fde)) {
			rc = list_add(list, fde.start, position, err);
			if (rc)
				return rc;
		}
		position = next;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct frame_entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

static void sort(struct frame_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		if (list->entries[i - 1].start <= list->entries[i].start)
			continue;
		qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
		return;
	}
}

int frame_list(const struct unwind_object *object, const struct frame_data *data,
	       struct frame_list *list, struct suture_error *err)
{
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	uintptr_t frame, count;
	struct reader reader;
	int rc;

	if (!object->eh_frame_hdr) {
		size_t position = object->eh_frame - data->base;

		rc = list_from_records(data, position, position + object->eh_frame_size, list, err);
		sort(list);
		return rc;
	}
	reader = frame_reader(data, object->eh_frame_hdr - data->base,
			      object->eh_frame_hdr - data->base + object->eh_frame_hdr_size);
	version = reader_u8(&reader);
	frame_encoding = reader_u8(&reader);
	count_encoding = reader_u8(&reader);
	table_encoding = reader_u8(&reader);
	if (reader.failed || version != 1 ||
	    !frame_pointer(data, &reader, frame_encoding, object->eh_frame_hdr, &frame))
		return 0;
	if (table_encoding == (PE_DATAREL | PE_SDATA4) &&
	    frame_pointer(data, &reader, count_encoding, object->eh_frame_hdr, &count) &&
	    count <= reader_left(&reader) / 8)
		rc = list_from_table(object, data, &reader, count, list, err);
	else if (frame >= object->data_start && frame < object->data_end)
		rc = list_from_records(data, frame - data->base, SIZE_MAX, list, err);
	else
		rc = 0;
	sort(list);
	return rc;
}

void frame_list_fini(struct frame_list *list)
{
	free(list->entries);
	*list = (struct frame_list){0};
}
