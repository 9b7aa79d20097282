/* SPDX-License-Identifier: MIT */
/* Data in the transaction: written with the code, and put back where nobody has changed it since.
 */
#include "kit.h"

static const int table_of_costs[4] = {10, 20, 30, 40};
int data_prize = 5;
int data_limit = 70;

static int cost(int i)
{
	const int *volatile table = table_of_costs;

	return table[i];
}

static void constants_change_with_the_code(void **state)
{
	struct transaction_result result;
	struct handmade patch;
	struct patch_file file;

	(void)state;
	handmade_init(&patch, "costs");
	handmade_code(&patch, "const int costs[4] = {1, 2, 3, 4};\n"
			      "int new_one(int x) { return x - 1; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_data(&patch, FORMAT_DATA_CONST, table_of_costs, sizeof(table_of_costs), "costs");
	file = kit_open(&patch);
	assert_int_equal(cost(2), 30);
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	assert_int_equal(cost(2), 3);
	kit_revert("costs", &result);
	transaction_result_fini(&result);
	assert_int_equal(cost(2), 30);
}

/* What the program has written since is the program's: the rest of the patch goes without it. */
static void a_value_that_went_on_stays(void **state)
{
	struct transaction_result result;
	struct handmade patch;
	char path[256];

	(void)state;
	handmade_init(&patch, "prizes");
	handmade_code(&patch, "int prize = 6, limit = 80; int new_one(int x) { return x - 1; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_data(&patch, FORMAT_DATA_SET, &data_prize, sizeof(data_prize), "prize");
	handmade_data(&patch, FORMAT_DATA_SET, &data_limit, sizeof(data_limit), "limit");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	for (int went_on = 0; went_on < 2; went_on++) {
		struct patch_file file;

		assert_int_equal(patch_file_read(path, &file, NULL), 0);
		kit_apply(&file, &result);
		transaction_result_fini(&result);
		assert_int_equal(data_prize, 6);
		assert_int_equal(data_limit, 80);
		if (went_on)
			data_prize = 1234;
		kit_revert("prizes", &result);
		transaction_result_fini(&result);
		assert_int_equal(data_prize, went_on ? 1234 : 5);
		assert_int_equal(data_limit, 70);
		assert_int_equal(tx_one(2), 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_change_with_the_code),
		cmocka_unit_test(a_value_that_went_on_stays),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
