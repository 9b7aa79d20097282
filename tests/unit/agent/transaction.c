/* SPDX-License-Identifier: MIT */
/*
 * Apply and revert in this very process, by patches written by hand: new answers, state, busy
 * threads, hooks, stacking; and, whatever fails, bytes and protections as before.
 */
#include "../test.h"

#include "agent/transaction.h"
#include "base/fault.h"
#include "handmade.h"

#include <capstone/capstone.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

int tx_one(int x);
int tx_two(int x);
int tx_waits(int x);
int tx_hook_calls;
static const int table_of_costs[4] = {10, 20, 30, 40};

__attribute__((noinline)) int tx_one(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 3 + 1;
}

__attribute__((noinline)) int tx_two(int x)
{
	__asm__ volatile("" ::: "memory");
	return x * 5 + 2;
}

static sem_t inside, go_on;

__attribute__((noinline)) int tx_waits(int x)
{
	sem_post(&inside);
	sem_wait(&go_on);
	return x + 1;
}

static char folder[128];
static struct agent agent;
static const struct transaction_options quick = {.timeout_ns = 5000000000ull};

struct text {
	uint8_t *bytes;
	size_t size;
	const uint8_t *start;
};

/* All code of the test program, to be compared byte for byte. */
static struct text text_now(void)
{
	struct image image;
	struct text text = {0};

	assert_int_equal(image_take(&image, NULL), 0);
	for (size_t i = 0; i < image.modules[0].phnum; i++) {
		const ElfW(Phdr) *phdr = &image.modules[0].phdr[i];

		if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X)) {
			text.start = (const uint8_t *)(image.modules[0].bias + phdr->p_vaddr);
			text.size = phdr->p_memsz;
		}
	}
	image_fini(&image);
	text.bytes = malloc(text.size);
	memcpy(text.bytes, text.start, text.size);
	return text;
}

static void assert_text_unchanged(struct text *text)
{
	assert_memory_equal(text->bytes, text->start, text->size);
	free(text->bytes);
	text->bytes = NULL;
}

/* Protections of everything that was mapped before, as the kernel tells them. */
static void assert_no_writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "rwx"))
			fail_msg("writable and executable: %s", line);
	fclose(maps);
}

static int make(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	sem_init(&inside, 0, 0);
	sem_init(&go_on, 0, 0);
	return agent_init(&agent, NULL);
}

static int clean(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static struct patch_file open_patch(struct handmade *patch)
{
	struct patch_file file;
	struct suture_error err;
	char path[256];

	handmade_build(patch, folder, path, sizeof(path));
	handmade_fini(patch);
	if (patch_file_read(path, &file, &err))
		fail_msg("%s", err.message);
	return file;
}

/* A patch that makes tx_one and tx_two return other values. */
static struct patch_file simple_patch(const char *name)
{
	struct handmade patch;

	handmade_init(&patch, name);
	handmade_code(&patch, "int new_one(int x) { return x * 1000; }\n"
			      "int new_two(int x) { return x * 2000; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_replace(&patch, tx_two, "new_two");
	return open_patch(&patch);
}

static void apply(struct patch_file *file, struct transaction_result *result)
{
	struct suture_error err;

	if (transaction_apply(&agent, file, &quick, result, &err))
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
}

static void revert(const char *name, struct transaction_result *result)
{
	struct suture_error err;

	if (transaction_revert(&agent, name, &quick, result, &err))
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
}

static void apply_and_revert(void **state)
{
	struct text before = text_now();
	struct patch_file file = simple_patch("simple");
	struct transaction_result result;

	(void)state;
	assert_int_equal(tx_one(2), 7);
	apply(&file, &result);
	assert_true(result.changed);
	assert_string_equal(result.name, "simple");
	assert_int_equal(result.functions, 2);
	assert_true(result.attempts >= 1);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 2000);
	assert_int_equal(tx_two(2), 4000);
	assert_no_writable_code();

	revert("simple", &result);
	assert_true(result.changed);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 7);
	assert_int_equal(tx_two(2), 12);
	assert_text_unchanged(&before);
	assert_no_writable_code();
}

