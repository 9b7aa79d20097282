/* SPDX-License-Identifier: MIT */
/*
 * What can't be undone is said to be so, whatever it was given up for, and what may be in use of it
 * is kept: its code, and the memory near the target.
 */
#include "kit.h"

#include <suture/suture.h>

static bool undoing; /* was anything to be undone? */

static int no_undo(enum code_writer_step step, void *context)
{
	(void)context;
	undoing = undoing || step == CODE_WRITER_UNDO;
	return step == CODE_WRITER_UNDO;
}

static void a_hook_fails_and_it_can_not_be_undone(void **state)
{
	struct transaction_result result;
	struct suture_error err;
	struct handmade patch;
	const struct patch *broken;
	char path[256];

	(void)state;
	handmade_init(&patch, "broken");
	handmade_code(&patch, "int new_one(int x) { return x * 1000; }\n"
			      "int refuse(void) { return 7; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "refuse");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);

	/* All went well but for the hook: as before. */
	assert_int_equal(kit_put("broken", kit_quick, &result, &err), -SUTURE_E_HOOK_FAILED);
	transaction_result_fini(&result);
	assert_null(agent_find(&kit_agent, "broken"));
	assert_false(near_is_borrowed(&kit_agent.near, (uintptr_t)tx_one, 5));
	assert_int_equal(tx_one(2), 7);

	kit_agent.writer.fault = no_undo;
	assert_int_equal(kit_put("broken", kit_quick, &result, &err), -SUTURE_E_UNCERTAIN);
	kit_agent.writer.fault = NULL;
	transaction_result_fini(&result);
	assert_true(undoing);
	broken = agent_find(&kit_agent, "broken");
	assert_non_null(broken);
	assert_int_equal(broken->state, PATCH_BROKEN);
	assert_non_null(broken->load.handle);
	assert_true(near_is_borrowed(&kit_agent.near, (uintptr_t)tx_one, 5));
}

/* Neither in nor out: nothing is done with it any more. */
static void it_is_left_alone(void **state)
{
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	assert_int_equal(kit_put("broken", kit_quick, &result, &err), -SUTURE_E_UNCERTAIN);
	transaction_result_fini(&result);
	assert_int_equal(transaction_revert(&kit_agent, "broken", &kit_quick, &result, &err),
			 -SUTURE_E_UNCERTAIN);
	transaction_result_fini(&result);
	assert_int_equal(agent_find(&kit_agent, "broken")->state, PATCH_BROKEN);
}

/* What is elsewhere can be patched, and taken back. */
static void others_go_on(void **state)
{
	struct transaction_result result;
	struct suture_error err;
	struct handmade patch;
	char path[256];

	(void)state;
	handmade_init(&patch, "other");
	handmade_code(&patch, "int new_two(int x) { return x * 2000; }\n");
	handmade_replace(&patch, tx_two, "new_two");
	handmade_build(&patch, kit_folder, path, sizeof(path));
	handmade_fini(&patch);
	if (kit_put("other", kit_quick, &result, &err))
		fail_msg("%s", err.message);
	transaction_result_fini(&result);
	assert_int_equal(tx_two(2), 4000);
	kit_take_out("other");
	assert_int_equal(tx_two(2), 12);
	/* tx_one is what it is: nobody calls it any more. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hook_fails_and_it_can_not_be_undone),
		cmocka_unit_test(it_is_left_alone),
		cmocka_unit_test(others_go_on),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
