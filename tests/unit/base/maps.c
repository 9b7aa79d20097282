/* SPDX-License-Identifier: MIT */
/* The memory map as read, and holes that are really holes. */
#include "../test.h"

#include "base/maps.h"

#include <sys/mman.h>

static int a_variable = 1;

static void finds_own_code_and_data(void **state)
{
	struct maps maps;
	const struct map_region *region;

	(void)state;
	assert_int_equal(maps_read(0, &maps, NULL), 0);
	region = maps_find(&maps, (uintptr_t)finds_own_code_and_data);
	assert_non_null(region);
	assert_true(region->prot & PROT_EXEC);
	assert_non_null(strstr(region->path, "maps"));
	region = maps_find(&maps, (uintptr_t)&a_variable);
	assert_non_null(region);
	assert_true(region->prot & PROT_WRITE);
	assert_null(maps_find(&maps, 1));
	assert_true(
		maps_covers(&maps, (uintptr_t)&a_variable, (uintptr_t)&a_variable + 4, PROT_READ));
	assert_false(maps_covers(&maps, 0, 8, PROT_READ));
	maps_fini(&maps);
}

static void no_such_process(void **state)
{
	struct suture_error err;
	struct maps maps;

	(void)state;
	assert_int_equal(maps_read(0x3ffffff, &maps, &err), -SUTURE_E_NO_PROCESS);
}

/* The hole can be mapped with MAP_FIXED_NOREPLACE, pages beside it too, and it is in range. */
static void holes_are_free(void **state)
{
	uintptr_t here = (uintptr_t)finds_own_code_and_data, start;
	uintptr_t low = here > (1ul << 30) ? here - (1ul << 30) : 0, high = here + (1ul << 30);
	struct maps maps;

	(void)state;
	for (size_t size = 1; size < (64 << 20); size *= 7) {
		void *got;

		assert_int_equal(maps_read(0, &maps, NULL), 0);
		assert_true(maps_find_hole(&maps, low, high, here, size, &start));
		assert_int_equal(start % 4096, 0);
		assert_true(start >= low && start + size <= high);
		got = mmap((void *)(start - 4096), size + 2 * 4096, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		assert_true(got == (void *)(start - 4096));
		munmap(got, size + 2 * 4096);
		maps_fini(&maps);
	}
}

static void synthetic_holes(void **state)
{
	struct map_region regions[] = {
		{.start = 0x100000, .end = 0x200000, .path = ""},
		{.start = 0x204000, .end = 0x300000, .path = "[heap]"},
	};
	struct maps maps = {.regions = regions, .count = 2};
	uintptr_t start;

	(void)state;
	/* Between the two: four pages, of which the outer ones stay free. */
	assert_true(maps_find_hole(&maps, 0x200000, 0x204000, 0x200000, 0x2000, &start));
	assert_int_equal(start, 0x201000);
	assert_false(maps_find_hole(&maps, 0x200000, 0x204000, 0x200000, 0x3000, &start));
	/* Not right above the heap, which grows. */
	assert_true(maps_find_hole(&maps, 0x300000, 0x40000000, 0x300000, 0x1000, &start));
	assert_int_equal(start, 0x300000 + (256 << 20) + 0x1000);
	/* Below the first mapping, never at the very bottom. */
	assert_true(maps_find_hole(&maps, 0, 0x100000, 0, 0x1000, &start));
	assert_int_equal(start, 0x11000);
	/* A range that ends below everything mapped. */
	assert_false(maps_find_hole(&maps, 0x150000, 0x180000, 0x150000, 0x1000, &start));
}

/* Found by the fuzzer: a mapping that ends with the address space. */
static void last_page(void **state)
{
	struct map_region region = {.start = 0x10000, .end = UINTPTR_MAX - 10, .path = (char *)""};
	struct maps maps = {.regions = &region, .count = 1};
	uintptr_t start;

	(void)state;
	assert_false(maps_find_hole(&maps, 0x10000, UINT32_MAX, 0x400000, 4096, &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_own_code_and_data),
		cmocka_unit_test(no_such_process),
		cmocka_unit_test(holes_are_free),
		cmocka_unit_test(synthetic_holes),
		cmocka_unit_test(last_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
