/* SPDX-License-Identifier: MIT */
/* Codes are unique, keep their exit codes, and texts are cut off rather than overrun. */
#include "../test.h"

#include "base/error.h"

#include <errno.h>

#define CODE(name, number, exit_code, retryable, text) SUTURE_E_##name,
static const enum suture_code all[] = {SUTURE_ERRORS(CODE)};

static void codes_are_unique_and_named(void **state)
{
	size_t count = sizeof(all) / sizeof(all[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(suture_code_from_name(suture_code_name(all[i])), all[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(all[i], all[j]);
	}
	assert_string_equal(suture_code_name((enum suture_code)9999), "UNKNOWN");
	assert_int_equal(suture_code_from_name("NO_SUCH"), SUTURE_E_INTERNAL);
}

/* The contract of the command line: what automation does depends on these. */
static void exit_codes(void **state)
{
	(void)state;
	assert_int_equal(suture_code_exit(SUTURE_OK), 0);
	assert_int_equal(suture_code_exit(SUTURE_E_INTERNAL), 1);
	assert_int_equal(suture_code_exit(SUTURE_E_USAGE), 2);
	assert_int_equal(suture_code_exit(SUTURE_E_NO_AGENT), 3);
	assert_int_equal(suture_code_exit(SUTURE_E_NOT_APPLIED), 4);
	assert_int_equal(suture_code_exit(SUTURE_E_LAYOUT_CHANGED), 4);
	assert_int_equal(suture_code_exit(SUTURE_E_BUSY_STACK), 5);
	assert_int_equal(suture_code_exit(SUTURE_E_NOT_CONFIRMED), 6);
	assert_int_equal(suture_code_exit(SUTURE_E_PERMISSION), 7);
	assert_int_equal(suture_code_exit(SUTURE_E_UNCERTAIN), 8);
	assert_int_equal(suture_code_exit(SUTURE_E_NOTHING), 10);
	assert_true(suture_code_retryable(SUTURE_E_BUSY_STACK));
	assert_false(suture_code_retryable(SUTURE_E_BUILD_ID));
}

static void context_stands_in_front(void **state)
{
	struct suture_error err;

	(void)state;
	assert_int_equal(error_set(&err, SUTURE_E_IO, "disk %d", 3), -SUTURE_E_IO);
	assert_int_equal(error_context(&err, "reading %s", "x"), -SUTURE_E_IO);
	error_next(&err, "buy a disk");
	assert_string_equal(err.message, "reading x: disk 3");
	assert_string_equal(err.next, "buy a disk");
	error_errno(&err, SUTURE_E_IO, ENOENT, "file");
	assert_string_equal(err.message, "file: No such file or directory");
	assert_string_equal(err.next, "");
}

static void long_texts_are_cut(void **state)
{
	struct suture_error err;
	char text[3 * SUTURE_ERROR_MESSAGE_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, SUTURE_E_IO, "%s", text);
	assert_int_equal(strlen(err.message), SUTURE_ERROR_MESSAGE_SIZE - 1);
	error_context(&err, "%s", text);
	error_errno(&err, SUTURE_E_IO, EIO, "%s", text);
	error_next(&err, "%s", text);
	assert_int_equal(strlen(err.next), SUTURE_ERROR_NEXT_SIZE - 1);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, SUTURE_E_BUILD_ID, "x"), -SUTURE_E_BUILD_ID);
	assert_int_equal(error_no_memory(NULL), -SUTURE_E_NO_MEMORY);
	error_context(NULL, "x");
	error_next(NULL, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_unique_and_named), cmocka_unit_test(exit_codes),
		cmocka_unit_test(context_stands_in_front),    cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
