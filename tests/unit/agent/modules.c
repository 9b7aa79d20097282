/* SPDX-License-Identifier: MIT */
/*
 * Patches of libraries in this very process: over several modules or not at all, waiting for one,
 * losing one, and while others load and unload all the time.
 */
#include "kit.h"

#include "agent/modules.h"
#include "agent/pending.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <suture/suture.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char library[256], stranger[256];
int modules_trace;
static void *handle;
static int (*value)(int);
static int *at_start;
static volatile int *setting;
static const volatile int *costs;
static const void *base; /* where it lies */

/* As the server does: when something is due, the worker looks. */
static void look(void)
{
	if (modules_due(&kit_agent) == 0)
		pending_look(&kit_agent);
}

static void open_library(void)
{
	Dl_info where;

	handle = dlopen(library, RTLD_NOW);
	if (!handle)
		fail_msg("%s", dlerror());
	value = (int (*)(int))dlsym(handle, "lib_value");
	at_start = (int *)dlsym(handle, "lib_at_start");
	setting = (int *)dlsym(handle, "lib_setting");
	costs = (const int *)dlsym(handle, "lib_costs");
	assert_int_not_equal(dladdr((void *)value, &where), 0);
	base = where.dli_fbase;
}

static void close_library(void)
{
	dlclose(handle);
	handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
	assert_null(handle); /* nothing else keeps it */
}

/* lib_value by 50x, and with_own: tx_one of the program itself by 1000x. */
static void build(const char *name, bool with_own, const char *on)
{
	struct patch_file below;
	struct handmade patch;
	char path[256];

	open_library();
	handmade_init_for(&patch, name, (const void *)value);
	handmade_code(&patch, "int new_value(int x) { return x * 50; }\n"
			      "int new_one(int x) { return x * 1000; }\n");
	handmade_replace(&patch, (const void *)value, "new_value");
	if (with_own)
		handmade_replace(&patch, (const void *)tx_one, "new_one");
	if (on) {
		snprintf(path, sizeof(path), "%s/%s.so", kit_folder, on);
		assert_int_equal(patch_file_read(path, &below, NULL), 0);
		handmade_depend(&patch, on, below.hash);
		patch_file_fini(&below);
	}
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	close_library();
}

static bool put_in(const char *name)
{
	struct transaction_result result;
	struct suture_error err;
	bool pending;

	if (kit_put(name, kit_quick, &result, &err))
		fail_msg("%s: %s", name, err.message);
	pending = result.pending;
	transaction_result_fini(&result);
	return pending;
}

static enum patch_state state_of(const char *name)
{
	return agent_find(&kit_agent, name)->state;
}

static void over_two_modules_or_none(void **state)
{
	struct kit_text before = kit_text();
	struct transaction_result result;
	struct suture_error err;
	uint8_t saved, trap = 0xcc;

	(void)state;
	build("both", true, NULL);
	assert_true(put_in("both"));
	assert_int_equal(tx_one(2), 7); /* not its half either */
	open_library();
	look();
	assert_int_equal(state_of("both"), PATCH_APPLIED);
	assert_true(agent_find(&kit_agent, "both")->late);
	assert_int_equal(value(3), 150);
	assert_int_equal(*at_start, 31); /* the constructor was before us */
	assert_int_equal(tx_one(2), 2000);
	kit_take_out("both");
	assert_int_equal(value(3), 10);
	assert_int_equal(tx_one(2), 7);
	kit_assert_text(&before);

	/* Its other half is not what it should be: neither is put in. */
	saved = *(const uint8_t *)tx_one;
	assert_int_equal(pwrite(kit_agent.writer.fd, &trap, 1, (off_t)(uintptr_t)tx_one), 1);
	assert_int_equal(kit_put("both", kit_quick, &result, &err), -SUTURE_E_FUNCTION_CHANGED);
	transaction_result_fini(&result);
	assert_int_equal(pwrite(kit_agent.writer.fd, &saved, 1, (off_t)(uintptr_t)tx_one), 1);
	assert_int_equal(value(3), 10);
	close_library();
}

