/* SPDX-License-Identifier: MIT */
/* Bytes grow, format and fail once for all. */
#include "../test.h"

#include "base/bytes.h"

static void grows(void **state)
{
	struct bytes bytes = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		bytes_add(&bytes, &i, sizeof(i));
	assert_true(bytes_ok(&bytes));
	assert_int_equal(bytes.size, 4000);
	assert_int_equal(((int *)bytes.data)[999], 999);
	assert_int_equal(bytes_add_string(&bytes, "end"), 4000);
	assert_string_equal((char *)bytes.data + 4000, "end");
	bytes_add_zeroes(&bytes, 3);
	assert_int_equal(bytes.size, 4007);
	bytes_fini(&bytes);
}

static void formats_short_and_long(void **state)
{
	struct bytes bytes = {0};
	char wide[2000];

	(void)state;
	bytes_add_format(&bytes, "%d-%s", 7, "x");
	assert_memory_equal(bytes.data, "7-x", 3);
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	bytes_add_format(&bytes, "%s", wide);
	assert_int_equal(bytes.size, 3 + sizeof(wide) - 1);
	bytes_fini(&bytes);
}

static void impossible_size_fails_for_good(void **state)
{
	struct bytes bytes = {0};

	(void)state;
	bytes_add_zeroes(&bytes, SIZE_MAX / 2);
	assert_false(bytes_ok(&bytes));
	bytes_add(&bytes, "x", 1);
	assert_false(bytes_ok(&bytes));
	bytes_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(formats_short_and_long),
		cmocka_unit_test(impossible_size_fails_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
