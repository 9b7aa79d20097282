/* SPDX-License-Identifier: MIT */
/*
 * What comes back when a patch is not confirmed in time, or lost with its module before that: all
 * that it had replaced, each once, and nothing besides.
 */
#include "kit.h"

#include "agent/confirm.h"
#include "agent/pending.h"

#include <dlfcn.h>
#include <unistd.h>

enum { SETTINGS = 5 };

int confirm_settings[SETTINGS];

static char library[256];
static void *handle;
static int (*value)(int);

static void open_library(void)
{
	handle = dlopen(library, RTLD_NOW);
	assert_non_null(handle);
	value = (int (*)(int))dlsym(handle, "lib_value");
}

static void close_library(void)
{
	dlclose(handle);
	assert_null(dlopen(library, RTLD_NOW | RTLD_NOLOAD));
}

/* confirm_settings[i] = to */
static void build_setting(const char *name, size_t i, size_t to)
{
	struct handmade patch;
	char text[64], path[256];

	snprintf(text, sizeof(text), "int setting = %zu;\n", to);
	handmade_init(&patch, name);
	handmade_code(&patch, text);
	handmade_data(&patch, FORMAT_DATA_SET, &confirm_settings[i], sizeof(int), "setting");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
}

/* Another file of the same patch name may be built then. */
static void rename_to(const char *name, const char *file)
{
	char from[256], to[256];

	snprintf(from, sizeof(from), "%s/%s.so", kit_folder, name);
	snprintf(to, sizeof(to), "%s/%s.so", kit_folder, file);
	assert_int_equal(rename(from, to), 0);
}

static unsigned told_of_name(const char *name)
{
	unsigned count = 0;

	for (size_t i = 0; i < EVENT_RING; i++)
		count += strcmp(kit_agent.events.ring[i].name, name) == 0 &&
			 strcmp(kit_agent.events.ring[i].result, "NAME_TAKEN") == 0;
	return count;
}

static void build(const char *name, const void *function)
{
	struct handmade patch;
	char path[256];

	handmade_init_for(&patch, name, function);
	handmade_code(&patch, "int new(int x) { return x * 50; }\n");
	handmade_replace(&patch, function, "new");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
}

/* As the command does; within 0: it stays. True: it waits. */
static bool put(const char *name, struct transaction_options options, uint64_t within)
{
	struct transaction_result result;
	uint8_t hash[FORMAT_HASH_SIZE];
	struct confirm *confirm = NULL;
	struct suture_error err;
	struct patch_file file;
	char path[256];
	bool pending;

	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	memcpy(hash, file.hash, sizeof(hash));
	if (within)
		assert_int_equal(confirm_prepare(&kit_agent, within, &confirm, NULL), 0);
	if (transaction_apply(&kit_agent, &file, &options, &result, &err))
		fail_msg("%s: %s", name, err.message);
	pending = result.pending;
	transaction_result_fini(&result);
	if (within)
		confirm_arm(&kit_agent, confirm, agent_find_hash(&kit_agent, hash));
	return pending;
}

static const uint64_t an_hour = UINT64_C(3600000000), no_time = 1;

static void time_is_over(void)
{
	usleep(1000); /* a microsecond is all that it had */
	confirm_run(&kit_agent);
}

static void replace(const char *name, uint64_t within)
{
	struct transaction_options options = kit_quick;

	options.replace = true;
	assert_false(put(name, options, within));
}

static enum patch_state state_of(const char *name)
{
	return agent_find(&kit_agent, name)->state;
}

static const struct confirm *confirm_named(const char *name)
{
	return confirm_of(&kit_agent, agent_find(&kit_agent, name));
}

static void settings_are(int factor)
{
	for (size_t i = 0; i < SETTINGS; i++)
		assert_int_equal(confirm_settings[i], factor * (int)(i + 1));
}

static void put_settings(void)
{
	char name[32];

	for (size_t i = 0; i < SETTINGS; i++) {
		snprintf(name, sizeof(name), "set%zu", i);
		assert_false(put(name, kit_quick, 0));
	}
	settings_are(1);
}

static void take_settings_out(void)
{
	char name[32];

	for (size_t i = 0; i < SETTINGS; i++) {
		snprintf(name, sizeof(name), "set%zu", i);
		kit_take_out(name);
	}
	settings_are(0);
}

/* Replaced by one, back by hand, and replaced by the next: both of which nobody confirmed. */
static void replaced_twice_comes_back_once(void **state)
{
	(void)state;
	put_settings();
	replace("one", an_hour);
	settings_are(0);
	put_settings();
	replace("two", no_time);
	assert_int_equal(confirm_named("two")->replaced_count, SETTINGS);
	settings_are(0);
	time_is_over();
	settings_are(1);
	assert_int_equal(kit_agent.applied, SETTINGS);
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(tx_two(2), 12);
	take_settings_out();
}

/* In force again before the time is over: it stays as it is. */
static void what_is_back_already_stays(void **state)
{
	unsigned order;

	(void)state;
	put_settings();
	replace("one", no_time);
	put_settings();
	order = agent_find(&kit_agent, "set2")->order;
	time_is_over();
	assert_int_equal(state_of("one"), PATCH_REVERTED);
	assert_int_equal(confirm_named("one")->attempts, 1);
	assert_int_equal(agent_find(&kit_agent, "set2")->order, order);
	settings_are(1);
	take_settings_out();
}