/* The library goes: what was changed elsewhere is taken back, and both come again. */
static void unloaded_with_a_patch_in_it(void **state)
{
	struct kit_text before = kit_text();

	(void)state;
	open_library();
	assert_false(put_in("both"));
	assert_int_equal(tx_one(2), 2000);
	close_library();
	assert_int_equal(tx_one(2), 2000); /* until somebody looks */
	look();
	assert_int_equal(state_of("both"), PATCH_PENDING);
	assert_int_equal(kit_agent.applied, 0);
	assert_int_equal(tx_one(2), 7);
	kit_assert_text(&before);
	for (int i = 0; i < 20; i++) {
		open_library();
		look();
		assert_int_equal(value(3), 150);
		assert_int_equal(tx_one(2), 2000);
		close_library();
		/* A transaction notices by itself, though nobody has looked. */
		if (i % 2)
			assert_true(put_in("both"));
		else
			look();
		assert_int_equal(tx_one(2), 7);
	}
	kit_take_out("both");
	open_library();
	look();
	assert_int_equal(value(3), 10);
	close_library();
}

/* Its hooks would be about what is not there any more: not run when it goes, only when it comes. */
static void hooks_of_what_is_gone(void **state)
{
	struct handmade patch;
	char path[256];

	(void)state;
	open_library();
	handmade_init_for(&patch, "hooked", (const void *)value);
	handmade_code(&patch, "int *trace __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_value(int x) { return x * 50; }\n"
			      "int come(void) { *trace = *trace * 10 + 1; return 0; }\n"
			      "int go(void) { *trace = *trace * 10 + 2; return 0; }\n");
	handmade_replace(&patch, (const void *)value, "new_value");
	handmade_slot(&patch, "trace", handmade_target(&patch, &modules_trace));
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "come");
	handmade_hook(&patch, FORMAT_HOOK_PRE_REVERT, "go");
	handmade_hook(&patch, FORMAT_HOOK_ON_UNSWITCH, "go");
	handmade_hook(&patch, FORMAT_HOOK_POST_REVERT, "go");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	modules_trace = 0;
	assert_false(put_in("hooked"));
	close_library();
	look();
	assert_int_equal(modules_trace, 1);
	open_library();
	look();
	assert_int_equal(modules_trace, 11);
	kit_take_out("hooked");
	assert_int_equal(modules_trace, 11222);
	close_library();
}

/* At the same place again, between two looks: the sites hold old bytes, which tells. */
static void reloaded_unnoticed(void **state)
{
	(void)state;
	open_library();
	assert_false(put_in("both"));
	for (int i = 0; i < 10; i++) {
		close_library();
		open_library();
		look();
		assert_int_equal(value(3), 150);
		assert_int_equal(tx_one(2), 2000);
		assert_int_equal(kit_agent.applied, 1);
	}
	kit_take_out("both");
	assert_int_equal(value(3), 10);
	assert_int_equal(tx_one(2), 7);
	close_library();
}

/* lib_setting by 9 and lib_costs by {1, 2}: no code, so that no entry tells. */
static void build_data(const char *name, bool set, bool constants)
{
	struct handmade patch;
	char path[256];

	open_library();
	handmade_init_for(&patch, name, (const void *)value);
	handmade_code(&patch, "int new_setting = 9; const int new_costs[2] = {1, 2};\n");
	if (set)
		handmade_data(&patch, FORMAT_DATA_SET, (const void *)setting, sizeof(*setting),
			      "new_setting");
	if (constants)
		handmade_data(&patch, FORMAT_DATA_CONST, (const void *)costs, 2 * sizeof(*costs),
			      "new_costs");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	close_library();
}

static void look_after_a_stranger(void)
{
	void *passing = dlopen(stranger, RTLD_NOW);

	assert_non_null(passing);
	dlclose(passing);
	look();
}

