/* SPDX-License-Identifier: MIT */
/* Tables: rows of all objects by address, shared with the table before. Planning thread only. */
#include "unwind/rows.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/*
 * An object unloaded and another one loaded at the same address must not be taken for the same: the
 * search table (all function addresses) or the bare .eh_frame stands for the contents.
 */
static uint64_t fingerprint(const struct unwind_object *object)
{
	uintptr_t at = object->eh_frame_hdr ? object->eh_frame_hdr : object->eh_frame;
	size_t size = object->eh_frame_hdr ? object->eh_frame_hdr_size : object->eh_frame_size;
	const uint8_t *bytes = (const uint8_t *)at;
	uint64_t hash = size;
	size_t i = 0;

	if (object->copy)
		bytes = (const uint8_t *)object->copy + (at - object->data_start);
	for (; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	for (; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return hash;
}

/* Its unwind data lies in what may be read. */
static bool is_sound(const struct unwind_object *object)
{
	uintptr_t at = object->eh_frame_hdr ? object->eh_frame_hdr : object->eh_frame;
	size_t size = object->eh_frame_hdr ? object->eh_frame_hdr_size : object->eh_frame_size;

	return object->start < object->end && object->end - object->start < UINT32_MAX &&
	       object->data_start < object->data_end && at >= object->data_start &&
	       at <= object->data_end && size <= object->data_end - at;
}

static struct unwind_rows *find_rows(const struct unwind_table *table,
				     const struct unwind_object *object, uint64_t print)
{
	for (size_t i = 0; table && i < table->count; i++) {
		struct unwind_rows *rows = table->objects[i];

		if (rows->start == object->start && rows->end == object->end &&
		    rows->eh_frame_hdr == object->eh_frame_hdr &&
		    rows->eh_frame == object->eh_frame && rows->fingerprint == print)
			return rows;
	}
	return NULL;
}

static int compare_rows(const void *a, const void *b)
{
	const struct unwind_rows *x = *(struct unwind_rows *const *)a;
	const struct unwind_rows *y = *(struct unwind_rows *const *)b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int add_object(struct unwind_table *table, const struct unwind_object *object,
		      const struct unwind_table *previous, struct suture_error *err)
{
	struct unwind_rows *rows;
	uint64_t print;
	int rc;

	if (!is_sound(object))
		return 0;
	print = fingerprint(object);
	rows = find_rows(previous, object, print);
	if (rows) {
		table->reused++;
	} else {
		rc = unwind_compile(object, &rows, err);
		if (rc)
			return rc;
		rows->fingerprint = print;
	}
	rows->users++;
	table->objects[table->count++] = rows;
	return 0;
}

int unwind_table_create(const struct unwind_object *objects, size_t count,
			const struct unwind_table *previous, struct unwind_table **result,
			struct suture_error *err)
{
	struct unwind_table *table = calloc(1, sizeof(*table));
	int rc = 0;

	if (!table)
		return error_no_memory(err);
	table->objects = calloc(count ? count : 1, sizeof(struct unwind_rows *));
	if (!table->objects)
		rc = error_no_memory(err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = add_object(table, &objects[i], previous, err);
	if (!rc)
		qsort(table->objects, table->count, sizeof(struct unwind_rows *), compare_rows);
	for (size_t i = 1; !rc && i < table->count; i++)
		if (table->objects[i]->start < table->objects[i - 1]->end)
			rc = error_set(err, SUTURE_E_USAGE, "unwind objects overlap at %#lx",
				       (unsigned long)table->objects[i]->start);
	if (rc) {
		unwind_table_destroy(table);
		return rc;
	}
	*result = table;
	return 0;
}

void unwind_table_lend_moved(struct unwind_table *table, const struct unwind_moved *moved,
			     size_t count)
{
	table->moved = moved;
	table->moved_count = count;
}

void unwind_table_destroy(struct unwind_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		if (--table->objects[i]->users == 0)
			unwind_rows_destroy(table->objects[i]);
	free(table->objects);
	free(table);
}

void unwind_table_statistics(const struct unwind_table *table, struct unwind_statistics *out)
{
	*out = (struct unwind_statistics){.objects = table->count, .reused = table->reused};
	for (size_t i = 0; i < table->count; i++) {
		const struct unwind_rows *rows = table->objects[i];

		out->rows += rows->row_count;
		out->unknown += rows->unknown;
		out->bytes += rows->row_count * sizeof(*rows->rows) +
			      rows->rule_count * sizeof(*rows->rules) + rows->expressions_size;
	}
}
