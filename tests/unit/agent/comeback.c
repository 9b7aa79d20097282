/* SPDX-License-Identifier: MIT */
/*
 * A successor of several patches says no when it is in force: it goes and all that it had replaced
 * comes back, in one commit where that can be, as it was: versions on each other, originals, data,
 * counters.
 */
#include "kit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

int comeback_prize = 5;
int comeback_trace;
int comeback_answer;

/* Where a thread may stand. */
int comeback_room(int x);
static sem_t leave;
static atomic_bool inside;

__attribute__((noinline)) int comeback_room(int x)
{
	atomic_store(&inside, true);
	sem_wait(&leave);
	return x;
}

static void *stand(void *arg)
{
	comeback_room(1);
	return arg;
}

static pthread_t stander;

/* A post_apply hook of a successor: no, now that somebody is there. */
int comeback_enter(void);
int comeback_enter(void)
{
	pthread_create(&stander, NULL, stand, NULL);
	while (!atomic_load(&inside))
		sched_yield();
	return 1;
}

static void apply_with(const char *name, struct transaction_options options)
{
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.so", kit_folder, name);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	if (transaction_apply(&kit_agent, &file, &options, &result, &err))
		fail_msg("%s: %s", name, err.message);
	transaction_result_fini(&result);
}

static void apply_named(const char *name, bool count)
{
	struct transaction_options options = kit_quick;

	options.count = count;
	apply_with(name, options);
}

static void build(struct handmade *patch, uint8_t *hash)
{
	struct patch_file file = kit_open(patch);

	memcpy(hash, file.hash, FORMAT_HASH_SIZE);
	patch_file_fini(&file);
}

/* All made while nothing is applied: functions are hashed as they are in memory. */
static int make(void **state)
{
	uint8_t hash[FORMAT_HASH_SIZE];
	struct handmade patch;
	int rc = kit_make(state);

	handmade_init(&patch, "low");
	handmade_code(&patch, "int low_one(int x) { return x + 100; }\n"
			      "int low_two(int x) { return x + 200; }\n"
			      "int prize = 6;\n"
			      "int *trace __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int gone(void) { *trace = *trace * 10 + 4; return 0; }\n");
	handmade_slot(&patch, "trace", handmade_target(&patch, &comeback_trace));
	handmade_hook(&patch, FORMAT_HOOK_POST_REVERT, "gone");
	handmade_replace(&patch, tx_one, "low_one");
	handmade_replace(&patch, tx_two, "low_two");
	handmade_data(&patch, FORMAT_DATA_SET, &comeback_prize, sizeof(comeback_prize), "prize");
	build(&patch, hash);

	handmade_init(&patch, "high");
	handmade_code(&patch,
		      "int *trace __attribute__((section(\".data.slots\"))) = 0;\n"
		      "int (*volatile below)(int) __attribute__((section(\".data.slot\"))) = 0;\n"
		      "int high_one(int x) { return below(x) * 2; }\n"
		      "int on(void) { *trace = *trace * 10 + 1; return 0; }\n"
		      "int off(void) { *trace = *trace * 10 + 2; return 0; }\n"
		      "int gone(void) { *trace = *trace * 10 + 3; return 9; }\n");
	handmade_replace(&patch, tx_one, "high_one");
	handmade_original(&patch, "below", "high_one");
	handmade_slot(&patch, "trace", handmade_target(&patch, &comeback_trace));
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "on");
	handmade_hook(&patch, FORMAT_HOOK_ON_UNSWITCH, "off");
	handmade_hook(&patch, FORMAT_HOOK_POST_REVERT, "gone");
	handmade_depend(&patch, "low", hash);
	build(&patch, hash);

	handmade_init(&patch, "over-data");
	handmade_code(&patch, "int prize = 7;\n");
	handmade_data(&patch, FORMAT_DATA_SET, &comeback_prize, sizeof(comeback_prize), "prize");
	build(&patch, hash);

	handmade_init(&patch, "same-data");
	handmade_code(&patch, "int prize = 6;\n");
	handmade_data(&patch, FORMAT_DATA_SET, &comeback_prize, sizeof(comeback_prize), "prize");
	build(&patch, hash);

	handmade_init(&patch, "narrow");
	handmade_code(&patch, "int narrow_two(int x) { return x + 300; }\n");
	handmade_replace(&patch, tx_two, "narrow_two");
	build(&patch, hash);

	handmade_init(&patch, "as-it-was");
	handmade_code(&patch, "int prize = 5;\n");
	handmade_data(&patch, FORMAT_DATA_SET, &comeback_prize, sizeof(comeback_prize), "prize");
	build(&patch, hash);

	handmade_init(&patch, "idles");
	handmade_code(&patch, "int idles_two(int x) { return x + 400; }\n");
	handmade_replace(&patch, tx_two, "idles_two");
	handmade_idle(&patch, (const void *)comeback_room,
		      handmade_size((const void *)comeback_room), "comeback_room");
	build(&patch, hash);

	handmade_init(&patch, "replaces-room");
	handmade_code(&patch, "int new_room(int x) { return x + 500; }\n");
	handmade_replace(&patch, comeback_room, "new_room");
	build(&patch, hash);

	handmade_init(&patch, "enters");
	handmade_code(&patch, "int (*enter)(void) __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int post(void) { return enter(); }\n");
	handmade_slot(&patch, "enter", handmade_target(&patch, (const void *)comeback_enter));
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "post");
	build(&patch, hash);

	handmade_init(&patch, "successor");
	handmade_code(&patch, "int *answer __attribute__((section(\".data.slots\"))) = 0;\n"
			      "int new_one(int x) { return x - 1; }\n"
			      "int prize = 8;\n"
			      "int post(void) { return *answer; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_data(&patch, FORMAT_DATA_SET, &comeback_prize, sizeof(comeback_prize), "prize");
	handmade_slot(&patch, "answer", handmade_target(&patch, &comeback_answer));
	handmade_hook(&patch, FORMAT_HOOK_POST_APPLY, "post");
	build(&patch, hash);
	return rc;
}

