/* SPDX-License-Identifier: MIT */
/* The table of everything that is loaded, as the agent makes it. */
#ifndef TESTS_UNWIND_TABLES_H
#define TESTS_UNWIND_TABLES_H

#include "unwind/unwind.h"

#include <stdlib.h>

struct test_objects {
	struct unwind_object list[256];
	size_t count;
};

static int test_add_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct test_objects *objects = data;

	(void)size;
	if (objects->count < 256 && unwind_object_from_phdr(info, &objects->list[objects->count]))
		objects->count++;
	return 0;
}

static inline struct unwind_table *test_table(const struct unwind_table *previous)
{
	static struct test_objects objects;
	struct unwind_table *table = NULL;
	struct suture_error err;

	objects.count = 0;
	dl_iterate_phdr(test_add_object, &objects);
	if (unwind_table_create(objects.list, objects.count, previous, &table, &err))
		abort();
	return table;
}

#endif
