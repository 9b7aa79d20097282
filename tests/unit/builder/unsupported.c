/* SPDX-License-Identifier: MIT */
/* Ways of compiling that are refused in one sentence, and their neighbours that are not. */
#include "tree.h"

#include "builder/unsupported.h"

/* What is said of `COMMAND -c /s/x.c`; "" for nothing. Static storage. */
static const char *said(const char *command, const char *file, bool skipped)
{
	static char text[1024];
	struct compdb_entry entry = {.directory = (char *)"/b", .file = (char *)file};
	struct compile_unit unit = {.entry = &entry, .name = (char *)"x", .skipped = skipped};
	struct refusals refusals = {0};

	assert_true(strings_split(&entry.argv, command, false));
	assert_int_equal(command_init(&unit.command, &entry, NULL), 0);
	unsupported_refuse(&unit, 1, &refusals);
	text[0] = '\0';
	if (refusals.count) {
		assert_int_equal(refusals.list[0].code, SUTURE_E_UNSUPPORTED);
		snprintf(text, sizeof(text), "%s | %s", refusals.list[0].message,
			 refusals.list[0].next);
	}
	refusals_fini(&refusals);
	command_fini(&unit.command);
	strings_fini(&entry.argv);
	return text;
}

static void options_that_describe_the_whole_file(void **state)
{
	static const char *const refused[] = {
		"gcc -O2 -flto -c /s/x.c",
		"gcc -fno-lto -flto=auto -c /s/x.c",
		"clang -fsanitize=address -c /s/x.c",
		"gcc -fsanitize=thread,undefined -c /s/x.c",
		"gcc --coverage -c /s/x.c",
		"gcc -fprofile-generate -c /s/x.c",
		"gcc -fprofile-use -c /s/x.c",
		"gcc -fprofile-use=/p -c /s/x.c",
		"gcc -mcmodel=large -c /s/x.c",
		"clang -fbasic-block-sections=all -c /s/x.c",
	};
	static const char *const taken[] = {
		"gcc -O2 -flto -fno-lto -c /s/x.c",
		"clang -fsanitize=thread -c /s/x.c",
		"clang -fsanitize=undefined -fsanitize-trap=undefined -c /s/x.c",
		"gcc -fsanitize=address -fno-sanitize=all -c /s/x.c",
		"clang -fprofile-generate -c /s/x.c",
		"clang -fprofile-use=/p/x.profdata -c /s/x.c",
		"gcc -fprofile-use -fno-profile-use -c /s/x.c",
		"gcc -mcmodel=medium -c /s/x.c",
		"clang -fbasic-block-sections=all -fbasic-block-sections=none -c /s/x.c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!*said(refused[i], "/s/x.c", false))
			fail_msg("taken: %s", refused[i]);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (*said(taken[i], "/s/x.c", false))
			fail_msg("refused: %s", taken[i]);
	assert_non_null(
		strstr(said(refused[0], "/s/x.c", false), "build the server without -flto"));
	/* A unit that stays as it is may be compiled as it likes. */
	assert_string_equal(said(refused[0], "/s/x.c", true), "");
}

static void interfaces_of_modules(void **state)
{
	static const char command[] = "g++ -std=c++20 -c x.cpp";
	const char *file = tree_path("x.cpp");

	(void)state;
	tree_write("x.cpp", "module;\n#include <vector>\nexport module shop;\n");
	assert_non_null(strstr(said(command, file, false), "interface of a C++20 module"));
	tree_write("x.cpp", "module shop:part;\n");
	assert_string_not_equal(said(command, file, false), "");
	tree_write("x.cpp", "import shop;\nint module_count;\n// export module shop;\n"
			    "const char *s = \"export module shop;\";\n");
	assert_string_equal(said(command, file, false), "");
	tree_write("x.cpp", "int export_module(int module);\nint module = 3;\n");
	assert_string_equal(said(command, file, false), "");
	/* Before C++20 the words are names like any other. */
	tree_write("x.cpp", "export module shop;\n");
	assert_string_equal(said("g++ -std=c++17 -c x.cpp", file, false), "");
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_describe_the_whole_file),
		in_tree(interfaces_of_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
