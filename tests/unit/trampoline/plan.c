/* SPDX-License-Identifier: MIT */
/* What planning refuses and why, padding that is live, and the bookkeeping of near memory. */
#include "process.h"

extern int plain(int x), into_first(int x), short_loop(int x), noreturn(int x), falls(int x),
	calls_early(int x), with_cold(int x), far_part(int x), splits_table(int x),
	table_part(int x);

TEST_FUNCTION(plain, "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; pop %rbp; ret");
TEST_FUNCTION(short_loop, "push %rax; 1: nop; jmp 1b");
TEST_FUNCTION(noreturn, "nop; call plain");
TEST_FUNCTION(falls, "mov %edi, %eax");
TEST_FUNCTION(calls_early, "push %rax; call *%rdi; pop %rdx; ret");
TEST_FUNCTION(with_cold, "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; pop %rbp; ret");
TEST_FUNCTION(far_part, "mov $3, %eax; jmp with_cold + 1");
/* The table's base is loaded in one part and used in the other: its entry leads behind the push. */
TEST_FUNCTION(splits_table,
	      "push %rbp; mov %rsp, %rbp; lea 1(%rdi), %eax; lea 8f(%rip), %rdx; jmp table_part;"
	      ".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long splits_table "
	      "+ 1 - 8b; .popsection");
TEST_FUNCTION(table_part, "movslq (%rdx, %rdi, 4), %rax; add %rdx, %rax; jmp *%rax");

TEST_FUNCTION(into_first, "1: mov %rdi, %rax; dec %eax; jnz 1b + 1; ret");

static int replacement(int x)
{
	return x;
}

static int plan(const struct trampoline_target *target, struct trampoline *t,
		struct suture_error *err)
{
	return trampoline_plan(target, (uintptr_t)replacement, &test_near, t, err);
}

static void a_refusal_names_function_and_reasons(void **state)
{
	struct trampoline_target target = TEST_TARGET(short_loop);
	struct suture_error err;
	struct trampoline t;

	(void)state;
	target.padding_after = 0;
	target.following_size = 0;
	/* Four bytes, no hole, and nothing known of what follows: no displacement to borrow from.
	 */
	assert_int_equal(plan(&target, &t, &err), -SUTURE_E_UNPATCHABLE_ENTRY);
	assert_non_null(strstr(err.message, "short_loop"));
	assert_non_null(strstr(err.message, "plain: "));
	assert_non_null(strstr(err.message, "hole: "));
	assert_non_null(strstr(err.message, "pun: "));
}

/* However few bytes a jump changes: not those that a branch leads into. */
static void a_branch_into_the_first_instruction_counts(void **state)
{
	struct trampoline_target target = TEST_TARGET(into_first);
	struct suture_error err;
	struct trampoline t;

	(void)state;
	assert_int_equal(plan(&target, &t, &err), -SUTURE_E_UNPATCHABLE_ENTRY);
	assert_non_null(strstr(err.message, "pun: a branch inside the function"));
}

static void padding_behind_a_call_is_live(void **state)
{
	struct trampoline_target call = TEST_TARGET(noreturn), open = TEST_TARGET(falls),
				 closed = TEST_TARGET(plain);

	(void)state;
	assert_int_equal(call.padding_after, 0);
	assert_int_equal(open.padding_after, 0);
	assert_true(closed.padding_after > 0);
}

static void padding_ends_where_something_unnamed_may_begin(void **state)
{
	/* ret; 3 bytes of nop to the next 16; nop and ret: a function without a symbol. */
	static const uint8_t code[] = {0xc3}, behind[] = {0x0f, 0x1f, 0x00, 0x90, 0xc3};

	(void)state;
	assert_int_equal(trampoline_padding(code, 1, 0x100c, behind, sizeof(behind)), 3);
	/* All of it is padding when it ends where the next symbol begins. */
	assert_int_equal(trampoline_padding(code, 1, 0x100c, behind, 4), 4);
}

static void further_entries_count(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	uintptr_t entry = target.entry + 4;
	struct suture_error err;
	struct trampoline t;

	(void)state;
	target.entries = &entry;
	target.entry_count = 1;
	test_must(plan(&target, &t, &err), &err);
	assert_int_not_equal(t.tier, TRAMPOLINE_PLAIN);
	assert_true(t.site + t.window_size <= entry);
	trampoline_discard(&t, &test_near);
	entry = target.entry + 5;
	test_must(plan(&target, &t, &err), &err);
	assert_int_equal(t.tier, TRAMPOLINE_PLAIN);
	trampoline_discard(&t, &test_near);
}

static void expect_no_plain_jump(struct trampoline_target target, const uint8_t *part,
				 const uint8_t *end)
{
	struct trampoline_range cold = {
		.address = (uintptr_t)part, .size = (size_t)(end - part), .code = part};
	struct suture_error err;
	struct trampoline t;

	target.cold = &cold;
	target.cold_count = 1;
	assert_int_equal(plan(&target, &t, &err), 0);
	assert_int_not_equal(t.tier, TRAMPOLINE_PLAIN);
	assert_int_equal(t.window_size, 1);
	trampoline_discard(&t, &test_near);
}

static void cold_parts_count(void **state)
{
	(void)state;
	expect_no_plain_jump(TEST_TARGET(with_cold), (const uint8_t *)far_part, far_part_end);
}

static void tables_over_two_parts_count(void **state)
{
	(void)state;
	expect_no_plain_jump(TEST_TARGET(splits_table), (const uint8_t *)table_part,
			     table_part_end);
}