/* Of a patch that has only data there, the values tell nothing: the program may have set the old
 * one. */
static void data_alone_reloaded_unnoticed(void **state)
{
	uint8_t header[sizeof(ElfW(Ehdr))];
	unsigned order;

	(void)state;
	build_data("data", true, true);
	build_data("more", true, false);
	open_library();
	memcpy(header, base, sizeof(header));
	assert_false(put_in("data"));
	assert_int_equal(*setting, 9);
	for (int i = 0; i < 10; i++) {
		close_library();
		open_library();
		assert_int_equal(*setting, 5);
		look();
		assert_int_equal(*setting, 9);
		assert_int_equal(costs[1], 2);
		assert_int_equal(kit_agent.applied, 1);
	}
	/* It is the same library still, whatever comes and goes, and whatever the program sets. */
	*setting = 5;
	look_after_a_stranger();
	assert_int_equal(*setting, 5);
	/* Two patches, of which one goes: the other one's is still noticed. */
	assert_false(put_in("more"));
	order = agent_find(&kit_agent, "more")->order;
	kit_take_out("data");
	look_after_a_stranger();
	assert_int_equal(agent_find(&kit_agent, "more")->order, order);
	assert_int_equal(costs[1], 20);
	assert_int_equal(*setting, 9); /* it is the other one's as well */
	close_library();
	open_library();
	look();
	assert_int_equal(*setting, 9);
	assert_int_equal(state_of("more"), PATCH_APPLIED);
	kit_take_out("more");
	assert_int_equal(*setting, 5);
	assert_memory_equal(header, base, sizeof(header));
	close_library();
}

/* Those that are built on a patch whose library goes wait with it, and come back behind it. */
static void dependents_wait_too(void **state)
{
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	build("base", false, NULL);
	build("over", true, "base");
	assert_true(put_in("base"));
	assert_true(put_in("over"));
	/* What others wait for is not taken back under them. */
	assert_int_equal(transaction_revert(&kit_agent, "base", &kit_quick, &result, &err),
			 -SUTURE_E_DEPENDENCY);
	transaction_result_fini(&result);
	for (int i = 0; i < 3; i++) {
		open_library();
		look();
		assert_int_equal(kit_agent.applied, 2);
		assert_true(agent_find(&kit_agent, "base")->order <
			    agent_find(&kit_agent, "over")->order);
		assert_int_equal(tx_one(2), 2000);
		close_library();
		look();
		assert_int_equal(state_of("base"), PATCH_PENDING);
		assert_int_equal(state_of("over"), PATCH_PENDING);
		assert_int_equal(tx_one(2), 7);
	}
	kit_take_out("over");
	kit_take_out("base");
	assert_null(kit_agent.pending);
}

static void what_can_not_wait_is_refused(void **state)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct suture_error err;
	char other[256];

	(void)state;
	options.replace = true;
	assert_int_equal(kit_put("both", options, &result, &err), -SUTURE_E_UNSUPPORTED);
	transaction_result_fini(&result);
	options = kit_quick;
	options.at_once = true;
	assert_int_equal(kit_put("both", options, &result, &err), -SUTURE_E_UNSUPPORTED);
	transaction_result_fini(&result);
	assert_null(kit_agent.pending);

	/* Another build of it in its place is another matter than none at all. */
	snprintf(other, sizeof(other), "%s/kept.so", kit_folder);
	assert_int_equal(rename(library, other), 0);
	handmade_library(kit_folder, "lib", "int lib_value(int x) { return x; }\n", library,
			 sizeof(library));
	handle = dlopen(library, RTLD_NOW);
	assert_non_null(handle);
	assert_int_equal(kit_put("both", kit_quick, &result, &err), -SUTURE_E_BUILD_ID);
	transaction_result_fini(&result);
	dlclose(handle);
	assert_int_equal(rename(other, library), 0);
}

