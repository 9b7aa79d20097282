/* SPDX-License-Identifier: MIT */
/* Only the tabulated transitions are legal; a broken patch stays so. */
#include "../test.h"

#include "patch/state.h"

static void the_table(void **state)
{
	unsigned legal = 0;

	(void)state;
	for (int from = 0; from < PATCH_STATE_COUNT; from++)
		for (int to = 0; to < PATCH_STATE_COUNT; to++)
			legal += patch_state_legal(from, to);
	assert_int_equal(legal, 15);
	assert_true(patch_state_legal(PATCH_LOADED, PATCH_APPLYING));
	assert_true(patch_state_legal(PATCH_REVERTED, PATCH_APPLYING));
	assert_true(patch_state_legal(PATCH_REVERTED, PATCH_PENDING));
	assert_false(patch_state_legal(PATCH_APPLIED, PATCH_PENDING));
	assert_false(patch_state_legal(PATCH_LOADED, PATCH_APPLIED));
	assert_false(patch_state_legal(PATCH_APPLIED, PATCH_APPLYING));
	for (int to = 0; to < PATCH_STATE_COUNT; to++)
		assert_false(patch_state_legal(PATCH_BROKEN, to));
	assert_false(patch_state_legal(PATCH_STATE_COUNT, PATCH_LOADED));
	assert_string_equal(patch_state_name(PATCH_APPLIED), "applied");
	assert_string_equal(patch_state_name(PATCH_STATE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