static void a_call_in_the_window_asks_for_a_smaller_one(void **state)
{
	struct trampoline_target target = TEST_TARGET(calls_early);
	struct suture_error err;
	struct trampoline t;

	(void)state;
	/* A jump of five bytes would lose the return address at 3, one of two does not. */
	test_must(plan(&target, &t, &err), &err);
	assert_int_equal(t.tier, TRAMPOLINE_HOLE);
	assert_int_not_equal(t.original, 0);
	trampoline_discard(&t, &test_near);
	/* Without a hole: a pun if its one address is free, else a plain jump without an original.
	 */
	target.padding_after = 0;
	target.following_size = 0;
	test_must(plan(&target, &t, &err), &err);
	if (t.tier == TRAMPOLINE_PUN) {
		assert_int_equal(t.window_size, 1);
		assert_int_not_equal(t.original, 0);
	} else {
		assert_int_equal(t.tier, TRAMPOLINE_PLAIN);
		assert_int_equal(t.original, 0);
		assert_int_equal(t.why_not, ARCH_NOT_RELOCATABLE);
	}
	trampoline_discard(&t, &test_near);
}

static void rows_cover_the_original(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	struct suture_error err;
	struct trampoline t;

	(void)state;
	test_must(plan(&target, &t, &err), &err);
	/* Three displaced instructions, and the jump to what stands behind them. */
	assert_int_equal(t.row_count, 4);
	assert_int_equal(t.rows[0].offset, 0);
	assert_int_equal(t.rows[1].offset, 1);
	assert_int_equal(t.rows[1].old_offset, 1);
	assert_int_equal(t.rows[2].old_offset, 4);
	assert_true(t.rows[3].old_offset >= 5);
	trampoline_discard(&t, &test_near);
}

/* ---- near memory --------------------------------------------------------------------------- */

static void discarding_gives_everything_back(void **state)
{
	struct trampoline_target target = TEST_TARGET(plain);
	size_t mapped, before, after;
	struct suture_error err;
	struct trampoline t;

	(void)state;
	near_usage(&test_near, &mapped, &before);
	test_must(plan(&target, &t, &err), &err);
	near_usage(&test_near, &mapped, &after);
	assert_true(after > before);
	trampoline_discard(&t, &test_near);
	near_usage(&test_near, &mapped, &after);
	assert_int_equal(after, before);
	assert_false(near_is_borrowed(&test_near, target.entry, 16));
}

static void islands_do_not_overlap_and_stay_in_reach(void **state)
{
	enum { ISLANDS = 3000, SIZE = 40 };
	static uintptr_t places[ISLANDS];
	uintptr_t here = (uintptr_t)plain, low = here - (1u << 30), high = here + (1u << 30);
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < ISLANDS; i++) {
		test_must(near_alloc(&test_near, low, high, here, SIZE, &places[i], &err), &err);
		assert_true(places[i] >= low && places[i] + SIZE <= high);
		assert_int_equal(places[i] % 16, 0);
		assert_false(near_alloc_at(&test_near, places[i] + 8, 1, 0));
	}
	for (size_t i = 0; i < ISLANDS; i++) {
		uint32_t mark = (uint32_t)i;

		test_must(near_write(&test_near, places[i], (uint8_t *)&mark, 4, &err), &err);
	}
	for (size_t i = 0; i < ISLANDS; i++) {
		assert_int_equal(*(uint32_t *)places[i], i);
		near_free(&test_near, places[i], SIZE);
	}
}

static void near_memory_is_never_writable(void **state)
{
	uintptr_t here = (uintptr_t)plain, place;
	struct suture_error err;
	char line[256];
	bool seen = false;
	FILE *maps;

	(void)state;
	test_must(near_alloc(&test_near, here - (1u << 30), here + (1u << 30), here, 16, &place,
			     &err),
		  &err);
	maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		char perms[5];

		assert_int_equal(sscanf(line, "%lx-%lx %4s", &start, &end, perms), 3);
		if (place < start || place >= end)
			continue;
		seen = true;
		assert_string_equal(perms, "r-xp");
	}
	fclose(maps);
	assert_true(seen);
	near_free(&test_near, place, 16);
}

static void no_room_is_an_error(void **state)
{
	struct suture_error err;
	uintptr_t place;

	(void)state;
	assert_int_equal(near_alloc(&test_near, 0x1000, 0x3000, 0x1000, 64, &place, &err),
			 -SUTURE_E_NO_ROOM);
	assert_false(near_alloc_at(&test_near, (uintptr_t)plain, 16, 0));
	assert_false(near_alloc_at(&test_near, 0x1000, 16, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_names_function_and_reasons),
		cmocka_unit_test(a_branch_into_the_first_instruction_counts),
		cmocka_unit_test(padding_behind_a_call_is_live),
		cmocka_unit_test(padding_ends_where_something_unnamed_may_begin),
		cmocka_unit_test(further_entries_count),
		cmocka_unit_test(cold_parts_count),
		cmocka_unit_test(tables_over_two_parts_count),
		cmocka_unit_test(a_call_in_the_window_asks_for_a_smaller_one),
		cmocka_unit_test(rows_cover_the_original),
		cmocka_unit_test(discarding_gives_everything_back),
		cmocka_unit_test(islands_do_not_overlap_and_stay_in_reach),
		cmocka_unit_test(near_memory_is_never_writable),
		cmocka_unit_test(no_room_is_an_error),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
