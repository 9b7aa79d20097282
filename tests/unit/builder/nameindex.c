/* SPDX-License-Identifier: MIT */
/* Names are found whole: neither what they begin with, nor what begins with them. */
#include "builder/nameindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void add(struct name_index *index, const char *name, size_t value)
{
	name_index_add(index, name, strlen(name), value);
}

static void finds_all_of_one_name_in_order(void **state)
{
	struct arena arena = {0};
	struct name_index index;
	const struct name_entry *found;
	size_t count;

	(void)state;
	assert_true(name_index_init(&index, &arena, 6));
	add(&index, "count", 5);
	add(&index, "counter", 4);
	add(&index, "coun", 3);
	add(&index, "count", 0);
	add(&index, "", 2);
	add(&index, "count", 1);
	name_index_sort(&index);
	found = name_index_find(&index, "count.12", strlen("count"), &count);
	assert_non_null(found);
	assert_int_equal(count, 3);
	assert_int_equal(found[0].value, 0);
	assert_int_equal(found[1].value, 1);
	assert_int_equal(found[2].value, 5);
	found = name_index_find(&index, "", 0, &count);
	assert_non_null(found);
	assert_int_equal(count, 1);
	assert_int_equal(found->value, 2);
	assert_null(name_index_find(&index, "cou", 3, &count));
	assert_int_equal(count, 0);
	assert_null(name_index_find(&index, "counters", 8, &count));
	arena_fini(&arena);
}

static void finds_nothing_in_nothing(void **state)
{
	struct arena arena = {0};
	struct name_index index;
	size_t count = 7;

	(void)state;
	assert_true(name_index_init(&index, &arena, 0));
	name_index_sort(&index);
	assert_null(name_index_find(&index, "count", 5, &count));
	assert_int_equal(count, 0);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_of_one_name_in_order),
		cmocka_unit_test(finds_nothing_in_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