static void successor_fails(void)
{
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	char path[256];

	snprintf(path, sizeof(path), "%s/successor.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	options.replace = true;
	comeback_answer = 50;
	assert_int_equal(transaction_apply(&kit_agent, &file, &options, &result, &err),
			 -SUTURE_E_HOOK_FAILED);
	assert_false(result.changed);
	transaction_result_fini(&result);
	if (!strstr(err.message, "successor was taken back") || strstr(err.message, "is out"))
		fail_msg("%s", err.message);
}

static void assert_as_before(void)
{
	const struct patch *low = agent_find(&kit_agent, "low"), *high;

	high = agent_find(&kit_agent, "high");
	assert_int_equal(tx_one(2), 204);
	assert_int_equal(tx_two(2), 202);
	assert_int_equal(low->state, PATCH_APPLIED);
	assert_int_equal(high->state, PATCH_APPLIED);
	assert_true(low->order < high->order);
	assert_int_equal(agent_find(&kit_agent, "successor")->state, PATCH_REVERTED);
}

static void several_in_one_commit(void **state)
{
	struct kit_text before = kit_text();
	struct transaction_result result;
	struct suture_error err;
	uint64_t pauses, calls;

	(void)state;
	apply_named("low", false);
	apply_named("high", true);
	for (int round = 0; round < 3; round++) {
		pauses = kit_agent.pauses.count;
		comeback_trace = 0;
		successor_fails();
		assert_int_equal(kit_agent.pauses.count, pauses + 2); /* there and back */
		/* Off and gone, whose answer keeps nobody from the rest; and on again. */
		assert_int_equal(comeback_trace, 2341);
		assert_as_before();
		assert_int_equal(comeback_prize, 6);
		/* Who was counted is counted. */
		calls = agent_find(&kit_agent, "high")->counters[0].calls;
		tx_one(1);
		assert_int_equal(agent_find(&kit_agent, "high")->counters[0].calls, calls + 1);
		assert_null(agent_find(&kit_agent, "low")->counters);
	}
	assert_int_equal(transaction_revert(&kit_agent, "high", &kit_quick, &result, &err),
			 -SUTURE_E_HOOK_FAILED);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 102);
	kit_take_out("low");
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(tx_two(2), 12);
	assert_int_equal(comeback_prize, 5);
	kit_assert_text(&before);
}

/* Two that set the same: not in one set of edits, but right all the same. */
static void one_after_the_other(void **state)
{
	struct kit_text before = kit_text();

	(void)state;
	apply_named("low", false);
	apply_named("over-data", false);
	assert_int_equal(comeback_prize, 7);
	successor_fails();
	assert_int_equal(tx_one(2), 102);
	assert_int_equal(comeback_prize, 7);
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 5);
	kit_assert_text(&before);
}

/* One that only some calls had is had by those again, and by no others. */
static void scoped_as_before(void **state)
{
	struct transaction_options options = kit_quick;

	(void)state;
	options.scope.value = "room=1";
	apply_named("over-data", false);
	apply_with("narrow", options);
	assert_int_equal(tx_two(2), 12);
	successor_fails();
	assert_int_equal(agent_find(&kit_agent, "narrow")->state, PATCH_APPLIED);
	assert_true(scoping_is_in_force(agent_find(&kit_agent, "narrow")));
	assert_int_equal(tx_two(2), 12);
	assert_int_equal(comeback_prize, 7);
	kit_take_out("narrow");
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 5);
}