/* What stands at the entry is one jump that leads into the patch, as Capstone reads it. */
static void written_bytes_disassemble(void **state)
{
	struct patch_file file = simple_patch("disassembled");
	struct transaction_result result;
	const struct patch *patch;
	cs_insn *insns;
	csh handle;
	size_t count, at = 0;
	uint64_t target;

	(void)state;
	apply(&file, &result);
	transaction_result_fini(&result);
	patch = agent_find(&agent, "disassembled");
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
	revert("disassembled", &result);
	transaction_result_fini(&result);
}

static void twice_is_success_unchanged(void **state)
{
	struct patch_file file = simple_patch("twice"), again = simple_patch("twice");
	struct transaction_result result;

	(void)state;
	apply(&file, &result);
	transaction_result_fini(&result);
	apply(&again, &result);
	assert_false(result.changed);
	transaction_result_fini(&result);
	revert("twice", &result);
	transaction_result_fini(&result);
	revert("twice", &result);
	assert_false(result.changed);
	transaction_result_fini(&result);
}

static void never_applied(void **state)
{
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	assert_int_equal(transaction_revert(&agent, "nobody", &quick, &result, &err),
			 -SUTURE_E_NOT_APPLIED);
	assert_non_null(strstr(err.message, "nobody"));
	transaction_result_fini(&result);
}

/* An overlapping patch that was not built on the first is refused; so is another of its name. */
static void overlap_and_names(void **state)
{
	struct patch_file first = simple_patch("first"), second = simple_patch("second"), third;
	struct transaction_result result;
	struct suture_error err;
	struct handmade other;

	(void)state;
	apply(&first, &result);
	transaction_result_fini(&result);
	assert_int_equal(transaction_apply(&agent, &second, &quick, &result, &err),
			 -SUTURE_E_DEPENDENCY);
	assert_non_null(strstr(err.message, "first"));
	transaction_result_fini(&result);
	handmade_init(&other, "first");
	handmade_code(&other, "int newer(int x) { return x + 77; }\n");
	handmade_replace(&other, tx_two, "newer");
	third = open_patch(&other);
	assert_int_equal(transaction_apply(&agent, &third, &quick, &result, &err),
			 -SUTURE_E_NAME_TAKEN);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 1000);
	revert("first", &result);
	transaction_result_fini(&result);
}

/* Built on the first: verified by original bytes, covers it, comes off first. */
static void stacked(void **state)
{
	struct patch_file lower = simple_patch("lower"), upper;
	struct transaction_result result;
	struct text before = text_now();
	struct suture_error err;
	struct handmade on_top;

	(void)state;
	handmade_init(&on_top, "upper");
	handmade_code(&on_top, "int top(int x) { return x + 5; }\n");
	handmade_replace(&on_top, tx_one, "top");
	handmade_depend(&on_top, "lower", lower.hash);
	/* The original bytes are hashed before the lower patch changes them. */
	upper = open_patch(&on_top);
	apply(&lower, &result);
	transaction_result_fini(&result);
	apply(&upper, &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 6);
	assert_int_equal(tx_two(1), 2000);
	assert_int_equal(transaction_revert(&agent, "lower", &quick, &result, &err),
			 -SUTURE_E_DEPENDENCY);
	assert_non_null(strstr(err.message, "upper"));
	transaction_result_fini(&result);
	revert("upper", &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 1000);
	revert("lower", &result);
	transaction_result_fini(&result);
	assert_text_unchanged(&before);
}

static void replaced_in_one_commit(void **state)
{
	struct patch_file old = simple_patch("old"), fresh;
	struct transaction_options options = quick;
	struct transaction_result result;
	struct text before = text_now();
	struct suture_error err;
	struct handmade cumulative;

	(void)state;
	handmade_init(&cumulative, "new");
	handmade_code(&cumulative, "int fresh(int x) { return x + 9; }\n");
	handmade_replace(&cumulative, tx_one, "fresh");
	fresh = open_patch(&cumulative);
	apply(&old, &result);
	transaction_result_fini(&result);
	options.replace = true;
	if (transaction_apply(&agent, &fresh, &options, &result, &err))
		fail_msg("%s", err.message);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(1), 10);
	assert_int_equal(tx_two(1), 7); /* only the old patch had replaced it */
	assert_int_equal(agent_find(&agent, "old")->state, PATCH_REVERTED);
	revert("new", &result);
	transaction_result_fini(&result);
	assert_text_unchanged(&before);
}

