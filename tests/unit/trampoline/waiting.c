/* SPDX-License-Identifier: MIT */
/*
 * Entries of all kinds, at every place within a word of 8 bytes, on their way byte by byte: threads
 * wait in an island, whether the entry is being changed or put back, and go on with what is there
 * afterwards.
 */
#include "process.h"

#include "trampoline/path.h"
#include "trampoline/waiting.h"

#include <pthread.h>

#define SHORT "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; pop %rbp; ret"
#define LONG  "mov %edi, %eax; add $1, %eax; nop; ret"

#define EACH_PLACE(X) \
	X(0)          \
	X(1)          \
	X(2)          \
	X(3)          \
	X(4)          \
	X(5)          \
	X(6)          \
	X(7)
#define ALL(X)             \
	EACH_PLACE(X) X(8) \
	X(9)               \
	X(10)              \
	X(11)              \
	X(12)
#define DEFINE(n)                    \
	extern int short_##n(int x); \
	TEST_FUNCTION_AT(short_##n, n, SHORT);
EACH_PLACE(DEFINE)
extern int long_0(int x), long_7(int x), marked_0(int x), marked_7(int x), writers_line(int x);
TEST_FUNCTION_AT(long_0, 0, LONG);
TEST_FUNCTION_AT(long_7, 7, LONG);
TEST_FUNCTION_AT(marked_0, 0, "endbr64; " SHORT);
TEST_FUNCTION_AT(marked_7, 7, "endbr64; " SHORT);
/* In one line with code that the writer executes: see stores_are_seen_whole(). */
__asm__(".pushsection .text.cases\n.p2align 6\n.globl runs_here\nruns_here: ret\n.popsection\n");
extern void runs_here(void);
TEST_FUNCTION_AT(writers_line, 6, SHORT);

/* Each entry has its own, as in a patch. */
#define REPLACE(n)                                           \
	extern int new_##n(int x), next_##n(int x);          \
	TEST_FUNCTION(new_##n, "lea 1000(%rdi), %eax; ret"); \
	TEST_FUNCTION(next_##n, "lea 2000(%rdi), %eax; ret");
ALL(REPLACE)
#define NEW(n)	(uintptr_t) new_##n,
#define NEXT(n) (uintptr_t) next_##n,
static const uintptr_t replacements[] = {ALL(NEW)};
static const uintptr_t next_ones[] = {ALL(NEXT)};

static int call(uintptr_t entry, int x)
{
	int (*volatile pointer)(int) = (int (*)(int))entry;

	return pointer(x);
}

/* ---- a caller that comes while the entry is closed ------------------------------------------ */

static _Atomic bool calling;

static void *call_once(void *entry)
{
	calling = true;
	return (void *)(intptr_t)call((uintptr_t)entry, 2);
}

static pthread_t come(uintptr_t entry)
{
	pthread_t thread;

	calling = false;
	assert_int_equal(pthread_create(&thread, NULL, call_once, (void *)entry), 0);
	while (!calling)
		sched_yield();
	/* Most likely it waits now; should it come later, the test is a little less. */
	sched_yield();
	return thread;
}

static int answer(pthread_t thread)
{
	void *result;

	assert_int_equal(pthread_join(thread, &result), 0);
	return (int)(intptr_t)result;
}

/* Changes that went through the gate, and those that had no place: where memory lies is chance. */
static unsigned gated, crowded;

static void change_with_callers(struct code_edit_set *set, uintptr_t entry, int expected)
{
	pthread_t thread;

	/* Undone, and then in earnest. */
	assert_int_equal(code_edit_gate_close_stopped(set), 0);
	thread = come(entry);
	assert_int_equal(code_edit_undo_stopped(set), 0);
	assert_int_not_equal(answer(thread), expected);
	assert_int_equal(code_edit_gate_close_stopped(set), 0);
	assert_true(test_is_closed(entry));
	thread = come(entry);
	assert_int_equal(code_edit_write_rest_stopped(set), 0);
	assert_true(test_is_closed(entry));
	assert_int_equal(code_edit_gate_open_stopped(set), 0);
	assert_int_equal(answer(thread), expected);
	gated++;
}

static void change(struct code_edit_set *set, uintptr_t entry, int expected)
{
	struct suture_error err;

	test_must(code_edit_set_prefault(set, &err), &err);
	if (code_edit_set_can_gate(set, true, NULL)) {
		change_with_callers(set, entry, expected);
	} else {
		assert_int_equal(code_edit_write_all_stopped(set), 0);
		crowded++;
	}
	assert_int_equal(call(entry, 2), expected);
	code_edit_set_fini(set);
	code_edit_set_init(set, &test_writer, &test_near);
}

/* There, to another version, and back, each time with a caller in between. */
static void there_and_back(const struct trampoline_target *target, size_t index)
{
	struct code_edit_set set;
	struct trampoline t, next;
	struct suture_error err;

	test_must(trampoline_plan(target, replacements[index], &test_near, &t, &err), &err);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	change(&set, target->entry, 1002);
	test_must(trampoline_retarget(&t, next_ones[index], &test_near, &next, &err), &err);
	test_must(code_edit_set_add_change(&set, &t, &next, &err), &err);
	change(&set, target->entry, 2002);
	test_must(code_edit_set_add_revert(&set, &next, &err), &err);
	change(&set, target->entry, 3);
	trampoline_retire(&next, &test_near);
}

#define TARGET(n) TEST_TARGET(short_##n),

static void callers_wait_at_every_place(void **state)
{
	struct trampoline_target targets[] = {EACH_PLACE(TARGET) TEST_TARGET(long_0),
					      TEST_TARGET(long_7), TEST_TARGET(marked_0),
					      TEST_TARGET(marked_7)};

	(void)state;
	if (!test_writer.can_sync)
		skip();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		for (int round = 0; round < 3; round++)
			there_and_back(&targets[i], i);
	print_message("%u changes gated, %u without a place to wait\n", gated, crowded);
	assert_true(gated > 2 * crowded);
}

/* ---- under callers -------------------------------------------------------------------------- */

static _Atomic bool stop_callers;
static _Atomic long wrong_answers, right_answers;

static void *call_for_ever(void *entry)
{
	while (!stop_callers)
		if (call((uintptr_t)entry, 2) == 3)
			right_answers++;
		else
			wrong_answers++;
	return NULL;
}

/*
 * Closed and opened again on the old bytes, with threads between the first two instructions at any
 * time. A jump to itself, which changes the second byte too, makes them crash here.
 */
static void nobody_behind_the_first_instruction_is_lost(void **state)
{
	enum { FLIPS = 2500, CALLERS = 2 };
	struct trampoline_target targets[] = {EACH_PLACE(TARGET)};

	(void)state;
	if (!test_writer.can_sync)
		skip();
	for (size_t i = 0; i < 8; i++) {
		pthread_t threads[CALLERS];
		struct code_edit_set set;
		struct suture_error err;
		struct trampoline t;

		stop_callers = false;
		test_must(trampoline_plan(&targets[i], replacements[i], &test_near, &t, &err),
			  &err);
		code_edit_set_init(&set, &test_writer, &test_near);
		test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
		test_must(code_edit_set_prefault(&set, &err), &err);
		for (size_t c = 0; c < CALLERS; c++)
			pthread_create(&threads[c], NULL, call_for_ever, (void *)targets[i].entry);
		for (size_t flip = 0; flip < FLIPS; flip++) {
			assert_int_equal(code_edit_gate_close_stopped(&set), 0);
			assert_int_equal(code_edit_undo_stopped(&set), 0);
		}
		stop_callers = true;
		for (size_t c = 0; c < CALLERS; c++)
			pthread_join(threads[c], NULL);
		assert_int_equal(wrong_answers, 0);
		code_edit_set_fini(&set);
		trampoline_discard(&t, &test_near);
	}
	assert_true(right_answers > 0);
}

/*
 * The writer has just run code of the same line: then the kernel's copying of more than one byte is
 * seen half done by another processor (path.h), which executes it.
 */
static void stores_are_seen_whole(void **state)
{
	struct trampoline_target target = TEST_TARGET(writers_line);
	struct code_edit_set set;
	struct suture_error err;
	struct trampoline t;

	(void)state;
	if (!test_writer.can_sync)
		skip();
	test_must(trampoline_plan(&target, replacements[12], &test_near, &t, &err), &err);
	code_edit_set_init(&set, &test_writer, &test_near);
	test_must(code_edit_set_add_trampoline(&set, &t, &err), &err);
	test_must(code_edit_set_prefault(&set, &err), &err);
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		runs_here();
		assert_int_equal(code_edit_gate_close_stopped(&set), 0);
		thread = come(target.entry);
		runs_here();
		assert_int_equal(code_edit_write_rest_stopped(&set), 0);
		runs_here();
		assert_int_equal(code_edit_gate_open_stopped(&set), 0);
		assert_int_equal(answer(thread), 1002);
		runs_here();
		assert_int_equal(code_edit_undo_stopped(&set), 0);
	}
	code_edit_set_fini(&set);
	trampoline_discard(&t, &test_near);
}

/* ---- islands -------------------------------------------------------------------------------- */

static void an_island_is_found_again(void **state)
{
	uintptr_t entry = (uintptr_t)short_0, place = entry - (1 << 30);

	(void)state;
	near_look(&test_near);
	assert_true(waiting_obtain(&test_near, entry, place));
	assert_int_equal(test_decode(place).target, entry);
	assert_true(waiting_obtain(&test_near, entry, place));
	assert_false(waiting_obtain(&test_near, entry + 16, place));
	assert_false(waiting_obtain(&test_near, entry, place + 4)); /* half in the first */
	assert_true(waiting_obtain(&test_near, entry, place + 5));
}

static void other_memory_in_its_place_is_left_alone(void **state)
{
	uintptr_t entry = (uintptr_t)short_0, place = (entry - (1 << 29)) & ~(uintptr_t)4095;
	uint8_t *taken = mmap((void *)place, 4096, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	(void)state;
	assert_int_equal((uintptr_t)taken, place);
	near_look(&test_near);
	assert_false(waiting_obtain(&test_near, entry, place));
	assert_false(waiting_obtain(&test_near, entry, place + 4094)); /* half in it */
	assert_int_equal(*taken, 0);
	munmap(taken, 4096);
	/* Where heap and stack grow: theirs. */
	assert_false(waiting_obtain(&test_near, test_near.stack - 8192, test_near.stack - 8192));
	assert_true(waiting_obtain(&test_near, entry, place));
}

/* A thousand functions must not cost a thousand pages. */
static void memory_for_islands_is_bounded(void **state)
{
	size_t had = 0, mapped, used;
	struct near_memory near;

	(void)state;
	near_memory_init(&near, &test_writer);
	near_look(&near);
	for (uintptr_t i = 0; i < 2000; i++)
		had += waiting_obtain(&near, (uintptr_t)short_0,
				      (uintptr_t)short_0 - (1 << 30) - i * 0x4000);
	near_usage(&near, &mapped, &used);
	print_message("%zu islands, %zu KiB\n", had, mapped >> 10);
	assert_true(had >= 900 && had < 1100);
	assert_true(mapped <= 4 << 20);
	near_memory_fini(&near);
}

static unsigned steps_to(const uint8_t *wanted, struct code_edit *edit)
{
	uintptr_t entry = (uintptr_t)writers_line;

	*edit = (struct code_edit){.address = entry, .size = 5, .kind = CODE_EDIT_SITE};
	path_reserve(&test_near, edit, (const uint8_t *)entry);
	path_plan(&test_near, edit, (const uint8_t *)entry, wanted);
	return edit->step_count;
}

/* Where old and new differ by less than an island there is a way around, by one step more. */
static void islands_do_not_overlap(void **state)
{
	const uint8_t *old = (const uint8_t *)writers_line;
	uint8_t wanted[5] = {0xe9, old[1] + 1, old[2], old[3], 0x10};
	struct code_edit edit;
	unsigned around = 0;

	(void)state;
	near_look(&test_near);
	if (!steps_to(wanted, &edit)) {
		/* Is it chance? */
		wanted[1] = old[1] + 0x40;
		assert_int_equal(steps_to(wanted, &edit), 0);
		skip();
	}
	for (unsigned i = 0; i < edit.step_count; i++)
		around += edit.steps[i].offset == 1;
	assert_int_equal(around, 2);
	assert_int_equal(edit.steps[0].offset, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callers_wait_at_every_place),
		cmocka_unit_test(nobody_behind_the_first_instruction_is_lost),
		cmocka_unit_test(stores_are_seen_whole),
		cmocka_unit_test(an_island_is_found_again),
		cmocka_unit_test(other_memory_in_its_place_is_left_alone),
		cmocka_unit_test(islands_do_not_overlap),
		cmocka_unit_test(memory_for_islands_is_bounded),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
