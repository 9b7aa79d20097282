/* SPDX-License-Identifier: MIT */
/* compile_commands.json in the forms that CMake, Meson and bear write, and damaged. */
#include "../test.h"

#include "builder/command.h"
#include "builder/compdb.h"

#include <string.h>

static int parse(const char *text, struct compdb *db, struct suture_error *err)
{
	*db = (struct compdb){0};
	return compdb_parse(text, strlen(text), "/build", db, err);
}

static void splits_as_a_shell(void **state)
{
	struct compdb db;

	(void)state;
	assert_int_equal(parse("[{\"directory\":\"/b\",\"file\":\"../s/x y.c\",\"command\":"
			       "\"cc -DNAME=\\\"a b\\\" '-DQ=\\\\\\\"q\\\\\\\"' -I/in\\\\ c -c "
			       "'../s/x y.c' -o x.o\"}]",
			       &db, NULL),
			 0);
	assert_int_equal(db.count, 1);
	assert_string_equal(db.entries[0].file, "/s/x y.c");
	assert_string_equal(db.entries[0].output, "/b/x.o");
	assert_string_equal(db.entries[0].argv.items[1], "-DNAME=a b");
	assert_string_equal(db.entries[0].argv.items[2], "-DQ=\\\"q\\\"");
	assert_string_equal(db.entries[0].argv.items[3], "-I/in c");
	assert_null(db.entries[0].argv.items[db.entries[0].argv.count]);
	compdb_fini(&db);
}

static void reads_bear(void **state)
{
	struct compdb db;

	(void)state;
	assert_int_equal(parse("[{\"arguments\":[\"/usr/bin/cc\",\"-c\",\"-O2\",\"a.c\"],"
			       "\"directory\":\"/r/src\",\"file\":\"/r/src/a.c\"}]",
			       &db, NULL),
			 0);
	/* Without -o the compiler puts the object beside its working folder. */
	assert_string_equal(db.entries[0].output, "/r/src/a.o");
	compdb_fini(&db);
}

static void keeps_several_entries_of_one_source(void **state)
{
	static const char text[] = "[{\"directory\":\"/b\",\"file\":\"/s/x.c\",\"command\":\"cc "
				   "-DA -c /s/x.c -o a.o\"},"
				   "{\"directory\":\"/b\",\"file\":\"/s/x.c\",\"command\":\"cc -DB "
				   "-c /s/x.c -o b.o\"},"
				   "{\"directory\":\"/b\",\"file\":\"/s/x.c\",\"command\":\"cc -DB "
				   "-c /s/x.c -o b.o\"}]";
	struct compdb db;

	(void)state;
	assert_int_equal(parse(text, &db, NULL), 0);
	assert_int_equal(db.count, 2);
	assert_string_equal(db.entries[1].output, "/b/b.o");
	compdb_fini(&db);
}

static void damaged_files_are_errors(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"{}",
		"[1]",
		"[{}]",
		"[{\"file\":3,\"command\":\"cc\"}]",
		"[{\"file\":\"x.c\"}]",
		"[{\"file\":\"x.c\",\"command\":\"\"}]",
		"[{\"file\":\"x.c\",\"command\":\"cc 'x\"}]",
		"[{\"file\":\"x.c\",\"arguments\":[\"cc\",7]}]",
		"[{\"file\":\"x.c\",\"arguments\":[]}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct suture_error err;
		struct compdb db;

		assert_int_equal(parse(texts[i], &db, &err), -SUTURE_E_BAD_INPUT);
		compdb_fini(&db);
	}
}

