/* SPDX-License-Identifier: MIT */
/* Which text of the diff defines a function that nothing else has: definitions only, by exact name.
 */
#include "../test.h"

#include "builder/uncompiled.h"

#include <string.h>

static const char *find(const char *text, const char *symbol)
{
	const struct core_uncompiled file = {"new.c", text, strlen(text)};
	const struct core_options options = {.uncompiled = &file, .uncompiled_count = 1};

	return uncompiled_find(&options, symbol);
}

static void a_definition_counts(void **state)
{
	(void)state;
	assert_string_equal(find("int tax(int (*f)(int), int b)\n{\n\treturn f(b);\n}\n", "tax"),
			    "new.c");
	assert_non_null(
		find("struct s\nbill::tax(int a) const noexcept\n{\n}\n", "_ZNK4bill3taxEi"));
	assert_null(find("int tax(int a)\n{\n}\n", "taxes"));
	assert_null(find("int taxes(int a)\n{\n}\n", "tax"));
	assert_null(find("int syntax(int a)\n{\n}\n", "_Z3taxi"));
}

static void what_only_mentions_it_does_not(void **state)
{
	(void)state;
	assert_null(find("int tax(int a);\n", "tax"));
	assert_null(find("int other(int a)\n{\n\treturn tax(a);\n}\n", "tax"));
	assert_null(find("/* int tax(int a) { */\n", "tax"));
	assert_null(find("const char *s = \"int tax(int a) {\";\n", "tax"));
	assert_null(find("int tax(int a", "tax")); /* ends too early */
	assert_null(find("", "tax"));
}

static void the_first_file_that_has_it_is_named(void **state)
{
	static const char text[] = "void f(void)\n{\n}\n";
	const struct core_uncompiled files[] = {{"none.c", "", 0},
						{"a.c", text, sizeof(text) - 1},
						{"b.c", text, sizeof(text) - 1}};
	const struct core_options options = {.uncompiled = files, .uncompiled_count = 3};
	const struct core_options nothing = {0};

	(void)state;
	assert_string_equal(uncompiled_find(&options, "f"), "a.c");
	assert_null(uncompiled_find(&nothing, "f"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_definition_counts),
		cmocka_unit_test(what_only_mentions_it_does_not),
		cmocka_unit_test(the_first_file_that_has_it_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
