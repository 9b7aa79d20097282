/* SPDX-License-Identifier: MIT */
/*
 * Apply and revert in this very process, by patches written by hand: new answers, state, busy
 * threads, stacking. calls.c, data.c, hooks.c, faults.c and modules.c go on.
 */
#include "kit.h"

#include "agent/residency.h"

#include <capstone/capstone.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

int tx_waits(int x);

static sem_t inside, go_on;

__attribute__((noinline)) int tx_waits(int x)
{
	sem_post(&inside);
	sem_wait(&go_on);
	return x + 1;
}

static void apply_and_revert(void **state)
{
	struct kit_text before = kit_text();
	struct patch_file file = kit_simple("simple");
	struct transaction_result result;

	(void)state;
	assert_int_equal(tx_one(2), 7);
	kit_apply(&file, &result);
	assert_true(result.changed);
	assert_string_equal(result.name, "simple");
	assert_int_equal(result.functions, 2);
	assert_true(result.attempts >= 1);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 2000);
	assert_int_equal(tx_two(2), 4000);
	kit_assert_no_writable_code();

	kit_revert("simple", &result);
	assert_true(result.changed);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(tx_two(2), 12);
	kit_assert_text(&before);
	kit_assert_no_writable_code();
}

/* What stands at the entry is one jump that leads into the patch, as Capstone reads it. */
static void written_bytes_disassemble(void **state)
{
	struct patch_file file = kit_simple("disassembled");
	struct transaction_result result;
	const struct patch *patch;
	cs_insn *insns;
	csh handle;
	size_t count, at = 0;
	uint64_t target;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	patch = agent_find(&kit_agent, "disassembled");
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
	count = cs_disasm(handle, (const uint8_t *)tx_one, 16, (uint64_t)(uintptr_t)tx_one, 2,
			  &insns);
	assert_true(count >= 1);
	if (strcmp(insns[0].mnemonic, "endbr64") == 0)
		at = 1;
	assert_string_equal(insns[at].mnemonic, "jmp");
	target = strtoull(insns[at].op_str, NULL, 16);
	assert_int_equal(
		target, patch_address(patch, patch->file.functions.records[0].replacement_address));
	cs_free(insns, count);
	cs_close(&handle);
	kit_revert("disassembled", &result);
	transaction_result_fini(&result);
}

static void twice_is_success_unchanged(void **state)
{
	struct patch_file file = kit_simple("twice"), again = kit_simple("twice");
	struct transaction_result result;

	(void)state;
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	kit_apply(&again, &result);
	assert_false(result.changed);
	transaction_result_fini(&result);
	kit_revert("twice", &result);
	transaction_result_fini(&result);
	kit_revert("twice", &result);
	assert_false(result.changed);
	transaction_result_fini(&result);
}

static void never_applied(void **state)
{
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	assert_int_equal(transaction_revert(&kit_agent, "nobody", &kit_quick, &result, &err),
			 -SUTURE_E_NOT_APPLIED);
	assert_non_null(strstr(err.message, "nobody"));
	transaction_result_fini(&result);
}

/* An overlapping patch that was not built on the first is refused; so is another of its name. */
static void overlap_and_names(void **state)
{
	struct patch_file first = kit_simple("first"), second = kit_simple("second"), third;
	struct transaction_result result;
	struct suture_error err;
	struct handmade other;

	(void)state;
	kit_apply(&first, &result);
	transaction_result_fini(&result);
	assert_int_equal(transaction_apply(&kit_agent, &second, &kit_quick, &result, &err),
			 -SUTURE_E_DEPENDENCY);
	assert_non_null(strstr(err.message, "first"));
	transaction_result_fini(&result);
	handmade_init(&other, "first");
	handmade_code(&other, "int newer(int x) { return x + 77; }\n");
	handmade_replace(&other, tx_two, "newer");
	third = kit_open(&other);
	assert_int_equal(transaction_apply(&kit_agent, &third, &kit_quick, &result, &err),
			 -SUTURE_E_NAME_TAKEN);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 1000);
	kit_revert("first", &result);
	transaction_result_fini(&result);
}

