/* SPDX-License-Identifier: MIT */
/*
 * A patch whose files lie in each other, for this program and for a library that is too far away to
 * be reached from there: each is loaded near its module, and to everything else they are one.
 */
#include "kit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static void *handle;
static int (*value)(int);
static volatile int *gate, *entered, *setting;

static void build(void)
{
	struct handmade patch;
	char inner[256], outer[256];

	handmade_init_for(&patch, "inner", (const void *)value);
	handmade_code(&patch, "int *volatile gate __attribute__((section(\".data.g\"))) = 0;\n"
			      "int *volatile entered __attribute__((section(\".data.e\"))) = 0;\n"
			      "int new_setting = 9;\n"
			      "int new_value(int x)\n"
			      "{ *(volatile int *)entered = 1;\n"
			      "  while (*(volatile int *)gate) ; return x * 50; }\n");
	handmade_replace(&patch, (const void *)value, "new_value");
	handmade_slot(&patch, "gate", handmade_target(&patch, (const void *)gate));
	handmade_slot(&patch, "entered", handmade_target(&patch, (const void *)entered));
	handmade_data(&patch, FORMAT_DATA_SET, (const void *)setting, sizeof(*setting),
		      "new_setting");
	handmade_build(&patch, kit_folder, inner, sizeof(inner));
	handmade_fini(&patch);

	handmade_init(&patch, "far");
	handmade_code(&patch,
		      "int (*volatile old)(int) __attribute__((section(\".data.s\"))) = 0;\n"
		      "int new_one(int x) { return old(x) + 1000; }\n");
	handmade_replace(&patch, (const void *)tx_one, "new_one");
	handmade_original(&patch, "old", "new_one");
	handmade_carry(&patch, inner);
	handmade_build(&patch, kit_folder, outer, sizeof(outer));
	handmade_fini(&patch);
}

static struct patch_file open_far(void)
{
	struct patch_file file;
	char path[256];

	snprintf(path, sizeof(path), "%s/far.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	return file;
}

static void assert_old(void)
{
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(value(3), 10);
	assert_int_equal(*setting, 5);
}

static void assert_new(void)
{
	assert_int_equal(tx_one(2), 1007);
	assert_int_equal(value(3), 150);
	assert_int_equal(*setting, 9);
}

static void each_lies_near_its_module(void **state)
{
	struct patch_file file = open_far();
	struct kit_text before = kit_text();
	struct transaction_result result;
	const struct patch *patch;

	(void)state;
	for (int round = 0; round < 2; round++) {
		if (round)
			file = open_far();
		kit_apply(&file, &result);
		assert_int_equal(result.functions, 2);
		transaction_result_fini(&result);
		assert_new();
		patch = agent_find(&kit_agent, "far");
		for (size_t i = 0; i < 2; i++) {
			uint64_t link = patch->file.functions.records[i].replacement_address;
			uintptr_t address = patch_address(patch, link);
			uintptr_t module = patch->modules[i].start;

			assert_true(llabs((long long)(address - module)) < INT32_MAX);
		}
		assert_true(llabs((long long)(patch->modules[0].start - patch->modules[1].start)) >
			    INT32_MAX);
		kit_revert("far", &result);
		transaction_result_fini(&result);
		assert_old();
	}
	kit_assert_text(&before);
}

static void *be_inside(void *arg)
{
	*(int *)arg = value(3);
	return NULL;
}

/* Whoever is in the code of any file keeps all of it in. */
static void a_thread_inside_the_inner_one(void **state)
{
	struct transaction_options options = {.timeout_ns = 50000000};
	struct patch_file file = open_far();
	struct transaction_result result;
	struct suture_error err;
	pthread_t thread;
	int answer = 0;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	*gate = 1;
	*entered = 0;
	pthread_create(&thread, NULL, be_inside, &answer);
	while (!*entered)
		usleep(1000);
	assert_int_equal(transaction_revert(&kit_agent, "far", &options, &result, &err),
			 -SUTURE_E_BUSY_STACK);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 1007);
	*gate = 0;
	pthread_join(thread, NULL);
	assert_int_equal(answer, 150);
	kit_revert("far", &result);
	transaction_result_fini(&result);
	assert_old();
}

/* What is wrong with one is wrong with all. */
static void a_changed_function_of_the_inner_one(void **state)
{
	struct patch_file file = open_far();
	uint8_t saved = *(const uint8_t *)(const void *)value, trap = 0xcc;
	struct transaction_result result;
	struct suture_error err;
	off_t entry = (off_t)(uintptr_t)value;

	(void)state;
	assert_int_equal(pwrite(kit_agent.writer.fd, &trap, 1, entry), 1);
	assert_int_equal(transaction_apply(&kit_agent, &file, &kit_quick, &result, &err),
			 -SUTURE_E_FUNCTION_CHANGED);
	transaction_result_fini(&result);
	assert_int_equal(pwrite(kit_agent.writer.fd, &saved, 1, entry), 1);
	assert_old();
}

static int make(void **state)
{
	char library[256];
	int rc = kit_make(state);

	handmade_library(kit_folder, "far-lib",
			 "int lib_value(int x); int lib_gate, lib_entered, lib_setting = 5;\n"
			 "__attribute__((noinline)) int lib_value(int x)\n"
			 "{ __asm__ volatile(\"\" ::: \"memory\"); return x * 3 + 1; }\n",
			 library, sizeof(library));
	handle = dlopen(library, RTLD_NOW);
	if (rc || !handle)
		return -1;
	value = (int (*)(int))dlsym(handle, "lib_value");
	gate = dlsym(handle, "lib_gate");
	entered = dlsym(handle, "lib_entered");
	setting = dlsym(handle, "lib_setting");
	build();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_lies_near_its_module),
		cmocka_unit_test(a_thread_inside_the_inner_one),
		cmocka_unit_test(a_changed_function_of_the_inner_one),
	};

	return cmocka_run_group_tests(tests, make, kit_clean);
}
