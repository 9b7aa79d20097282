/* SPDX-License-Identifier: MIT */
/* Sets of edits and near memory, piece by piece: what is merged, gated, prefaulted and left alone.
 */
#include "process.h"

#include "trampoline/commit.h"

#include <string.h>

static const uint8_t zeros[64], ones[64] = {1, 1, 1, 1, 1, 1, 1, 1};

static void add(struct code_edit_set *set, enum code_edit_kind kind, uintptr_t address, size_t size)
{
	struct suture_error err;

	test_must(code_edit_set_add(set, kind, address, zeros, ones, size, &err), &err);
}

/* Data between two sites may change under a write of both; a write of two pages is two writes. */
static void what_goes_into_one_write(void **state)
{
	struct code_edit_set set;

	(void)state;
	code_edit_set_init(&set, &test_writer, NULL);
	add(&set, CODE_EDIT_SITE, 0x10000, 5);
	add(&set, CODE_EDIT_CODE, 0x10020, 5);
	add(&set, CODE_EDIT_DATA, 0x10040, 8);
	add(&set, CODE_EDIT_SITE, 0x10ff0, 5);
	add(&set, CODE_EDIT_SITE, 0x10ffc, 5);
	add(&set, CODE_EDIT_SITE, 0x11010, 5);
	assert_int_equal(commit_merge_stopped(&set, 0), 2);
	assert_int_equal(commit_merge_stopped(&set, 2), 1);
	assert_int_equal(commit_merge_stopped(&set, 3), 1);
	assert_int_equal(commit_merge_stopped(&set, 4), 1);
	code_edit_set_fini(&set);
}

static void without_membarrier_no_gate(void **state)
{
	struct code_writer without = test_writer;
	struct code_edit_set set;
	const char *why;

	(void)state;
	without.can_sync = false;
	code_edit_set_init(&set, &without, NULL);
	assert_false(code_edit_set_can_gate(&set, false, &why));
	assert_non_null(strstr(why, "membarrier"));
	code_edit_set_fini(&set);
}

static void who_waits_waits_at_a_site_and_not_behind_it(void **state)
{
	struct code_edit_set set;

	(void)state;
	code_edit_set_init(&set, &test_writer, NULL);
	add(&set, CODE_EDIT_SITE, 0x10000, 5);
	set.edits[0].step_count = 2;
	assert_false(code_edit_set_waits_at(&set, 0xffff));
	assert_true(code_edit_set_waits_at(&set, 0x10000));
	assert_true(code_edit_set_waits_at(&set, 0x10004));
	assert_false(code_edit_set_waits_at(&set, 0x10005));
	code_edit_set_fini(&set);
}

/* Threads may be on their way through it: closed like an entry. */
static void another_jump_in_a_hole_is_a_site(void **state)
{
	struct trampoline from = {.tier = TRAMPOLINE_HOLE,
				  .entry = 0x10000,
				  .site = 0x10000,
				  .window_size = 2,
				  .hole = 0x10010,
				  .hole_size = 5},
			  to = from;
	struct code_edit_set set;
	struct suture_error err;

	(void)state;
	to.hole_new[1] = 1;
	code_edit_set_init(&set, &test_writer, NULL);
	test_must(code_edit_set_add_change(&set, &from, &to, &err), &err);
	assert_int_equal(set.count, 1);
	assert_int_equal(set.edits[0].address, 0x10010);
	assert_int_equal(set.edits[0].kind, CODE_EDIT_SITE);
	code_edit_set_fini(&set);
}

/* The last of three pages is others' too. */
static void each_page_of_an_edit_is_looked_at(void **state)
{
	enum { PAGE = 4096, SIZE = 2 * PAGE + 16 };
	static const uint8_t old[SIZE], new_bytes[SIZE] = {1};
	uint8_t *memory = mmap(NULL, 3 * (size_t)PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct code_edit_set set;
	struct suture_error err;

	(void)state;
	assert_true((void *)memory != MAP_FAILED);
	assert_true(mmap(memory + 2 * (size_t)PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	code_edit_set_init(&set, &test_writer, NULL);
	test_must(code_edit_set_add(&set, CODE_EDIT_DATA, (uintptr_t)memory, old, new_bytes, SIZE,
				    &err),
		  &err);
	assert_int_equal(code_edit_set_prefault(&set, &err), -SUTURE_E_UNSUPPORTED);
	code_edit_set_fini(&set);
	munmap(memory, 3 * (size_t)PAGE);
}

static void planning_looks_where_heap_and_stack_are(void **state)
{
	struct code_edit_set set;
	struct near_memory near;
	struct suture_error err;
	int here;

	(void)state;
	near_memory_init(&near, &test_writer);
	code_edit_set_init(&set, &test_writer, &near);
	test_must(code_edit_set_prefault(&set, &err), &err);
	assert_true(near.stack && near.stack < (uintptr_t)&here);
	code_edit_set_fini(&set);
	near_memory_fini(&near);
}

static void what_heap_and_stack_will_want_is_theirs(void **state)
{
	struct near_memory near;

	(void)state;
	near_memory_init(&near, &test_writer);
	near.heap = 0x20000000;
	near.stack = 0x7f0000000000;
	assert_false(near_alloc_at(&near, near.heap, 16, 0));
	assert_false(near_alloc_at(&near, near.heap + (1 << 20), 16, 0));
	assert_false(near_alloc_at(&near, near.stack - 8192, 16, 0));
	assert_int_equal(near.chunks.count, 0);
	near_memory_fini(&near);
}

static void bytes_are_lent_once(void **state)
{
	struct near_memory near;

	(void)state;
	near_memory_init(&near, &test_writer);
	assert_true(near_borrow(&near, 0x1000, 8));
	assert_false(near_borrow(&near, 0x1007, 8));
	assert_true(near_borrow(&near, 0x1008, 8));
	near_return(&near, 0x1000, 8);
	assert_false(near_is_borrowed(&near, 0x1000, 8));
	assert_true(near_borrow(&near, 0x1000, 8));
	near_memory_fini(&near);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_into_one_write),
		cmocka_unit_test(without_membarrier_no_gate),
		cmocka_unit_test(who_waits_waits_at_a_site_and_not_behind_it),
		cmocka_unit_test(another_jump_in_a_hole_is_a_site),
		cmocka_unit_test(each_page_of_an_edit_is_looked_at),
		cmocka_unit_test(planning_looks_where_heap_and_stack_are),
		cmocka_unit_test(what_heap_and_stack_will_want_is_theirs),
		cmocka_unit_test(bytes_are_lent_once),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
