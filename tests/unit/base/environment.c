/* SPDX-License-Identifier: MIT */
/* What is kept, and until when. */
#include "../test.h"

#include "base/environment.h"

#include <stdlib.h>

/* The order matters: nobody gives up keeping. */
static void test_read_in_place_until_kept(void **state)
{
	(void)state;
	setenv("SUTURE_DIR", "/a", 1);
	unsetenv("TMPDIR");
	assert_string_equal(environment_get("SUTURE_DIR"), "/a");
	setenv("SUTURE_DIR", "/b", 1);
	assert_string_equal(environment_get("SUTURE_DIR"), "/b");
	setenv("SUTURE_DIR", "", 1);
	assert_null(environment_get("SUTURE_DIR"));
	assert_null(environment_get("TMPDIR"));
}

static void test_kept_from_then_on(void **state)
{
	const char *before;

	(void)state;
	setenv("SUTURE_DIR", "/a", 1);
	environment_keep();
	before = environment_get("SUTURE_DIR");
	setenv("SUTURE_DIR", "/b", 1);
	setenv("TMPDIR", "/t", 1);
	assert_string_equal(environment_get("SUTURE_DIR"), "/a");
	assert_null(environment_get("TMPDIR"));
	environment_keep();
	assert_string_equal(before, "/a");
	assert_string_equal(environment_get("SUTURE_DIR"), "/b");
	assert_string_equal(environment_get("TMPDIR"), "/t");
	unsetenv("SUTURE_DIR");
	environment_keep();
	assert_null(environment_get("SUTURE_DIR"));
	assert_null(environment_get("PATH"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_in_place_until_kept),
		cmocka_unit_test(test_kept_from_then_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
