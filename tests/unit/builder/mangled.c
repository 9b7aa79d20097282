/* SPDX-License-Identifier: MIT */
/* Closures in mangled names of gcc and clang: which ones, and the names with other numbers. */
#include "builder/mangled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static size_t read_name(const char *name, struct mangled_closure **list)
{
	size_t count;

	assert_true(mangled_closures(&arena, name, list, &count));
	return count;
}

static void a_closure_is_known_by_its_function(void **state)
{
	struct mangled_closure *list;

	(void)state;
	assert_int_equal(read_name("_ZZ4playiPcmENKUliE0_clEi", &list), 1);
	assert_string_equal(list[0].key, "play(int, char*, unsigned long)::{lambda(int)#");
	assert_int_equal(list[0].number, 1);
	assert_true(list[0].is_outer);
	assert_true(list[0].is_scope);
}

/* The parameters of the function are spelled S3_ here: only the demangler knows what that is. */
static void an_argument_has_the_same_key(void **state)
{
	struct mangled_closure *list;

	(void)state;
	assert_int_equal(
		read_name(
			"_ZNSt17_Function_handlerIFiPKcEZ4playS1_EUliE0_E9_M_invokeERKSt9_Any_data",
			&list),
		1);
	assert_string_equal(list[0].key, "play(char const*)::{lambda(int)#");
	assert_false(list[0].is_outer);
	assert_false(list[0].is_scope);
}

static void nested_ones_are_two(void **state)
{
	static const unsigned numbers[] = {0, 1000012};
	static const char name[] = "_ZZZL5setupiENKUliE0_clEiENKUliE_clEi";
	struct mangled_closure *list;

	(void)state;
	assert_int_equal(read_name(name, &list), 2);
	assert_string_equal(list[0].key, "setup(int)::{lambda(int)#");
	assert_string_equal(list[1].key,
			    "setup(int)::{lambda(int)#2}::operator()(int) const::{lambda(int)#");
	assert_string_equal(mangled_renumber(&arena, name, list, 2, numbers),
			    "_ZZZL5setupiENKUliE_clEiENKUliE1000011_clEi");
}

static void clang_counts_through_the_unit(void **state)
{
	static const unsigned numbers[] = {12};
	static const char name[] = "_ZZL5setupiENK3$_2clIiEEDaT_";
	struct mangled_closure *list;

	(void)state;
	assert_int_equal(read_name(name, &list), 1);
	assert_true(list[0].by_unit);
	assert_string_equal(list[0].key, "setup(int)::$_");
	assert_int_equal(list[0].number, 2);
	assert_string_equal(mangled_renumber(&arena, name, list, 1, numbers),
			    "_ZZL5setupiENK4$_12clIiEEDaT_");
}

/* A static's own number and a template's arguments are no closures. */
static void other_numbers_stay(void **state)
{
	struct mangled_closure *list;

	(void)state;
	assert_int_equal(read_name("_ZZ4playvE5Uled__0", &list), 0);
	assert_int_equal(read_name("_ZZZ4playvENKUlvE1_clEvE5count_0", &list), 1);
	assert_int_equal(list[0].number, 2);
	assert_false(mangled_may_have_closures("play"));
}

static int drop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closure_is_known_by_its_function),
		cmocka_unit_test(an_argument_has_the_same_key),
		cmocka_unit_test(nested_ones_are_two),
		cmocka_unit_test(clang_counts_through_the_unit),
		cmocka_unit_test(other_numbers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
