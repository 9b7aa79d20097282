/* SPDX-License-Identifier: MIT */
/*
 * Hooks of patches: when each runs and on whose time, and what is undone when it says no. In every
 * case the state afterwards is one of the two that there are.
 */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

int tx_hook_calls;
int tx_hook_answer;		 /* what the hook in question returns */
volatile unsigned long tx_beats; /* grows while the application runs */
unsigned long tx_beats_seen[2];	 /* how much it grew during pre_apply, on_switch */

static void hooks_in_order(void **state)
{
	struct kit_text before = kit_text();
	struct transaction_result result;
	struct handmade patch;
	struct patch_file file;
	unsigned symbol;

	(void)state;
	handmade_init(&patch, "hooked");
	handmade_code(&patch, "int *calls __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x - 1; }\n"
			      "int pre(void) { *calls = *calls * 10 + 1; return 0; }\n"
			      "int on(void) { *calls = *calls * 10 + 2; return 0; }\n"
			      "int post(void) { *calls = *calls * 10 + 3; return 0; }\n"
			      "int pre_r(void) { *calls = *calls * 10 + 4; return 0; }\n"
			      "int on_r(void) { *calls = *calls * 10 + 5; return 0; }\n"
			      "int post_r(void) { *calls = *calls * 10 + 6; return 0; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	symbol = handmade_target(&patch, &tx_hook_calls);
	handmade_slot(&patch, "calls", symbol);
	handmade_hook(&patch, FORMAT_HOOK_PRE_APPLY, "pre");
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "on");
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "post");
	handmade_hook(&patch, FORMAT_HOOK_PRE_REVERT, "pre_r");
	handmade_hook(&patch, FORMAT_HOOK_ON_UNSWITCH, "on_r");
	handmade_hook(&patch, FORMAT_HOOK_POST_REVERT, "post_r");
	file = kit_open(&patch);
	tx_hook_calls = 0;
	kit_apply(&file, &result);
	assert_int_equal(result.rung, STOP_RUNG_FULL);
	transaction_result_fini(&result);
	assert_int_equal(tx_hook_calls, 123);
	kit_revert("hooked", &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_hook_calls, 123456);
	kit_assert_text(&before);
}

/* tx_one by x - 1, with one hook that returns tx_hook_answer, and notes that it ran. */
static struct patch_file answering(const char *name, enum format_hook_kind kind)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "int *answer __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int *calls __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x - 1; }\n"
			      "int hook(void) { ++*calls; return *answer; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_slot(&patch, "answer", handmade_target(&patch, &tx_hook_answer));
	handmade_slot(&patch, "calls", handmade_target(&patch, &tx_hook_calls));
	handmade_hook(&patch, kind, "hook");
	tx_hook_calls = 0;
	return kit_open(&patch);
}

static void expect_apply(struct patch_file *file, bool replace, int code, const char *text)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct suture_error err = {0};

	options.replace = replace;
	assert_int_equal(transaction_apply(&kit_agent, file, &options, &result, &err), -code);
	assert_false(result.changed);
	if (!strstr(err.message, text))
		fail_msg("%s: not about %s", err.message, text);
	transaction_result_fini(&result);
}

static void expect_revert(const char *name, int code, const char *text)
{
	struct transaction_result result;
	struct suture_error err = {0};

	assert_int_equal(transaction_revert(&kit_agent, name, &kit_quick, &result, &err), -code);
	if (!strstr(err.message, text))
		fail_msg("%s: not about %s", err.message, text);
	transaction_result_fini(&result);
}

static void put_in(const char *name)
{
	struct transaction_result result;
	struct patch_file file;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	kit_apply(&file, &result);
	transaction_result_fini(&result);
}

static void pre_apply_vetoes(void **state)
{
	struct patch_file file = answering("pre-apply", FORMAT_HOOK_PRE_APPLY);
	struct kit_text before = kit_text();

	(void)state;
	tx_hook_answer = 42;
	expect_apply(&file, false, SUTURE_E_HOOK_VETO, "pre_apply of pre-apply returned 42");
	assert_int_equal(tx_one(2), 7);
	kit_assert_text(&before);
	/* It ran, so that it stays mapped, but it never was applied. */
	expect_revert("pre-apply", SUTURE_E_NOT_APPLIED, "pre-apply");
	tx_hook_answer = 0;
	put_in("pre-apply");
	assert_int_equal(tx_one(2), 1);
	assert_int_equal(tx_hook_calls, 2);
	kit_take_out("pre-apply");
}

static void on_switch_fails(void **state)
{
	struct patch_file file = answering("on-switch", FORMAT_HOOK_ON_SWITCH);
	struct kit_text before = kit_text();

	(void)state;
	tx_hook_answer = 43;
	expect_apply(&file, false, SUTURE_E_HOOK_FAILED, "43");
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(tx_hook_calls, 1);
	kit_assert_text(&before);
	tx_hook_answer = 0;
	put_in("on-switch");
	kit_take_out("on-switch");
}

