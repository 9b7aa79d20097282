/* SPDX-License-Identifier: MIT */
/* What waits for nothing but that threads go. */
#include "kit.h"

#include "agent/modules.h"
#include "agent/pending.h"

#include <unistd.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_is_tried_again),
	};

	return cmocka_run_group_tests(tests, kit_make, kit_clean);
}