static void *call_waits(void *arg)
{
	return (void *)(intptr_t)tx_waits((int)(intptr_t)arg);
}

/* The replacement calls what it replaced: the old code, or the version that it lies on. */
static void originals_are_callable(void **state)
{
	struct text before = text_now();
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
	first = open_patch(&patch);
	handmade_init(&patch, "wraps-again");
	handmade_code(&patch,
		      "int (*volatile below)(int) __attribute__((section(\".data.slot\"))) = 0;\n"
		      "int again_one(int x) { return below(x) * 2; }\n");
	handmade_replace(&patch, tx_one, "again_one");
	handmade_original(&patch, "below", "again_one");
	handmade_depend(&patch, "wraps", first.hash);
	second = open_patch(&patch);

	for (int round = 0; round < 2; round++) {
		char path[256];

		if (round) { /* loaded and filled before: again */
			snprintf(path, sizeof(path), "%s/wraps.so", folder);
			assert_int_equal(patch_file_read(path, &first, NULL), 0);
			snprintf(path, sizeof(path), "%s/wraps-again.so", folder);
			assert_int_equal(patch_file_read(path, &second, NULL), 0);
		}
		apply(&first, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 107);
		apply(&second, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 214);
		revert("wraps-again", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 107);
		revert("wraps", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 7);
	}
	assert_no_writable_code();
	assert_text_unchanged(&before);
}

static void calls_are_counted(void **state)
{
	struct transaction_options options = quick;
	struct transaction_result result;
	struct text before = text_now();
	const struct patch *patch;
	struct suture_error err;

	(void)state;
	options.count = true;
	for (int round = 1; round <= 2; round++) {
		struct patch_file file = simple_patch("counted");

		if (transaction_apply(&agent, &file, &options, &result, &err))
			fail_msg("%s", err.message);
		transaction_result_fini(&result);
		for (int i = 0; i < 10; i++)
			assert_int_equal(tx_one(i), i * 1000);
		assert_int_equal(tx_two(1), 2000);
		patch = agent_find(&agent, "counted");
		assert_int_equal(patch->counters[0].calls, 10 * round);
		assert_int_equal(patch->counters[1].calls, round);
		revert("counted", &result);
		transaction_result_fini(&result);
		tx_one(1);
	}
	assert_no_writable_code();
	assert_text_unchanged(&before);
}

static void busy_names_the_thread(void **state)
{
	struct transaction_options options = {.timeout_ns = 200000000};
	struct text before = text_now();
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;
	struct handmade patch;
	pthread_t thread;

	(void)state;
	handmade_init(&patch, "busy");
	handmade_code(&patch, "int new_waits(int x) { return x + 100; }\n");
	handmade_replace(&patch, tx_waits, "new_waits");
	file = open_patch(&patch);

	pthread_create(&thread, NULL, call_waits, (void *)1);
	pthread_setname_np(thread, "sits-inside");
	sem_wait(&inside);
	assert_int_equal(transaction_apply(&agent, &file, &options, &result, &err),
			 -SUTURE_E_BUSY_STACK);
	assert_text_unchanged(&before);
	assert_int_equal(result.blocker_count, 1);
	assert_string_equal(result.blockers[0].thread, "sits-inside");
	assert_string_equal(result.blockers[0].function, "tx_waits");
	assert_true(result.blockers[0].depth >= 2);
	assert_true(result.attempts >= 2);
	assert_non_null(strstr(err.message, "tx_waits"));
	transaction_result_fini(&result);
	sem_post(&go_on);
	pthread_join(thread, NULL);

	/* Nobody is inside any more. */
	handmade_init(&patch, "busy");
	handmade_code(&patch, "int new_waits(int x) { return x + 100; }\n");
	handmade_replace(&patch, tx_waits, "new_waits");
	file = open_patch(&patch);
	apply(&file, &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_waits(1), 101);
	revert("busy", &result);
	transaction_result_fini(&result);
}