/* It is taken out again, as by a revert that nobody can veto. */
static void post_apply_fails(void **state)
{
	struct patch_file file = answering("post-apply", FORMAT_HOOK_POST_APPLY);
	struct kit_text before = kit_text();

	(void)state;
	tx_hook_answer = 44;
	expect_apply(&file, false, SUTURE_E_HOOK_FAILED, "taken back");
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(agent_find(&kit_agent, "post-apply")->state, PATCH_REVERTED);
	kit_assert_text(&before);
	tx_hook_answer = 0;
	put_in("post-apply");
	kit_take_out("post-apply");
}

static void pre_revert_vetoes(void **state)
{
	struct patch_file file = answering("pre-revert", FORMAT_HOOK_PRE_REVERT);
	struct patch_file successor = kit_simple("unwelcome");
	struct transaction_result result;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	tx_hook_answer = 45;
	expect_revert("pre-revert", SUTURE_E_HOOK_VETO, "45");
	/* Nor does a successor put it out. */
	expect_apply(&successor, true, SUTURE_E_HOOK_VETO, "45");
	assert_null(agent_find(&kit_agent, "unwelcome"));
	assert_int_equal(tx_one(2), 1);
	assert_int_equal(agent_find(&kit_agent, "pre-revert")->state, PATCH_APPLIED);
	tx_hook_answer = 0;
	kit_take_out("pre-revert");
}

/* Once, before all hooks, however often the patch is taken out and put in. */
static void constructors_run_once(void **state)
{
	struct transaction_result result;
	struct patch_file file;
	struct handmade patch;

	(void)state;
	handmade_init(&patch, "constructs");
	handmade_code(&patch, "int *calls __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x - 1; }\n"
			      "int pre(void) { *calls = *calls * 10 + 2; return 0; }\n"
			      "void construct(void) { *calls = *calls * 10 + 1; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_slot(&patch, "calls", handmade_target(&patch, &tx_hook_calls));
	handmade_hook(&patch, FORMAT_HOOK_PRE_APPLY, "pre");
	handmade_constructor(&patch, "construct");
	file = kit_open(&patch);
	tx_hook_calls = 0;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	kit_take_out("constructs");
	put_in("constructs");
	kit_take_out("constructs");
	assert_int_equal(tx_hook_calls, 122);
}

static void on_unswitch_fails(void **state)
{
	struct patch_file file = answering("on-unswitch", FORMAT_HOOK_ON_UNSWITCH);
	struct transaction_result result;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	tx_hook_answer = 46;
	expect_revert("on-unswitch", SUTURE_E_HOOK_FAILED, "46");
	assert_int_equal(tx_one(2), 1);
	assert_int_equal(agent_find(&kit_agent, "on-unswitch")->state, PATCH_APPLIED);
	tx_hook_answer = 0;
	kit_take_out("on-unswitch");
}

/* Too late to say no: it is out, and that it complained is told. */
static void post_revert_fails(void **state)
{
	struct patch_file file = answering("post-revert", FORMAT_HOOK_POST_REVERT);
	struct kit_text before = kit_text();
	struct transaction_result result;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	tx_hook_answer = 47;
	expect_revert("post-revert", SUTURE_E_HOOK_FAILED, "47");
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(agent_find(&kit_agent, "post-revert")->state, PATCH_REVERTED);
	kit_assert_text(&before);
	tx_hook_answer = 0;
}

/* What goes has been unswitched when what comes fails: it is switched again. */
static void a_failing_successor_leaves_the_old_one(void **state)
{
	/* Made now: tx_one is hashed as it is in memory. */
	struct patch_file successor = answering("successor", FORMAT_HOOK_ON_SWITCH);
	struct patch_file late = answering("late-successor", FORMAT_HOOK_POST_APPLY);
	struct transaction_result result;
	struct patch_file file;
	struct handmade patch;
	uint64_t pauses;

	(void)state;
	handmade_init(&patch, "counting");
	handmade_code(&patch, "int *calls __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x + 100; }\n"
			      "int on(void) { *calls = *calls * 10 + 1; return 0; }\n"
			      "int off(void) { *calls = *calls * 10 + 2; return 0; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_slot(&patch, "calls", handmade_target(&patch, &tx_hook_calls));
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "on");
	handmade_hook(&patch, FORMAT_HOOK_ON_UNSWITCH, "off");
	file = kit_open(&patch);
	tx_hook_calls = 0;
	kit_apply(&file, &result);
	transaction_result_fini(&result);

	tx_hook_calls = 1;
	tx_hook_answer = 48;
	expect_apply(&successor, true, SUTURE_E_HOOK_FAILED, "48");
	assert_int_equal(tx_one(2), 102);
	assert_int_equal(tx_hook_calls, 131); /* off: 12; the successor's: 13; on again: 131 */
	assert_int_equal(agent_find(&kit_agent, "counting")->state, PATCH_APPLIED);

	/* After the switch: the successor goes and the old one comes, in one more commit. */
	pauses = kit_agent.pauses.count;
	tx_hook_answer = 49;
	expect_apply(&late, true, SUTURE_E_HOOK_FAILED, "late-successor was taken back");
	assert_int_equal(kit_agent.pauses.count, pauses + 2);
	assert_int_equal(tx_one(2), 102);
	assert_int_equal(agent_find(&kit_agent, "counting")->state, PATCH_APPLIED);
	tx_hook_answer = 0;
	kit_take_out("counting");
	assert_int_equal(tx_one(2), 7);
}

/* What its on_switch did is undone by its on_unswitch. */
static void what_is_taken_back_is_unswitched(void **state)
{
	struct transaction_result result;
	struct suture_error err = {0};
	struct patch_file file;
	struct handmade patch;

	(void)state;
	handmade_init(&patch, "regrets");
	handmade_code(&patch, "int *calls __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x - 1; }\n"
			      "int on(void) { *calls = *calls * 10 + 1; return 0; }\n"
			      "int post(void) { *calls = *calls * 10 + 2; return 50; }\n"
			      "int veto(void) { *calls = *calls * 10 + 3; return 51; }\n"
			      "int off(void) { *calls = *calls * 10 + 4; return 0; }\n"
			      "int gone(void) { *calls = *calls * 10 + 5; return 0; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_slot(&patch, "calls", handmade_target(&patch, &tx_hook_calls));
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "on");
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "post");
	handmade_hook(&patch, FORMAT_HOOK_PRE_REVERT, "veto");
	handmade_hook(&patch, FORMAT_HOOK_ON_UNSWITCH, "off");
	handmade_hook(&patch, FORMAT_HOOK_POST_REVERT, "gone");
	file = kit_open(&patch);
	tx_hook_calls = 0;
	assert_int_equal(transaction_apply(&kit_agent, &file, &kit_quick, &result, &err),
			 -SUTURE_E_HOOK_FAILED);
	transaction_result_fini(&result);
	assert_int_equal(tx_hook_calls, 1245);
	assert_int_equal(tx_one(2), 7);
}

