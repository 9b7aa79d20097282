/* SPDX-License-Identifier: MIT */
/* Data in the transaction: written with the code, and put back where nobody has changed it since.
 */
#include "kit.h"

#include <dlfcn.h>

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

/* opterr of the C library, addressed as by code that is not position-independent: the linker gives
 * this program a copy of it, which all use. */
static volatile int *copied(void)
{
	int *address;

	__asm__("leaq opterr(%%rip), %0" : "=r"(address));
	return address;
}

static void a_variable_is_where_all_use_it(void **state)
{
	void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	const int *dead = library ? dlsym(library, "opterr") : NULL;
	struct transaction_result result;
	struct handmade patch;
	struct patch_file file;
	int before = *copied();

	(void)state;
	assert_non_null(dead);
	assert_ptr_not_equal(dead, copied());
	handmade_init_for(&patch, "copied", dead);
	handmade_code(&patch, "int err = 7;\n");
	handmade_data(&patch, FORMAT_DATA_SET, dead, sizeof(*dead), "err");
	file = kit_open(&patch);
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	assert_int_equal(*copied(), 7);
	kit_revert("copied", &result);
	transaction_result_fini(&result);
	assert_int_equal(*copied(), before);
	dlclose(library);
}

/* The library's own is dead, and what it uses is nothing that its patch could know. */
static void of_another_module_it_is_refused(void **state)
{
	struct transaction_result result;
	struct suture_error err;
	struct handmade patch;
	struct patch_file file;
	int before = data_prize;
	char path[256];
	void *library;
	int *dead;

	(void)state;
	handmade_library(kit_folder, "prizes",
			 "int data_prize = 1; int lib_prize(void) { return data_prize; }\n", path,
			 sizeof(path));
	library = dlopen(path, RTLD_NOW);
	assert_non_null(library);
	dead = dlsym(library, "data_prize");
	assert_non_null(dead);
	assert_ptr_not_equal(dead, &data_prize);
	handmade_init_for(&patch, "interposed", dead);
	handmade_code(&patch, "int prize = 8;\n");
	handmade_data(&patch, FORMAT_DATA_SET, dead, sizeof(*dead), "prize");
	file = kit_open(&patch);
	assert_int_equal(transaction_apply(&kit_agent, &file, &kit_quick, &result, &err),
			 -SUTURE_E_UNSUPPORTED);
	transaction_result_fini(&result);
	assert_non_null(strstr(err.message, "data_prize"));
	assert_int_equal(data_prize, before);
	assert_int_equal(*dead, 1);
	dlclose(library);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_change_with_the_code),
		cmocka_unit_test(a_value_that_went_on_stays),
		cmocka_unit_test(a_variable_is_where_all_use_it),
		cmocka_unit_test(of_another_module_it_is_refused),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