/* The first goes before the second: what that found there was the first one's. */
static void data_in_any_order(void **state)
{
	(void)state;
	apply_named("low", false);
	apply_named("over-data", false);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 7);
	apply_named("low", false);
	assert_int_equal(comeback_prize, 6);
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 5);
	/* What the program has written between the two is what comes back. */
	apply_named("low", false);
	comeback_prize = 9;
	apply_named("over-data", false);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 7);
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 9);
	comeback_prize = 5;
	/* Another one that writes the same: it is still in force. */
	apply_named("low", false);
	apply_named("same-data", false);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("same-data");
	assert_int_equal(comeback_prize, 5);
	/* All replaced at once, and back. */
	apply_named("low", false);
	apply_named("same-data", false);
	apply_named("over-data", false);
	successor_fails();
	assert_int_equal(comeback_prize, 7);
	kit_take_out("over-data");
	kit_take_out("low");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("same-data");
	assert_int_equal(comeback_prize, 5);
	/* The lowest goes: who lies on another one that wrote the same does not lie on it. */
	apply_named("low", false);
	apply_named("over-data", false);
	apply_named("same-data", false);
	apply_named("as-it-was", false);
	kit_take_out("low");
	kit_take_out("as-it-was");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("same-data");
	assert_int_equal(comeback_prize, 7);
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 5);
	/* One that writes what the one below it had found. */
	apply_named("low", false);
	apply_named("as-it-was", false);
	kit_take_out("as-it-was");
	assert_int_equal(comeback_prize, 6);
	kit_take_out("low");
	assert_int_equal(comeback_prize, 5);
}

/* Somebody is where the second of those that come back wants nobody: that one can't, and is told.
 */
static void none_may_be_where(const char *second)
{
	struct transaction_options options = {.timeout_ns = 50000000, .replace = true};
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	char path[256], told[64];

	sem_init(&leave, 0, 0);
	atomic_store(&inside, false);
	apply_named("over-data", false);
	apply_named(second, false);
	snprintf(path, sizeof(path), "%s/enters.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	assert_int_equal(transaction_apply(&kit_agent, &file, &options, &result, &err),
			 -SUTURE_E_HOOK_FAILED);
	transaction_result_fini(&result);
	snprintf(told, sizeof(told), "%s, which it had replaced, is out (", second);
	if (!strstr(err.message, told) || !strstr(err.message, "comeback_room"))
		fail_msg("%s", err.message);
	assert_int_equal(agent_find(&kit_agent, "over-data")->state, PATCH_APPLIED);
	assert_int_equal(comeback_prize, 7);
	assert_int_equal(agent_find(&kit_agent, second)->state, PATCH_REVERTED);
}

static void let_out(void)
{
	sem_post(&leave);
	pthread_join(stander, NULL);
	kit_take_out("over-data");
	assert_int_equal(comeback_prize, 5);
}

/* Functions of the second are in the way by their own names. */
static void it_is_named(const char *second)
{
	struct patch *in[2] = {agent_find(&kit_agent, "low"), agent_find(&kit_agent, second)};
	struct transaction_options options = {.timeout_ns = 50000000};
	struct transaction_result result;
	struct suture_error err;

	assert_int_equal(transaction_swap(&kit_agent, agent_find(&kit_agent, "over-data"), in, 2,
					  &options, &result, &err),
			 -SUTURE_E_BUSY_STACK);
	assert_string_equal(result.blockers[0].function, "comeback_room");
	transaction_result_fini(&result);
}

static void somebody_is_in_the_way(void **state)
{
	struct kit_text before = kit_text();

	(void)state;
	apply_named("low", false);
	kit_take_out("low");
	none_may_be_where("idles");
	let_out();
	none_may_be_where("replaces-room");
	it_is_named("replaces-room");
	let_out();
	kit_assert_text(&before);
}

/* Nobody says no: the successor stays, and what it replaced was asked and told. */
static void it_stays(void **state)
{
	struct kit_text before = kit_text();
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	char path[256];

	(void)state;
	apply_named("low", false);
	apply_named("over-data", false);
	snprintf(path, sizeof(path), "%s/successor.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	options.replace = true;
	comeback_answer = 0;
	assert_int_equal(transaction_apply(&kit_agent, &file, &options, &result, &err), 0);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 1);
	assert_int_equal(tx_two(2), 12);
	assert_int_equal(comeback_prize, 8);
	kit_take_out("successor");
	assert_int_equal(comeback_prize, 5); /* what was there before all of them */
	kit_assert_text(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_in_one_commit),  cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(scoped_as_before),	  cmocka_unit_test(data_in_any_order),
		cmocka_unit_test(somebody_is_in_the_way), cmocka_unit_test(it_stays),
	};

	return cmocka_run_group_tests(tests, make, kit_clean);
}