static atomic_bool beating;

static void *beat(void *arg)
{
	(void)arg;
	while (atomic_load(&beating))
		tx_beats++;
	return NULL;
}

/* pre_apply: the application runs. on_switch: it does not, for as long as one cares to look. */
static void the_world_runs_or_stands(void **state)
{
	struct transaction_result result;
	struct patch_file file;
	struct handmade patch;
	pthread_t thread;

	(void)state;
	handmade_init(&patch, "watches");
	handmade_code(
		&patch,
		"volatile unsigned long *beats __attribute__((section(\".data.slots\"))) = 0;\n"
		"unsigned long *seen __attribute__((section(\".data.slots\"))) = 0;\n"
		"int new_one(int x) { return x - 1; }\n"
		"int pre(void) { unsigned long was = *beats;\n"
		"while (*beats == was) ; seen[0] = *beats - was; return 0; }\n"
		"int on(void) { unsigned long was = *beats;\n"
		"for (volatile int i = 0; i < 2000000; i++) ;\n"
		"seen[1] = *beats - was; return 0; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_slot(&patch, "beats", handmade_target(&patch, (const void *)&tx_beats));
	handmade_slot(&patch, "seen", handmade_target(&patch, tx_beats_seen));
	handmade_hook(&patch, FORMAT_HOOK_PRE_APPLY, "pre");
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "on");
	file = kit_open(&patch);
	atomic_store(&beating, true);
	tx_beats_seen[1] = 1;
	pthread_create(&thread, NULL, beat, NULL);
	kit_apply(&file, &result);
	atomic_store(&beating, false);
	pthread_join(thread, NULL);
	transaction_result_fini(&result);
	assert_true(tx_beats_seen[0] > 0);
	assert_int_equal(tx_beats_seen[1], 0);
	kit_take_out("watches");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_in_order),
		cmocka_unit_test(pre_apply_vetoes),
		cmocka_unit_test(on_switch_fails),
		cmocka_unit_test(post_apply_fails),
		cmocka_unit_test(pre_revert_vetoes),
		cmocka_unit_test(constructors_run_once),
		cmocka_unit_test(on_unswitch_fails),
		cmocka_unit_test(post_revert_fails),
		cmocka_unit_test(a_failing_successor_leaves_the_old_one),
		cmocka_unit_test(what_is_taken_back_is_unswitched),
		cmocka_unit_test(the_world_runs_or_stands),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
