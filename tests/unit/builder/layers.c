/* SPDX-License-Identifier: MIT */
/* Of several patches below that bring one name, the highest has what runs. */
#include "../test.h"

#include "builder/layers.h"

static const struct core_provide lower[] = {
	{"a.c", "tip", 0x10, true, true},
	{"a.c", "own", 0x20, false, true},
	{"b.c", "tips", 0x30, true, false},
};
static const struct core_provide upper[] = {
	{"a.c", "tip", 0x40, true, true},
	{"b.c", "own", 0x50, true, true},
};

static const struct core_provide *look_up(const char *name, size_t patches, unsigned *below)
{
	const struct core_below list[] = {
		{.name = "lower", .provides = lower, .provide_count = 3},
		{.name = "upper", .provides = upper, .provide_count = 2},
	};
	const struct core_options options = {.below = list, .below_count = patches};
	const struct session session = {.options = &options};

	return layers_global(&session, name, below);
}

static void the_highest_patch_has_it(void **state)
{
	unsigned below = 77;

	(void)state;
	assert_int_equal(look_up("tip", 2, &below)->address, 0x40);
	assert_int_equal(below, 2);
	assert_int_equal(look_up("tip", 1, &below)->address, 0x10);
	assert_int_equal(below, 1);
	assert_int_equal(look_up("tips", 2, &below)->address, 0x30);
	assert_int_equal(below, 1);
}

/* A file's own name means nothing to another file: `below` stays as it was. */
static void local_names_are_nobody_elses(void **state)
{
	unsigned below = 77;

	(void)state;
	assert_null(look_up("own", 1, &below));
	assert_int_equal(below, 77);
	assert_int_equal(look_up("own", 2, &below)->address, 0x50);
	assert_null(look_up("ti", 2, &below));
	assert_null(look_up("tip", 0, &below));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_patch_has_it),
		cmocka_unit_test(local_names_are_nobody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