/* Built on the first: verified by original bytes, covers it, comes off first. */
static void stacked(void **state)
{
	struct patch_file lower = kit_simple("lower"), upper;
	struct transaction_result result;
	struct kit_text before = kit_text();
	struct suture_error err;
	struct handmade on_top;

	(void)state;
	handmade_init(&on_top, "upper");
	handmade_code(&on_top, "int top(int x) { return x + 5; }\n");
	handmade_replace(&on_top, tx_one, "top");
	handmade_depend(&on_top, "lower", lower.hash);
	/* The original bytes are hashed before the lower patch changes them. */
	upper = kit_open(&on_top);
	kit_apply(&lower, &result);
	transaction_result_fini(&result);
	kit_apply(&upper, &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 6);
	assert_int_equal(tx_two(1), 2000);
	assert_int_equal(transaction_revert(&kit_agent, "lower", &kit_quick, &result, &err),
			 -SUTURE_E_DEPENDENCY);
	assert_non_null(strstr(err.message, "upper"));
	transaction_result_fini(&result);
	kit_revert("upper", &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 1000);
	kit_revert("lower", &result);
	transaction_result_fini(&result);
	kit_assert_text(&before);
}

static void replaced_in_one_commit(void **state)
{
	struct patch_file old = kit_simple("old"), fresh;
	struct transaction_options options = kit_quick;
	struct transaction_result result;
	struct kit_text before = kit_text();
	struct suture_error err;
	struct handmade cumulative;

	(void)state;
	handmade_init(&cumulative, "new");
	handmade_code(&cumulative, "int fresh(int x) { return x + 9; }\n");
	handmade_replace(&cumulative, tx_one, "fresh");
	fresh = kit_open(&cumulative);
	kit_apply(&old, &result);
	transaction_result_fini(&result);
	options.replace = true;
	if (transaction_apply(&kit_agent, &fresh, &options, &result, &err))
		fail_msg("%s", err.message);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 10);
	assert_int_equal(tx_two(1), 7); /* only the old patch had replaced it */
	assert_int_equal(agent_find(&kit_agent, "old")->state, PATCH_REVERTED);
	kit_revert("new", &result);
	transaction_result_fini(&result);
	kit_assert_text(&before);
}

static void *call_waits(void *arg)
{
	return (void *)(intptr_t)tx_waits((int)(intptr_t)arg);
}

/* Of a plan for tx_waits that is not carried out: so that there can be somebody. */
static long threads_in_old_code(void)
{
	struct stop_result stopped;
	struct patch_file file;
	struct plan plan;
	char path[256];
	long found;

	snprintf(path, sizeof(path), "%s/busy.so", kit_folder);
	assert_int_equal(patch_file_read(path, &file, NULL), 0);
	plan_init(&plan, &kit_agent);
	assert_int_equal(plan_add(&plan, &file, NULL), 0);
	assert_int_equal(plan_build(&plan, NULL), 0);
	found = residency_look(&plan, &stopped);
	plan_fini(&plan);
	return found;
}

static void busy_names_the_thread(void **state)
{
	struct transaction_options options = {.timeout_ns = 200000000};
	struct kit_text before = kit_text();
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;
	struct handmade patch;
	pthread_t thread;

	(void)state;
	handmade_init(&patch, "busy");
	handmade_code(&patch, "int new_waits(int x) { return x + 100; }\n");
	handmade_replace(&patch, tx_waits, "new_waits");
	file = kit_open(&patch);

	pthread_create(&thread, NULL, call_waits, (void *)1);
	pthread_setname_np(thread, "sits-inside");
	sem_wait(&inside);
	assert_int_equal(transaction_apply(&kit_agent, &file, &options, &result, &err),
			 -SUTURE_E_BUSY_STACK);
	kit_assert_text(&before);
	assert_int_equal(result.blocker_count, 1);
	assert_string_equal(result.blockers[0].thread, "sits-inside");
	assert_string_equal(result.blockers[0].function, "tx_waits");
	assert_true(result.blockers[0].depth >= 2);
	assert_true(result.attempts >= 2);
	assert_non_null(strstr(err.message, "tx_waits"));
	transaction_result_fini(&result);
	assert_int_equal(threads_in_old_code(), 1);
	sem_post(&go_on);
	pthread_join(thread, NULL);

	/* Nobody is inside any more. */
	handmade_init(&patch, "busy");
	handmade_code(&patch, "int new_waits(int x) { return x + 100; }\n");
	handmade_replace(&patch, tx_waits, "new_waits");
	file = kit_open(&patch);
	kit_apply(&file, &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_waits(1), 101);
	kit_revert("busy", &result);
	transaction_result_fini(&result);
}