static void hooks_in_order(void **state)
{
	struct text before = text_now();
	struct transaction_result result;
	struct suture_error err;
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
	file = open_patch(&patch);
	tx_hook_calls = 0;
	apply(&file, &result);
	assert_int_equal(result.rung, STOP_RUNG_FULL);
	transaction_result_fini(&result);
	assert_int_equal(tx_hook_calls, 123);
	revert("hooked", &result);
	transaction_result_fini(&result);
	assert_int_equal(tx_hook_calls, 123456);
	assert_text_unchanged(&before);

	handmade_init(&patch, "vetoes");
	handmade_code(&patch, "int new_one(int x) { return x - 1; } int no(void) { return 42; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_hook(&patch, FORMAT_HOOK_PRE_APPLY, "no");
	file = open_patch(&patch);
	before = text_now();
	assert_int_equal(transaction_apply(&agent, &file, &quick, &result, &err),
			 -SUTURE_E_HOOK_VETO);
	assert_non_null(strstr(err.message, "42"));
	transaction_result_fini(&result);
	assert_text_unchanged(&before);

	handmade_init(&patch, "fails");
	handmade_code(&patch, "int new_one(int x) { return x - 1; } int no(void) { return 43; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_hook(&patch, FORMAT_HOOK_ON_SWITCH, "no");
	file = open_patch(&patch);
	before = text_now();
	assert_int_equal(transaction_apply(&agent, &file, &quick, &result, &err),
			 -SUTURE_E_HOOK_FAILED);
	transaction_result_fini(&result);
	assert_int_equal(tx_one(2), 7);
	assert_text_unchanged(&before);
}

static int cost(int i)
{
	const int *volatile table = table_of_costs;

	return table[i];
}

static void constants_change_with_the_code(void **state)
{
	struct transaction_result result;
	struct handmade patch;
	struct patch_file file;

	(void)state;
	handmade_init(&patch, "costs");
	handmade_code(&patch, "const int costs[4] = {1, 2, 3, 4};\n"
			      "int new_one(int x) { return x - 1; }\n");
	handmade_replace(&patch, tx_one, "new_one");
	handmade_data(&patch, FORMAT_DATA_CONST, table_of_costs, sizeof(table_of_costs), "costs");
	file = open_patch(&patch);
	assert_int_equal(cost(2), 30);
	apply(&file, &result);
	transaction_result_fini(&result);
	assert_int_equal(cost(2), 3);
	revert("costs", &result);
	transaction_result_fini(&result);
	assert_int_equal(cost(2), 30);
}

/* Somebody else's bytes in the function: refused with a name, and left alone. */
static void foreign_bytes_are_refused(void **state)
{
	struct patch_file file = simple_patch("foreign");
	const uint8_t trap = 0xcc, *entry = (const uint8_t *)tx_one;
	uint8_t saved = *entry;
	struct transaction_result result;
	struct suture_error err;

	(void)state;
	assert_int_equal(pwrite(agent.writer.fd, &trap, 1, (off_t)(uintptr_t)entry), 1);
	assert_int_equal(transaction_apply(&agent, &file, &quick, &result, &err),
			 -SUTURE_E_FUNCTION_CHANGED);
	assert_int_equal(*entry, 0xcc);
	assert_int_equal(pwrite(agent.writer.fd, &saved, 1, (off_t)(uintptr_t)entry), 1);
	assert_non_null(strstr(err.message, "tx_one"));
	assert_non_null(strstr(err.message, "breakpoint"));
	transaction_result_fini(&result);
}

static unsigned fault_countdown;

static bool fail_at_countdown(const char *step)
{
	(void)step;
	return fault_countdown && --fault_countdown == 0;
}

static int writer_fails_at_countdown(enum code_writer_step step, void *context)
{
	(void)context;
	/* A failing undo is the one thing that can't be undone: tested with the writer. */
	if (step == CODE_WRITER_UNDO)
		return 0;
	return fault_countdown && --fault_countdown == 0 ? -5 /* EIO */ : 0;
}

/* Every step of plan and commit fails once, in apply and in revert: always as before. */
static void faults(bool reverting)
{
	unsigned step;
	bool reached_the_end = false;

	for (step = 1; !reached_the_end && step < 500; step++) {
		struct patch_file file = simple_patch("faulty");
		struct transaction_result result;
		struct suture_error err;
		struct text before;
		int rc;

		if (reverting) {
			apply(&file, &result);
			transaction_result_fini(&result);
		}
		before = text_now();
		fault_countdown = step;
		fault_hook = fail_at_countdown;
		agent.writer.fault = writer_fails_at_countdown;
		rc = reverting ? transaction_revert(&agent, "faulty", &quick, &result, &err)
			       : transaction_apply(&agent, &file, &quick, &result, &err);
		fault_hook = NULL;
		agent.writer.fault = NULL;
		transaction_result_fini(&result);
		reached_the_end = fault_countdown > 0;
		fault_countdown = 0;
		if (rc) {
			assert_int_not_equal(rc, -SUTURE_E_UNCERTAIN);
			assert_int_equal(tx_one(2), reverting ? 2000 : 7);
			assert_int_equal(tx_two(2), reverting ? 4000 : 12);
			assert_text_unchanged(&before);
		} else {
			free(before.bytes);
		}
		assert_no_writable_code();
		if (reverting != (rc != 0))
			continue;
		revert("faulty", &result);
		transaction_result_fini(&result);
	}
	assert_true(reached_the_end);
	print_message("%s: %u steps failed, each undone\n", reverting ? "revert" : "apply",
		      step - 2);
}

static void faults_in_apply(void **state)
{
	(void)state;
	faults(false);
}

static void faults_in_revert(void **state)
{
	(void)state;
	faults(true);
}

static atomic_bool stop_callers;
static atomic_ulong wrong_answers, answers;

static void *call_for_ever(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop_callers, memory_order_relaxed)) {
		int one = tx_one(2), two = tx_two(2);

		if ((one != 7 && one != 2000) || (two != 12 && two != 4000))
			atomic_fetch_add(&wrong_answers, 1);
		atomic_fetch_add_explicit(&answers, 1, memory_order_relaxed);
	}
	return NULL;
}

