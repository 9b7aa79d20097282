/* SPDX-License-Identifier: MIT */
/* cmocka with what it needs in front; and a folder of a test's own. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes a folder; test_folder_remove() takes it away with its files. */
static inline void test_folder_make(char *path, size_t size)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, size, "%s/suture-test-XXXXXX", base && *base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline void test_folder_remove(const char *path)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

#endif