/* Somebody else's bytes in the function: refused with a name, and left alone. */
static void foreign_bytes_are_refused(void **state)
{
	struct patch_file file = kit_simple("foreign");
	const uint8_t trap = 0xcc, *entry = (const uint8_t *)tx_one;
	uint8_t saved = *entry;
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	assert_int_equal(pwrite(kit_agent.writer.fd, &trap, 1, (off_t)(uintptr_t)entry), 1);
	assert_int_equal(transaction_apply(&kit_agent, &file, &kit_quick, &result, &err),
			 -SUTURE_E_FUNCTION_CHANGED);
	assert_int_equal(*entry, 0xcc);
	assert_int_equal(pwrite(kit_agent.writer.fd, &saved, 1, (off_t)(uintptr_t)entry), 1);
	assert_non_null(strstr(err.message, "tx_one"));
	assert_non_null(strstr(err.message, "breakpoint"));
	transaction_result_fini(&result);
}

static atomic_bool stop_callers;
static atomic_ulong wrong_answers, answers;

/*
 * Naps now and then: a thread that runs all the time is held during a commit, and only one that
 * wakes up in the middle of it runs through an entry that changes.
 */
static void *call_for_ever(void *arg)
{
	(void)arg;
	for (unsigned calls = 0; !atomic_load_explicit(&stop_callers, memory_order_relaxed);
	     calls++) {
		int one = tx_one(2), two = tx_two(2);

		if ((one != 7 && one != 2000) || (two != 12 && two != 4000))
			atomic_fetch_add(&wrong_answers, 1);
		atomic_fetch_add_explicit(&answers, 1, memory_order_relaxed);
		if (calls % 2000 == 0)
			usleep(50);
	}
	return NULL;
}

/* 2,000 applies and reverts while four threads call; the text is the original at the end. */
static void two_thousand_cycles(void **state)
{
	struct transaction_result result;
	struct kit_text before = kit_text();
	pthread_t callers[4];
	size_t mapped[2], used;

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&callers[i], NULL, call_for_ever, NULL);
	for (int i = 0; i < 2000; i++) {
		struct patch_file file;
		char path[256];

		if (i == 0) {
			file = kit_simple("cycled");
		} else {
			snprintf(path, sizeof(path), "%s/cycled.so", kit_folder);
			assert_int_equal(patch_file_read(path, &file, NULL), 0);
		}
		kit_apply(&file, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 2000);
		kit_revert("cycled", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 7);
		if (i == 10)
			near_usage(&kit_agent.near, &mapped[0], &used);
	}
	near_usage(&kit_agent.near, &mapped[1], &used);
	atomic_store(&stop_callers, true);
	for (int i = 0; i < 4; i++)
		pthread_join(callers[i], NULL);
	assert_int_equal(atomic_load(&wrong_answers), 0);
	assert_true(atomic_load(&answers) > 0);
	assert_int_equal(mapped[0], mapped[1]);
	kit_assert_text(&before);
}

static int make(void **state)
{
	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	return kit_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_and_revert),
		cmocka_unit_test(written_bytes_disassemble),
		cmocka_unit_test(twice_is_success_unchanged),
		cmocka_unit_test(never_applied),
		cmocka_unit_test(overlap_and_names),
		cmocka_unit_test(stacked),
		cmocka_unit_test(replaced_in_one_commit),
		cmocka_unit_test(busy_names_the_thread),
		cmocka_unit_test(foreign_bytes_are_refused),
		cmocka_unit_test(two_thousand_cycles),
	};

	return cmocka_run_group_tests(tests, make, kit_clean);
}
