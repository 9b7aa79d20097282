/* SPDX-License-Identifier: MIT */
/* Calls of what a patch brought and of what it replaced: made, and counted. */
#include "kit.h"

#include "agent/residency.h"

/* The replacement calls what it replaced: the old code, or the version that it lies on. */
static void originals_are_callable(void **state)
{
	struct kit_text before = kit_text();
	struct transaction_result result;
	struct handmade patch;
	struct patch_file first, second;

	(void)state;
	handmade_init(&patch, "wraps");
	handmade_code(&patch,
		      "int (*volatile old)(int) __attribute__((section(\".data.slot\"))) = 0;\n"
		      "int new_one(int x) { return old(x) + 100; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_original(&patch, "old", "new_one");
	first = kit_open(&patch);
	handmade_init(&patch, "wraps-again");
	handmade_code(&patch,
		      "int (*volatile below)(int) __attribute__((section(\".data.slot\"))) = 0;\n"
		      "int again_one(int x) { return below(x) * 2; }\n");
	handmade_replace(&patch, tx_one, "again_one");
	handmade_original(&patch, "below", "again_one");
	handmade_depend(&patch, "wraps", first.hash);
	second = kit_open(&patch);

	for (int round = 0; round < 2; round++) {
		char path[256];

		if (round) { /* loaded and filled before: again */
			snprintf(path, sizeof(path), "%s/wraps.so", kit_folder);
			assert_int_equal(patch_file_read(path, &first, NULL), 0);
			snprintf(path, sizeof(path), "%s/wraps-again.so", kit_folder);
			assert_int_equal(patch_file_read(path, &second, NULL), 0);
		}
		kit_apply(&first, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 107);
		kit_apply(&second, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 214);
		kit_revert("wraps-again", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 107);
		kit_revert("wraps", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 7);
	}
	kit_assert_no_writable_code();
	kit_assert_text(&before);
}

static void calls_are_counted(void **state)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct kit_text before = kit_text();
	const struct patch *patch;
	struct suture_error err;

	(void)state;
	options.count = true;
	for (int round = 1; round <= 2; round++) {
		struct patch_file file = kit_simple("counted");

		if (transaction_apply(&kit_agent, &file, &options, &result, &err))
			fail_msg("%s", err.message);
		transaction_result_fini(&result);
		for (int i = 0; i < 10; i++)
			assert_int_equal(tx_one(i), i * 1000);
		assert_int_equal(tx_two(1), 2000);
		patch = agent_find(&kit_agent, "counted");
		assert_int_equal(patch->counters[0].calls, 10 * round);
		assert_int_equal(patch->counters[1].calls, round);
		kit_revert("counted", &result);
		transaction_result_fini(&result);
		tx_one(1);
	}
	kit_assert_no_writable_code();
	kit_assert_text(&before);
}

/* With a count: that nobody is in old code, and how often the patch itself calls it. */
static void old_code_is_counted(void **state)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct handmade patch;
	struct suture_error err;
	struct patch_file file;
	const struct patch *known;

	(void)state;
	handmade_init(&patch, "asks-below");
	handmade_code(&patch,
		      "int (*volatile old)(int) __attribute__((section(\".data.slot\"))) = 0;\n"
		      "int new_one(int x) { return x ? old(x) + 100 : 0; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_original(&patch, "old", "new_one");
	file = kit_open(&patch);
	options.count = true;
	for (int round = 1; round <= 2; round++) {
		char path[256];

		if (round > 1) {
			snprintf(path, sizeof(path), "%s/asks-below.so", kit_folder);
			assert_int_equal(patch_file_read(path, &file, NULL), 0);
		}
		if (transaction_apply(&kit_agent, &file, &options, &result, &err))
			fail_msg("%s", err.message);
		transaction_result_fini(&result);
		for (int x = 0; x < 10; x++)
			assert_int_equal(tx_one(x), x ? 3 * x + 101 : 0);
		known = agent_find(&kit_agent, "asks-below");
		assert_int_equal(known->counters[0].calls, 10 * round);
		assert_int_equal(known->counters[0].old_calls, 9 * round);
		assert_int_equal(known->old_threads, 0);
		kit_revert("asks-below", &result);
		transaction_result_fini(&result);
	}
}

static long found_inside(struct plan_site *sites, size_t count)
{
	const struct plan plan = {.agent = &kit_agent, .sites = sites, .site_count = count};
	struct stop_result stopped = {0};

	return residency_look(&plan, &stopped);
}

/* Behind the jump, or in the copy that can be called: not where nothing was replaced. */
static void who_stands_in_old_code_is_found(void **state)
{
	uintptr_t room = (uintptr_t)kit_room, elsewhere = (uintptr_t)tx_two;
	struct site there = {.entry = room, .size = handmade_size((const void *)kit_room)};
	struct site empty = {.entry = elsewhere, .size = handmade_size((const void *)tx_two)};
	struct patch *some = (struct patch *)&there;
	struct plan_site sites[3] = {
		{.site = &there, .version = {.patch = some, .trampoline = {.site = room}}},
		{.site = &empty, .version = {.patch = some, .trampoline = {.site = elsewhere}}},
		{.site = &there, .version = {.patch = some, .trampoline = {.site = room}}},
	};
	struct trampoline *jump = &sites[0].version.trampoline;

	(void)state;
	kit_stand(kit_room);
	jump->window_size = sites[1].version.trampoline.window_size = 5;
	assert_int_equal(found_inside(sites, 1), 1);
	assert_int_equal(found_inside(sites, 2), 1);
	assert_int_equal(found_inside(sites + 1, 1), 0);
	assert_int_equal(found_inside(sites + 1, 2), 1); /* in whatever order */
	/* All of it is the jump's now; then where it stands is called the copy. */
	assert_true(there.size < UINT8_MAX);
	jump->window_size = (uint8_t)there.size;
	assert_int_equal(found_inside(sites, 2), 0);
	jump->original = room;
	jump->original_size = there.size;
	assert_int_equal(found_inside(sites, 2), 1);
	jump->original = elsewhere;
	jump->original_size = empty.size;
	assert_int_equal(found_inside(sites, 1), 0);
	/* One that goes without another in its place has no old code. */
	jump->original = room;
	jump->original_size = there.size;
	sites[0].version.patch = NULL;
	assert_int_equal(found_inside(sites, 2), 0);
	jump->window_size = 5;
	assert_int_equal(found_inside(sites, 2), 0);
	kit_let_out();
	sites[0].version.patch = some;
	assert_int_equal(found_inside(sites, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(originals_are_callable),
		cmocka_unit_test(calls_are_counted),
		cmocka_unit_test(old_code_is_counted),
		cmocka_unit_test(who_stands_in_old_code_is_found),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
