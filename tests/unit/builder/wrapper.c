/* SPDX-License-Identifier: MIT */
/* What env and its kin do to the surroundings of a compiler, and that it is done. */
#include "tree.h"

#include "builder/command.h"
#include "builder/process.h"

static void init(struct command *command, const char *text)
{
	struct compdb_entry entry = {.directory = tree_top, .file = (char *)"/s/x.c"};

	assert_true(strings_split(&entry.argv, text, false));
	assert_int_equal(command_init(command, &entry, NULL), 0);
	strings_fini(&entry.argv);
}

/* The environment of the command's child, sorted, with what must always be there taken out. */
static const char *environment_of(const char *text)
{
	static const char program[] = "/usr/bin/env";
	static char found[4096];
	struct strings argv = {0}, lines = {0};
	struct command command;
	struct process_job job = {.argv = &argv, .out_path = tree_path("out")};
	char *output, *rest, *line;

	init(&command, text);
	strings_add(&argv, program);
	job.directory = command.directory;
	job.environment = &command.environment;
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	assert_true(process_succeeded(&job));
	output = rest = tree_read(tree_path("out"));
	while ((line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "PWD=", 4) != 0 && strncmp(line, "TMPDIR=", 7) != 0)
			strings_add(&lines, line);
	strings_sort(&lines);
	found[0] = '\0';
	for (size_t i = 0; i < lines.count; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s ",
			 lines.items[i]);
	free(output);
	strings_fini(&lines);
	strings_fini(&argv);
	command_fini(&command);
	return found;
}

static void variables_are_set_and_taken_out(void **state)
{
	(void)state;
	assert_int_equal(clearenv(), 0);
	setenv("KEPT", "1", 1);
	setenv("CPATH", "/ours", 1);
	setenv("TMPDIR", tree_top, 1);
	assert_string_equal(environment_of("gcc -c /s/x.c"), "CPATH=/ours KEPT=1 ");
	assert_string_equal(environment_of("CPATH=/inc gcc -c /s/x.c"), "CPATH=/inc KEPT=1 ");
	assert_string_equal(environment_of("env -u CPATH A=b gcc -c /s/x.c"), "A=b KEPT=1 ");
	assert_string_equal(environment_of("env -uCPATH gcc -c /s/x.c"), "KEPT=1 ");
	assert_string_equal(environment_of("cmake -E env --unset=CPATH -- gcc -c /s/x.c"),
			    "KEPT=1 ");
	assert_string_equal(environment_of("env --unset CPATH nice -n 3 gcc -c /s/x.c"), "KEPT=1 ");
	assert_string_equal(environment_of("env -u CPATH CPATH=/inc gcc -c /s/x.c"),
			    "CPATH=/inc KEPT=1 ");
	assert_string_equal(environment_of("CPATH=/inc env -i A=b nice -n 3 gcc -c /s/x.c"),
			    "A=b ");
	assert_string_equal(environment_of("env - gcc -c /s/x.c"), "");
	/* Options of others that look alike. */
	assert_string_equal(environment_of("env A=b stdbuf -i 0 gcc -c /s/x.c"),
			    "A=b CPATH=/ours KEPT=1 ");
}

/* Where we clear up after compilers that were killed. */
static void temporary_files_stay_ours(void **state)
{
	struct strings argv = {0}, environment = {0};
	struct process_job job = {.argv = &argv,
				  .directory = "/",
				  .out_path = tree_path("out"),
				  .environment = &environment};
	char *output;

	(void)state;
	setenv("TMPDIR", tree_top, 1);
	strings_add(&argv, "/usr/bin/env");
	strings_add(&environment, "-");
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	output = tree_read(tree_path("out"));
	assert_non_null(strstr(output, "TMPDIR=/tmp/suture test."));
	free(output);
	strings_fini(&argv);
	strings_fini(&environment);
}

static const char *compiler_of(const char *text)
{
	static char found[1024];
	struct command command;

	init(&command, text);
	snprintf(found, sizeof(found), "%s", command.argv.items[0]);
	command_fini(&command);
	return found;
}

static void the_compiler_is_looked_for_in_its_own_path(void **state)
{
	(void)state;
	tree_write("old/gcc", "#!/bin/sh\n");
	tree_write("new/gcc", "#!/bin/sh\n");
	assert_int_equal(chmod(tree_path("new/gcc"), 0755), 0);
	assert_string_equal(compiler_of("PATH=old:/none:new:/usr/bin gcc -c /s/x.c"),
			    tree_path("new/gcc"));
	assert_string_equal(compiler_of("env -C new PATH=. gcc -c /s/x.c"), tree_path("new/./gcc"));
	assert_string_equal(compiler_of("PATH=new /x/gcc -c /s/x.c"), "/x/gcc");
	assert_string_equal(compiler_of("PATH=/none gcc -c /s/x.c"), "gcc");
	assert_string_equal(compiler_of("A=b gcc -c /s/x.c"), "gcc");
	if (access("/usr/bin/gcc", X_OK) == 0 && access("/bin/gcc", X_OK) != 0)
		assert_string_equal(compiler_of("env -i gcc -c /s/x.c"), "/usr/bin/gcc");
}

static void env_changes_the_folder(void **state)
{
	struct command command;

	(void)state;
	init(&command, "env --chdir=../there/sub gcc -MD -MF x.d -c /s/x.c");
	assert_string_equal(command.directory, "/tmp/there/sub");
	assert_string_equal(command.dep_file, "/tmp/there/sub/x.d");
	command_fini(&command);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(variables_are_set_and_taken_out),
		in_tree(temporary_files_stay_ours),
		in_tree(the_compiler_is_looked_for_in_its_own_path),
		in_tree(env_changes_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
