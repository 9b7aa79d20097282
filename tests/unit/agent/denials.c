/* SPDX-License-Identifier: MIT */
/* Who is refused is on record, and can't push out of it what others did. */
#include "../test.h"

#include "agent/denials.h"

#include <stdbool.h>

static void once_a_minute_with_a_count(void **state)
{
	struct denials denials = {0};
	unsigned more = 77;

	(void)state;
	assert_true(denials_count(&denials, 1000, "apply", 500, &more));
	assert_int_equal(more, 0);
	for (unsigned i = 0; i < 30; i++)
		assert_false(denials_count(&denials, 1000, "apply", 500 + i, &more));
	assert_true(denials_count(&denials, 1000, "apply", 560, &more));
	assert_int_equal(more, 30);
	assert_true(denials_count(&denials, 1000, "apply", 700, &more));
	assert_int_equal(more, 0);
}

static void each_user_and_each_kind_for_itself(void **state)
{
	struct denials denials = {0};
	unsigned more;

	(void)state;
	assert_true(denials_count(&denials, 1000, "apply", 0, &more));
	assert_true(denials_count(&denials, 1001, "apply", 0, &more));
	assert_true(denials_count(&denials, 1000, "revert", 0, &more));
	assert_false(denials_count(&denials, 1001, "apply", 59, &more));
}

static void a_crowd_fills_no_record(void **state)
{
	struct denials denials = {0};
	unsigned recorded = 0, more;

	(void)state;
	/* An hour of everybody trying everything. */
	for (uint64_t second = 0; second < 3600; second++)
		for (uid_t uid = 2000; uid < 2100; uid++)
			recorded += denials_count(&denials, uid, "connect", second, &more);
	assert_int_equal(recorded, 60 * DENIALS_KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_a_minute_with_a_count),
		cmocka_unit_test(each_user_and_each_kind_for_itself),
		cmocka_unit_test(a_crowd_fills_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
