/* SPDX-License-Identifier: MIT */
/* What waits for nothing but that threads go, and what waits since something else does. */
#include "kit.h"

#include "agent/modules.h"
#include "agent/pending.h"

#include <dlfcn.h>
#include <unistd.h>

int pending_setting = 5;

/* Where nobody asks again, what threads keep out is tried again: less and less often. */
static void what_passes_is_tried_again(void **state)
{
	struct transaction_options options = {.timeout_ns = 20000000};
	const struct pending *pending;
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file, other;
	struct handmade patch;
	uint8_t saved, trap = 0xcc;

	(void)state;
	handmade_init(&patch, "room");
	handmade_code(&patch, "int new_room(int x) { return x + 500; }\n");
	handmade_replace(&patch, kit_room, "new_room");
	file = kit_open(&patch);
	patch_file_fini(&file);
	handmade_init(&patch, "other");
	handmade_code(&patch, "int other_room(int x) { return x + 600; }\n");
	handmade_replace(&patch, kit_room, "other_room");
	other = kit_open(&patch);
	kit_stand(kit_room);
	assert_int_equal(kit_put("room", options, &result, &err), -SUTURE_E_BUSY_STACK);
	transaction_result_fini(&result);
	assert_null(kit_agent.pending); /* who asked is told, and asks again */

	options.persists = true;
	assert_int_equal(kit_put("room", options, &result, &err), 0);
	assert_true(result.pending);
	assert_string_equal(result.waits, "");
	transaction_result_fini(&result);
	assert_int_equal(agent_find(&kit_agent, "room")->state, PATCH_PENDING);
	pending = kit_agent.pending;
	pending_look(&kit_agent);
	assert_true(pending->problem[0]);
	assert_true(pending->again);
	assert_int_equal(pending->tries, 1);
	assert_int_equal(modules_due(&kit_agent), pending->again_at);

	kit_let_out();
	assert_int_equal(agent_find(&kit_agent, "room")->state, PATCH_PENDING);
	/* Something else is wrong when it is tried again, which does not pass. */
	saved = *(const uint8_t *)kit_room;
	assert_int_equal(pwrite(kit_agent.writer.fd, &trap, 1, (off_t)(uintptr_t)kit_room), 1);
	usleep(600000); /* more than it is left alone */
	pending_look(&kit_agent);
	assert_int_equal(pwrite(kit_agent.writer.fd, &saved, 1, (off_t)(uintptr_t)kit_room), 1);
	assert_false(pending->again);
	assert_int_equal(pending->again_at, 0);
	/* Until modules have come or gone. */
	pending_look(&kit_agent);
	assert_int_equal(kit_agent.pending->patch->state, PATCH_PENDING);
	kit_agent.pending->generation--;
	pending_look(&kit_agent);
	assert_int_equal(agent_find(&kit_agent, "room")->state, PATCH_APPLIED);
	assert_null(kit_agent.pending);
	assert_int_equal(kit_room(1), 501);
	kit_take_out("room");

	/* One that is to wait in every case goes in at the next look. */
	options.kept = true;
	assert_int_equal(kit_put("room", options, &result, &err), 0);
	assert_true(result.pending);
	transaction_result_fini(&result);
	assert_int_equal(agent_find(&kit_agent, "room")->state, PATCH_PENDING);
	pending_look(&kit_agent);
	assert_int_equal(agent_find(&kit_agent, "room")->state, PATCH_APPLIED);
	kit_take_out("room");

	/* A reason that stays is not waited for. */
	kit_apply(&other, &result);
	transaction_result_fini(&result);
	assert_int_equal(kit_put("room", options, &result, &err), -SUTURE_E_DEPENDENCY);
	transaction_result_fini(&result);
	assert_null(kit_agent.pending);
	kit_take_out("other");
}

static enum patch_state state_of(const char *name)
{
	return agent_find(&kit_agent, name)->state;
}

static void put_in(const char *name, bool count)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct suture_error err;

	options.count = count;
	if (kit_put(name, options, &result, &err))
		fail_msg("%s: %s", name, err.message);
	transaction_result_fini(&result);
}

/* "low" is in the library, "above" in the program and built on it, "apart" in the program. */
static void build_three(int (*value)(int))
{
	uint8_t hash[FORMAT_HASH_SIZE];
	struct patch_file file;
	struct handmade patch;

	handmade_init_for(&patch, "low", (const void *)value);
	handmade_code(&patch, "int new_value(int x) { return x * 50; }\n");
	handmade_replace(&patch, (const void *)value, "new_value");
	file = kit_open(&patch);
	memcpy(hash, file.hash, sizeof(hash));
	patch_file_fini(&file);
	handmade_init(&patch, "above");
	handmade_code(&patch, "int new_two(int x) { return x * 60; }\n");
	handmade_replace(&patch, tx_two, "new_two");
	handmade_depend(&patch, "low", hash);
	file = kit_open(&patch);
	patch_file_fini(&file);
	handmade_init(&patch, "apart");
	handmade_code(&patch, "int setting = 6;\n");
	handmade_data(&patch, FORMAT_DATA_SET, &pending_setting, sizeof(pending_setting),
		      "setting");
	file = kit_open(&patch);
	patch_file_fini(&file);
}

/* A library goes: what is built on its patch waits too, and nothing else does. */
static void who_is_built_on_it_waits_with_it(void **state)
{
	struct kit_text before = kit_text();
	int (*value)(int);
	char library[256];
	unsigned order;
	void *handle;

	(void)state;
	handmade_library(kit_folder, "awaited",
			 "int lib_value(int x);\n"
			 "__attribute__((noinline)) int lib_value(int x)\n"
			 "{ __asm__ volatile(\"\" ::: \"memory\"); return x * 3 + 1; }\n",
			 library, sizeof(library));
	handle = dlopen(library, RTLD_NOW);
	assert_non_null(handle);
	value = (int (*)(int))dlsym(handle, "lib_value");
	build_three(value);
	put_in("apart", false);
	put_in("low", true);
	put_in("above", false);
	order = agent_find(&kit_agent, "apart")->order;
	for (int round = 1; round <= 2; round++) {
		assert_int_equal(tx_two(2), 120);
		dlclose(handle);
		pending_look(&kit_agent);
		assert_int_equal(state_of("low"), PATCH_PENDING);
		assert_int_equal(state_of("above"), PATCH_PENDING);
		assert_int_equal(tx_two(2), 12);
		assert_int_equal(agent_find(&kit_agent, "apart")->order, order);
		assert_int_equal(pending_setting, 6);
		handle = dlopen(library, RTLD_NOW);
		assert_non_null(handle);
		value = (int (*)(int))dlsym(handle, "lib_value");
		pending_look(&kit_agent);
		assert_int_equal(value(2), 100);
		/* Counted as before, and only what was. */
		assert_int_equal(agent_find(&kit_agent, "low")->counters[0].calls, 1);
		assert_null(agent_find(&kit_agent, "above")->counters);
		assert_true(agent_find(&kit_agent, "low")->order <
			    agent_find(&kit_agent, "above")->order);
	}
	kit_take_out("above");
	kit_take_out("low");
	kit_take_out("apart");
	dlclose(handle);
	pending_look(&kit_agent);
	kit_assert_text(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_is_tried_again),
		cmocka_unit_test(who_is_built_on_it_waits_with_it),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