/* 2,000 applies and reverts while four threads call; the text is the original at the end. */
static void two_thousand_cycles(void **state)
{
	struct transaction_result result;
	struct text before = text_now();
	pthread_t callers[4];
	size_t mapped[2], used;

	(void)state;
	for (int i = 0; i < 4; i++)
		pthread_create(&callers[i], NULL, call_for_ever, NULL);
	for (int i = 0; i < 2000; i++) {
		struct patch_file file;
		char path[256];

		if (i == 0) {
			file = simple_patch("cycled");
		} else {
			snprintf(path, sizeof(path), "%s/cycled.so", folder);
			assert_int_equal(patch_file_read(path, &file, NULL), 0);
		}
		apply(&file, &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 2000);
		revert("cycled", &result);
		transaction_result_fini(&result);
		assert_int_equal(tx_one(2), 7);
		if (i == 10)
			near_usage(&agent.near, &mapped[0], &used);
	}
	near_usage(&agent.near, &mapped[1], &used);
	atomic_store(&stop_callers, true);
	for (int i = 0; i < 4; i++)
		pthread_join(callers[i], NULL);
	assert_int_equal(atomic_load(&wrong_answers), 0);
	assert_true(atomic_load(&answers) > 0);
	assert_int_equal(mapped[0], mapped[1]);
	assert_text_unchanged(&before);
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
		cmocka_unit_test(originals_are_callable),
		cmocka_unit_test(calls_are_counted),
		cmocka_unit_test(busy_names_the_thread),
		cmocka_unit_test(hooks_in_order),
		cmocka_unit_test(constants_change_with_the_code),
		cmocka_unit_test(foreign_bytes_are_refused),
		cmocka_unit_test(faults_in_apply),
		cmocka_unit_test(faults_in_revert),
		cmocka_unit_test(two_thousand_cycles),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
