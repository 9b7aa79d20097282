/* SPDX-License-Identifier: MIT */
/* Where a precompiled header may have been at work: the list of files that were read is not all. */
#include "tree.h"

#include "builder/precompiled.h"

/* `command -c x.c`, where x.c has this text and these files were read besides it. */
static bool hides(const char *command, const char *text, const char *files_read)
{
	struct compdb_entry entry = {.directory = tree_top, .file = (char *)tree_path("x.c")};
	struct strings files = {0};
	struct command parsed;
	bool result;

	tree_write("x.c", text);
	assert_true(strings_split(&entry.argv, command, false));
	assert_true(strings_split(&files, files_read, false));
	assert_int_equal(command_init(&parsed, &entry, NULL), 0);
	result = precompiled_hides(&entry, &parsed, &files);
	command_fini(&parsed);
	strings_fini(&files);
	strings_fini(&entry.argv);
	return result;
}

static void by_its_name(void **state)
{
	(void)state;
	assert_true(precompiled_is("/s/pre.h.gch"));
	assert_true(precompiled_is("pre.pch"));
	assert_false(precompiled_is("/s.gch/pre.h"));
	assert_false(precompiled_is("pch"));
}

/* gcc takes pre.h.gch for the first #include "pre.h", and says nothing of what is in it. */
static void what_comes_first_must_have_been_read(void **state)
{
	static const char first[] = "/* x */\n#define A 1\n#include \"inc/pre.h\"\nint x;\n";

	(void)state;
	assert_false(hides("gcc -c x.c", first, "x.c inc/pre.h"));
	assert_true(hides("gcc -c x.c", first, "x.c other.h"));
	assert_true(hides("gcc -c x.c", "#include <pre.h>\n", "x.c"));
	/* Behind code or a condition no precompiled header can stand. */
	assert_false(hides("gcc -c x.c", "int a;\n#include \"pre.h\"\n", "x.c"));
	assert_false(hides("gcc -c x.c", "#ifdef A\n#include \"pre.h\"\n#endif\n", "x.c"));
	assert_false(hides("gcc -c x.c", "", "x.c"));
}

static void what_the_command_includes_as_well(void **state)
{
	(void)state;
	tree_write("pre.h", "int pre;\n");
	assert_false(hides("gcc -include pre.h -c x.c", "int x;\n", "x.c"));
	tree_write("pre.h.gch", "");
	assert_true(hides("gcc -include pre.h -c x.c", "int x;\n", "x.c"));
	assert_false(hides("gcc -include pre.h -c x.c", "int x;\n", "x.c pre.h"));
	assert_true(hides("clang -include-pch gone.h.pch -c x.c", "int x;\n", "x.c"));
	assert_true(hides("clang -include-pch pre.h.pch -c x.c", "int x;\n", "x.c"));
	assert_false(hides("clang -include-pch pre.h.pch -c x.c", "int x;\n", "x.c pre.h"));
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_its_name),
		in_tree(what_comes_first_must_have_been_read),
		in_tree(what_the_command_includes_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
