/* SPDX-License-Identifier: MIT */
/* Percentiles are never below the truth and at most a fifth above it. */
#include "../test.h"

#include "agent/pauses.h"

static void empty(void **state)
{
	struct pauses pauses = {0};

	(void)state;
	assert_int_equal(pauses_percentile_ns(&pauses, 0.5), 0);
}

static void bounds(void **state)
{
	struct pauses pauses = {0};

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		pauses_add(&pauses, i * 10000); /* 10 µs to 10 ms */
	assert_int_equal(pauses.count, 1000);
	assert_int_equal(pauses.max_ns, 10000000);
	assert_in_range(pauses_percentile_ns(&pauses, 0.50), 5000000, 6000000);
	assert_in_range(pauses_percentile_ns(&pauses, 0.99), 9900000, 10000000);
	assert_int_equal(pauses_percentile_ns(&pauses, 1.0), 10000000);
}

static void extremes(void **state)
{
	struct pauses pauses = {0};

	(void)state;
	pauses_add(&pauses, 0);
	pauses_add(&pauses, UINT64_MAX);
	assert_int_equal(pauses.max_ns, UINT64_MAX);
	assert_true(pauses_percentile_ns(&pauses, 0.1) <= 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(bounds),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