/* A refusal of what waits is kept, and it is not tried again and again. */
static void a_problem_is_told(void **state)
{
	const struct pending *pending;
	uint64_t due;

	(void)state;
	build("first", true, NULL);
	build("second", true, NULL);
	assert_true(put_in("first"));
	assert_true(put_in("second"));
	open_library();
	look();
	assert_int_equal(state_of("first"), PATCH_APPLIED);
	assert_int_equal(state_of("second"), PATCH_PENDING);
	pending = pending_find(&kit_agent, agent_find(&kit_agent, "second"));
	assert_non_null(strstr(pending->problem, "first"));
	due = modules_due(&kit_agent);
	assert_true(due > 0);
	kit_take_out("second");
	kit_take_out("first");
	close_library();
}

/* lib_value by 50x, and tx_two by what somebody can stand in. */
static void build_room(const char *name)
{
	struct handmade patch;
	char path[256];

	open_library();
	handmade_init_for(&patch, name, (const void *)value);
	handmade_code(&patch, "int (*room)(int) __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_value(int x) { return x * 50; }\n"
			      "int new_two(int x) { return room(x) + 1; }\n");
	handmade_slot(&patch, "room", handmade_target(&patch, (const void *)kit_room));
	handmade_replace(&patch, (const void *)value, "new_value");
	handmade_replace(&patch, tx_two, "new_two");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	close_library();
}

/* Its library is gone, and somebody is still in what it brought elsewhere: soon again. */
static void who_is_still_inside_is_waited_for(void **state)
{
	struct kit_text before = kit_text();

	(void)state;
	build_room("inside");
	open_library();
	assert_false(put_in("inside"));
	kit_stand(tx_two);
	close_library();
	look();
	assert_int_equal(state_of("inside"), PATCH_APPLIED);
	assert_true(kit_agent.watch.again_at < UINT64_MAX);
	assert_int_equal(modules_due(&kit_agent), kit_agent.watch.again_at);
	kit_let_out();
	pending_look(&kit_agent);
	assert_int_equal(state_of("inside"), PATCH_PENDING);
	assert_int_equal(kit_agent.watch.again_at, UINT64_MAX);
	assert_int_equal(tx_two(2), 12);
	kit_take_out("inside");
	kit_assert_text(&before);
}

/* Meanwhile the library is there again, where it was, and has another patch: it has not gone. */
static void what_comes_to_its_place_is_another_one(void **state)
{
	struct kit_text before = kit_text();

	(void)state;
	build_room("lost");
	build("later", false, NULL);
	open_library();
	assert_false(put_in("lost"));
	kit_stand(tx_two);
	close_library();
	look();
	assert_int_equal(state_of("lost"), PATCH_APPLIED);
	open_library();
	assert_false(put_in("later"));
	assert_int_equal(value(3), 150);
	for (int i = 0; i < 2; i++) {
		pending_look(&kit_agent);
		assert_int_equal(state_of("lost"), PATCH_APPLIED);
		assert_int_equal(state_of("later"), PATCH_APPLIED);
	}
	kit_take_out("later");
	assert_int_equal(value(3), 10);
	kit_let_out();
	pending_look(&kit_agent);
	kit_take_out("lost");
	assert_int_equal(value(3), 10);
	assert_int_equal(tx_two(2), 12);
	close_library();
	kit_assert_text(&before);
}

static atomic_bool stop;
static atomic_ulong loads;

static void *load_and_unload(void *arg)
{
	while (!atomic_load(&stop)) {
		void *mine = dlopen(arg, RTLD_NOW);

		if (mine)
			dlclose(mine);
		atomic_fetch_add(&loads, 1);
		if (atomic_load(&loads) % 64 == 0)
			usleep(100);
	}
	return NULL;
}

/* What others do with modules of no concern must not make us look at memory that is gone. */
static void others_come_and_go(void **state)
{
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, load_and_unload, stranger);
	for (int i = 0; i < 60 || atomic_load(&loads) <= 60; i++) {
		open_library();
		assert_false(put_in("both"));
		assert_int_equal(value(3), 150);
		kit_take_out("both");
		close_library();
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	print_message("%lu loads meanwhile\n", atomic_load(&loads));
}