/* One that waited for its module when the successor came waits again, as it was asked for. */
static void what_waited_waits_again(void **state)
{
	struct transaction_options options = kit_quick;

	(void)state;
	options.count = true;
	assert_true(put("lib", options, 0));
	replace("one", an_hour);
	assert_int_equal(state_of("lib"), PATCH_REVERTED);
	replace("two", no_time);
	time_is_over();
	assert_int_equal(kit_agent.applied, 0);
	assert_int_equal(state_of("lib"), PATCH_PENDING);
	open_library();
	pending_look(&kit_agent);
	assert_int_equal(value(3), 150);
	assert_int_equal(agent_find(&kit_agent, "lib")->counters[0].calls, 1);
	kit_take_out("lib");
	close_library();
	pending_look(&kit_agent);
}

/* Unloaded before somebody confirmed it: it does not come back unasked, what it replaced does. */
static void lost_with_its_module(void **state)
{
	struct suture_error err;
	bool changed;
	char hash[65];

	(void)state;
	put_settings();
	open_library();
	replace("lib", an_hour);
	assert_int_equal(value(3), 150);
	settings_are(0);
	close_library();
	pending_look(&kit_agent);
	assert_int_equal(state_of("lib"), PATCH_REVERTED);
	settings_are(1);
	assert_int_equal(confirm_accept(&kit_agent, "lib", &changed, hash, &err),
			 -SUTURE_E_NOT_CONFIRMED);
	open_library();
	pending_look(&kit_agent);
	assert_int_equal(value(3), 10);
	close_library();
	pending_look(&kit_agent);
	take_settings_out();
}

/* Meanwhile another patch has its name: that one stays, what was replaced does not come over it. */
static void whose_name_is_taken_stays_out(void **state)
{
	unsigned order;

	(void)state;
	put_settings();
	assert_true(put("lib", kit_quick, 0));
	replace("one", no_time);
	assert_false(put("other-set2", kit_quick, 0));
	assert_false(put("other-lib", kit_quick, 0));
	order = agent_find(&kit_agent, "set2")->order;
	assert_int_equal(confirm_settings[2], 33);
	time_is_over();
	assert_int_equal(state_of("one"), PATCH_REVERTED);
	assert_int_equal(confirm_settings[1], 2);
	assert_int_equal(confirm_settings[2], 33);
	assert_int_equal(confirm_settings[3], 4);
	assert_int_equal(agent_find(&kit_agent, "set2")->order, order);
	assert_int_equal(kit_agent.applied, SETTINGS + 1);
	assert_null(kit_agent.pending);
	assert_int_equal(tx_two(2), 100);
	/* It was told of both. */
	assert_int_equal(told_of_name("set2"), 1);
	assert_int_equal(told_of_name("lib"), 1);
	kit_take_out("lib");
	take_settings_out();
}

/* For some calls only: for all of them it was never asked for. */
static void scoped_as_before(void **state)
{
	struct transaction_options options = kit_quick;

	(void)state;
	options.scope.value = "room=1";
	open_library();
	assert_false(put("lib", options, 0));
	assert_int_equal(value(3), 10);
	for (int round = 0; round < 3; round++) {
		close_library();
		pending_look(&kit_agent);
		assert_int_equal(state_of("lib"), PATCH_PENDING);
		open_library();
		pending_look(&kit_agent);
		assert_int_equal(state_of("lib"), PATCH_APPLIED);
		assert_true(scoping_is_in_force(agent_find(&kit_agent, "lib")));
		assert_int_equal(value(3), 10);
	}
	kit_take_out("lib");
	close_library();
	pending_look(&kit_agent);
}

static int make(void **state)
{
	int rc = kit_make(state);
	char name[32];

	handmade_library(kit_folder, "unsure",
			 "int lib_value(int x);\n"
			 "__attribute__((noinline)) int lib_value(int x)\n"
			 "{ __asm__ volatile(\"\" ::: \"memory\"); return x * 3 + 1; }\n",
			 library, sizeof(library));
	for (size_t i = 0; i < SETTINGS; i++) {
		snprintf(name, sizeof(name), "set%zu", i);
		build_setting(name, i, i + 1);
	}
	build("one", (const void *)tx_one);
	build("two", (const void *)tx_two);
	build_setting("set2", 2, 33);
	rename_to("set2", "other-set2");
	build_setting("set2", 2, 3);
	build("lib", (const void *)tx_two);
	rename_to("lib", "other-lib");
	open_library();
	build("lib", (const void *)value);
	close_library();
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_twice_comes_back_once),
		cmocka_unit_test(what_is_back_already_stays),
		cmocka_unit_test(what_waited_waits_again),
		cmocka_unit_test(lost_with_its_module),
		cmocka_unit_test(whose_name_is_taken_stays_out),
		cmocka_unit_test(scoped_as_before),
	};

	return cmocka_run_group_tests(tests, make, kit_clean);
}