/* The command as made for a purpose, joined by blanks; the caller frees. */
static char *made(const char *command, enum command_purpose purpose)
{
	static char text[4096];
	struct compdb_entry entry = {
		.directory = (char *)"/b", .file = (char *)"/s/x.c", .output = (char *)"/b/x.o"};
	struct strings argv = {0};
	struct command parsed;
	char *directory = NULL;

	assert_true(strings_split(&entry.argv, command, false));
	assert_int_equal(command_init(&parsed, &entry, NULL), 0);
	assert_int_equal(command_make(&parsed, purpose, NULL, "/t/out", &argv, &directory, NULL),
			 0);
	text[0] = '\0';
	for (size_t i = 0; i < argv.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 argv.items[i]);
	free(directory);
	strings_fini(&argv);
	strings_fini(&entry.argv);
	command_fini(&parsed);
	return text;
}

static void verify_changes_nothing_about_code(void **state)
{
	(void)state;
	assert_string_equal(
		made("gcc -O2 -g -Werror -Werror=vla -MD -MT x.o -MF x.d -fPIE -o x.o -c /s/x.c",
		     COMMAND_VERIFY),
		"gcc -O2 -g -fPIE -fdiagnostics-color=never -Wno-error -c -o /t/out /s/x.c");
}

static void compare_adds_sections_and_debug(void **state)
{
	(void)state;
	assert_string_equal(
		made("clang -O2 -c /s/x.c", COMMAND_COMPARE),
		"clang -O2 -fdiagnostics-color=never -ffunction-sections -fdata-sections -g "
		"-fstandalone-debug "
		"-Wno-error -c -MD -MF /t/out.d -o /t/out /s/x.c");
	assert_null(strstr(made("clang -ggdb3 -O2 -c /s/x.c", COMMAND_COMPARE), " -g "));
	assert_non_null(strstr(made("clang -g0 -c /s/x.c", COMMAND_COMPARE), " -g "));
}

static void an_original_is_made_without_what_nobody_reads(void **state)
{
	(void)state;
	assert_string_equal(
		made("gcc -Wall -W -Wextra -Wp,-DX -Xassembler -W -Wno-vla -O2 -g -c /s/x.c",
		     COMMAND_ORIGINAL),
		"gcc -Wp,-DX -Xassembler -W -O2 -g -fno-canonical-system-headers "
		"-fdiagnostics-color=never "
		"-ffunction-sections -fdata-sections -imacros /dev/null -fno-var-tracking "
		"-Wno-error -c -MD -MF /t/out.d -o /t/out /s/x.c");
}

static void wrappers_are_taken_off(void **state)
{
	(void)state;
	assert_ptr_equal(
		strstr(made("ccache /usr/bin/g++ -c /s/x.c", COMMAND_VERIFY), "/usr/bin/g++"),
		made("ccache /usr/bin/g++ -c /s/x.c", COMMAND_VERIFY));
	assert_non_null(
		strstr(made("/bin/sh ../libtool --tag=CC --mode=compile gcc -c /s/x.c -o x.lo",
			    COMMAND_VERIFY),
		       "gcc -fPIC -DPIC"));
	assert_int_equal(strncmp(made("env A=b nice -n 3 distcc x86_64-linux-gnu-gcc-12 -c /s/x.c",
				      COMMAND_VERIFY),
				 "x86_64-linux-gnu-gcc-12 ", 24),
			 0);
}

static void debug_of_another_option_is_not_the_source(void **state)
{
	(void)state;
	/* The value of -include is no source, and other sources of the command are left out. */
	assert_string_equal(
		made("gcc -include pre.h -DX /s/other.c /s/x.c -c", COMMAND_VERIFY),
		"gcc -include pre.h -DX -fdiagnostics-color=never -Wno-error -c -o /t/out "
		"/s/x.c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_as_a_shell),
		cmocka_unit_test(reads_bear),
		cmocka_unit_test(keeps_several_entries_of_one_source),
		cmocka_unit_test(damaged_files_are_errors),
		cmocka_unit_test(verify_changes_nothing_about_code),
		cmocka_unit_test(compare_adds_sections_and_debug),
		cmocka_unit_test(an_original_is_made_without_what_nobody_reads),
		cmocka_unit_test(wrappers_are_taken_off),
		cmocka_unit_test(debug_of_another_option_is_not_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