static void the_loader_tells(void **state)
{
	(void)state;
	assert_true(modules_are_told(&kit_agent));
	look();
	assert_true(modules_due(&kit_agent) > 0);
	open_library();
	assert_int_equal(modules_due(&kit_agent), 0);
	look();
	close_library();
	assert_int_equal(modules_due(&kit_agent), 0);
	look();
	modules_note();
	assert_int_equal(modules_due(&kit_agent), 0);
	look();
	assert_true(modules_due(&kit_agent) > 0);
}

/* It is in the middle of somebody's dlopen(): errno is theirs, also where the server is awake. */
static void errno_is_the_callers(void **state)
{
	int full = eventfd(0, EFD_NONBLOCK);
	const uint64_t most = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(full, &most, sizeof(most)), sizeof(most));
	modules_wake(full);
	errno = 77;
	modules_note();
	assert_int_equal(errno, 77);
	modules_wake(-1);
	close(full);
	look();
}

/* The function that the loader calls is in somebody else's hands: its counters are asked. */
static void a_debugger_was_first(void **state)
{
	static struct agent second;
	uint8_t jump = *(const uint8_t *)kit_agent.watch.entry, trap = 0xcc;
	off_t entry = (off_t)kit_agent.watch.entry;

	(void)state;
	assert_int_equal(agent_init(&second, NULL), 0);
	modules_watch(&second);
	assert_false(modules_are_told(&second));
	modules_seen(&second, modules_generation(), UINT64_MAX);
	assert_true(modules_due(&second) > 0);
	assert_true(modules_due(&second) < UINT64_MAX); /* asked again soon */
	open_library();
	assert_int_equal(modules_due(&second), 0);
	close_library();
	agent_fini(&second);

	/* Or it takes our jump away later. */
	assert_int_equal(pwrite(kit_agent.writer.fd, &trap, 1, entry), 1);
	assert_false(modules_are_told(&kit_agent));
	assert_int_equal(pwrite(kit_agent.writer.fd, &jump, 1, entry), 1);
	assert_true(modules_are_told(&kit_agent));
	look();
}

static int make(void **state)
{
	int rc = kit_make(state);

	handmade_library(kit_folder, "stranger",
			 "int stranger(int x) { return x; }\n"
			 "int table[3000] = {1}; int other(int *x) { return table[*x]; }\n",
			 stranger, sizeof(stranger));
	handmade_library(kit_folder, "lib",
			 "int lib_value(int x); int lib_at_start;\n"
			 "int lib_setting = 5; const int lib_costs[2] = {10, 20};\n"
			 "__attribute__((noinline)) int lib_value(int x)\n"
			 "{ __asm__ volatile(\"\" ::: \"memory\"); return x * 3 + 1; }\n"
			 "__attribute__((constructor)) static void begin(void)\n"
			 "{ lib_at_start = lib_value(10); }\n",
			 library, sizeof(library));
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_two_modules_or_none),
		cmocka_unit_test(unloaded_with_a_patch_in_it),
		cmocka_unit_test(hooks_of_what_is_gone),
		cmocka_unit_test(reloaded_unnoticed),
		cmocka_unit_test(data_alone_reloaded_unnoticed),
		cmocka_unit_test(dependents_wait_too),
		cmocka_unit_test(what_can_not_wait_is_refused),
		cmocka_unit_test(a_problem_is_told),
		cmocka_unit_test(who_is_still_inside_is_waited_for),
		cmocka_unit_test(what_comes_to_its_place_is_another_one),
		cmocka_unit_test(others_come_and_go),
		cmocka_unit_test(the_loader_tells),
		cmocka_unit_test(errno_is_the_callers),
		cmocka_unit_test(a_debugger_was_first),
	};

	return cmocka_run_group_tests(tests, make, kit_clean);
}
