/* SPDX-License-Identifier: MIT */
/* A sorted list of names; see nameindex.h. */
#include "nameindex.h"

#include <stdlib.h>
#include <string.h>

bool name_index_init(struct name_index *index, struct arena *arena, size_t most)
{
	*index = (struct name_index){.list = arena_array(arena, most, sizeof(*index->list))};
	return index->list != NULL;
}

void name_index_add(struct name_index *index, const char *name, size_t length, size_t value)
{
	index->list[index->count++] = (struct name_entry){name, length, value};
}

static int compare_names(const struct name_entry *left, const struct name_entry *right)
{
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->name, right->name, left->length);
}

static int compare_entries(const void *left, const void *right)
{
	const struct name_entry *a = left, *b = right;
	int order = compare_names(a, b);

	if (order)
		return order;
	return a->value < b->value ? -1 : a->value > b->value;
}

void name_index_sort(struct name_index *index)
{
	if (index->count)
		qsort(index->list, index->count, sizeof(*index->list), compare_entries);
}

const struct name_entry *name_index_find(const struct name_index *index, const char *name,
					 size_t length, size_t *count)
{
	const struct name_entry wanted = {.name = name, .length = length};
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_names(&index->list[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < index->count; high++)
		if (compare_names(&index->list[high], &wanted) != 0)
			break;
	*count = high - low;
	return *count ? &index->list[low] : NULL;
}
